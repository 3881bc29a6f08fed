"""What the tests of postern-gate share: namespaces, a real Postfix, the gate, SMTP clients.

A test runs in network, mount and process namespaces of its own: ports and addresses are free, and
nothing outlives it. All hosts are addresses of the loopback interface; who connects binds its own.
"""
import faulthandler
import glob
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback

GATE = os.environ.get("POSTERN_GATE", "")
WAIT = 60  # seconds until what should happen counts as missing
PATIENCE = 500  # seconds for a whole test; what hangs must end before CTest loses its patience

SERVER = ["10.99.0.2", "fd99::2"]     # Postfix and the gate
PROXY = ["10.99.0.3", "fd99::3"]      # the trusted proxy
STRANGER = ["10.99.0.9", "fd99::9"]   # inside the network, and no proxy
CLIENT = ["203.0.113.9", "2001:db8:ffff::25"]  # on the Internet, before the proxy
INSIDE = ["10.99.7.1", "fd99:7::1"]   # internal clients: mynetworks


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(77)


def needs(*programs):
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    if os.geteuid() != 0:
        skip("needs root, for network namespaces")
    if not os.access(GATE, os.X_OK):
        skip("POSTERN_GATE names no program")
    for program in ("ip", "unshare", *programs):
        if not shutil.which(program):
            skip(f"needs {program}")


def sanitized():
    """Whether the gate was built with AddressSanitizer, which keeps freed memory for a while."""
    return b"libasan" in subprocess.run(["ldd", GATE], stdout=subprocess.PIPE, check=True).stdout


def isolate():
    """Goes on in new namespaces, with the addresses of every host."""
    if os.getpid() != 1:
        # Python must be process 1: when it ends, the kernel ends all the others
        os.execvp("unshare", ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child",
                              "--mount-proc", sys.executable, *sys.argv])
    signal.signal(signal.SIGALRM, give_up)
    signal.alarm(PATIENCE)
    add_addresses()


def add_addresses():
    """Gives the loopback interface those of every host; in a network namespace of one's own."""
    sh("ip link set lo up")
    for v4, v6 in (SERVER, PROXY, STRANGER, CLIENT, INSIDE):
        sh(f"ip addr add {v4}/32 dev lo && ip addr add {v6}/128 dev lo nodad")


def give_up(*_):
    """Says where it hangs, and ends this process and with it the namespaces."""
    print(f"not ok - no end after {PATIENCE} seconds", flush=True)
    faulthandler.dump_traceback(sys.stdout)
    print(sh("ps -eo pid,ppid,stat,wchan:20,args --forest", check=False), flush=True)
    os._exit(1)


def sh(command, check=True, **options):
    return subprocess.run(["sh", "-ec", command], check=check, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, **options).stdout


def wait(condition, what, seconds=WAIT):
    """Waits until condition() is true, and gives its value."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"missing after {seconds} seconds: {what}")
        time.sleep(0.05)


def run_checks(*checks, each_needs_the_last=False):
    """Calls them in order, and prints a TAP line for each. Returns the exit status."""
    failed = 0
    print(f"1..{len(checks)}")
    for number, (check, *arguments) in enumerate(
            (c if isinstance(c, tuple) else (c,) for c in checks), 1):
        name = (check.__doc__ or check.__name__).splitlines()[0]
        if failed and each_needs_the_last:
            print(f"not ok {number} - {name}: not tried after the failure", flush=True)
            continue
        started = time.monotonic()
        try:
            check(*arguments)
            print(f"ok {number} - {name} ({time.monotonic() - started:.1f} s)", flush=True)
        except Exception:  # pylint: disable=broad-except
            failed += 1
            print(f"not ok {number} - {name}\n{traceback.format_exc()}", flush=True)
    return 1 if failed else 0


MAIN = """\
compatibility_level = 2
queue_directory = {inside}/queue
data_directory = {inside}/data
maillog_file = {inside}/maillog
maillog_file_prefixes = {inside}
mail_owner = postfix
setgid_group = postdrop
myhostname = mail.gate.test
mydestination =
inet_interfaces = all
alias_maps =
alias_database =
local_recipient_maps =
mynetworks = 127.0.0.0/8 [::1]/128 10.99.7.1/32 [fd99:7::1]/128
smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination
smtpd_peername_lookup = no
virtual_mailbox_domains = gate.test
virtual_mailbox_maps = static:box/
virtual_mailbox_base = {inside}/mail
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
default_transport = discard
postscreen_access_list = permit_mynetworks
postscreen_greet_wait = 1s
postscreen_cache_map =
smtpd_client_connection_count_limit = 0
smtpd_banner = $myhostname ESMTP
"""

MASTER = """\
{plain}:2600 inet n - n - - smtpd -o syslog_name=postfix/plain
  -o smtpd_upstream_proxy_protocol=haproxy
