#!/usr/bin/python3
"""postern-gate as a service: its command line, troubles with Postfix's sockets, limits, sockets of
a service manager.

Where Postfix cannot be brought into a state at will (a full queue, a process that ends between two
reads), a listening UNIX socket of the test stands in for it; the others are a real Postfix.
"""
import array
import fcntl
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import termios
import time

from harness import (GATE, PROXY, SERVER, STRANGER, WAIT, Gate, Postfix, Session, isolate, listener,
                     needs, proxy_header, run_checks, wait)

PORT = 2525
PLACE = f"{SERVER[0]}:{PORT}"
USER = "postfix"
counter = 0


def run(*arguments):
    done = subprocess.run([GATE, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=WAIT, check=False, text=True)
    return done.returncode, done.stdout, done.stderr


class Service:
    """Stands in for a pass service: does what Postfix cannot be made to do at a given moment."""

    def __init__(self, backlog=128):
        self.folder = tempfile.mkdtemp(prefix="postern-gate-service-")
        os.chmod(self.folder, 0o755)
        self.path = f"{self.folder}/gated"
        self.listen(backlog)

    def listen(self, backlog=128):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(self.path)
        os.chmod(self.path, 0o666)
        self.socket.listen(backlog)
        self.socket.settimeout(WAIT)

    def close(self):
        self.socket.close()
        os.unlink(self.path)

    def take(self):
        """What Postfix's pass_accept does; the descriptor's socket and all octets.

        A connection without a descriptor is one that the kernel refused to pass (too many of the
        user's are on their way); the gate tries again.
        """
        while True:
            connection, _ = self.socket.accept()
            with connection:
                octets, control, _, _ = connection.recvmsg(1, socket.CMSG_SPACE(4))
                if not octets:
                    continue
                numbers = array.array("i")
                numbers.frombytes(control[0][2][:4])
                octets += connection.recv(100)
                return socket.socket(fileno=numbers[0]), octets

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()
        shutil.rmtree(self.folder)


def gate(service, text="", **options):
    return Gate(listener([PLACE], service) + text, **options)


def from_proxy(**options):
    return Session(SERVER[0], PORT, PROXY[0], **options)


def command_line():
    """options, exit statuses, and all mistakes of a configuration in one run"""
    status, output, errors = run("--help")
    assert status == 0 and not errors and len(output.splitlines()) <= 24, output
    status, output, _ = run("--version")
    assert status == 0 and output.startswith("postern-gate "), output
    for arguments in (["--wrong"], ["-c"], ["extra"]):
        assert run(*arguments)[0] == 2, arguments
    assert run("-t", "-c", "/missing")[0] == 3
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
        file.write('listener "a" {\n  adresses = {"*:25"}\n  refuse = "553"\n}\n')
        file.flush()
        status, _, errors = run("-t", "-c", file.name)
        assert status == 1 and len(re.findall(rf"{file.name}:\d+:\d+: error", errors)) == 4, errors


def start_refused():
    """what would only show in the background ends the start, with a reason: another root that is not there"""
    for root, prefix, cause in (("/no/such/folder", [], "No such file or directory"),
                                ("/etc/passwd", [], "Not a directory"),
                                ("/run", ["setpriv", f"--reuid={pwd.getpwnam(USER).pw_uid}", "--clear-groups"],
                                 "only root can change the root directory")):
        with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
            os.chmod(file.name, 0o644)
            file.write(f'chroot = "{root}"\n' + listener([PLACE], f"{root}/gated"))
            file.flush()
            done = subprocess.run([*prefix, GATE, "-c", file.name], stdin=subprocess.DEVNULL, timeout=WAIT,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, text=True)
        assert done.returncode == 3, done
        assert done.stdout == f"postern-gate: chroot {root}: {cause}\n", done.stdout
        with socket.socket() as free:
            free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            free.bind((SERVER[0], PORT))


def background():
    """without --foreground it goes into the background once it listens, and knows its file by a relative name"""
    with tempfile.TemporaryDirectory() as folder, Service() as service:
        os.chmod(folder, 0o755)
        with open(f"{folder}/gate.conf", "w", encoding="ascii") as file:
            file.write(f'log = "stderr"\nuser = "{USER}"\n' + listener([PLACE], service.path))
        with open(f"{folder}/log", "w", encoding="ascii") as log:
            subprocess.run([GATE, "-c", "gate.conf"], cwd=folder, check=True, timeout=WAIT,
                           stdin=subprocess.DEVNULL, stdout=log, stderr=log)

        def said(text):
            with open(f"{folder}/log", encoding="ascii") as log:
                return text in log.read()
        found = [pid for pid in os.listdir("/proc") if pid.isdigit() and int(pid) > 1 and
                 open(f"/proc/{pid}/comm", encoding="ascii").read() == "postern-gate\n"]
        assert len(found) == 1, found
        process = int(found[0])
        try:
            # daemon(3) lets the parent go first
            wait(lambda: os.readlink(f"/proc/{process}/cwd") == "/", "the way to /")
            assert os.getsid(process) == process
            with from_proxy(header=b"PROXY UNKNOWN\r\n"):
                connection, octets = service.take()
                connection.close()
                assert octets, "a connection that was handed over"
            os.kill(process, signal.SIGHUP)
            wait(lambda: said(f"reloaded {folder}/gate.conf"), "the reload")
        finally:
            os.kill(process, signal.SIGTERM)
        wait(lambda: not os.path.exists(f"/proc/{process}") or state(process) == "Z", "the end")


def hand_over_octets():
    """what is sent is what Postfix's own sender sends: an octet with the descriptor, an empty list"""
    with Service() as service, gate(service.path) as one:
        with from_proxy(header=b"PROXY ...") as session:
            taken, octets = service.take()
            assert octets == b"\0\0", octets
            assert taken.getpeername() == session.socket.getsockname()
            assert taken.recv(100) == b"PROXY ...", "no octet was read"
            assert taken.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            assert os.get_blocking(taken.fileno())
            wait(lambda: one.counts()["proxied"] == 1, "the answer")
            # the gate has let go: the end of the taker is the end of the connection
            taken.close()
            assert session.reply() == ""


def trouble(text, prepare, mend):
    """A client waits while a service is in trouble, the log names the cause once, and then it is
    served."""
    with Postfix() as postfix, gate(postfix.service("gated"), "wait_seconds = 240\n",
                                    user=USER) as one:
        prepare(postfix)
        sessions = [from_proxy(header=proxy_header("203.0.113.9", SERVER[0])) for _ in range(3)]
        wait(lambda: text in one.log(), f"{text} in {one.log()}")
        time.sleep(1.5)
        assert one.log().count(text) == 1, one.log()
        assert one.cpu() < 0.5, "no busy loop"
        mend(postfix)
        for session in sessions:
            assert session.reply().startswith("220"), session.replies
            session.close()
        wait(lambda: "takes connections again" in one.log(), one.log())
        wait(lambda: one.counts()["proxied"] == 3, "all taken")


def missing():
    """the socket is missing: clients wait, then are served"""
    trouble("there is no such socket",
            lambda p: os.rename(p.service("gated"), p.service("gated") + ".away"),
            lambda p: os.rename(p.service("gated") + ".away", p.service("gated")))


def no_socket():
    """a file in the socket's place"""
    def prepare(postfix):
        os.rename(postfix.service("gated"), postfix.service("gated") + ".away")
        with open(postfix.service("gated"), "w", encoding="ascii"):
            os.chmod(postfix.service("gated"), 0o666)
    trouble("that is no socket", prepare,
            lambda p: os.rename(p.service("gated") + ".away", p.service("gated")))


def denied():
    """wrong permissions"""
    trouble("permission denied", lambda p: os.chmod(p.service("gated"), 0),
            lambda p: os.chmod(p.service("gated"), 0o666))


def nobody_listens():
    """Postfix is stopped, its socket left over"""
    def prepare(postfix):
        postfix.postfix("stop")
        wait(lambda: refuses(postfix.service("gated")), "nobody listens")
    trouble("nobody listens there", prepare, lambda p: p.postfix("start"))


def refuses(path):
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            return True
    return False


def too_long():
    """who waited too long is answered 421, although it sent something before"""
    with gate("/nowhere/gated", "wait_seconds = 1\n") as one:
        with from_proxy(header=b"PROXY and more\r\nEHLO x\r\n") as session:
            assert session.reply().startswith("421 4.3.2 "), session.replies
            assert session.reply() == ""
            # a reset would make some systems drop what they did not read yet
            time.sleep(0.3)
            assert not session.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        assert one.counts()["busy"] == 1
        assert "a client was answered 421" in one.log(), one.log()


def left():
    """clients that leave while they wait are let go: closed, and reset"""
    with gate("/nowhere/gated", "wait_seconds = 60\n") as one:
        before = one.descriptors()
        for linger in (None, b"\1\0\0\0\0\0\0\0"):
            with from_proxy() as session:
                wait(lambda: one.descriptors() == before + 1, "the client")
                if linger:
                    session.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            wait(lambda: one.descriptors() == before, "one descriptor less")
        # who said something before it closed its side may have meant it
        with from_proxy(header=b"PROXY") as session:
            session.socket.shutdown(socket.SHUT_WR)
            time.sleep(0.3)
            assert one.descriptors() == before + 1
            assert one.cpu() < 0.3, "no busy loop"
        assert one.counts()["gone"] == 2, one.log()


def full_queue():
    """a full queue: clients wait for a place, and have it in turn"""
    with Service(backlog=1) as service, gate(service.path, "wait_seconds = 240\n") as one:
        sessions = [from_proxy(header=b"%d" % n) for n in range(20)]
        wait(lambda: "its queue is full" in one.log(), one.log())
        time.sleep(1)
        assert one.cpu() < 0.4, "no busy loop"
        for _ in sessions:
            service.take()[0].close()
        wait(lambda: one.counts()["proxied"] == 20, "all taken")
        assert one.log().count("its queue is full") == 1, one.log()
        for session in sessions:
            session.close()


def queue_limit():
    """more than queue_limit: 421 at once"""
    with Service() as service, gate(service.path, "queue_limit = 5\n") as one:
        sessions = [from_proxy() for _ in range(8)]
        for session in sessions[5:]:
            assert session.reply().startswith("421"), session.replies
        for _ in range(5):
            service.take()[0].close()
        wait(lambda: one.counts()["proxied"] == 5, "the others taken")
        assert one.counts()["busy"] == 3 and "queue_limit is reached" in one.log()
        for session in sessions:
            session.close()


def dropped():
    """a process that ends before it read everything: the connection is handed over again"""
    with Service() as service, gate(service.path) as one:
        with from_proxy() as session:
            connection, _ = service.socket.accept()
            wait(lambda: unread(connection) == 2, "both octets")
            octets, control, _, _ = connection.recvmsg(1, socket.CMSG_SPACE(4))
            assert octets == b"\0" and control
            numbers = array.array("i")
            numbers.frombytes(control[0][2][:4])
            os.close(numbers[0])
            connection.close()  # with an octet unread
            taken, octets = service.take()
            assert octets == b"\0\0"
            taken.sendall(b"220 still here\r\n")
            assert session.reply() == "220 still here"
            # and so it is when the listening socket goes while the connection is in its queue
            with from_proxy() as second:
                wait(lambda: one.descriptors() >= 8, "handed over")
                time.sleep(0.3)
                service.close()
                service.listen()
                taken, octets = service.take()
                taken.sendall(b"220 here too\r\n")
                assert second.reply() == "220 here too"
        counts = one.counts()
        assert counts["resent"] == 2, counts
        wait(lambda: one.counts()["proxied"] == 2, "both taken")


def dropped_for_ever():
    """a service that always drops connections: 421 in the end"""
    with Service() as service, gate(service.path) as one:
        with from_proxy() as session:
            for _ in range(6):
                connection, _ = service.socket.accept()
                wait(lambda c=connection: unread(c) == 2, "both octets")
                connection.close()
            assert session.reply().startswith("421"), session.replies
        assert one.counts()["resent"] == 6


def unread(connection):
    return array.array("i", fcntl.ioctl(connection, termios.FIONREAD, b"\0\0\0\0"))[0]


def talks():
    """a service of another kind answers: 421, and the log says what it is not"""
    with Service() as service, gate(service.path) as one:
        with from_proxy() as session:
            connection, _ = service.socket.accept()
            connection.recv(100)
            connection.sendall(b"220 hello\r\n")
            assert session.reply().startswith("421"), session.replies
            connection.close()
        assert "it is no pass service" in one.log()


def unanswered():
    """not taken in time: left in Postfix's queue, where it may be taken yet"""
    with Service() as service, gate(service.path, "hand_over_seconds = 1\n") as one:
        before = one.descriptors()
        with from_proxy() as session:
            wait(lambda: one.counts()["unanswered"] == 1, "the end of patience")
            assert one.descriptors() == before
            taken, _ = service.take()
            taken.sendall(b"220 late\r\n")
            assert session.reply() == "220 late"


def descriptors_short():
    """too few descriptors: accepting pauses, without a busy loop, and goes on"""
    prefix = ["prlimit", "--nofile=24:24", "setpriv", "--bounding-set=-sys_resource",
              f"--reuid={USER}", f"--regid={pwd.getpwnam(USER).pw_gid}", "--clear-groups"]
    with Service() as service, gate(service.path, "wait_seconds = 60\n", prefix=prefix) as one:
        sessions = [from_proxy() for _ in range(40)]
        wait(lambda: "cannot accept connections" in one.log() or "short of descriptors" in
             one.log(), one.log())
        time.sleep(1)
        assert one.cpu() < 0.4, "no busy loop"
        assert one.log().count("cannot accept connections") <= 1, one.log()
        assert "only 24 descriptors are allowed" in one.log()
        for _ in range(40):
            service.take()[0].close()
        wait(lambda: one.counts()["proxied"] == 40, f"all taken: {one.log()}")
        for session in sessions:
            session.close()


def refusals_in_log():
    """a scan from an untrusted address: refused, with a few lines in the log"""
    with gate("/nowhere/gated") as one:
        for _ in range(200):
            with Session(SERVER[0], PORT, STRANGER[0]) as session:
                assert session.reply().startswith("421 4.3.2")
        assert 1 <= one.log().count("refused [10.99.0.9]: no trusted proxy") <= 5, one.log()
        assert one.counts()["refused"] == 200


def reload():
    """SIGHUP: new listeners and replies, mistakes keep the old ones, closed ports close"""
    def texts(port, **options):
        return (listener([PLACE], "/nowhere/gated", refuse="554", **options) +
                listener([f"{SERVER[0]}:{port}"], "/nowhere/gated", name="second"))
    with gate("/nowhere/gated", user=USER) as one:
        one.write(texts(2526, reply="5.7.1 Not here"))
        one.signal(signal.SIGHUP, "reloaded")
        for port, reply in ((PORT, "554 5.7.1 Not here"), (2526, "421 4.3.2")):
            with Session(SERVER[0], port, STRANGER[0]) as session:
                assert session.reply().startswith(reply), session.replies
        one.write("nonsense = 1\n")
        one.signal(signal.SIGHUP, "not reloaded")
        assert "postern-gate.conf:3:1: error: unknown setting 'nonsense'" in one.log(), one.log()
        with Session(SERVER[0], 2526, STRANGER[0]) as session:
            assert session.reply().startswith("421"), session.replies
        one.write(texts(26))  # below 1024, and no root any more
        one.signal(signal.SIGHUP, "reloaded")
        assert f"cannot listen on {SERVER[0]}:26: Permission denied" in one.log(), one.log()
        try:
            Session(SERVER[0], 2526).close()
            raise AssertionError("port 2526 is still open")
        except ConnectionRefusedError:
            pass
        assert one.counts("smtp")["refused"] == 1, "counts outlive a reload"
        assert one.stop() == 0, one.log()


def signal_with_connection():
    """a signal that closes a port, in one round with a connection to that port: no crash"""
    for number, word in ((signal.SIGHUP, "reloaded"), (signal.SIGTERM, "stopping")):
        with gate("/nowhere/gated") as one:
            one.write(listener([f"{SERVER[0]}:2526"], "/nowhere/gated"))
            one.process.send_signal(signal.SIGSTOP)
            wait(lambda one=one: state(one.process.pid) == "T", "the halt")
            # both are ready in this order when it goes on
            one.process.send_signal(number)
            with from_proxy() as session:
                one.process.send_signal(signal.SIGCONT)
                wait(lambda one=one, word=word: word in one.log(), one.log())
                assert session.reply()[:3] in ("", "421"), session.replies
            assert one.stop() == 0, one.log()
            assert "ERROR" not in one.log(), one.log()


def state(process):
    with open(f"/proc/{process}/stat", encoding="ascii") as file:
        return file.read().rsplit(")", 1)[1].split()[0]


def privileges():
    """started as root on port 25, it becomes Postfix's user for good, in a chroot if told"""
    with Postfix() as postfix:
        text = (listener([f"{SERVER[0]}:25"], postfix.service("gated")) +
                f'chroot = "{postfix.folder}/queue"\nmetrics = "{postfix.folder}/queue/pid/m"\n')
        os.chmod(f"{postfix.folder}/queue/pid", 0o777)
        # in the chroot LeakSanitizer, where it is built in, lacks /proc
        with Gate(text, user=USER, environment={"ASAN_OPTIONS": "detect_leaks=0"}) as one:
            with open(f"/proc/{one.process.pid}/status", encoding="ascii") as file:
                status = file.read()
            uid = pwd.getpwnam(USER).pw_uid
            assert f"Uid:\t{uid}\t{uid}\t{uid}\t{uid}\n" in status, status
            assert "CapEff:\t0000000000000000\n" in status and "Groups:\t \n" in status, status
            assert "NoNewPrivs:\t1\n" in status, status
            assert os.readlink(f"/proc/{one.process.pid}/root") == f"{postfix.folder}/queue"
            with Session(SERVER[0], 25, PROXY[0],
                         proxy_header("203.0.113.9", SERVER[0])) as session:
                assert session.reply().startswith("220"), session.replies
            one.signal(signal.SIGHUP, "outside of chroot, restart instead")
            wait(lambda: one.counts()["proxied"] == 1, "the count")
            wait(lambda: os.path.exists(f"{postfix.folder}/queue/pid/m"), "the metrics")
            assert one.stop() == 0, one.log()
            with open(f"{postfix.folder}/queue/pid/m", encoding="ascii") as file:
                figures = file.read()
            assert ('postern_gate_connections_total{listener="smtp",verdict="proxied"} 1\n' in
                    figures), figures
            assert os.stat(f"{postfix.folder}/queue/pid/m").st_mode & 0o777 == 0o644


def activated():
    """a socket of the service manager, readiness and the watchdog, without any privilege"""
    if not os.path.exists("/run/systemd") and b"libsystemd" not in subprocess.run(
            ["ldd", GATE], stdout=subprocess.PIPE, check=True).stdout:
        print("# built without libsystemd: not tried")
        return
    listening = socket.create_server(("::", 25), family=socket.AF_INET6, dualstack_ipv6=True)
    folder = tempfile.mkdtemp(prefix="postern-gate-notify-")
    os.chmod(folder, 0o777)
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    manager.bind(f"{folder}/notify")
    os.chmod(f"{folder}/notify", 0o666)
    manager.settimeout(WAIT)
    # descriptor 3, and LISTEN_PID of the process that the shell becomes
    prefix = ["setpriv", f"--reuid={USER}", f"--regid={pwd.getpwnam(USER).pw_gid}",
              "--clear-groups", "sh", "-c",
              f'exec 3<&{listening.fileno()}; export LISTEN_PID=$$ WATCHDOG_PID=$$; exec "$@"',
              "sh"]
    environment = {"LISTEN_FDS": "1", "LISTEN_FDNAMES": "smtp", "WATCHDOG_USEC": "400000",
                   "NOTIFY_SOCKET": f"{folder}/notify"}
    with Gate(listener([], "/nowhere/gated"), prefix=prefix, environment=environment,
              pass_fds=[listening.fileno()]) as one:
        words = [manager.recv(200).decode() for _ in range(4)]
        assert words[0] == "READY=1" and words[1:] == ["WATCHDOG=1"] * 3, words
        for server, stranger in zip(SERVER, STRANGER):
            with Session(server, 25, stranger) as session:
                assert session.reply().startswith("421"), session.replies
        one.write(listener([], "/nowhere/gated", refuse="554"))
        one.signal(signal.SIGHUP, "reloaded")
        with Session(SERVER[0], 25, STRANGER[0]) as session:
            assert session.reply().startswith("554"), session.replies
        assert one.stop() == 0
        said = set()
        while "STOPPING=1" not in said:
            said.add(manager.recv(200).decode().splitlines()[0])
        assert "RELOADING=1" in said, said
    # without sockets, that listener has nothing to listen on
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
        file.write('log = "stderr"\n' + listener([], "/nowhere/gated"))
        file.flush()
        status, _, errors = run("-f", "-c", file.name)
        assert status == 3 and "no socket was handed over" in errors, errors
    shutil.rmtree(folder)
    listening.close()


def stop_with_waiting():
    """SIGTERM: who waits is handed over if Postfix comes back, else answered 421"""
    with gate("/nowhere/gated", "wait_seconds = 60\n") as one:
        with from_proxy() as session:
            wait(lambda: "there is no such socket" in one.log(), one.log())
            one.process.terminate()
            wait(lambda: "stopping" in one.log(), "the stop")
            one.process.terminate()
            assert session.reply().startswith("421"), session.replies
            assert one.process.wait(WAIT) == 0
    with Service() as service, gate(service.path) as one:
        with from_proxy() as session:
            wait(lambda: one.descriptors() > 6, "the hand-over")
            time.sleep(0.2)
            one.process.terminate()
            wait(lambda: "stopping" in one.log(), "the stop")
            service.take()[0].sendall(b"220 here\r\n")
            assert session.reply() == "220 here"
            assert one.process.wait(WAIT) == 0


def port_taken():
    """a port that is taken: no start, and the message says which"""
    with gate("/nowhere/gated"):
        with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
            file.write('log = "stderr"\n' + listener([PLACE], "/nowhere/gated"))
            file.flush()
            status, _, errors = run("-f", "-c", file.name)
            assert status == 3 and f"cannot listen on {PLACE}: Address already" in errors, errors


needs("postfix", "setpriv", "prlimit")
isolate()
sys.exit(run_checks(command_line, start_refused, background, hand_over_octets, missing, no_socket, denied, nobody_listens,
                    too_long, left, full_queue, queue_limit, dropped, dropped_for_ever, talks,
                    unanswered, descriptors_short, refusals_in_log, reload, signal_with_connection, privileges, activated,
                    stop_with_waiting, port_taken))
