"""A machine with Debian 12, Postfix and systemd, booted in namespaces on a copy of the matrix's root."""
import hashlib
import os
import pathlib
import shutil
import stat
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
PATIENCE = 60  # seconds, for what takes less than one
APT = ["--option=Dpkg::Use-Pty=0", "--option=Debug::NoLocking=1", "--assume-yes", "--quiet",
       "--no-install-recommends"]


def skip(why):
    """Ends the test as skipped."""
    print(f"skipped: {why}")
    sys.exit(77)


def enter():
    """Runs this script again in a mount namespace of its own, so that its mounts end with it."""
    if os.geteuid() != 0:
        skip("needs root, to boot a machine")
    if "POSTERN_PACKAGES_INSIDE" not in os.environ:
        os.environ["POSTERN_PACKAGES_INSIDE"] = "1"
        os.execvp("unshare", ["unshare", "--mount", "--propagation=private", sys.executable, *sys.argv])


def wait_for(what, condition):
    """Asks until the answer is true, and returns it."""
    end = time.monotonic() + PATIENCE
    while not (answer := condition()):
        assert time.monotonic() < end, f"not within {PATIENCE} seconds: {what}"
        time.sleep(0.1)
    return answer


def mount(*arguments):
    """Mounts; the namespace's end takes it away."""
    result = subprocess.run(["mount", *map(str, arguments)], check=False, capture_output=True, text=True)
    return result.stderr.strip() if result.returncode else None


class Machine:
    """Made of a root of the matrix with more packages in it; it has no network but its loopback."""

    def __init__(self, work, depends):
        self.work = pathlib.Path(work)
        self.root = self.work / "root"
        self.pid = None
        self.process = None
        made = subprocess.run([HERE.parent / "matrix" / "roots", "bookworm"], check=False, text=True,
                              stdout=subprocess.PIPE)
        if made.returncode:
            print(made.stdout, end="")
            sys.exit(made.returncode)
        memory = self.work / "memory"
        for folder in (self.root, memory):
            folder.mkdir()
        trouble = mount("-t", "tmpfs", "tmpfs", memory)
        for folder in ("upper", "scratch"):
            (memory / folder).mkdir()
        trouble = trouble or mount("-t", "overlay", "overlay", "-o",
                                   f"lowerdir={made.stdout.strip()},upperdir={memory}/upper,"
                                   f"workdir={memory}/scratch", self.root)
        if trouble:
            skip(f"no copy of a root can be laid over it: {trouble}")
        self._add(depends)

    def _add(self, depends):
        """Packages by this machine's own apt, since a root has none at first, and no network later."""
        cache = self.work / "cache"
        (cache / "archives" / "partial").mkdir(parents=True)
        (self.root / "var/lib/apt").mkdir(exist_ok=True)
        policy = self.root / "usr/sbin/policy-rc.d"
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
        mount("-t", "proc", "proc", self.root / "proc")
        mount("--bind", "/dev/null", self.root / "dev/null")
        command = ["apt-get", *APT, f"--option=Dir::State::status={self.root}/var/lib/dpkg/status",
                   f"--option=Dir::State::extended_states={self.root}/var/lib/apt/extended_states",
                   f"--option=Dir::Cache={cache}", f"--option=Dpkg::Options::=--root={self.root}"]
        environment = dict(os.environ, DEBIAN_FRONTEND="noninteractive", LC_ALL="C.UTF-8")
        log = self.work / "apt.log"
        with open(log, "wb") as out:
            def apt(*action):
                return subprocess.run([*command, *action], check=False, env=environment, stdout=out,
                                      stderr=subprocess.STDOUT).returncode
            # the lists may be missing, or so old that the files are gone
            failed = apt("satisfy", *depends) and (apt("update") or apt("satisfy", *depends))
        if failed:
            skip("apt gives no packages for the root: " + log.read_text().strip().split("\n")[-1])
        policy.unlink()
        subprocess.run(["umount", self.root / "proc", self.root / "dev/null"], check=True)

    def boot(self):
        """Boots it, and waits until all units are up."""
        pid_file = self.work / "pid"
        groups = self.work / "cgroup"
        groups.mkdir()
        trouble = mount("-t", "cgroup2", "cgroup2", groups)
        if trouble:
            skip(f"no control groups: {trouble}")
        self.group = groups / f"postern-test-{os.getpid()}"
        self.group.mkdir()
        self.process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", HERE / "boot.sh", self.root, self.group, pid_file])
        wait_for("a first process", lambda: pid_file.exists() or self.process.poll() is not None)
        if self.process.poll() is not None:
            skip("a first process does not start in namespaces here")
        self.pid = int(pid_file.read_text())
        state = lambda: self.run("systemctl", "is-system-running", check=False).strip()
        try:
            wait_for("systemd", lambda: state() in ("running", "degraded"))
        except AssertionError:
            skip(f"systemd does not come up in namespaces here: {state()}")
        failed = self.run("systemctl", "--failed", "--plain", "--no-legend")
        assert not failed, f"units that failed before anything of ours was there:\n{failed}"

    def run(self, *command, check=True, given=None):
        """Runs a command on it; returns what it says, errors included."""
        result = subprocess.run(["nsenter", "--target", str(self.pid), "--all", "env", "-i",
                                 "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", "HOME=/root",
                                 "DEBIAN_FRONTEND=noninteractive", *command],
                                check=False, text=True, input=given,
                                stdin=subprocess.DEVNULL if given is None else None,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert not check or result.returncode == 0, \
            f"{' '.join(command)}: {result.returncode}\n{result.stdout}"
        return result.stdout

    def shell(self, script):
        """Runs lines of shell on it, as its root would type them in /root."""
        return self.run("bash", "-ec", f"cd\n{script}")

    def path(self, name):
        """A file of it, for this machine's programs."""
        return pathlib.Path(f"/proc/{self.pid}/root") / name.lstrip("/")

    def unit(self, unit, *names):
        """Properties of a unit."""
        told = self.run("systemctl", "show", unit, *(f"--property={name}" for name in names))
        values = dict(line.split("=", 1) for line in told.splitlines())
        return [values[name] for name in names]

    def journal(self, unit):
        """What a unit wrote to the log."""
        return self.run("journalctl", "--no-pager", "--quiet", "--unit", unit, check=False)

    def snapshot(self, leave_out):
        """Every file below /, but for some folders: kind, mode, owner, and octets or target."""
        top = self.path("/")
        found = {}
        for folder, folders, files in os.walk(top):
            inside = pathlib.Path("/") / pathlib.Path(folder).relative_to(top)
            folders[:] = [name for name in folders if not leave_out(str(inside / name))]
            for name in [*folders, *files]:
                path = str(inside / name)
                if leave_out(path):
                    continue
                real = os.path.join(folder, name)
                status = os.lstat(real)
                what = [oct(status.st_mode), status.st_uid, status.st_gid]
                if stat.S_ISLNK(status.st_mode):
                    what.append(os.readlink(real))
                elif stat.S_ISREG(status.st_mode):
                    what.append(hashlib.sha256(pathlib.Path(real).read_bytes()).hexdigest())
                found[path] = what
        return found

    def end(self):
        """Ends it at once."""
        if self.process:
            self.process.kill()
            self.process.wait()
            for folder, _, _ in os.walk(self.group, topdown=False):
                wait_for("the end of its processes", lambda folder=folder: self._remove(folder))
        shutil.rmtree(self.work / "cache", ignore_errors=True)

    @staticmethod
    def _remove(folder):
        try:
            os.rmdir(folder)
        except OSError:
            return False
        return True
