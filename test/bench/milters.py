"""DKIM milters beside one another: the same keys, messages and load, over a UNIX socket.

postern-milter with each of its engines, OpenDKIM, rspamd (signing alone) and dkimpy-milter. A milter
client of ours, milter_load, is the mail server, and sees that each message comes back with its
signatures. Rounds of the milters take turns, medians count.
"""
import dataclasses
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import time

import processes
import report

SIZES = {"4 KiB": 4096, "64 KiB": 65536, "1 MiB": 1 << 20, "10 MiB": 10 << 20}
KINDS = {"RSA-2048": ("rsa",), "Ed25519": ("ed",), "both": ("rsa", "ed")}
CONCURRENCY = (1, 8, 64)
PATIENCE = 30  # seconds that a round may take: what would need more is left out
LONG = 4       # seconds of a round after which there is no second one


def prepare(bench):
    """Keys of both kinds, once for all parts."""
    folder = bench.folder / "milters"
    if folder.exists():
        return
    folder.mkdir()
    folder.chmod(0o755)
    for name, options in (("rsa", ("RSA", "-pkeyopt", "rsa_keygen_bits:2048")), ("ed", ("ED25519",))):
        subprocess.run(["openssl", "genpkey", "-quiet", "-algorithm", *options, "-out",
                        folder / f"{name}.pem"], check=True)
        (folder / f"{name}.pem").chmod(0o600)
    raw = subprocess.run(["openssl", "pkey", "-in", folder / "ed.pem", "-outform", "DER"],
                         check=True, stdout=subprocess.PIPE).stdout[-32:]
    seed = subprocess.run(["openssl", "base64", "-A"], input=raw, check=True,
                          stdout=subprocess.PIPE).stdout
    (folder / "ed.raw").write_bytes(seed)
    (folder / "ed.raw").chmod(0o600)


# Each writes the configuration of a milter with these keys, and gives its command; or a text, why there
# is no such thing.

def postern(engine):
    def command(bench, folder, socket, keys):
        if engine == "opendkim" and keys == ("ed",):
            return "keys for Ed25519 always go to the engine by OpenSSL: libopendkim leaks them"
        lines = "".join(f'key "{key}" {{ file = "{folder}/{key}.pem" }}\n' for key in keys)
        config = folder / f"postern-{engine}.conf"
        config.write_text(f'socket = "unix:{socket}"\nsocket_group = "nogroup"\nuser = "nobody"\n'
                          f'log = "stderr"\nengine = "{engine}"\ndomain "example.com" {{\n{lines}}}\n')
        return [bench.milter, "-f", "-c", config]
    return command


def opendkim(_, folder, socket, keys):
    if len(keys) > 1:
        return "one algorithm for all its keys"
    algorithm = "rsa-sha256" if keys == ("rsa",) else "ed25519-sha256"
    config = folder / "opendkim.conf"
    config.write_text(f"Domain example.com\nSelector {keys[0]}\nKeyFile {folder}/{keys[0]}.pem\n"
                      f"Socket local:{socket}\nCanonicalization relaxed/relaxed\n"
                      f"SignatureAlgorithm {algorithm}\nMode s\nOversignHeaders From\n"
                      "InternalHosts 127.0.0.1\nBackground no\nSyslog no\nRequireSafeKeys no\n")
    return ["opendkim", "-f", "-x", config]


def dkimpy(_, folder, socket, keys):
    config = folder / "dkimpy-milter.conf"
    text = (f"Domain example.com\nSocket local:{socket}\nCanonicalization relaxed/relaxed\nMode s\n"
            f"InternalHosts 127.0.0.1\nSyslog no\nUserID root\n"
            f"PidFile {folder}/dkimpy.pid\n")
    if "rsa" in keys:
        text += f"KeyFile {folder}/rsa.pem\nSelector rsa\n"
    if "ed" in keys:
        text += f"KeyFileEd25519 {folder}/ed.raw\nSelectorEd25519 ed\n"
    config.write_text(text)
    (folder / "dkimpy.pid").unlink(missing_ok=True)  # it leaves its own
    return ["dkimpy-milter", config]