gated pass - - n - - smtpd -o syslog_name=postfix/gated
  -o smtpd_upstream_proxy_protocol=haproxy
direct pass - - n - - smtpd -o syslog_name=postfix/direct
screened pass n - n - 1 postscreen -o syslog_name=postfix/screened
  -o postscreen_upstream_proxy_protocol=haproxy
smtpd pass - - n - - smtpd -o syslog_name=postfix/behind
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
proxymap unix - - n - - proxymap
anvil unix - - n - 1 anvil
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
virtual unix - n n - - virtual
postlog unix-dgram n - n - 1 postlogd
"""


class Postfix:
    """A Postfix of its own: this machine's, or that of a root folder with another release."""

    def __init__(self, root="", main="", maxproc=None):
        self.root = os.path.abspath(root) if root else ""
        base = self.root + "/var/tmp" if root else None
        self.folder = tempfile.mkdtemp(prefix="postern-gate-", dir=base)
        self.inside = self.folder[len(self.root):]
        os.chmod(self.folder, 0o755)
        self.uid, self.gid = self.find_user()
        for name in ("conf", "queue", "data", "mail/box/new", "mail/box/cur", "mail/box/tmp"):
            os.makedirs(f"{self.folder}/{name}")
        os.chown(f"{self.folder}/data", self.uid, self.gid)
        for name in ("mail", "mail/box", "mail/box/new", "mail/box/cur", "mail/box/tmp"):
            os.chown(f"{self.folder}/{name}", 65534, 65534)
        master = MASTER.format(plain=SERVER[0])
        if maxproc:
            master = re.sub(r"^(gated pass - - n -) -", rf"\1 {maxproc}", master, flags=re.M)
        # while postlogd is not running, postsuper writes there itself, as Postfix's user, and Postfix
        # would not start where it has something to say of files that killed sessions left
        self.write("maillog", "")
        os.chown(f"{self.folder}/maillog", self.uid, self.gid)
        self.write("conf/main.cf", MAIN.format(inside=self.inside) + main)
        self.write("conf/master.cf", master)
        if root:
            for name in ("proc", "dev"):
                sh(f"mount --rbind /{name} {self.root}/{name}")

    def write(self, name, text):
        with open(f"{self.folder}/{name}", "w", encoding="ascii") as file:
            file.write(text)

    def find_user(self):
        with open(f"{self.root}/etc/passwd", encoding="utf-8") as file:
            for line in file:
                fields = line.split(":")
                if fields[0] == "postfix":
                    return int(fields[2]), int(fields[3])
        return skip("there is no user postfix")

    def command(self, *arguments):
        chroot = ["chroot", self.root] if self.root else []
        done = subprocess.run([*chroot, *arguments], check=False, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=PATIENCE)
        if done.returncode:
            raise RuntimeError(f"{' '.join(arguments)}: {done.stdout}\n{self.log()[-3000:]}")
        return done.stdout

    def postfix(self, action):
        return self.command("postfix", "-c", f"{self.inside}/conf", action)

    def version(self):
        return self.command("postconf", "-c", f"{self.inside}/conf", "-h", "mail_version").strip()

    def __enter__(self):
        self.postfix("start")
        wait(lambda: os.path.exists(self.service("gated")), "Postfix")
        return self

    def __exit__(self, *_):
        try:
            self.postfix("stop")
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    def service(self, name):
        """The path of a pass service's socket, seen from outside of the root."""
        folder = "public" if name == "screened" else "private"
        return f"{self.folder}/queue/{folder}/{name}"

    def log(self):
        try:
            with open(f"{self.folder}/maillog", encoding="utf-8", errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def mail(self):
        """The texts of all messages in the mailbox."""
        found = []
        for path in glob.glob(f"{self.folder}/mail/box/new/*"):
            with open(path, encoding="utf-8", errors="replace") as file:
                found.append(file.read())
        return found


class Gate:
    """postern-gate with a configuration, as Postfix's user."""

    def __init__(self, text, user=None, prefix=(), environment=None, options=(), pass_fds=()):
        self.folder = tempfile.mkdtemp(prefix="postern-gate-run-")
        os.chmod(self.folder, 0o755)
        self.config = f"{self.folder}/postern-gate.conf"
        self.log_path = f"{self.folder}/log"
        self.user = user
        self.write(text)
        with open(self.log_path, "w", encoding="ascii") as log:
            # pylint: disable-next=consider-using-with
            self.process = subprocess.Popen(
                [*prefix, GATE, "-f", "-c", self.config, *options], stdin=subprocess.DEVNULL,
                stdout=log, stderr=log, env={**os.environ, **(environment or {})},
                pass_fds=pass_fds)

    def write(self, text):
        user = f'user = "{self.user}"\n' if self.user else ""
        with open(self.config, "w", encoding="ascii") as file:
            file.write(f'log = "stderr"\n{user}{text}')

    def started(self):
        wait(lambda: "started" in self.log() or self.process.poll() is not None, "the gate")
        assert self.process.poll() is None, self.log()
        return self

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as file:
            return file.read()

    def __enter__(self):
        return self.started()

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.folder)

    def stop(self):
        """SIGTERM; returns the exit status."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(WAIT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise

    def signal(self, number, text, count=1):
        """Sends a signal, and waits until a text is in the log once more."""
        before = self.log().count(text)
        self.process.send_signal(number)
        wait(lambda: self.log().count(text) >= before + count, f"{text!r} in {self.log()}")

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def resident(self):
        """Kilobytes."""
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as file:
            return int(re.search(r"VmRSS:\s+(\d+)", file.read()).group(1))

    def cpu(self):
        """Seconds that it has computed."""
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def counts(self, listener="smtp"):
        """The counts that SIGUSR1 writes to the log."""
        self.signal(signal.SIGUSR1, f"listener={listener} ")
        line = re.findall(rf"listener={listener} (.*)", self.log())[-1]
        return {name: int(number) for name, number in re.findall(r"(\w+)=(\d+)", line)}


def drop_to(postfix):
    """What starts the gate as Postfix's user of another root, whose number may differ."""
    return ["setpriv", f"--reuid={postfix.uid}", f"--regid={postfix.gid}", "--clear-groups"]


