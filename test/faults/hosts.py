"""The lab that things break in: its hosts, what runs on them, and mail between them while it breaks."""
import collections
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

SOURCE = os.environ.get("POSTERN_SOURCE") or os.path.dirname(
    os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.append(os.path.join(SOURCE, "test", "e2e"))
from lib.lab import PASSWORD, POSTERN_LAB, Lab  # noqa: E402

from ledger import KINDS, LIFETIME, TOKEN, Copy, Ledger, Log  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
STATE = os.environ.get("POSTERN_LAB_STATE", "/run/postern-lab")
EDGE, PAST = "11.22.33.44", "11.22.33.45"  # HAProxy, and the gate past it
RELAYS = ("public", "private")             # the hosts that are ours and have a queue
QUEUE = "/var/spool/postfix"
QUEUE_SIZE = 256 << 20  # more than any fault makes wait: two hosts that wait for each other with full queues wait for ever
SIZE_LIMIT = 4 << 20
PROCESSES = 40                             # of each service; and a client may have half of them, as by default
PATIENCE = 90                              # seconds until what should happen counts as missing
MILTERS = {"public": "unix:/var/spool/postfix/postern/milter.sock", "private": "inet:8894@127.0.0.1"}
HTTP_PORT = 9102
BOXES = {"internet": ["stranger@elsewhere.test"],
         "private": ["user@example.com", "user@example.org", "user@example.net", "alice@example.com"]}


def until(condition, what, patience=PATIENCE):
    """Polls until the condition holds."""
    end = time.monotonic() + patience
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"no {what} within {patience} s")
        time.sleep(0.1)


class Process:
    """A process of a node, by its id on the machine; `inside` is the one that it has there."""

    def __init__(self, pid):
        self.pid = pid
        with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
            status = file.read()
        self.name = re.search(r"^Name:\t(.*)", status)[1]
        self.inside = int(re.search(r"^NSpid:.*?(\d+)$", status, re.M)[1])

    def signal(self, number):
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)

    def gone(self):
        try:
            with open(f"/proc/{self.pid}/stat", encoding="ascii", errors="replace") as file:
                return file.read().rpartition(")")[2].split()[0] == "Z"
        except (FileNotFoundError, ProcessLookupError):
            return True

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def threads(self):
        return len(os.listdir(f"/proc/{self.pid}/task"))


