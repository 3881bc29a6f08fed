"""Zone files served by nsd, and asked through a validating unbound, in a network namespace.

serve() gives nsd the files that `dns -o` wrote, as they are, beside a root zone for the rest of the
world.
"""
import glob
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time

sys.path.append(os.path.join(os.environ["POSTERN_SOURCE"], "test", "services"))
from name_server import enter_namespace, skip  # noqa: E402,F401

CONFGEN = os.environ["POSTERN_CONFGEN"]
NSD, UNBOUND = "127.0.0.53", "127.0.0.54"  # of the namespace's own loopback
WORLD = """$ORIGIN .
$TTL 60
@ SOA ns.test. hostmaster.test. 1 3600 600 86400 60
@ NS ns.test.
ns.test. A 127.0.0.1
"""


def confgen(*arguments, status=0, cwd=None):
    """Runs the program, which must end with that status (None: any); returns what it wrote."""
    result = subprocess.run([CONFGEN, *arguments], check=False, cwd=cwd, text=True, timeout=100,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, errors="surrogateescape")
    assert status in (None, result.returncode), (arguments, result.returncode, result.stdout, result.stderr)
    return result


class Zones:
    """The zone files of a topology, in a folder of their own, by zone name."""

    def __init__(self, folder, topology):
        self.folder = tempfile.mkdtemp(dir=folder)
        self.topology = os.path.join(self.folder, "topology.yaml")
        with open(self.topology, "w", encoding="utf-8") as file:
            file.write(topology)
        confgen("keys", "-k", os.path.join(folder, "keys"), self.topology)
        self.keys = os.path.join(folder, "keys")
        out = os.path.join(self.folder, "out")
        confgen("dns", "-k", self.keys, "-o", out, self.topology)
        self.text = {}
        for path in glob.glob(f"{out}/*.zone") + glob.glob(f"{out}/reverse/*.zone"):
            with open(path, encoding="ascii") as file:
                self.text[os.path.basename(path)[:-5]] = file.read()

    def verify(self, *arguments, status, server=NSD):
        """The findings of dns --verify: a list of dictionaries."""
        result = confgen("dns", "--verify", "-r", server, "-k", self.keys, "-f", "json", *arguments,
                         self.topology, status=status)
        return json.loads(result.stdout)["findings"]


class Served:
    """A context manager: nsd with these zones; with `anchors` (files of DS or DNSKEY records) unbound as well."""

    def __init__(self, zones, world="", anchors=(), broken=None):
        self.zones, self.world, self.anchors, self.broken = zones, world, anchors, broken
        self.processes = []

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="postern-dns-")
        config = ["server:", " server-count: 1", ' username: ""', f' zonesdir: "{self.folder}"',
                  f' zonelistfile: "{self.folder}/list"', ' xfrdfile: ""', ' database: ""',
                  f' pidfile: "{self.folder}/nsd.pid"', f' logfile: "{self.folder}/nsd.log"',
                  f" ip-address: {NSD}@53", "remote-control:", " control-enable: no"]
        for name, text in {**self.zones, ".": WORLD + self.world}.items():
            path = os.path.join(self.folder, f"{name}.zone")
            with open(path, "w", encoding="ascii") as file:
                file.write(text)
            config += ["zone:", f' name: "{name}"', f' zonefile: "{name}.zone"']
        if self.broken:  # a zone without a file: SERVFAIL
            config += ["zone:", f' name: "{self.broken}"', ' zonefile: "none"']
        self.start("nsd", "\n".join(config), ["-d", "-c"], NSD)
        if self.anchors:
            self.start("unbound", self.resolver(), ["-d", "-c"], UNBOUND)
        return self

    def resolver(self):
        lines = ["server:", f" interface: {UNBOUND}", ' username: ""', ' chroot: ""',
                 f' directory: "{self.folder}"', f' pidfile: "{self.folder}/unbound.pid"',
                 " use-syslog: no", " do-not-query-localhost: no", " unblock-lan-zones: yes",
                 ' local-zone: "test." nodefault',
                 ' module-config: "validator iterator"', " trust-anchor-signaling: no",
                 f' logfile: "{self.folder}/unbound.log"']
        lines += [f' trust-anchor-file: "{anchor}"' for anchor in self.anchors]
        for name in [*self.zones, "."]:
            lines += ["stub-zone:", f' name: "{name}"', f" stub-addr: {NSD}@53"]
        return "\n".join(lines + ["remote-control:", " control-enable: no"])

    def start(self, program, config, options, address):
        path = os.path.join(self.folder, f"{program}.conf")
        with open(path, "w", encoding="ascii") as file:
            file.write(config + "\n")
        self.processes.append(subprocess.Popen([program, *options, path],
                                               stderr=subprocess.DEVNULL))
        for _ in range(600):
            try:
                socket.create_connection((address, 53), 1).close()
                return
            except OSError:
                time.sleep(0.02)
        raise RuntimeError(f"{program} does not answer; see {self.folder}")

    def __exit__(self, *_):
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.wait()
        shutil.rmtree(self.folder)


class Checks:
    """Counts what is checked, and tells what failed."""

    def __init__(self):
        self.count, self.failed = 0, 0

    def check(self, name, good, detail=""):
        self.count += 1
        if not good:
            self.failed += 1
            print(f"FAILED {name}: {detail}", flush=True)

    def end(self):
        print(f"{self.count} checks, {self.failed} failed")
        sys.exit(bool(self.failed) or not self.count)


def needs(*programs):
    for program, package in programs:
        if not shutil.which(program):
            skip(f"needs {program} (Debian package {package})")