def listener(addresses, proxied, direct=None, name="smtp", trusted=tuple(PROXY), **settings):
    """A listener section."""
    def values(items):
        return "{" + ", ".join(f'"{item}"' for item in items) + "}"
    lines = [f"addresses = {values(addresses)}", f"trusted_proxies = {values(trusted)}",
             f'proxied_service = "{proxied}"']
    if direct:
        lines.append(f'direct_service = "{direct}"')
    lines += [f'{key} = "{value}"' for key, value in settings.items()]
    return f'listener "{name}" {{\n  ' + "\n  ".join(lines) + "\n}\n"


class Session:
    """An SMTP client that writes down what it hears."""

    def __init__(self, server, port, source=None, header=b"", timeout=WAIT):
        self.socket = socket.create_connection(
            (server, port), timeout, source_address=(source, 0) if source else None)
        self.replies = []
        self.socket.sendall(header)
        self.lines = self.socket.makefile("rb")

    def reply(self):
        """The next reply, as one text; '' at the end of the connection."""
        text = b""
        while True:
            try:
                line = self.lines.readline()
            except ConnectionResetError:
                line = b""
            text += line
            if not line or line[3:4] != b"-":
                self.replies.append(text.decode().strip())
                return self.replies[-1]

    def say(self, line):
        self.socket.sendall(line.encode() + b"\r\n")
        return self.reply()

    def send(self, sender, recipient, text="Subject: hello\n\nhello"):
        """A whole transaction. Returns the reply that decided it."""
        for command in ("EHLO client.test", f"MAIL FROM:<{sender}>", f"RCPT TO:<{recipient}>",
                        "DATA"):
            reply = self.say(command)
            if reply[:1] not in "23" or not reply:
                return reply
        self.socket.sendall(text.replace("\n", "\r\n").encode() + b"\r\n.\r\n")
        return self.reply()

    def close(self):
        self.lines.close()
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def proxy_header(client, server, version=1):
    """A PROXY header that claims `client`."""
    v6 = ":" in client
    if version == 1:
        return f"PROXY TCP{6 if v6 else 4} {client} {server} 4711 25\r\n".encode()
    family = socket.AF_INET6 if v6 else socket.AF_INET
    addresses = socket.inet_pton(family, client) + socket.inet_pton(family, server)
    body = addresses + (4711).to_bytes(2, "big") + (25).to_bytes(2, "big")
    return (b"\r\n\r\n\0\r\nQUIT\n\x21" + (b"\x21" if v6 else b"\x11") +
            len(body).to_bytes(2, "big") + body)


def postfix_user():
    return pwd.getpwnam("postfix")
