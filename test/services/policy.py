#!/usr/bin/python3
"""The policy service asked by a real smtpd, and by clients that break every rule."""
import os
import shutil
import smtplib
import socket
import stat
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from name_server import enter_namespace, skip

enter_namespace()
if not shutil.which("postfix"):
    skip("needs postfix")

PROGRAM = os.path.join(os.environ.get("POSTERN_BUILD", "build/dev"), "test/services/policy_service")
failures = []
checked = 0


def check(name, good, detail=""):
    global checked
    checked += 1
    if not good:
        failures.append(name)
        print(f"FAILED {name}: {detail}", flush=True)


class Service:
    def __init__(self, name, mode="666"):
        self.process = subprocess.Popen([PROGRAM, name, mode], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.first = self.process.stdout.readline().strip()

    def stop(self):
        began = time.time()
        output, _ = self.process.communicate(timeout=30)
        return self.process.returncode, output, time.time() - began


def connect(address):
    client = socket.socket(socket.AF_UNIX if isinstance(address, str) else
                           socket.AF_INET6 if ":" in address[0] else socket.AF_INET)
    client.connect(address)
    client.settimeout(10)
    return client


def receive(client):
    """Up to the empty line, or what came before the end."""
    data = b""
    while not data.endswith(b"\n\n"):
        more = client.recv(65536)
        if not more:
            break
        data += more
    return data


REQUEST = b"request=smtpd_access_policy\nsender=a@%s.test\nclient_address=203.0.113.9\n\n"


def test_clients(folder):
    path = os.path.join(folder, "policy")
    service = Service("unix:" + path)
    check("ready", service.first == "ready", service.first)
    check("mode", stat.S_IMODE(os.stat(path).st_mode) == 0o666, oct(os.stat(path).st_mode))
    client = connect(path)
    for sender, answer in (("good", b"action=DUNNO\n\n"), ("refused", b"action=REJECT not from 203.0.113.9\n\n")) * 3:
        client.sendall(REQUEST % sender.encode())
        check(sender, receive(client) == answer)
    for octet in REQUEST % b"refused":
        client.sendall(bytes([octet]))
    check("octet by octet", receive(client).startswith(b"action=REJECT"))
    client.sendall(REQUEST % b"good" * 300)
    data = b""
    while len(data) < 14 * 300:
        data += client.recv(65536)
    check("300 requests at once", data == b"action=DUNNO\n\n" * 300)
    for name, data in (("no request", b"\n"), ("no name", b"=x\n\n"), ("no equal", b"abc\n\n"),
                       ("CR", b"a=b\r\n\r\n"), ("NUL", b"a=b\0c\n\n"), ("twice", b"a=b\na=c\n\n"),
                       ("many", b"".join(b"a%d=b\n" % i for i in range(65)) + b"\n"),
                       ("long", b"a=" + b"x" * 20000 + b"\n\n"), ("HTTP", b"GET / HTTP/1.0\r\n\r\n"),
                       ("no end", b"a=" + b"x" * 100000)):
        broken = connect(path)
        try:
            broken.sendall(data)
            answer = receive(broken)
        except (BrokenPipeError, ConnectionResetError):
            answer = b""
        check(name, answer == b"", answer)
        broken.close()
    # a crowd: those that idle make room, those in the middle of a request do not
    busy = connect(path)
    busy.sendall(b"sender=a@refused.test\nclient_add")
    time.sleep(0.2)
    crowd = [connect(path) for _ in range(400)]
    crowd[-1].sendall(REQUEST % b"good")
    check("the last of a crowd", receive(crowd[-1]) == b"action=DUNNO\n\n")
    busy.sendall(b"ress=192.0.2.1\n\n")
    check("one in work", receive(busy) == b"action=REJECT not from 192.0.2.1\n\n")
    check("the first of a crowd", receive(crowd[0]) == b"")
    for one in crowd:
        one.close()
    # who never reads its answers must not keep the others waiting
    deaf = connect(path)
    deaf.setblocking(False)
    try:
        while True:
            deaf.send(REQUEST % b"refused" * 100)
    except BlockingIOError:
        pass
    client = connect(path)
    client.sendall(REQUEST % b"good")
    check("beside one that does not read", receive(client) == b"action=DUNNO\n\n")
    second = Service("unix:" + path)
    check("in use", "another program listens there" in second.first, second.first)
    second.process.wait()
    half = connect(path)
    half.sendall(b"sender=a@good.test\n")
    time.sleep(0.2)
    service.process.stdin.close()
    time.sleep(0.3)
    half.sendall(b"\n")
    check("a request that has begun is answered", receive(half) == b"action=DUNNO\n\n")
    service.process.stdin = None
    status, output, took = service.stop()
    check("stops", status == 0 and output.endswith("stopped\n") and took < 4, (status, took))
    check("removed", not os.path.exists(path))


def test_stall(folder):
    service = Service("unix:" + os.path.join(folder, "stall"))
    client = connect(os.path.join(folder, "stall"))
    client.settimeout(20)
    client.sendall(b"sender=")
    began = time.time()
    check("stall", receive(client) == b"")
    check("not before its time", time.time() - began > 9, time.time() - began)
    service.stop()


def test_crowd(folder):
    """Clients that stall keep nobody out for long, though there is no room for more."""
    service = Service("unix:" + os.path.join(folder, "crowd"))
    crowd, began = [], time.time()
    for _ in range(300):
        crowd.append(connect(os.path.join(folder, "crowd")))
        try:
            crowd[-1].sendall(b"sender=")
        except OSError:  # there is no room, and nobody stalls for long yet
            pass
    answer, end = b"", began + 8  # before the time of the first request is over
    while answer != b"action=DUNNO\n\n" and time.time() < end:
        client = connect(os.path.join(folder, "crowd"))
        try:
            client.sendall(REQUEST % b"good")
            answer = receive(client)
        except OSError:
            answer = b""
        client.close()
    check("served beside a crowd", answer == b"action=DUNNO\n\n", answer)
    for client in crowd:
        client.close()
    service.stop()


def test_sockets(folder):
    for name, address in (("inet:10031@127.0.0.1", ("127.0.0.1", 10031)), ("inet6:10032@::1", ("::1", 10032))):
        service = Service(name)
        client = connect(address)
        client.sendall(REQUEST % b"good")
        check(name, receive(client) == b"action=DUNNO\n\n")
        client.close()
        service.stop()
    for name, cause in (("inet:x@127.0.0.1", "it is not"), ("inet:25@localhost", "it is not"), ("unix:policy", "it is not"),
                        ("inet6:25@127.0.0.1", "it is not"), ("inet:0@127.0.0.1", "it is not"),
                        (f"unix:{folder}/missing/policy", "cannot listen"), (f"unix:{folder}/file", "something other than a socket"),
                        ("unix:/" + "x" * 120, "it is not")):
        with open(os.path.join(folder, "file"), "w", encoding="ascii"):
            pass
        service = Service(name)
        check(name, cause in service.first, service.first)
        service.process.wait()
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(os.path.join(folder, "stale"))
    stale.close()
    service = Service("unix:" + os.path.join(folder, "stale"), "660")
    check("stale", service.first == "ready", service.first)
    check("mode 660", stat.S_IMODE(os.stat(os.path.join(folder, "stale")).st_mode) == 0o660)
    service.stop()


MAIN = """compatibility_level = 3.6
queue_directory = /var/spool/postfix
data_directory = /var/lib/postfix
maillog_file = /var/lib/postfix/log
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks =
mydestination = example.org
local_recipient_maps =
alias_maps =
smtpd_peername_lookup = no
smtpd_recipient_restrictions = reject_unauth_destination, check_policy_service unix:%s
"""
MASTER = """smtp inet n - n - - smtpd
rewrite unix - - n - - trivial-rewrite
cleanup unix n - n - 0 cleanup
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"""


def test_postfix(folder):
    """A real smtpd, in folders of its own that only this mount namespace has."""
    copy = os.path.join(folder, "etc")
    shutil.copytree("/etc/postfix", copy, symlinks=True)
    path = os.path.join(folder, "smtpd")
    for file, text in (("main.cf", MAIN % path), ("master.cf", MASTER)):
        with open(os.path.join(copy, file), "w", encoding="ascii") as out:
            out.write(text)
    subprocess.run(["mount", "--bind", copy, "/etc/postfix"], check=True)
    for mount in ("/var/spool/postfix", "/var/lib/postfix"):
        subprocess.run(["mount", "-t", "tmpfs", "tmpfs", mount], check=True)
    shutil.chown("/var/lib/postfix", "postfix")
    service = Service("unix:" + path)
    subprocess.run(["postfix", "start"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(100):
            try:
                smtp = smtplib.SMTP("127.0.0.1", 25, "client.example", timeout=20)
                break
            except OSError:
                time.sleep(0.1)
        for sender, code, text in (("a@good.test", 250, b"2.1.5 Ok"), ("", 250, b"2.1.5 Ok"),
                                   ("a@refused.test", 554, b"not from 127.0.0.1"), ("b@good.test", 250, b"2.1.5 Ok")):
            smtp.docmd(f"MAIL FROM:<{sender}>")
            reply = smtp.docmd("RCPT TO:<user@example.org>")
            check(f"smtpd, {sender}", reply[0] == code and text in reply[1], reply)
            smtp.rset()
        smtp.quit()
    finally:
        subprocess.run(["postfix", "stop"], check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    output = service.stop()[1]
    check("attributes", output.count("attributes, state RCPT") == 4, output)
    with open("/var/lib/postfix/log", encoding="utf-8", errors="replace") as log:
        text = log.read()
    check("no warning", not any("postfix/smtpd" in line and "warning" in line for line in text.splitlines()), text)


def main():
    with tempfile.TemporaryDirectory(prefix="postern-policy-") as folder:
        os.chmod(folder, 0o755)
        for test in (test_clients, test_stall, test_crowd, test_sockets, test_postfix):
            before = len(failures)
            test(folder)
            print(f"{test.__name__}: {'ok' if len(failures) == before else 'FAILED'}", flush=True)
        subprocess.run(["umount", "/etc/postfix"], check=False)
    print(f"{checked} checks, {len(failures)} failed")
    sys.exit(1 if failures else 0)


main()
