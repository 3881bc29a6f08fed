"""Mail through a real Postfix with each milter: accepted messages a second.

One Postfix of its own, with a port for each milter. smtp-source(1) sends messages of 4 KiB in 20
sessions at a time: a session for each message, or sessions that stay. What is accepted is held (HOLD):
nothing is delivered while the clock runs, and between rounds the queue is emptied, a tmpfs, so that
no disk is measured. Each held message is looked at: signed where a milter signs, or the run fails.
Rounds of the milters take turns, medians count.
"""
import collections
import os
import pathlib
import resource
import shutil
import statistics
import subprocess
import time

import milters
import processes
import report

SESSIONS, SIZE = 20, 4096
WAYS = ("no milter", "a milter that does nothing", "OpenDKIM", "rspamd", "postern")
STYLES = {"a session for each message": (), "sessions that stay": ("-d",)}

MAIN = """\
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file =
mail_owner = postfix
setgid_group = postdrop
myhostname = mail.bench.test
mydestination =
inet_interfaces = loopback-only
inet_protocols = ipv4
alias_maps =
alias_database =
local_recipient_maps =
mynetworks = 127.0.0.0/8
smtpd_peername_lookup = no
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_recipient_restrictions = check_client_access static:HOLD, permit_mynetworks, reject
default_transport = discard
smtpd_client_connection_count_limit = 0
milter_default_action = tempfail
"""
MASTER = """\
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
anvil unix - - n - 1 anvil
discard unix - - n - - discard
"""

Round = collections.namedtuple("Round", "rate milter postfix load")  # CPU in ms a message


class Postfix:
    """With a port for each way."""

    def __init__(self, folder, sockets):
        self.folder, self.conf = folder, folder / "conf"
        for name in ("conf", "queue", "data"):
            (folder / name).mkdir(parents=True)
        folder.chmod(0o755)
        shutil.chown(folder / "data", "postfix")
        subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "queue", folder / "queue"], check=True)
        (self.conf / "main.cf").write_text(MAIN.format(folder=folder))
        self.ports = {way: 2500 + i for i, way in enumerate(WAYS)}
        services = [f"127.0.0.1:{self.ports[way]} inet n - n - - smtpd" +
                    (f"\n  -o smtpd_milters=unix:{socket}" if socket else "")
                    for way, socket in sockets.items()]
        (self.conf / "master.cf").write_text("\n".join(services) + "\n" + MASTER)

    def command(self, *words):
        return subprocess.run([*words[:1], "-c", self.conf, *words[1:]], check=True,
                              capture_output=True, text=True).stdout

    def __enter__(self):
        self.command("postfix", "start")
        return self

    def __exit__(self, *_):
        subprocess.run(["postfix", "-c", self.conf, "stop"], check=False, capture_output=True)
        subprocess.run(["umount", "--lazy", self.folder / "queue"], check=False)

    def master(self):
        return int((self.folder / "queue/pid/master.pid").read_text())

    def take_held(self):
        """How many messages are held, and how many of them are signed; throws them away."""
        held = signed = 0
        for path in pathlib.Path(self.folder / "queue/hold").iterdir():
            held += 1
            signed += b"DKIM-Signature" in path.read_bytes()
            path.unlink()
        return held, signed


def spent():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def send(postfix, way, program, options, count):
    """One round."""
    master = postfix.master()
    before = processes.cpu(program.pid) if program else 0, processes.cpu(master), spent()
    began = time.monotonic()
    subprocess.run(["smtp-source", *options, "-s", str(SESSIONS), "-m", str(count), "-l", str(SIZE),
                    "-f", "user@example.com", "-t", "someone@example.org",
                    f"127.0.0.1:{postfix.ports[way]}"], check=True, capture_output=True, text=True,
                   timeout=300)
    took = time.monotonic() - began
    after = processes.cpu(program.pid) if program else 0, processes.cpu(master), spent()
    held, signed = postfix.take_held()
    expected = count if program and way != "a milter that does nothing" else 0
    if held != count or signed != expected:
        raise RuntimeError(f"{way}: of {count} messages {held} were held, {signed} of them signed")
    return Round(count / took, *((b - a) / count * 1e3 for a, b in zip(before, after)))


