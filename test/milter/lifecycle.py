#!/usr/bin/python3
"""postern-milter as a service: start, refusals to start, signals, failures while signing, stop."""
import glob
import os
import pwd
import resource
import select
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from fakemta import MILTER, Milter, Refused, make_key, missing_tools, verify

CONTINUE, REPLY, ACCEPT = b"c", b"y", b"a"
FROM = (b"From", b" User <user@example.com>")
BODY = b"Hello\r\n"
PRELOADED = os.path.join(os.environ.get("POSTERN_BUILD", "build/dev"), "test/milter")
failures = []
checked = 0


def check(name, good, detail=""):
    global checked
    checked += 1
    if not good:
        failures.append(name)
        print(f"FAILED {name}: {detail}", flush=True)


def preloaded(library, **environment):
    """A command that runs the milter with a library of these tests before all others."""
    return ["env", f"LD_PRELOAD={PRELOADED}/lib{library}.so", *(f"{key}={value}" for key, value in environment.items()),
            "ASAN_OPTIONS=verify_asan_link_order=0:" + os.environ.get("ASAN_OPTIONS", "")]


def domains(**settings):
    values = {"selector": "mail", "key": KEY, **settings}
    return {"example.com": [f'{name} = "{value}"' for name, value in values.items()]}


def run(*arguments):
    """Exit status and standard error of a call that must end by itself."""
    done = subprocess.run([MILTER, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=60, check=False)
    return done.returncode, done.stderr.decode(), done.stdout.decode()


def expect_no_start(name, milter, status, text):
    got = milter.process.wait(30)
    check(name, got == status, f"exit status {got}, not {status}")
    check(name, text in milter.log(), milter.log())
    milter.log_file.close()
    shutil.rmtree(milter.folder)


def test_command_line():
    status, errors, output = run("--help")
    check("--help", status == 0 and len(output.splitlines()) <= 24 and not errors, output)
    check("--help width", max(len(line) for line in output.splitlines()) <= 80)
    status, errors, output = run("--version")
    check("--version", status == 0 and output.startswith("postern-milter "), output)
    for arguments in (["--wrong"], ["-c"], ["extra"]):
        status, errors, output = run(*arguments)
        check(f"usage {arguments}", status == 2 and errors, f"{status} {errors}")
    status, errors, _ = run("-t", "-c", os.path.join(SCRATCH, "missing"))
    check("missing file", status == 3 and "No such file" in errors, f"{status} {errors}")
    status, errors, _ = run("-t", "-c", SCRATCH)
    check("folder for a file", status == 3 and errors, f"{status} {errors}")


def test_configuration_test():
    milter = Milter(domains(), expect_start=True)
    status, errors, _ = run("-t", "-c", milter.config)
    check("-t", status == 0 and errors == "", f"{status} {errors}")
    check("-t leaves the socket", os.path.exists(milter.path))
    with open(milter.config, "a", encoding="utf-8") as out:
        out.write('wrong = 1\ndomain "b.test" {\n  selector = "x"\n  key = "/missing"\n}\n')
    status, errors, _ = run("-t", "-c", milter.config)
    check("-t finds all", status == 1 and errors.count(": error: ") == 2 and
          f"{milter.config}:" in errors, f"{status} {errors}")
    check("stop", milter.stop() == 0, milter.log())
    shutil.rmtree(milter.folder)


def test_refusals():
    missing = os.path.join(SCRATCH, "missing")
    expect_no_start("key missing", Milter(domains(key=missing), expect_start=False), 1,
                    f"key {missing}: No such file or directory")
    weak = make_key(SCRATCH, "weak.pem", 1024)
    os.chmod(weak, 0o644)
    expect_no_start("key open", Milter(domains(key=weak), expect_start=False), 1, "chmod 0600")
    expect_no_start("folder missing", Milter(
        domains(), socket_line=f'socket = "unix:{missing}/m.sock"', expect_start=False), 3,
        "No such file or directory")
    place = os.path.join(SCRATCH, "place")
    with open(place, "w", encoding="utf-8"):
        pass
    expect_no_start("a file in the socket's place", Milter(
        domains(), socket_line=f'socket = "unix:{place}"', expect_start=False), 3,
        "something other than a socket")
    check("the file stays", os.path.isfile(place))
    busy = socket.socket()
    busy.bind(("127.0.0.1", 0))
    busy.listen()
    expect_no_start("port taken", Milter(
        domains(), socket_line=f'socket = "inet:{busy.getsockname()[1]}@127.0.0.1"',
        expect_start=False), 3, "cannot listen")
    busy.close()


def test_socket():
    milter = Milter(domains(), 'socket_mode = "0620"')
    status = os.stat(milter.path)
    check("mode", stat.S_IMODE(status.st_mode) == 0o620, oct(status.st_mode))
    expect_no_start("socket in use", Milter(
        domains(), socket_line=f'socket = "unix:{milter.path}"', expect_start=False), 3,
        "another program listens there")
    connection = milter.connection()
    connection.connect()
    check("the first still serves", connection.message([FROM], BODY)[0] == CONTINUE)
    connection.quit()
    milter.process.kill()
    milter.process.wait()
    check("a killed milter leaves its socket", os.path.exists(milter.path))
    again = Milter(domains(), socket_line=f'socket = "unix:{milter.path}"')
    again.path = milter.path
    connection = again.connection()
    connection.connect()
    check("stale socket replaced", connection.message([FROM], BODY)[0] == CONTINUE)
    connection.quit()
    check("stop", again.stop() == 0, again.log())
    for one in (milter, again):
        shutil.rmtree(one.folder)


def test_inet():
    for address, family, scheme in (("127.0.0.1", socket.AF_INET, "inet"), ("::1", socket.AF_INET6, "inet6")):
        free = socket.socket(family)
        try:
            free.bind((address, 0))
        except OSError:
            print(f"no {address} here")
            continue
        port = free.getsockname()[1]
        free.close()
        milter = Milter(domains(), socket_line=f'socket = "{scheme}:{port}@{address}"')
        milter.path = (address, port)
        connection = milter.connection()
        connection.connect()
        verdict, message = connection.message([FROM], BODY)
        check(f"signs at {address}", verdict == CONTINUE and verify(message, KEY) is None)
        # urgent data is data: left out, a thread would wait for the one octet that is missing
        connection.mail()
        connection.socket.sendall(b"\0\0\0")
        connection.socket.send(b"\1", socket.MSG_OOB)
        connection.socket.sendall(b"E")
        check(f"takes urgent data at {address}", connection.answer() in (CONTINUE, ACCEPT, REPLY))
        connection.quit()
        check("stop", milter.stop() == 0, milter.log())
        shutil.rmtree(milter.folder)


def status_of(pid):
    with open(f"/proc/{pid}/status", encoding="utf-8") as lines:
        return dict(line.rstrip("\n").split(":\t", 1) for line in lines if ":\t" in line)


def test_privileges():
    if os.geteuid() != 0:
        print("not root: dropping privileges is not tested")
        return
    milter = Milter(domains())
    status = status_of(milter.process.pid)
    nobody = pwd.getpwnam("nobody")
    check("uid", status["Uid"].split() == [str(nobody.pw_uid)] * 4, status["Uid"])
    check("gid", status["Gid"].split() == [str(nobody.pw_gid)] * 4, status["Gid"])
    check("groups", status["Groups"].strip() == "", status["Groups"])
    check("no new privileges", status["NoNewPrivs"] == "1", status["NoNewPrivs"])
    check("capabilities", int(status["CapEff"], 16) == 0, status["CapEff"])
    check("stop", milter.stop() == 0, milter.log())
    shutil.rmtree(milter.folder)


def test_background():
    milter = Milter(domains())
    check("stop", milter.stop() == 0, milter.log())
    started = subprocess.run([MILTER, "-c", milter.config], stdin=subprocess.DEVNULL, timeout=30,
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    check("parent ends", started.returncode == 0, started.returncode)
    pid = None
    for path in glob.glob("/proc/[0-9]*/cmdline"):
        try:
            with open(path, "rb") as text:
                if text.read().split(b"\0")[-2:-1] == [milter.config.encode()]:
                    pid = int(path.split("/")[2])
        except OSError:
            continue
    check("a daemon runs", pid is not None)
    if pid:
        connection = milter.connection()
        connection.connect()
        check("the daemon signs", connection.message([FROM], BODY)[0] == CONTINUE)
        connection.quit()
        os.kill(pid, signal.SIGTERM)
        end = time.time() + 20
        while os.path.exists(f"/proc/{pid}") and time.time() < end:
            time.sleep(0.05)
        check("the daemon stops", not os.path.exists(f"/proc/{pid}"))
    shutil.rmtree(milter.folder)


def test_signals():
    milter = Milter(domains())
    for _ in range(50):
        milter.process.send_signal(signal.SIGHUP)
        milter.process.send_signal(signal.SIGUSR1)
    milter.wait_for("reloaded ")
    milter.wait_for("messages in work: 0, domains: 1")
    connection = milter.connection()
    connection.connect()
    check("serves after SIGHUP and SIGUSR1", connection.message([FROM], BODY)[0] == CONTINUE)
    began = time.time()
    check("idle stop", milter.stop() == 0, milter.log())
    check("an idle connection does not hold it up", time.time() - began < 5, time.time() - began)
    shutil.rmtree(milter.folder)


def test_signals_at_once():
    """libmilter waits for the same signals, and must not be the one to get them while it starts."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP) * 8:
        milter = Milter(domains())
        milter.process.send_signal(number)
        if number == signal.SIGHUP:
            milter.wait_for("reloaded ")
        check(f"signal {number} at once", milter.stop() == 0, milter.log())
        check(f"signal {number} at once", "gave up" not in milter.log(), milter.log())
        shutil.rmtree(milter.folder)


def test_stop_in_flight():
    """SIGTERM with messages in each state: they get their verdict, and nothing new begins."""
    milter = Milter(domains())
    connections = [milter.connection() for _ in range(4)]
    for depth, connection in enumerate(connections):
        connection.connect()
        connection.mail()
        if depth > 0:
            connection.header(*FROM)
        if depth > 1:
            connection.end_of_header()
        if depth > 2:
            connection.body(b"first half, ")
    time.sleep(0.2)
    milter.process.send_signal(signal.SIGTERM)
    milter.wait_for("stopping, messages in work: 4")
    refused = False
    try:
        milter.connection()
    except (Refused, OSError):
        refused = True
    check("new connections are refused", refused)
    time.sleep(1)
    check("it waits", milter.process.poll() is None)
    for depth, connection in enumerate(connections):
        if depth < 1:
            connection.header(*FROM)
        if depth < 2:
            connection.end_of_header()
        connection.body(b"second half\r\n")
        verdict = connection.end()
        body = (b"first half, " if depth > 2 else b"") + b"second half\r\n"
        message = connection.rendered([FROM], body)
        check(f"verdict in state {depth}", verdict == CONTINUE, verdict)
        check(f"signature in state {depth}", verify(message, KEY) is None, message)
    began = time.time()
    check("stop", milter.process.wait(30) == 0, milter.log())
    check("stops then", time.time() - began < 5, time.time() - began)
    check("all signed", milter.log().count("verdict=signed") == 4, milter.log())
    shutil.rmtree(milter.folder)


def test_stop_twice():
    milter = Milter(domains())
    connection = milter.connection()
    connection.connect()
    connection.mail()
    time.sleep(0.2)
    milter.process.send_signal(signal.SIGTERM)
    milter.wait_for("stopping, messages in work: 1")
    milter.process.send_signal(signal.SIGTERM)
    check("second SIGTERM", milter.process.wait(10) == 0, milter.log())
    check("is told", "messages cut off: 1" in milter.log(), milter.log())
    shutil.rmtree(milter.folder)


def test_stop_amid_work():
    """Threads that sign when messages are cut off neither crash, nor keep the milter, nor find that all fails."""
    def speak(milter):
        try:
            connection = milter.connection()
            connection.connect()
            while True:
                connection.message([FROM], BODY)
        except Refused:
            pass

    for _ in range(3):
        milter = Milter(domains())
        speakers = [threading.Thread(target=speak, args=(milter,)) for _ in range(8)]
        for speaker in speakers:
            speaker.start()
        milter.wait_for("verdict=signed")
        milter.process.send_signal(signal.SIGTERM)
        milter.wait_for("stopping, messages in work:")
        milter.process.send_signal(signal.SIGTERM)
        try:
            status = milter.process.wait(30)
        except subprocess.TimeoutExpired:
            status = "none"
            milter.process.kill()
        check("stop amid work", status == 0 and "verdict=deferred" not in milter.log(),
              f"{status} {milter.log()[-2000:]}")
        for speaker in speakers:
            speaker.join()
        shutil.rmtree(milter.folder)


def test_failures():
    """Each way in which signing can break: 451, nothing unsigned passes, the service goes on."""
    for function in ("dkim_sign", "dkim_header", "dkim_eoh", "dkim_body", "dkim_eom",
                     "dkim_getsighdr_d", "EVP_DigestUpdate", "EVP_DigestFinal_ex", "EVP_PKEY_CTX_dup",
                     "EVP_PKEY_sign", "smfi_insheader"):
        engine = "opendkim" if function.startswith("dkim_") else "openssl"
        milter = Milter(domains(), f'engine = "{engine}"', wrapper=preloaded("fail", FAIL=function))
        connection = milter.connection()
        connection.connect()
        for _ in range(3):
            verdict, message = connection.message([FROM], BODY)
            check(f"{function} fails", verdict == REPLY and connection.reply.startswith("451 4.7.0 "),
                  f"{verdict} {connection.reply}")
            check(f"{function} fails", b"DKIM-Signature" not in message)
            verdict, _ = connection.message([(b"From", b" x@elsewhere.test")], BODY)
            check(f"{function} fails, foreign mail passes", verdict == ACCEPT, verdict)
        connection.quit()
        log = milter.log()
        check(f"{function} is logged", log.count("verdict=deferred") == 3 and "queue=4XXXXXXXXX" in log and
              'cause="' in log, log)
        check("stop", milter.stop() == 0, milter.log())
        shutil.rmtree(milter.folder)


def test_garbage():
    """A client that is no mail server."""
    milter = Milter(domains())
    for data in (b"", b"GET / HTTP/1.0\r\n\r\n", b"\0" * 100, b"\xff" * 100, b"\0\0\0\1Q",
                 b"\0\0\0\2L", b"\0\0\0\5Oabcd", b"\0\0\0\1M" * 10):
        client = socket.socket(socket.AF_UNIX)
        client.connect(milter.path)
        client.sendall(data)
        time.sleep(0.05)
        client.close()
    # events without those that must come before
    for events in ("N", "E", "B", "L", "MLNE", "MMMM", "KKKK", "AAAA", "CMKCMLNBEA"):
        connection = milter.connection()
        for kind in events:
            data = {"M": b"<a@b>\0", "L": b"From\0 user@example.com\0", "C": b"x\0U"}.get(kind, b"")
            connection.send(kind, data)
        time.sleep(0.05)
        connection.socket.close()
    check("nothing signed", "verdict=signed" not in milter.log(), milter.log())
    connection = milter.connection()
    connection.connect()
    check("serves on", connection.message([FROM], BODY)[0] == CONTINUE)
    connection.quit()
    check("stop", milter.stop() == 0, milter.log())
    shutil.rmtree(milter.folder)


def test_leaks():
    milter = Milter(domains())

    def work(count):
        for _ in range(count):
            connection = milter.connection()
            connection.connect()
            connection.message([FROM], BODY)
            connection.mail()
            connection.header(*FROM)
            connection.quit()
        time.sleep(0.5)
        return len(os.listdir(f"/proc/{milter.process.pid}/fd"))

    first = work(50)
    second = work(300)
    check("descriptors", second <= first + 2, f"{first} then {second}")
    check("stop", milter.stop() == 0, milter.log())
    shutil.rmtree(milter.folder)


def test_crowd():
    """More idle connections than the usual limit of descriptors: the milter raises it as far as it may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))
    milter = Milter(domains())
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    crowd = []
    for _ in range(min(300, soft - 50)):
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(30)
        client.connect(milter.path)
        crowd.append(client)
    connection = milter.connection()
    connection.connect()
    check("serves beside a crowd", connection.message([FROM], BODY)[0] == CONTINUE)
    connection.quit()
    for client in crowd:
        client.close()
    check("stop", milter.stop() == 0, milter.log())
    shutil.rmtree(milter.folder)