class Site(Lab):
    """A Lab whose hosts have small queues of their own, and whose services come back when they were killed."""

    def __init__(self, name=None):
        super().__init__(os.path.join(HERE, "topology.yaml"), name)
        self.killed = collections.defaultdict(list)  # node: ids of Postfix's daemons there
        self.names = {"mail.example.com": "public", "internal-mail.example.com": "private",
                      "mx.elsewhere.test": "internet"}

    def __enter__(self):
        super().__enter__()
        try:
            self.prepare()
        except BaseException:
            self.__exit__()
            raise
        return self

    def prepare(self):
        """Queues on file systems of their own, which can be filled; pages for monitoring; a mailbox that fails."""
        for node in RELAYS:
            self.lab("stop", self.name, node)
            self.lab("milter-stop", self.name, node)
            self.run(node, "sh", "-c", f"""
                set -e
                mkdir -p /run/old && cp -a {QUEUE}/. /run/old/
                mount -t tmpfs -o size={QUEUE_SIZE},mode=0755 queue {QUEUE}
                cp -a /run/old/. {QUEUE}/ && rm -rf /run/old
                sed -i '1i http = "inet:{HTTP_PORT}@127.0.0.1"' /etc/postern/postern-milter.conf""")
            if node == "private":
                self.run(node, "sed", "-i", f'1i signature_lifetime = "{LIFETIME}d"', "/etc/postern/postern-milter.conf")
            # queue files name their inodes: the old ones have none here that is right
            self.run(node, "postconf", "-e", f"message_size_limit={SIZE_LIMIT}", f"default_process_limit={PROCESSES}",
                     f"smtpd_client_connection_count_limit={PROCESSES // 2}")
        self.run("private", "postconf", "-M", "broken/unix=broken unix - n n - - pipe user=nobody argv=/bin/false")
        self.run("private", "postconf", "transport_maps=inline:{alice@example.com=broken:}")
        for node in RELAYS:
            self.settle(node)
            self.lab("milter-start", self.name, node)
            self.lab("start", self.name, node)
        self.records = self.published()
        self.ask_often("public")
        self.backlog()

    def run(self, node, *command, stdin="", check=True):
        """A machine that runs many tests may be out of processes for a moment."""
        end = time.monotonic() + PATIENCE
        while True:
            try:
                return super().run(node, *command, stdin=stdin, check=check)
            except BlockingIOError:
                if time.monotonic() > end:
                    raise
                time.sleep(0.5)

    def settle(self, node):
        self.run(node, "find", "/etc/postfix", "-type", "f", "-mmin", "-1", "-exec", "touch", "-d", "1 minute ago",
                 "{}", "+")

    def backlog(self):
        """The relay asks once whether mailboxes are there, so that the first message need not wait."""
        for kind in KINDS.values():
            if kind.node == "internet":
                until(lambda k=kind: self.smtp("internet", PAST, k.sender, k.recipient)["recipients"][0][0] == 250,
                      f"a relay that knows {kind.recipient}")

    def published(self):
        """{name: record} of the keys, as the lab's DNS has them."""
        records = {}
        for name in ("mail._domainkey.example.com", "mail._domainkey.example.org", "old._domainkey.example.net",
                     "new._domainkey.example.net"):
            script = ("import dns.resolver\n"
                      f"print(b''.join(dns.resolver.resolve('{name}', 'TXT')[0].strings).decode())")
            records[name] = self.run("internet", "/usr/bin/python3", "-c", script).strip().encode()
        return records

    def look_up(self, name, timeout=5):
        """TXT records, as dkimpy asks for them."""
        del timeout
        return self.records.get((name.decode() if isinstance(name, bytes) else name).rstrip("."))

    # -- processes

    def init(self, node):
        with open(os.path.join(STATE, self.name, "pids", node), encoding="ascii") as file:
            return int(file.read())

    def root(self, node, path=""):
        return f"/proc/{self.init(node)}/root{path}"

    def processes(self, node, *names):
        """Those of a node, by the names of their programs."""
        space = os.readlink(f"/proc/{self.init(node)}/ns/pid")
        found = []
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                if os.readlink(f"/proc/{pid}/ns/pid") == space:
                    process = Process(int(pid))
                    if not process.gone() and (not names or process.name.startswith(names)):
                        found.append(process)
            except (OSError, TypeError):
                continue
        return found

    def postfix(self, node):
        """master(8) and all below it, by their parents."""
        found, names = [], {}
        for process in self.processes(node):
            try:
                names[process.pid] = os.readlink(f"/proc/{process.pid}/exe")
            except OSError:
                continue
            if "/postfix/sbin/" in names[process.pid]:
                found.append(process)
        return found

    def kill(self, node, processes):
        """SIGKILL, and waits for their end."""
        for process in processes:
            process.signal(signal.SIGKILL)
            self.killed[node].append(process.inside)
        for process in processes:
            until(process.gone, f"end of {process.name}")

    def keeper(self):
        """Process 1 of the lab, in whose network namespace the bridges are: above unshare(1) above a node's first."""
        process = self.init("dns")
        for _ in range(2):
            with open(f"/proc/{process}/stat", encoding="ascii") as file:
                process = file.read().rpartition(")")[2].split()[1]
        return process

    def milter(self, node):
        """The milter's own process, not its keeper's."""
        pid = int(self.run(node, "cat", "/run/postern-lab/milter.pid"))
        return next((p for p in self.processes(node) if p.inside == pid), None)

    def gate(self):
        pid = int(self.run("public", "cat", "/run/postern-lab/gate.pid"))
        return next((p for p in self.processes("public") if p.inside == pid), None)

    def preload(self, library):
        """What LD_PRELOAD must say: a sanitizer's runtime comes first."""
        linked = subprocess.run(["ldd", os.environ["POSTERN_MILTER"]], check=True, text=True, stdout=subprocess.PIPE)
        return ":".join([*re.findall(r"=> (\S*/lib(?:asan|ubsan|tsan)\S*)", linked.stdout), library])

    def start_milter(self, node, environment):
        """In the place of the lab's own command, with variables."""
        settings = [f"{name}={value}" for name, value in environment.items()]
        self.run(node, "bash", "-c", """
            setsid env "$@" /run/postern-lab/postern-milter -f -c /etc/postern/postern-milter.conf \\
                </dev/null >>/var/log/milter.log 2>&1 &
            echo $! >/run/postern-lab/milter.pid""", "bash", *settings)

    # -- services, started as their manager would

    def start_proxy(self):
        self.run("edge", "sh", "-c", "exec haproxy -D -p /run/haproxy.pid -f /etc/haproxy/haproxy.cfg "
                 ">>/var/log/proxy.log 2>&1")

    def start_postfix(self, node):
        """Again and again, as a service manager would: daemons of a dead master may hold its ports yet."""
        def start():
            self.run(node, "postfix", "start", check=False)
            time.sleep(0.3)
            return bool(self.processes(node, "master"))
        if not self.processes(node, "master"):
            until(start, f"Postfix at {node}")

    def restore(self):
        """Starts what does not run."""
        for node in RELAYS:
            milter = self.milter(node)
            if not milter:
                self.lab("milter-start", self.name, node)
            self.start_postfix(node)
        if not self.gate():
            self.lab("gate-start", self.name, "public")
        if not self.processes("edge", "haproxy"):
            self.start_proxy()
        if not self.processes("dns", "nsd"):
            self.run("dns", "nsd", "-c", "/etc/nsd/nsd.conf")

    # -- what is to be seen

    def queue(self, node):
        text = self.run(node, "postqueue", "-j", check=False)
        return [json.loads(line) for line in text.splitlines() if line.startswith("{")]

    def queue_files(self, node):
        """Paths of all messages in a node's queue. What is not executable is not whole: its sender never heard that it was
        taken, and qmgr(8) throws it away some day."""
        found = []
        for name in ("maildrop", "incoming", "active", "deferred", "hold", "corrupt"):
            for folder, _, files in os.walk(self.root(node, f"{QUEUE}/{name}")):
                for path in (os.path.join(folder, file) for file in files):
                    with contextlib.suppress(FileNotFoundError):
                        if os.stat(path).st_mode & 0o100:
                            found.append(path)
        return found

    def in_queues(self):
        """The tokens of what is still in a queue."""
        found = set()
        for node in (*RELAYS, "internet"):
            for path in self.queue_files(node):
                with contextlib.suppress(FileNotFoundError), open(path, "rb") as file:
                    found.update(TOKEN.findall(file.read().decode(errors="replace")))
        return found

    def drain(self, patience=PATIENCE):
        """Flushes until all queues are empty, or nothing more is to be hoped for."""
        end = time.monotonic() + patience
        while time.monotonic() < end:
            if not any(self.queue_files(node) for node in (*RELAYS, "internet")):
                return True
            for node in (*RELAYS, "internet"):
                self.run(node, "sh", "-c", "postkick public pickup W; postqueue -f", check=False)
            time.sleep(0.5)
        return False

    def copies(self):
        """All messages in all mailboxes."""
        found = []
        for node, addresses in BOXES.items():
            for address in addresses:
                found += [Copy(node, octets) for octets in self.mail(node, address)]
        return found

    def mail(self, node, address):
        local, domain = address.split("@")
        folder = f"/var/mail/{domain}/new" if node == "internet" else f"/var/mail/{domain}/{local}/new"
        found = []
        with contextlib.suppress(FileNotFoundError):
            for name in os.listdir(self.root(node, folder)):
                with open(os.path.join(self.root(node, folder), name), "rb") as file:
                    found.append(file.read().replace(b"\n", b"\r\n"))
        return found

    @staticmethod
    def until_accepted(traffic, count=3):
        """Waits until mail flows."""
        until(lambda: traffic.accepted() >= count, "traffic")

    def empty_mailboxes(self):
        for node in BOXES:
            self.run(node, "sh", "-c", "find /var/mail -type f -delete")

    def logs(self):
        return {node: Log(self.log(node), self.killed[node]) for node in (*RELAYS, "internet")}


