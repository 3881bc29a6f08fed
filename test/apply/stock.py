#!/usr/bin/python3
"""
A stock Debian's Postfix with settings made by hand, really running: plan, apply in overlay mode, mail
comes in, mail goes out signed, a killed apply before a start of Postfix, and back to the octet.

In namespaces of its own, with a layer over /etc and copies of Postfix's other folders.
"""
import ctypes
import os
import shutil
import signal
import socket
import socketserver
import subprocess
import sys
import tempfile
import threading
import time

from applylib import BY_HAND, EXAMPLE, STOCK, check, equal, finish, need_root_and_postfix, skip

need_root_and_postfix()
if "APPLY_INSIDE" not in os.environ:
    if subprocess.run(["unshare", "--net", "--mount", "--pid", "--fork", "true"], check=False).returncode:
        skip("no namespaces here")
    sys.exit(subprocess.run(["unshare", "--net", "--mount", "--uts", "--pid", "--fork", "--mount-proc", sys.executable, __file__],
                            env={**os.environ, "APPLY_INSIDE": "1"}, check=False).returncode)
try:
    import dkim
except ImportError:
    skip("no python3-dkim")
os.environ["PATH"] += ":/usr/sbin:/sbin"
CONFGEN, MILTER = os.environ["POSTERN_CONFGEN"], os.environ["POSTERN_MILTER"]
ETC = "/etc/postfix"


def sh(*command, **more):
    """Runs a command, which must work."""
    ended = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120, **more)
    if ended.returncode:
        log = f"{root}/mail.log"
        with open(log if os.path.exists(log) else os.devnull, encoding="utf-8", errors="replace") as lines:
            sys.exit(f"{command}: {ended.stdout}{ended.stderr}{lines.read()[-2000:]}")
    return ended.stdout


# a machine
sh("mount", "--make-rprivate", "/")
root = tempfile.mkdtemp(prefix="apply-stock-")
sh("mount", "-t", "tmpfs", "none", root)
for name in ("up", "work", "var"):
    os.mkdir(f"{root}/{name}")
for name in ("spool", "lib"):
    sh("cp", "-a", f"/var/{name}/postfix", f"{root}/var/{name}")
    sh("mount", "--bind", f"{root}/var/{name}", f"/var/{name}/postfix")
sh("sh", "-c", "rm -f /var/spool/postfix/pid/*")
if subprocess.run(["mount", "-t", "overlay", "none", "-o", f"lowerdir=/etc,upperdir={root}/up,workdir={root}/work", "/etc"],
                  check=False).returncode:
    skip("no overlay file system here")
# the others live in a network namespace of their own, where sockets are made by a visit of this thread
LIBC = ctypes.CDLL(None, use_errno=True)
HOME = os.open("/proc/self/ns/net", os.O_RDONLY)
peer = subprocess.Popen(["unshare", "--net", "sleep", "600"])
while os.stat(f"/proc/{peer.pid}/ns/net").st_ino == os.fstat(HOME).st_ino:
    time.sleep(0.05)
WORLD = os.open(f"/proc/{peer.pid}/ns/net", os.O_RDONLY)


def abroad(make, *args, **more):
    """Does something in the others' network."""
    LIBC.setns(WORLD, 0)
    try:
        return make(*args, **more)
    finally:
        LIBC.setns(HOME, 0)


sh("ip", "link", "add", "veth0", "type", "veth", "peer", "name", "veth1", "netns", str(peer.pid))
for run, device, addresses in ((sh, "veth0", ("11.22.33.44", "192.168.2.2")),
                               (lambda *args: abroad(sh, *args), "veth1", ("192.168.2.3", "203.0.113.25", "198.51.100.9"))):
    for address in addresses:
        run("ip", "address", "add", f"{address}/32", "dev", device)
    run("ip", "link", "set", "lo", "up")
    run("ip", "link", "set", device, "up")
    run("ip", "route", "add", "default", "dev", device)
sh("hostname", "stock.example.net")
with open("/etc/hosts", "a", encoding="ascii") as file:
    file.write("203.0.113.25 elsewhere.test\n192.168.2.3 internal-mail.example.com\n")

# services that Debian changes the root of look there
os.makedirs("/var/spool/postfix/etc", exist_ok=True)
shutil.copy("/etc/hosts", "/var/spool/postfix/etc/hosts")

# as Debian installs it, and with what an administrator did since
shutil.copy(f"{STOCK}/master.cf.dist", f"{ETC}/master.cf")
with open(f"{STOCK}/main.cf.debian", encoding="ascii") as file:
    stock = file.read()
with open(f"{ETC}/main.cf", "w", encoding="ascii") as file:
    file.write(stock + BY_HAND + f"myhostname = stock.example.net\nsmtp_dns_support_level = disabled\n"
               f"inet_protocols = all\nalias_maps =\nmaillog_file = {root}/mail.log\nmaillog_file_prefixes = {root}\n"
               "mydestination = $myhostname, localhost\n")
with open(f"{ETC}/master.cf", "a", encoding="ascii") as file:
    file.write("# by hand\n2525 inet n - n - - smtpd\n  -o syslog_name=by-hand\n")