def rspamd(_, folder, socket, keys):
    files = {"rsa": folder / "rsa.pem", "ed": folder / "ed.raw"}
    selectors = ",\n".join(f'{{ path = "{files[key]}"; selector = "{key}"; }}' for key in keys)
    (folder / "rspamd").mkdir(exist_ok=True)
    config = folder / "rspamd.conf"
    config.write_text(f'''
options {{ pidfile = "{folder}/rspamd.pid"; filters = "dkim"; local_addrs = ["127.0.0.0/8"];
  dns {{ nameserver = ["127.0.0.1:1"]; timeout = 0.1s; retransmits = 1; }} max_message = 64Mb;
  tempdir = "{folder}/rspamd"; }}
logging {{ type = "console"; level = "error"; }}
modules {{ path = "/usr/share/rspamd/plugins/dkim_signing.lua"; }}
worker "rspamd_proxy" {{ bind_socket = "{socket} mode=0666"; milter = yes; timeout = 120s; count = 2;
  upstream "local" {{ default = yes; self_scan = yes; }} }}
dkim_signing {{ enabled = true; sign_local = true; use_domain = "header"; check_pubkey = false;
  allow_username_mismatch = true; try_fallback = false;
  domain {{ "example.com" {{ selectors = [{selectors}] }} }} }}
''')
    return ["rspamd", "-f", "-i", "-u", "root", "-g", "root", "-c", config]


MILTERS = {"postern": postern("openssl"), "postern, engine opendkim": postern("opendkim"),
           "OpenDKIM": opendkim, "rspamd": rspamd, "dkimpy-milter": dkimpy}
PACKAGES = {"OpenDKIM": "opendkim", "rspamd": "rspamd", "dkimpy-milter": "dkimpy-milter"}  # and programs


def start(bench, name, keys, programs):
    """Starts a milter; where it cannot be, says why."""
    program = PACKAGES.get(name)
    if program and not shutil.which(program):
        bench.miss(program, program)
        return f"{name} is not installed"
    folder = bench.folder / "milters"
    socket = folder / f"{len(programs.running)}.sock"
    command = MILTERS[name](bench, folder, socket, keys)
    if isinstance(command, str):
        return f"{name}: {command}"
    try:
        programs.running[name] = processes.Program(command, socket, bench.folder / "output")
    except (RuntimeError, OSError) as error:
        bench.fail(error)
        return f"{name}: {error}"
    return None


def needs(_):
    """Why it cannot run, or None."""
    return None if os.geteuid() == 0 else "it needs root, to start milters as other users"


def bare(bench):
    """CPU milliseconds of one signature by key, and of hashing an octet, by OpenSSL alone."""
    def said(*key):
        done = subprocess.run([bench.build / "test/bench/bare", str(bench.seconds), *key], check=True,
                              capture_output=True, text=True)
        return float(done.stdout)
    folder = bench.folder / "milters"
    return {name: said(folder / f"{name}.pem") for name in ("rsa", "ed")}, said() / (1 << 20)


@dataclasses.dataclass
class Round:
    rate: float    # messages a second
    p50: float     # milliseconds
    p99: float
    longest: float
    cpu: float     # milliseconds a message, of the milter
    memory: float  # MiB, in the middle
    seconds: float

    @staticmethod
    def median(rounds):
        return Round(*(statistics.median(values) for values in
                       zip(*(dataclasses.astuple(one) for one in rounds))))