class Traffic:
    """Mail from both sides; a context manager. What the clients heard goes into a ledger."""
    WAYS = {"in": {"server": EDGE, "port": 25, "source": "203.0.113.9"},
            "in-direct": {"server": PAST, "port": 25}, "in-bounce": {"server": EDGE, "port": 25},
            "out-local": {"local": True}}
    SUBMISSION = {"server": "127.0.0.1", "port": 587, "login": True}

    def __init__(self, site, mark, seed, clients=2, rest=0.3, sizes=(500, 4000, 60000), pauses=(0, 0, 0.3),
                 timeout=45, kinds=tuple(KINDS)):
        self.site = site
        self.ledger = Ledger(site.look_up, site.names)
        self.request = {"mark": mark, "seed": seed, "clients": clients, "rest": rest, "sizes": sizes,
                        "pauses": pauses, "timeout": timeout, "password": PASSWORD}
        self.kinds = kinds
        self.clients = {}

    def __enter__(self):
        with open(os.path.join(HERE, "load.py"), encoding="ascii") as file:
            program = file.read()
        for node in ("internet", "private"):
            kinds = [{**kind._asdict(), **self.WAYS.get(kind.name, self.SUBMISSION)} for kind in KINDS.values()
                     if kind.node == node and kind.name in self.kinds]
            if not kinds:
                continue
            said = tempfile.TemporaryFile("w+")  # pylint: disable=consider-using-with
            client = subprocess.Popen([POSTERN_LAB, "exec", self.site.name, node, "/usr/bin/python3", "-uc", program],
                                      text=True, stdin=subprocess.PIPE, stdout=said)
            request = {**self.request, "mark": f"fault-{self.request['mark']}-{node}", "kinds": kinds}
            client.stdin.write(json.dumps(request) + "\n")
            client.stdin.flush()
            self.clients[node] = client, said
        return self

    def __exit__(self, *_):
        for client, said in self.clients.values():
            if client.poll() is None:
                client.kill()
                client.wait()
            said.close()

    def events(self):
        """What the clients said so far."""
        for _, said in self.clients.values():
            said.flush()
            text = os.pread(said.fileno(), 1 << 30, 0).decode()
            yield from map(json.loads, text.splitlines()[:None if text.endswith("\n") else -1])

    def accepted(self, *kinds):
        """How many were accepted so far, of these kinds or of all."""
        return sum(event["result"] == "accepted" and (not kinds or event["kind"] in kinds) for event in self.events())

    def end(self, patience=PATIENCE):
        """Nothing new; what was put off is tried again until it is taken."""
        for client, _ in self.clients.values():
            client.stdin.write(f"{patience}\n")
            client.stdin.close()
        for node, (client, _) in self.clients.items():
            if client.wait(patience + 2 * self.request["timeout"]):
                raise RuntimeError(f"the client at {node} ended with {client.returncode}")
        for event in self.events():
            self.ledger.attempt(event)
