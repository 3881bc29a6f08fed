"""
What the tests of plan, apply and rollback share: a folder like a stock Debian's /etc/postfix with
settings made by hand, and programs in the place of Postfix's where a test says so.
"""
import os
import shutil
import subprocess
import sys
import tempfile

CONFGEN = os.environ["POSTERN_CONFGEN"]
SOURCE = os.environ["POSTERN_SOURCE"]
EXAMPLE = f"{SOURCE}/examples/dms-relay/topology.yaml"
STOCK = "/usr/share/postfix"
STAGING = ".postern-apply"

# As administrators leave it: their own settings, an override, comments within a value.
BY_HAND = """
# ours
message_size_limit = 20000000
mynetworks = 127.0.0.0/8
    # the office
    10.1.2.0/24
smtp_sasl_password_maps = static:bob:hunter2
default_destination_concurrency_limit = 3
"""

failures = 0


def check(good, what):
    """Counts a failure."""
    global failures
    if not good:
        failures += 1
        print(f"not ok: {what}")


def equal(has, wanted, what):
    """Counts a failure where they differ."""
    check(has == wanted, f"{what}: {str(has)[:300]!r}, not {str(wanted)[:300]!r}")


def same_files(has, wanted, what):
    """The same for what Machine.seen() and Machine.exact() give: tells which files differ."""
    names = {**has, **wanted}
    check(has == wanted, f"{what}: different: {[name for name in sorted(names) if has.get(name) != wanted.get(name)]}")


def finish():
    """Ends the script."""
    print(f"{failures} failures")
    sys.exit(1 if failures else 0)


def skip(reason):
    """Ends it as skipped."""
    print(f"skipped: {reason}")
    sys.exit(77)


def need_root_and_postfix():
    """Most of this is root's business."""
    if os.geteuid() != 0:
        skip("only root may apply")
    if not shutil.which("postfix", path=os.environ["PATH"] + ":/usr/sbin"):
        skip("Postfix is not installed")


class Machine:
    """A folder with a configuration, one for states, and programs for PATH."""

    def __init__(self, work=None):
        # where memory is the disk: hundreds of runs sync their files
        self.work = work or tempfile.mkdtemp(prefix="apply-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None)
        self.etc = f"{self.work}/etc"
        self.states = f"{self.work}/states"
        self.bin = f"{self.work}/bin"
        os.makedirs(self.bin, exist_ok=True)
        os.mkdir(self.etc)
        self.plain = f"{self.work}/plain"
        os.mkdir(self.plain)
        with open(f"{self.plain}/main.cf", "w", encoding="ascii") as file:
            file.write("compatibility_level = 3.6\n")
        os.utime(f"{self.plain}/main.cf", (0, 0))
        shutil.copy(f"{STOCK}/master.cf.dist", f"{self.etc}/master.cf")
        with open(f"{STOCK}/main.cf.debian", encoding="ascii") as file:
            self.write("main.cf", file.read() + BY_HAND)
        self.write("aliases.txt", "of somebody else\n")

    def write(self, name, text, mode=0o644):
        """A file in the configuration's folder."""
        path = f"{self.etc}/{name}"
        if os.path.lexists(path):
            os.remove(path)
        with open(path, "wb") as file:
            file.write(text if isinstance(text, bytes) else text.encode())
        os.chmod(path, mode)
        os.utime(path, (1700000000, 1700000000))

    def read(self, name):
        """What is in it; links are followed."""
        with open(f"{self.etc}/{name}", "rb") as file:
            return file.read()

    def rows(self, name):
        """The rows of an index: its octets differ each time that it is made."""
        result = subprocess.run(["postmap", "-c", self.plain, "-s", f"hash:{self.etc}/{name[:-3]}"], capture_output=True,
                                check=False, env={**os.environ, "PATH": os.environ["PATH"] + ":/usr/sbin"})
        return result.returncode, sorted(result.stdout.splitlines())

    def program(self, name, script):
        """A program that is found before the real one."""
        path = f"{self.bin}/{name}"
        with open(path, "w", encoding="ascii") as file:
            file.write(f"#!/bin/sh\n{script}\n")
        os.chmod(path, 0o755)

    def stub_postfix(self, check_status=0, reload_status=0):
        """In the place of postfix(1), which takes a second; what it is asked is noted."""
        self.program("postfix", f'echo "$*" >>{self.work}/asked\ncase $3 in check) exit {check_status};;'
                                f' reload|start) exit {reload_status};; esac')

    def quick(self):
        """
        Postfix's programs sleep a second where main.cf is as new as their clock. So for hundreds of
        runs postmap(1) reads a main.cf of its own, and postfix(1) and postconf(1) are scripts.
        """
        self.stub_postfix()
        self.program("postconf", "case $3 in -m) printf 'hash\\ncidr\\nstatic\\ntexthash\\nunix\\n';; esac")
        self.program("postmap", f"exec {shutil.which('postmap', path='/usr/sbin:/usr/bin')} -c {self.plain} $3")

    def command(self, *args, folders=True):
        """The command line."""
        more = ["--config-dir", self.etc, "--postern-dir", f"{self.work}/postern",
                "--state-dir", self.states] if folders else []
        return [CONFGEN, args[0], *more, *args[1:]]

    def run(self, *args, before=(), **more):
        """Runs a command; gives its status and what it wrote."""
        environment = {**os.environ, "PATH": f"{self.bin}:{os.environ['PATH']}", **more.pop("env", {})}
        return subprocess.run([*before, *self.command(*args, **more)], capture_output=True, text=True,
                              env=environment, check=False, timeout=300, stdin=subprocess.DEVNULL)

    def apply(self, *args, topology=EXAMPLE, **more):
        """Applies the public node's files."""
        return self.run("apply", "--yes", "--force", "--host", "public", *args, topology, **more)

    def plan(self, *args, topology=EXAMPLE, **more):
        """Plans for it."""
        return self.run("plan", "--force", "--host", "public", *args, topology, **more)

    def seen(self):
        """What a reader of the folder sees: links are followed, and what leads nowhere is not there."""
        found = {}
        for name in sorted(os.listdir(self.etc)):
            path = f"{self.etc}/{name}"
            if name == STAGING or name.endswith(".tmp") or not os.path.isfile(path):
                continue
            status = os.stat(path)
            found[name] = (self.rows(name) if name.endswith(".db") else self.read(name), status.st_mode, status.st_uid, status.st_gid)
        return found

    def exact(self):
        """The folder itself, entry by entry, with times."""
        found = {".": os.lstat(self.etc).st_mtime_ns}
        for name in sorted(os.listdir(self.etc)):
            status = os.lstat(f"{self.etc}/{name}")
            found[name] = (self.read(name) if os.path.isfile(f"{self.etc}/{name}") else None,
                           status.st_mode, status.st_uid, status.st_gid, status.st_mtime_ns)
        return found

    def postconf(self, *args):
        """What Postfix reads there."""
        result = subprocess.run(["postconf", "-c", self.etc, *args], capture_output=True, text=True,
                                check=False, env={**os.environ, "PATH": os.environ["PATH"] + ":/usr/sbin"})
        return result.returncode, result.stdout

    def remove(self):
        """All of it."""
        shutil.rmtree(self.work, ignore_errors=True)