def load(bench, program, clients, size, signatures, seconds):
    """One round; an error if not all was signed."""
    before, began = processes.cpu(program.pid), time.monotonic()
    with subprocess.Popen([bench.load, "-t", str(seconds), "-s", str(signatures), program.path,
                           str(clients), "1000000", str(size)], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True) as running:
        time.sleep(seconds / 2)
        memory = processes.memory(program.pid)
        output, trouble = running.communicate()
    took = time.monotonic() - began
    found = re.match(r"([\d.]+) messages/s, p50 ([\d.]+) ms, p99 ([\d.]+) ms, longest ([\d.]+) ms, "
                     r"(\d+) messages", output)
    if not found:
        raise RuntimeError(f"not all was signed: {trouble.strip() or running.returncode}")
    *figures, count = (float(number) for number in found.groups())
    return Round(*figures, (processes.cpu(program.pid) - before) / count * 1e3, memory, took)


class Cells:
    """What is measured of one kind of keys: rounds by milter, size and clients."""

    def __init__(self, bench, keys):
        self.bench, self.keys = bench, keys
        self.rounds, self.remarks = {}, []

    def expected(self, name, size, clients):
        """Seconds until each client had a message, by what fewer clients took."""
        before = [self.rounds[name, size, fewer][0] for fewer in CONCURRENCY
                  if fewer < clients and (name, size, fewer) in self.rounds]
        return clients / before[-1].rate if before else 0

    def measure(self, name, program, size, clients):
        cell = name, size, clients
        done = self.rounds.get(cell, [])
        if done and done[0].seconds > LONG:
            return
        needs = self.expected(*cell)
        if needs > PATIENCE:
            self.remarks.append(f"{name} was not asked with {clients} clients at {size}: a round would "
                                f"take {needs:.0f} s.")
            self.rounds.pop(cell, None)
            return
        work, seconds = (SIZES[size], len(self.keys)), self.bench.seconds
        try:
            if not needs:  # the first of this size
                load(self.bench, program, 2, *work, seconds / 10)
            self.rounds[cell] = [*done, load(self.bench, program, clients, *work, seconds)]
        except RuntimeError as error:
            self.remarks.append(f"{name}, {size}, {clients} clients: {error}!")
            self.bench.fail(error)

    def run(self, programs, sizes, concurrency, count):
        for _ in range(count):
            for size in sizes:
                for clients in concurrency:
                    for name, program in programs.items():
                        self.measure(name, program, size, clients)

    def medians(self):
        return {cell: Round.median(rounds) for cell, rounds in self.rounds.items()}


COLUMNS = ["<milter", "<message", "clients", "messages/s", "CPU ms", "bare/CPU", "p50 ms", "p99 ms",
           "longest ms", "MiB", "CPU against postern"]


def rows(results, floor):
    """The table's; floor(size) is the bare work for a message, in milliseconds."""
    for size in SIZES:
        for clients in CONCURRENCY:
            ours = results.get(("postern", size, clients))
            for name in MILTERS:
                got = results.get((name, size, clients))
                if got:
                    yield (name, size, clients, f"{got.rate:.{0 if got.rate >= 10 else 1}f}", report.figure(got.cpu),
                           f"{floor(SIZES[size]) / got.cpu:.2f}", f"{got.p50:.2f}",
                           f"{got.p99:.2f}", f"{got.longest:.0f}", f"{got.memory:.0f}",
                           f"{got.cpu / ours.cpu:.1f}" if ours else "-")


