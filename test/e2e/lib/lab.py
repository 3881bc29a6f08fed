"""A booted lab for the end-to-end tests, and the runner that prints their results.

A test is a script with functions that take a Lab; run() renders a topology, boots it, calls them in
order, prints one TAP line each, and always takes the lab down: by `down`, or by the lab's own watch
on this process when it is killed.

With POSTERN_TEST_RELEASE ("3.5") the nodes of kind postfix run that release of Postfix, and what is
rendered for them is for it (../matrix).
"""
import base64
import contextlib
import email
import email.policy
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import traceback

SOURCE = os.environ.get("POSTERN_SOURCE") or os.path.dirname(
    os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
CONFGEN = os.environ.get("POSTERN_CONFGEN", "")
MILTER = os.environ.get("POSTERN_MILTER", "")
RELEASE = os.environ.get("POSTERN_TEST_RELEASE", "")
POSTERN_LAB = os.path.join(SOURCE, "lab", "postern-lab")
EXAMPLE = os.path.join(SOURCE, "examples", "dms-relay", "topology.yaml")
TOPOLOGIES = os.path.join(SOURCE, "test", "e2e", "topologies")
CLIENT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "smtp_client.py")
MAIL_DKIM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "mail_dkim.pl")

sys.path.append(os.path.join(SOURCE, "test", "matrix"))
import release as releases  # noqa: E402

PROGRAMS = {
    "postfix": "postfix", "nsd": "nsd", "dovecot": "dovecot-core", "jq": "jq", "ip": "iproute2",
    "unshare": "util-linux", "openssl": "openssl",
}
PASSWORD = "postern-lab"   # of every mailbox of the lab
STRANGER = "stranger@elsewhere.test"
WAIT = 30                  # seconds until what should happen counts as missing


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(77)


def check_requirements():
    if os.geteuid() != 0:
        skip("needs root, for network namespaces")
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    for program, package in PROGRAMS.items():
        if not shutil.which(program):
            skip(f"needs {program} (Debian package {package})")
    if subprocess.run(["/usr/bin/python3", "-c", "import dkim, dns.resolver"], check=False,
                      stderr=subprocess.DEVNULL).returncode:
        skip("needs python3-dkim and python3-dnspython")
    if subprocess.run(["perl", "-MMail::DKIM::Verifier", "-e", "1"], check=False,
                      stderr=subprocess.DEVNULL).returncode:
        skip("needs Mail::DKIM (Debian package libmail-dkim-perl)")
    for name, path in (("POSTERN_CONFGEN", CONFGEN), ("POSTERN_MILTER", MILTER)):
        if not os.access(path, os.X_OK):
            skip(f"{name} names no program")


def render(topology, folder, kinds=("postfix",)):
    """Renders a topology file, and returns the tree."""
    out = os.path.join(folder, "out")
    if RELEASE:
        topology = releases.topology_for(topology, RELEASE, folder, kinds)
    subprocess.run([CONFGEN, "render", "-o", out, topology], check=True, stdout=subprocess.PIPE)
    return out


def compose(sender="user@example.com", recipient=STRANGER, subject="hello", body="A line.\n"):
    """A small message, as text with \\n line ends."""
    return (f"From: <{sender}>\nTo: <{recipient}>\nSubject: {subject}\n"
            f"Date: Mon, 02 Mar 2026 10:00:00 +0000\n\n{body}")


