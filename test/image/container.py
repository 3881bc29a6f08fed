"""An image built by scripts/image.sh, and one container of it: what `docker compose up` would make of compose.yaml.

There is no engine. buildah builds in a folder of its own, and `buildah run` starts the container in namespaces of
process ids and mounts, in the network of somebody else's process. What that leaves out of compose.yaml is done by
hand before the entry point gets control: tmpfs, the read-only root, capabilities.
"""
import contextlib
import glob
import os
import shutil
import subprocess
import tempfile
import time

import yaml

LIMIT = 60  # seconds
RESOLVER = "/mnt/resolv.conf"  # where give() has to put what the container is to have as /etc/resolv.conf


def ended(process):
    """Ends a process of ours, if it runs."""
    if process and process.poll() is None:
        process.kill()
        process.wait()


def parent(process):
    """The process id of a process's parent."""
    with open(f"/proc/{process}/stat", encoding="utf-8", errors="replace") as file:
        return int(file.read().rpartition(")")[2].split()[1])


class Image:
    """A storage folder with one image; a context manager that leaves nothing."""

    def __init__(self, work):
        for left in glob.glob(os.path.join(work, "image-*-*")):  # by a run that was killed
            if not os.path.exists("/proc/" + os.path.basename(left).split("-")[1]):
                shutil.rmtree(left)
        self.folder = tempfile.mkdtemp(prefix=f"image-{os.getpid()}-", dir=work)
        storage = os.path.join(self.folder, "storage.conf")
        with open(storage, "w", encoding="ascii") as file:
            file.write(f'[storage]\ndriver = "vfs"\ngraphroot = "{self.folder}/graph"\n'
                       f'runroot = "{self.folder}/run"\n')
        self.environment = {**os.environ, "CONTAINERS_STORAGE_CONF": storage, "TMPDIR": self.folder,
                            "BUILDAH_ISOLATION": "chroot"}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # its mounts end with the namespaces of those who made them
        shutil.rmtree(self.folder)

    def buildah(self, *arguments):
        result = subprocess.run(["buildah", *arguments], check=False, text=True, env=self.environment,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if result.returncode:
            raise RuntimeError(f"buildah {arguments[0]}: {result.stderr}")
        return result.stdout.strip()

    def build(self, script, base, programs, rendered):
        """Builds the image of a rendered folder on a root file system."""
        scratch = self.buildah("from", "scratch")
        self.buildah("add", "--quiet", scratch, base, "/")
        self.buildah("commit", "--quiet", "--rm", scratch, "base")
        result = subprocess.run([script, "--engine", "buildah", "--base", "localhost/base", "--programs",
                                 programs, rendered], check=False, text=True, env=self.environment,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if result.returncode:
            raise RuntimeError(f"{script}: {result.stdout[-3000:]}")
        return "localhost/" + result.stdout.splitlines()[-1]


class Container:
    """A container that compose.yaml describes; it is started and stopped, and its volumes outlive it."""

    def __init__(self, image, name, compose, secrets):
        """`secrets`: path in the container -> content."""
        with open(compose, encoding="utf-8") as file:
            self.service, = yaml.safe_load(file)["services"].values()
        self.image, self.name, self.process, self.entry = image, name, None, None
        self.folder = tempfile.mkdtemp(prefix="container-", dir=image.folder)
        self.log = os.path.join(self.folder, "log")
        self.mounts = {}  # path in the container -> path here
        for number, volume in enumerate(self.service["volumes"]):
            place = os.path.join(self.folder, f"volume{number}")
            os.mkdir(place)
            self.mounts[volume.split(":")[1]] = place
        for secret in self.service.get("secrets", []):
            self.give(secret["target"], secrets[secret["target"]], secret["mode"])

    def give(self, path, content, mode=0o444):
        """Mounts a file from the next start on."""
        place = os.path.join(self.folder, f"file{len(self.mounts)}")
        with open(place, "w", encoding="ascii") as file:
            file.write(content)
        os.chmod(place, mode)
        self.mounts[path] = place

    def read(self, path):
        """The content of a mounted file."""
        with open(self.mounts[path], encoding="ascii") as file:
            return file.read()

    def write(self, path, content):
        """Changes the content of a mounted file."""
        with open(self.mounts[path], "w", encoding="ascii") as file:
            file.write(content)

    def starter(self):
        """What an engine does before the entry point, in the container's own shell."""
        # buildah has one of its own, before or after ours
        words = [f"mount --bind {RESOLVER} /etc/resolv.conf"]
        if self.service["read_only"]:
            words.append("mount -o remount,bind,ro /")
        for entry in self.service["tmpfs"]:
            path, options = entry.split(":")
            words.append(f"mount -t tmpfs -o {options} tmpfs {path}")
        assert self.service["cap_drop"] == ["ALL"]
        assert self.service["security_opt"] == ["no-new-privileges:true"]
        bounds = ",".join(["-all"] + ["+" + name.lower() for name in self.service["cap_add"]])
        words.append(f"exec setpriv --no-new-privs --inh-caps=-all --bounding-set={bounds} "
                     "/etc/postern/entrypoint")
        return " && ".join(words)

    def start(self, process, wait=True):
        """Starts it in the network of a process."""
        working = self.image.buildah("from", self.name)
        for path in self.mounts:  # else buildah mounts a new folder of its own over one that the image calls a volume
            if os.path.isdir(self.mounts[path]):
                self.image.buildah("config", "--volume", path + "-", working)
        volumes = [word for path, place in self.mounts.items() for word in
                   ("--volume", f"{place}:{path}" + ("" if os.path.isdir(place) else ":ro"))]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                ["nsenter", f"--net=/proc/{process}/ns/net", "unshare", "--mount", "--pid", "--fork",
                 "--kill-child=KILL", "--mount-proc", "buildah", "run", "--cap-add", "CAP_SYS_ADMIN",
                 "--cap-add", "CAP_SETPCAP", *volumes, working, "--", "sh", "-c", self.starter()],
                env=self.image.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.working, self.entry = working, None
        if wait:
            end = time.monotonic() + LIMIT
            while not self.healthy():
                assert self.process.poll() is None, "it ended: " + self.text()[-2000:]
                assert time.monotonic() < end, "it does not get healthy: " + self.text()[-2000:]
                time.sleep(0.2)

    def processes(self):
        """Process ids, as this machine counts, of all in the container; the entry point is the first."""
        inside = []
        for path in glob.glob(f"/proc/{self.process.pid}/task/*/children"):
            with open(path, encoding="ascii") as file:
                inside += file.read().split()
        found = []
        for child in inside:
            with contextlib.suppress(OSError):
                space = os.readlink(f"/proc/{child}/ns/pid")
                for process in sorted((int(name) for name in os.listdir("/proc") if name.isdigit())):
                    with contextlib.suppress(OSError):
                        if os.readlink(f"/proc/{process}/ns/pid") == space:
                            found.append(process)
        return found

    def entry_point(self):
        """The process of the entry point, or None."""
        if not self.entry:
            parents = {}
            for process in self.processes():
                with contextlib.suppress(OSError), open(f"/proc/{process}/cmdline", "rb") as file:
                    if file.read() == b"/bin/bash\0/etc/postern/entrypoint\0":
                        parents[process] = parent(process)
            # Its subshells look the same, and have lower numbers once the machine's numbers have wrapped around.
            self.entry = next((process for process in parents if parents[process] not in parents), None)
        return self.entry

    def run(self, *command):
        """As `docker exec` does it. Returns the result, or None when it does not run."""
        entry = self.entry_point()
        if not entry:
            return None
        return subprocess.run(
            ["nsenter", "--target", str(entry), "--mount", "--net", "--pid", "--root", "--wd",
             "/usr/bin/env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", *command],
            check=False, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE)

    def healthy(self):
        result = self.run(*self.service["healthcheck"]["test"][1:])
        return bool(result) and result.returncode == 0

    def text(self):
        with open(self.log, encoding="utf-8", errors="replace") as file:
            return file.read()

    def signal(self, name):
        subprocess.run(["kill", f"-{name}", str(self.entry_point())], check=True)

    def wait(self):
        """Waits until it has ended, and returns the exit status."""
        seconds = int(self.service["stop_grace_period"].rstrip("s"))
        try:
            status = self.process.wait(timeout=seconds)
        finally:
            ended(self.process)
            self.image.buildah("rm", self.working)
        return status

    def stop(self):
        """As `docker stop` does it."""
        self.signal("TERM")
        return self.wait()

    def kill(self):
        """As `docker kill` does it: all processes at once."""
        ended(self.process)
        end = time.monotonic() + LIMIT
        while self.entry and os.path.exists(f"/proc/{self.entry}/ns/pid"):
            assert time.monotonic() < end, "its processes do not end"
            time.sleep(0.05)
        self.image.buildah("rm", self.working)