def judge(bench, results, bare_rates):
    """The aims. results: {kind: medians}. CPU is that with 8 clients, unless few were asked for."""
    signatures, octet = bare_rates
    clients = 8

    def get(kind, name, size, at=clients):
        return results.get(kind, {}).get((name, size, at))

    def over(kind, name, size):
        ours, theirs = get(kind, "postern", size), get(kind, name, size)
        return theirs.cpu / ours.cpu if ours and theirs else None

    small, large = get("RSA-2048", "postern", "4 KiB"), get("RSA-2048", "postern", "10 MiB")
    if small:
        bench.aim("4 KiB, RSA-2048: CPU ms a message, at most 0.55", small.cpu, small.cpu <= 0.55)
        share = signatures["rsa"] / small.cpu
        bench.aim("4 KiB, RSA-2048: at least 0.80 of the bare signing rate", share, share >= 0.8)
    for size, least in (("4 KiB", 4), ("10 MiB", 7)):
        ratio = over("RSA-2048", "OpenDKIM", size)
        if ratio:
            bench.aim(f"{size}, RSA-2048: at least {least} times less CPU than OpenDKIM", ratio,
                      ratio >= least)
    if large:
        bench.aim("10 MiB, RSA-2048: CPU ms a message, at most 14", large.cpu, large.cpu <= 14)
        share = octet * SIZES["10 MiB"] / large.cpu
        bench.aim("10 MiB, RSA-2048: at least 0.60 of the bare hash rate", share, share >= 0.6)
    two = get("both", "postern", "10 MiB")
    if large and two:
        ratio = two.cpu / large.cpu
        bench.aim("10 MiB: two signatures cost one pass over the body, CPU of both to RSA alone at most "
                  "1.10", ratio, ratio <= 1.1)
    judge_waiting(bench, get)


def judge_waiting(bench, get):
    """Latency and memory with 64 clients."""
    for size in SIZES:
        many = get("RSA-2048", "postern", size, 64)
        if many:
            ratio = many.p99 / (64e3 / many.rate)
            bench.aim(f"{size}, 64 clients: p99 at most twice the mean", ratio, ratio <= 2)
    large, one = (get("RSA-2048", "postern", "10 MiB", clients) for clients in (64, 1))
    if large and one:
        each = max(0, large.memory - one.memory) * 1024 / 63  # noise may make it less
        bench.aim("10 MiB, 64 clients: KiB of memory for each more client, under 300", each, each < 300)


def run_kind(bench, kind, rates):
    """Medians, and lines of Markdown, of one kind of keys."""
    bench.say(f"milters: {kind}")
    keys, (signatures, octet) = KINDS[kind], rates
    sizes, concurrency = (["4 KiB"], (8,)) if bench.quick else (list(SIZES), CONCURRENCY)
    cells = Cells(bench, keys)
    with processes.Programs() as programs:
        for name in MILTERS:
            remark = start(bench, name, keys, programs)
            if remark:
                cells.remarks.append(f"Without {remark}.")
        cells.run(programs.running, sizes, concurrency, bench.rounds)
    results = cells.medians()
    bare_work = sum(signatures[key] for key in keys)
    lines = report.table(COLUMNS, rows(results, lambda size: bare_work + octet * size))
    lines += ["", *dict.fromkeys(cells.remarks)] if cells.remarks else []
    if not bench.quick:
        lines += ["", plot(bench, kind, results)]
    return results, lines


def run(bench):
    """Lines of Markdown."""
    prepare(bench)
    rates = bare(bench)
    signatures, octet = rates
    lines = [f"Bare work, by OpenSSL alone, one thread: a signature with RSA-2048 {signatures['rsa']:.3f} "
             f"ms, with Ed25519 {signatures['ed']:.3f} ms; SHA-256 of 10 MiB {octet * (10 << 20):.2f} ms. "
             "\"Bare/CPU\" is that work for a message against the milter's processor time, \"MiB\" what is "
             "resident in the middle of a round."]
    results = {}
    for kind in KINDS:
        lines += ["", f"#### {kind}", ""]
        try:  # one kind's trouble does not throw the others away
            results[kind], more = run_kind(bench, kind, rates)
            lines += more
        except Exception as error:  # pylint: disable=broad-except
            bench.fail(error)
            lines.append(f"Failed: {error}")
    judge(bench, results, rates)
    return lines


def plot(bench, kind, results):
    series = {name: [(size, getattr(results.get((name, size, 8)), "cpu", None)) for size in SIZES]
              for name in MILTERS if (name, "4 KiB", 8) in results}
    title = f"Processor time of a milter for a message, {kind}, 8 clients"
    return bench.plot(f"performance-{kind.lower()}.svg", title,
                      report.lines_svg(title, series, "CPU milliseconds a message, by size of the message"))