class Lab:
    """One lab; a context manager. Nodes of these kinds run the release of POSTERN_TEST_RELEASE."""

    def __init__(self, topology, name=None, kinds=("postfix",)):
        self.topology = topology
        self.kinds = kinds
        self.name = name or f"e2e-{os.path.basename(sys.argv[0]).split('.')[0]}-{os.getpid()}"
        self.folder = tempfile.mkdtemp(prefix="postern-e2e-")
        self.counter = 0

    def __enter__(self):
        try:
            self.out = render(self.topology, self.folder, self.kinds)
            print("# " + self.lab("up", self.out, "--name", self.name, "--milter", MILTER,
                                  *self.roots(),
                                  "--until", str(os.getpid())).stdout.strip(), flush=True)
        except BaseException:
            shutil.rmtree(self.folder)
            raise
        return self

    def __exit__(self, *_):
        self.lab("down", self.name)
        shutil.rmtree(self.folder)

    def released(self):
        """The names of the nodes that run POSTERN_TEST_RELEASE."""
        return [node["name"] for node in self.manifest()["nodes"] if node["kind"] in self.kinds]

    def roots(self):
        return [option for name in (self.released() if RELEASE else [])
                for option in ("--root", f"{name}={releases.root_of(RELEASE)}")]

    @staticmethod
    def lab(*arguments):
        result = subprocess.run([POSTERN_LAB, *arguments], check=False, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if result.returncode:
            raise RuntimeError(f"postern-lab {arguments[0]}: {result.stderr}")
        return result

    def run(self, node, *command, stdin="", check=True):
        """Runs a command on a node, and returns its output."""
        result = subprocess.run([POSTERN_LAB, "exec", self.name, node, *command], check=False,
                                input=stdin.encode(), stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE)
        if check and result.returncode:
            raise RuntimeError(f"{command[0]} on {node}: {result.stderr.decode()}")
        return result.stdout.decode(errors="surrogateescape")

    def token(self):
        """A word that no other message of this lab has."""
        self.counter += 1
        return f"token-{os.getpid()}-{self.counter}"

    def smtp(self, node, server, sender, recipients, message=None, **options):
        """An SMTP transaction from a node; see smtp_client.py. Returns the replies by step."""
        request = {"server": server, "sender": sender, "message": message,
                   "recipients": [recipients] if isinstance(recipients, str) else recipients,
                   **options}
        with open(CLIENT, encoding="ascii") as script:
            program = script.read()
        return json.loads(self.run(node, "/usr/bin/python3", "-c", program,
                                   stdin=json.dumps(request)))

    def submit(self, node, user, recipient, message, sender=None, **options):
        """Mail from a logged-in user over port 587 of a node."""
        return self.smtp(node, "127.0.0.1", user if sender is None else sender, recipient, message,
                         port=587, starttls=True, login=[user, PASSWORD], **options)

    def sendmail(self, node, sender, recipient, message):
        self.run(node, "/usr/sbin/sendmail", "-i", "-f", sender, recipient, stdin=message)

    def mail(self, node, address):
        """All messages in a mailbox, as octets with CRLF line ends."""
        local, domain = address.split("@")
        folder = f"/var/mail/{domain}" if node == "internet" else f"/var/mail/{domain}/{local}"
        # Octets that cannot be in mail separate the files.
        text = self.run(node, "sh", "-c", f"for f in {folder}/new/*; do cat $f; printf '\\0'; done",
                        check=False)
        messages = [part.encode(errors="surrogateescape").replace(b"\n", b"\r\n")
                    for part in text.split("\0")[:-1] if part]
        if node == "internet":
            messages = [m for m in messages if f"\r\nX-Original-To: {address}\r\n".encode() in m]
        return messages

    def find(self, node, address, *words):
        """Messages in a mailbox that hold all the words."""
        return [m for m in self.mail(node, address) if all(w.encode() in m for w in words)]

    def arrived(self, node, address, *words):
        """Waits for the message, and returns it."""
        wait(lambda: self.find(node, address, *words), f"mail with {words} for {address} at {node}")
        found = self.find(node, address, *words)
        assert len(found) == 1, f"{len(found)} copies with {words} for {address} at {node}"
        return found[0]

    def queue(self, node):
        """The queue of a node: a list of dictionaries, as postqueue(1) -j prints them."""
        return [json.loads(line) for line in self.run(node, "postqueue", "-j").splitlines()]

    @contextlib.contextmanager
    def down(self, *nodes):
        """Nodes stand still meanwhile, and run again afterwards, whatever fails."""
        with contextlib.ExitStack() as stack:
            for node in nodes:
                self.lab("stop", self.name, node)
                stack.callback(self.lab, "start", self.name, node)
            yield

    def flush(self, node):
        self.run(node, "postqueue", "-f")

    def idle(self, node):
        """Waits until a node's queue is empty."""
        wait(lambda: not self.queue(node), f"an empty queue at {node}")

    def ask_often(self, *nodes):
        """Makes relays look every second, not every third, whether a recipient is verified."""
        for node in nodes:
            self.run(node, "postconf", "-e", "address_verify_poll_delay=1s",
                     "address_verify_poll_count=9")
            self.run(node, "postfix", "reload")

    def log(self, node, what="postfix"):
        return self.lab("log", self.name, node, what).stdout

    def manifest(self):
        with open(os.path.join(self.out, "manifest.json"), encoding="utf-8") as file:
            return json.load(file)

    def verify(self, message):
        """Verdicts of python3-dkim and Mail::DKIM, which look up the key in the lab's DNS."""
        text = message.decode(errors="surrogateescape")
        python = ("import sys, dkim\n"
                  "print(dkim.verify(sys.stdin.buffer.read()))")
        with open(MAIL_DKIM, encoding="ascii") as script:
            perl = script.read()
        return (self.run("internet", "/usr/bin/python3", "-c", python, stdin=text).strip(),
                self.run("internet", "/usr/bin/perl", "-e", perl, stdin=text).strip())


def account(username, password):
    """A line of the accounts that the lab gives to Dovecot."""
    return f"{username}:{{PLAIN.B64}}{base64.b64encode(password.encode()).decode()}\n"


def wait(condition, what):
    """Polls until the condition holds."""
    end = time.monotonic() + WAIT
    while not condition():
        assert time.monotonic() < end, f"no {what} within {WAIT} s"
        time.sleep(0.1)


def signatures(message):
    """The DKIM-Signature fields of a message, unfolded."""
    fields = email.message_from_bytes(message, policy=email.policy.compat32)
    return [re.sub(r"\s+", " ", field) for field in fields.get_all("DKIM-Signature", [])]


def hops(message):
    """Names of the hosts that a message passed, first one first, from its Received fields."""
    fields = email.message_from_bytes(message, policy=email.policy.compat32)
    return [re.search(r"\bby (\S+)", field)[1] for field in reversed(fields.get_all("Received"))]


def came_from(message, name, address):
    """Whether a Received field names a client by its greeting and address."""
    return re.search(rf"^Received: from {re.escape(name)} \(\S+ \[(IPv6:)?{re.escape(address)}\]\)",
                     message.decode(errors="replace"), re.M)


def assert_signed_once(lab, message, domain="example.com", selector="mail"):
    found = signatures(message)
    assert len(found) == 1, f"{len(found)} signatures: {found}"
    assert f"d={domain};" in found[0] and f"s={selector};" in found[0], found[0]
    assert lab.verify(message) == ("True", "pass"), f"verifiers say {lab.verify(message)}"


def assert_refused(reply, code=range(500, 560)):
    """A reply (or all of a list) refuses for good."""
    for one in reply if reply and isinstance(reply[0], list) else [reply]:
        assert one and one[0] in code, f"not refused: {one}"


def assert_accepted(replies):
    assert all(r[0] == 250 for r in replies["recipients"]), replies
    assert replies["data"] and replies["data"][0] == 250, replies


def report(number, check, error):
    title = (check.__doc__ or check.__name__).strip().split("\n")[0]
    print(f"{'not ok' if error else 'ok'} {number} - {title}", flush=True)
    if error:
        print("".join("# " + line for line in error.splitlines(keepends=True)), flush=True)


def runs_release(lab):
    """every node that is to run another release of Postfix does, and it finds no fault"""
    names = lab.released()
    assert names, "no such node"
    for name in names:
        found = lab.run(name, "postconf", "-h", "mail_version").strip()
        assert found.split(".")[:2] == RELEASE.split("."), f"{name} runs {found}"
        # what answers is what runs: the daemon says its version when it starts
        assert re.search(rf"daemon started -- version {re.escape(found)}", lab.log(name)), name
        assert "warning: " + "/etc/postfix" not in lab.log(name), lab.log(name)


def call(check, *arguments):
    """Calls a check; returns what went wrong, or nothing."""
    try:
        check(*arguments)
        return None
    except Exception:  # a check may fail in any way, and the next one still runs
        return traceback.format_exc()


def print_logs(lab):
    """The ends of all nodes' logs, for whoever looks for the cause."""
    for node in [node["name"] for node in lab.manifest()["nodes"]] + ["internet"]:
        try:
            print("".join(f"# {node}: {line}\n" for line in lab.log(node).splitlines()[-40:]))
        except RuntimeError as error:
            print(f"# {error}")


def run(topology, *checks, kinds=("postfix",)):
    """Boots the topology, runs the checks, and ends the process."""
    check_requirements()
    if RELEASE:
        releases.root_of(RELEASE)  # or the end, without a trace
        checks = (runs_release, *checks)
    print(f"1..{len(checks)}", flush=True)
    failed = 0
    with Lab(topology, kinds=kinds) as lab:
        for number, check in enumerate(checks, 1):
            error = call(check, lab)
            report(number, check, error)
            failed += bool(error)
        if failed:
            print_logs(lab)
    sys.exit(bool(failed))