def test_stall():
    """A client that stops amid an event, or reads no answers, is cut off; one that waits between events is not."""
    milter = Milter(domains())
    patient = milter.connection()
    patient.connect()
    deaf = milter.connection(protocol=0)  # without SMFIP_NR_HDR: each field is answered
    deaf.connect()
    deaf.mail()
    deaf.socket.sendall(b"\0\0\0\6LX\0 x\0" * 4000)  # some hundred answers fill a socket
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(100)
    client.connect(milter.path)
    client.sendall(b"\0\0")
    began = time.time()
    check("who stalls is cut off", client.recv(100) == b"")
    check("not before its time", time.time() - began > 25, time.time() - began)
    hung_up = select.poll()
    hung_up.register(deaf.socket, 0)
    check("who reads no answers is cut off", hung_up.poll(60000) != [])
    check("who is patient is served", patient.message([FROM], BODY)[0] == CONTINUE)
    patient.quit()
    check("stop", milter.stop() == 0, milter.log())
    shutil.rmtree(milter.folder)


def test_long_silence():
    """A client may be silent between events for minutes: libmilter looks for such every ten minutes."""
    stepped = os.path.join(SCRATCH, "stepped")
    milter = Milter(domains(), wrapper=preloaded("clock", STEPPED=stepped))
    patient = milter.connection()
    patient.connect()
    check("MAIL", patient.mail() == CONTINUE)
    time.sleep(1)  # by now the pool waits for it
    with open(stepped, "w", encoding="ascii"):
        pass
    time.sleep(12)  # the pool looks at its sessions every ten seconds
    patient.header(*FROM)
    check("the header's end", patient.end_of_header() == CONTINUE)
    patient.body(BODY)
    check("the message is signed", patient.end() == CONTINUE and patient.modifications, patient.modifications)
    patient.quit()
    check("stop", milter.stop() == 0, milter.log())
    shutil.rmtree(milter.folder)


