#!/usr/bin/python3
"""The pages, the counters and the messages to systemd, as those see them who watch the service.
promtool judges the counters; the socket of sd_notify(3) is our own here, which any supervisor's may be.
"""
import http.client
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

PROGRAM = os.path.join(os.environ.get("POSTERN_BUILD", "build/dev"), "test/services/watch_service")
failures = []
checked = 0


def check(name, good, detail=""):
    global checked
    checked += 1
    if not good:
        failures.append(name)
        print(f"FAILED {name}: {detail}", flush=True)


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=20)
        self.path = path

    def connect(self):
        self.sock = raw(self.path)


class Service:
    def __init__(self, folder, name, environment=None):
        self.notified = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notified.settimeout(10)
        path = os.path.join(folder, "notify")
        if os.path.exists(path):
            os.unlink(path)
        self.notified.bind(path)
        self.process = subprocess.Popen([PROGRAM, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env=dict(os.environ, NOTIFY_SOCKET=path, **(environment or {})))
        check("starts", self.process.stdout.readline() == "listening\n")

    def tell(self, word):
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def hear(self):
        return self.notified.recv(4096).decode()

    def stop(self):
        self.process.stdin.close()
        return self.process.wait(20)


def get(connection, path, method="GET", body=None, headers=None):
    connection.request(method, path, body, headers or {})
    response = connection.getresponse()
    return response.status, response.read().decode(), response.headers


def test_pages(connect):
    for path, method, status, text in (
            ("/healthz", "GET", 200, "ok\n"), ("/readyz", "GET", 503, "not ready\n"), ("/", "GET", 404, "not found\n"),
            ("/metrics/", "GET", 404, "not found\n"), ("/metrics/../healthz", "GET", 404, "not found\n"),
            ("/healthz?verbose=1", "GET", 200, "ok\n"), ("/" + "x" * 3000, "GET", 404, "not found\n"),
            ("/metrics", "POST", 405, "method not allowed\n"), ("/metrics", "DELETE", 405, "method not allowed\n"),
            ("/healthz", "HEAD", 200, ""), ("/nothing", "OPTIONS", 405, "method not allowed\n")):
        connection = connect()
        got = get(connection, path, method)
        check(f"{method} {path[:30]}", got[:2] == (status, text), got[:2])
        check(f"{method} {path[:30]} allows", (got[2]["Allow"] == "GET, HEAD") == (status == 405), got[2]["Allow"])
        connection.close()
    connection = connect()
    for _ in range(3):
        got = get(connection, "/metrics")
        check("one connection", got[0] == 200 and got[2]["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8",
              got[2]["Content-Type"])
    connection.close()


def raw(path):
    client = socket.socket(socket.AF_UNIX)
    client.setblocking(False)
    end = time.time() + 30
    while True:
        try:
            client.connect(path)
            client.settimeout(30)
            return client
        except BlockingIOError:  # a full backlog
            if time.time() > end:
                raise
            time.sleep(0.01)


def test_hostile(path):
    for name, data in (("garbage", b"\0\xff" * 100 + b"\r\n\r\n"), ("huge header", b"GET / HTTP/1.1\r\nA: " + b"x" * 100000),
                       ("many headers", b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 20000), ("huge body", b"POST /metrics HTTP/1.1\r\n"
                        b"Host: x\r\nContent-Length: 1000000000\r\n\r\n" + b"x" * 100000)):
        client = raw(path)
        try:
            client.sendall(data)
            answer = client.recv(4096)
        except (BrokenPipeError, ConnectionResetError):
            answer = b""
        check(name, answer == b"" or re.match(rb"HTTP/1\.[01] 4\d\d ", answer), answer)
        client.close()
    # those that say nothing, and those that say little, keep nobody out: the oldest are cut off
    slow = []
    for _ in range(300):
        slow.append(raw(path))
        try:
            slow[-1].sendall(b"GET /")
        except BrokenPipeError:  # cut off already
            pass
    silent = [raw(path) for _ in range(300)]
    began = time.time()
    check("beside silent ones", get(UnixConnection(path), "/healthz")[:2] == (200, "ok\n"))
    check("at once", time.time() - began < 5, time.time() - began)
    client = slow[0]
    client.settimeout(20)
    check("the oldest is cut off", client.recv(100) == b"")
    silent += slow
    for client in silent:
        client.close()


def test_metrics(service, connect):
    before = get(connect(), "/metrics")[1]
    check("before", 'postern_milter_messages_total{listener="smtp",verdict="signed"} 0' in before, before)
    service.tell("count")
    text = get(connect(), "/metrics")[1]
    for line in ('messages_total{listener="smtp",verdict="signed"} 50000', 'messages_total{listener="other",verdict="signed"} 50000',
                 'messages_total{listener="submission",verdict="deferred"} 0',
                 'signatures_total{domain="own",algorithm="rsa-sha256"} 100000',
                 'signatures_total{domain="own",algorithm="ed25519-sha256"} 0', 'sign_seconds_count 100000',
                 'sign_seconds_bucket{le="0.001000000"} 4004', 'sign_seconds_bucket{le="0.010000000"} 40004',
                 'sign_seconds_bucket{le="+Inf"} 100000', 'sign_seconds_sum 1249.950000000',
                 'claimed_address_refusals_total{rule="loopback"} 100000', 'claimed_address_refusals_total{rule="internal"} 0',
                 'sessions 0', 'sessions_total 100000', 'reloads_total{result="ok"} 0', 'reloads_total{result="failed"} 0',
                 'key_age_seconds{domain="example.net",selector="?\\""} ', 'messages_total{listener="a \\"b\\\\?",verdict="signed"} 0',
                 'build_info{version="'):
        check(line, "\npostern_milter_" + line in text, text)
    ages = re.findall(r'key_age_seconds\{domain="example.com",selector="mail"\} (\d+)\n', text)
    check("age of the key", len(ages) == 1 and 1000 <= int(ages[0]) < 1100, ages)
    start = int(re.search(r"\npostern_milter_start_time_seconds (\d+)\n", text).group(1))
    check("start time", 0 <= time.time() - start < 300, start)
    check("no address", "@" not in text, text)
    promtool = shutil.which("promtool")
    if not promtool:
        print("# promtool is not installed (Debian package prometheus): its judgement is left out")
        return
    result = subprocess.run([promtool, "check", "metrics"], input=text, text=True, capture_output=True, check=False)
    check("promtool", result.returncode == 0 and not result.stdout + result.stderr, result)
    check("promtool can say no", subprocess.run([promtool, "check", "metrics"], input=text + "broken{ 1\n", text=True,
                                                capture_output=True, check=False).returncode != 0)


def test_notify(folder):
    service = Service(folder, "unix:" + os.path.join(folder, "second"), {"WATCHDOG_USEC": "3000000"})
    answer = service.tell("ready")
    try:
        first = service.hear()
    except socket.timeout:
        print("# built without libsystemd: nothing is told")
        service.stop()
        return
    check("ready", first == "READY=1", first)
    check("status", service.hear() == "STATUS=it is ready?")
    check("half of the interval", answer == "done 1500", answer)
    service.tell("reload")
    check("reloading", re.fullmatch(r"RELOADING=1\nMONOTONIC_USEC=(\d+)", told := service.hear()), told)
    moment = int(told.split("=")[-1]) / 1e6
    check("monotonic time", abs(time.clock_gettime(time.CLOCK_MONOTONIC) - moment) < 10, moment)
    check("ready again", service.hear() == "READY=1")
    check("status", service.stop() == 0)
    check("stopping", service.hear() == "STOPPING=1")
    check("watchdog", service.hear() == "WATCHDOG=1")
    other = Service(folder, "unix:" + os.path.join(folder, "second"), {"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "1"})
    check("another's watchdog", other.tell("unready") == "done 0")
    other.stop()


def main():
    with tempfile.TemporaryDirectory(prefix="postern-watch-") as folder:
        path = os.path.join(folder, "http")
        service = Service(folder, "unix:" + path)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        loopback = Service(folder, f"inet:{port}@127.0.0.1")
        test_pages(lambda: UnixConnection(path))
        test_pages(lambda: http.client.HTTPConnection("127.0.0.1", port, timeout=20))
        test_metrics(service, lambda: UnixConnection(path))
        service.tell("ready")
        check("ready", get(UnixConnection(path), "/readyz")[:2] == (200, "ready\n"))
        service.tell("unready")
        check("not ready", get(UnixConnection(path), "/readyz")[:2] == (503, "not ready\n"))
        test_hostile(path)
        test_notify(folder)
        check("stop", service.stop() == 0 and loopback.stop() == 0)
        check("removed", not os.path.exists(path))
    print(f"{checked} checks, {len(failures)} failed")
    sys.exit(1 if failures else 0)


main()