os.makedirs(f"{ETC}/certificates")
sh("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=mail.example.com", "-keyout",
   f"{ETC}/certificates/mail.example.com.key", "-out", f"{ETC}/certificates/mail.example.com.crt")
os.makedirs("/etc/postern/keys/example.com")
sh("openssl", "genrsa", "-out", "/etc/postern/keys/example.com/mail.private", "2048")
os.chmod("/etc/postern/keys/example.com/mail.private", 0o600)
public = sh("sh", "-c", "openssl rsa -in /etc/postern/keys/example.com/mail.private -pubout -outform DER | openssl base64 -A")
topology = f"{root}/topology.yaml"
with open(EXAMPLE, encoding="utf-8") as file:
    text = file.read().replace("sign_at: private", "sign_at: public")
with open(topology, "w", encoding="utf-8") as file:
    file.write(text)


class Sink(socketserver.StreamRequestHandler):
    """A mail host that takes everything."""
    arrived = []

    def handle(self):
        try:
            self.talk()
        except OSError:
            pass

    def talk(self):
        """Postfix asks for recipients, and hangs up."""
        self.wfile.write(b"220 sink ESMTP\r\n")
        while line := self.rfile.readline():
            word = line[:4].upper()
            if word == b"DATA":
                self.wfile.write(b"354 go on\r\n")
                message = b""
                while (line := self.rfile.readline()) not in (b".\r\n", b""):
                    message += line[1:] if line.startswith(b"..") else line
                Sink.arrived.append((self.server.server_address[0], message))
            self.wfile.write(b"221 bye\r\n" if word == b"QUIT" else b"250 sink\r\n")


class Server(socketserver.ThreadingTCPServer):
    """One of them."""
    allow_reuse_address = True
    daemon_threads = True


for address in ("192.168.2.3", "203.0.113.25"):
    threading.Thread(target=abroad(Server, (address, 25), Sink).serve_forever, daemon=True).start()


def smtp(source, sender, recipient, body, host="192.168.2.2", port=25):
    """Sends a message; gives all replies."""
    replies = []
    with abroad(socket.create_connection, (host, port), timeout=60, source_address=(source, 0)) as connection:
        file = connection.makefile("rb")
        for command in (None, "EHLO internal-mail.example.com", f"MAIL FROM:<{sender}>", f"RCPT TO:<{recipient}>", "DATA",
                        body + "\r\n.", "QUIT"):
            if command:
                connection.sendall(command.encode() + b"\r\n")
            reply = b""
            while (line := file.readline())[3:4] == b"-":
                reply += line
            replies.append((reply + line).decode())
            if command and not line.startswith((b"2", b"3")):
                break
    return replies


def wait(token, address):
    """The message that arrived there, or None."""
    for _ in range(300):
        for where, message in Sink.arrived:
            if where == address and token in message:
                return message
        time.sleep(0.2)
    return None


def exact():
    """The folder, with all that belongs to it."""
    return sh("sh", "-c", f"cd {ETC} && find . -printf '%p %y %m %U %G %T@ %l\\n' | LC_ALL=C sort; "
                          "find . -type f -exec sha256sum {} + | LC_ALL=C sort")


def confgen(*args, status=0):
    """A command on this machine, with its own folders."""
    ended = subprocess.run([CONFGEN, args[0], "--state-dir", f"{root}/states", *args[1:]], capture_output=True, text=True,
                           check=False, timeout=300, stdin=subprocess.DEVNULL)
    equal(ended.returncode, status, f"{args}: {ended.stdout[-400:]}{ended.stderr[-600:]}")
    return ended.stdout


sh("postfix", "start")
before = exact()
check(smtp("198.51.100.9", "a@elsewhere.test", "b@example.com", "x")[3].startswith("454"), "the stock host relays nothing")

planned = confgen("plan", "--host", "public", topology, status=2)
check("myhostname" in planned and "hunter2" not in planned, "the plan says what, and no password")
equal(exact(), before, "a plan changes nothing")
done = confgen("apply", "--host", "public", "--yes", topology)
check("Postfix: restart" in done and "postern-milter: systemd does not run it" in done, f"what was done: {done[-400:]}")
os.makedirs("/var/spool/postfix/postern")
shutil.chown("/var/spool/postfix/postern", 64990, "postfix")
os.chmod("/var/spool/postfix/postern", 0o750)
with open("/etc/passwd", "a", encoding="ascii") as file:
    file.write("postern:x:64990:64990::/nonexistent:/usr/sbin/nologin\n")
with open("/etc/group", "a", encoding="ascii") as file:
    file.write("postern:x:64990:\n")