def test_hang_up():
    """Who is gone before the signature is there has not got one, and the log does not say so."""
    milter = Milter(domains(), wrapper=preloaded("fail", SLOW="EVP_PKEY_sign"))
    gone = milter.connection()
    gone.connect()
    gone.mail()
    gone.header(*FROM)
    gone.end_of_header()
    gone.send("E")
    time.sleep(0.5)
    gone.socket.close()
    end = time.monotonic() + 30
    while "verdict=" not in milter.log() and time.monotonic() < end:
        time.sleep(0.1)
    check("not signed", "verdict=deferred" in milter.log() and "verdict=signed" not in milter.log(), milter.log())
    check("stop", milter.stop() == 0, milter.log())
    shutil.rmtree(milter.folder)


def main():
    global KEY, SCRATCH
    missing_tools()
    SCRATCH = tempfile.mkdtemp(prefix="postern-lifecycle-")
    os.chmod(SCRATCH, 0o755)
    KEY = make_key(SCRATCH)
    for test in (test_command_line, test_configuration_test, test_refusals, test_socket, test_inet,
                 test_privileges, test_background, test_signals,
                 test_signals_at_once, test_stop_in_flight, test_stop_twice, test_stop_amid_work,
                 test_failures, test_garbage, test_leaks, test_crowd, test_stall, test_long_silence, test_hang_up):
        before = len(failures)
        try:
            test()
        except Exception as error:  # a broken test must not hide the others
            check(test.__name__, False, repr(error))
        print(f"{test.__name__}: {'ok' if len(failures) == before else 'FAILED'}", flush=True)
    shutil.rmtree(SCRATCH)
    print(f"{checked} checks, {len(failures)} failed")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