def measure(bench, postfix, programs, ways):
    """{(style, way): medians}"""
    rounds = collections.defaultdict(list)
    rates = {}
    for number in range(bench.rounds + 1):
        for style, options in STYLES.items():
            for way in ways:
                if number == 0:  # a first one starts Postfix's processes, and tells how many to send
                    count = 2 * SESSIONS if bench.quick else 400
                else:
                    count = max(int(rates[style, way] * bench.seconds * 2.5), 2 * SESSIONS)
                one = send(postfix, way, programs.get(way), options, count)
                rates[style, way] = one.rate
                if number or bench.quick:
                    rounds[style, way].append(one)
        bench.say(f"postfix: round {number} of {bench.rounds}")
    return {cell: Round(*map(statistics.median, zip(*many))) for cell, many in rounds.items()}


def start(bench, programs, remarks):
    """Starts the milters; {way: socket or None}."""
    folder = bench.folder / "milters"
    sockets = {"no milter": None}
    nothing = folder / "nothing.sock"
    programs.running["a milter that does nothing"] = processes.Program(
        [bench.build / "test/bench/milter_nothing", f"unix:{nothing}"], nothing, bench.folder / "output")
    sockets["a milter that does nothing"] = nothing
    for way in WAYS[2:]:
        remark = milters.start(bench, way, ("rsa",), programs)
        if remark:
            remarks.append(f"Without {remark}.")
        else:
            sockets[way] = programs.running[way].path
    return sockets


COLUMNS = ["<sessions", "<milter", "messages/s", "of no milter", "of OpenDKIM", "milter, CPU ms",
           "Postfix, CPU ms", "smtp-source, CPU ms"]


def rows(results):
    for (style, way), one in results.items():
        plain, peer = results[style, "no milter"], results.get((style, "OpenDKIM"))
        yield (style, way, f"{one.rate:.0f}", f"{one.rate / plain.rate:.2f}",
               f"{one.rate / peer.rate:.2f}" if peer else "-", report.figure(one.milter),
               report.figure(one.postfix), report.figure(one.load))


def bound(results, signature):
    """Sentences: about the best that a signer can do, for each style; the signature's milliseconds by OpenSSL alone."""
    for style in STYLES:
        floor, ours, peer = (results.get((style, way)) for way in (WAYS[1], "postern", "OpenDKIM"))
        if ours and peer:
            spent = [sum(one[1:]) for one in (floor, ours, peer)]
            yield (f"With {style}, all processor time for a message is {spent[2]:.2f} ms with OpenDKIM, "
                   f"{spent[2] / spent[1]:.2f} times that with postern, and {spent[2] / (spent[0] + signature):.2f} "
                   "times that of the milter that does nothing with the bare signature added: roughly "
                   "what a signer on libmilter can do; ours reads ahead, that one does not.")


def needs(bench):
    """Why it cannot run, or None."""
    if os.geteuid() != 0:
        return "it needs root, for namespaces"
    missing = [name for name in ("postfix", "smtp-source") if not shutil.which(name)]
    for name in missing:
        bench.miss(name, "postfix")
    return f"{' and '.join(missing)} are not installed" if missing else None


def run(bench):
    """Lines of Markdown."""
    milters.prepare(bench)
    remarks = []
    with processes.Programs() as programs:
        sockets = start(bench, programs, remarks)
        ways = [way for way in WAYS if way in sockets]
        with Postfix(bench.folder / "postfix", sockets) as postfix:
            results = measure(bench, postfix, programs.running, ways)
    lines = [f"Messages of 4 KiB, {SESSIONS} sessions at a time, RSA-2048. Accepted messages are held in a "
             "queue in memory, nothing is delivered meanwhile.", "",
             *report.table(COLUMNS, rows(results))]
    lines += ["", *remarks] if remarks else []
    lines += ["", *bound(results, milters.bare(bench)[0]["rsa"])]
    for style in STYLES:
        ours, theirs = results[style, "postern"], results.get((style, "OpenDKIM"))
        if theirs:
            ratio = ours.rate / theirs.rate
            bench.aim(f"Postfix, {style}: at least 1.7 times OpenDKIM's messages/s", ratio, ratio >= 1.7)
    title = "Messages that Postfix accepts in a second, a session for each message"
    bars = {way: results["a session for each message", way].rate for way in ways}
    return lines + ["", bench.plot("performance-postfix.svg", title,
                                   report.bars_svg(title, bars, "messages a second"))]