milter = subprocess.Popen([MILTER, "--config=/etc/postern/postern-milter.conf"],
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
for _ in range(150):
    if os.path.exists("/var/spool/postfix/postern/milter.sock"):
        break
    time.sleep(0.2)

# mail comes in, and goes out signed; strangers cannot relay; settings by hand hold
replies = smtp("198.51.100.9", "a@elsewhere.test", "user@example.com", "Subject: token-in\r\n\r\nx")
check(replies[0].startswith("220 mail.example.com") and "SIZE 20000000" in replies[1], f"both speak: {replies[:2]}")
check(wait(b"token-in", "192.168.2.3"), f"mail comes in: {replies}")
replies = smtp("192.168.2.3", "user@example.com", "x@elsewhere.test",
               "From: user@example.com\r\nTo: x@elsewhere.test\r\nSubject: token-out\r\nMessage-ID: <1@example.com>\r\n"
               "Date: Wed, 25 Nov 2026 12:00:00 +0000\r\n\r\nx")
message = wait(b"token-out", "203.0.113.25")
check(message, f"mail goes out: {replies}")
record = f"v=DKIM1; k=rsa; p={public}".encode()
check(message and message.count(b"DKIM-Signature:") == 1 and dkim.verify(message, dnsfunc=lambda *_, **__: record), "signed")
replies = smtp("198.51.100.9", "user@example.com", "x@elsewhere.test", "x")
check(replies[-1].startswith(("5", "4")), f"strangers cannot relay: {replies[-1]}")
check(smtp("198.51.100.9", "a@elsewhere.test", "user@example.com", "x", port=2525)[0].startswith("220"), "the service by hand answers")
equal(confgen("apply", "--host", "public", "--yes", topology).count("Nothing would change."), 1, "again: nothing")

# killed with links in place, on both sides of the instant; Postfix stops and starts in between
if shutil.which("strace"):
    with open(topology, "w", encoding="utf-8") as file:
        file.write(text.replace("mail.example.com\n    addr", "mx.example.com\n    addr"))
    applied = exact()
    trace = f"{root}/trace"
    when = {}
    for phase in ("before", "after"):
        call = f"inject=renameat:signal=KILL:when={when.get(phase, 1000)}"
        # the first run, which is not killed, tells which call is the instant
        if not when:
            subprocess.run(["strace", "-qq", "-o", trace, "-e", "trace=renameat", CONFGEN, "apply", "--state-dir", f"{root}/states",
                            "--host", "public", "--yes", topology], env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0"},
                           capture_output=True, check=True, stdin=subprocess.DEVNULL)
            with open(trace, encoding="utf-8", errors="replace") as file:
                calls = [line for line in file if line.startswith("renameat")]
            turn = [number for number, line in enumerate(calls, 1) if '"next"' in line][0]
            # a call that is killed has not been made
            when = {"before": turn, "after": turn + 1}
            confgen("rollback", "--yes")
            call = f"inject=renameat:signal=KILL:when={when[phase]}"
        ended = subprocess.run(["strace", "-qq", "-o", "/dev/null", "-e", "trace=renameat", "-e", call, CONFGEN, "apply", "--state-dir",
                                f"{root}/states", "--host", "public", "--yes", topology], capture_output=True, check=False,
                               env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}, stdin=subprocess.DEVNULL)
        equal(ended.returncode, -signal.SIGKILL, f"killed {phase} the instant")
        check(os.path.islink(f"{ETC}/main.cf"), f"killed {phase} the instant: links are in place")
        sh("postfix", "stop")
        sh("postfix", "start")
        banner = smtp("198.51.100.9", "a@elsewhere.test", "user@example.com", "x")[0]
        wanted = "220 mail.example.com" if phase == "before" else "220 mx.example.com"
        check(banner.startswith(wanted), f"killed {phase} the instant, Postfix says {banner!r}")
        said = confgen("apply", "--host", "public", "--yes", topology)
        check(not os.path.islink(f"{ETC}/main.cf") and not os.path.exists(f"{ETC}/.postern-apply"), "apply again ends it")
        check(smtp("198.51.100.9", "a@elsewhere.test", "user@example.com", "x")[0].startswith("220 mx.example.com"), f"in the new: {said}")
        if phase == "before":
            confgen("rollback", "--yes")

# what Postfix's own programs refuse is not tried; what no program but the daemon refuses comes back by itself
with open(topology, "w", encoding="utf-8") as file:
    file.write(text.replace("    addresses: {internet: 11", "    extra: {inet_interfaces: 192.0.2.77}\n    addresses: {internet: 11"))
said = confgen("apply", "--host", "public", "--yes", topology, status=1)
check("State" not in said, f"an address that is not here: {said[-500:]}")
with open(topology, "w", encoding="utf-8") as file:
    file.write(text.replace("    addresses: {internet: 11", "    extra: {smtpd_delay_reject: perhaps}\n    addresses: {internet: 11"))
now = exact()
said = confgen("apply", "--host", "public", "--yes", topology, status=1)
check("The former state is back." in said, f"a word that smtpd ends with: {said[-500:]}")
equal(exact(), now, "the former state is back, to the octet")
check(smtp("198.51.100.9", "a@elsewhere.test", "user@example.com", "x")[0].startswith("220"), "and answers")

# back to the octet
confgen("rollback", "--yes", "--to", "0")
equal(exact(), before, "rollback is exact")
check(smtp("198.51.100.9", "a@elsewhere.test", "b@example.com", "x")[3].startswith("454"), "the stock host is back")
print(confgen("rollback", "--list"))
milter.terminate()
peer.terminate()
sh("postfix", "stop")
finish()
