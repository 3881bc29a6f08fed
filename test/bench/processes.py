"""Programs that are measured: started, asked for their processor time and memory, stopped."""
import os
import pathlib
import signal
import socket
import subprocess
import time

TICK = os.sysconf("SC_CLK_TCK")


def family(root):
    """A process and all below it."""
    below = {}
    for entry in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(entry.read_text().rsplit(")", 1)[1].split()[1])
        except (FileNotFoundError, ProcessLookupError):
            continue
        below.setdefault(parent, []).append(int(entry.parent.name))
    found, queue = [], [root]
    while queue:
        process = queue.pop()
        found.append(process)
        queue += below.get(process, [])
    return found


def clock(process):
    """CPU seconds of a process's threads, past ones too, as exactly as the kernel has them."""
    try:
        return time.clock_gettime((~process << 3) | 2)  # clock_getcpuclockid(3)
    except OSError:
        return 0.0


def past_children(process):
    """CPU seconds of the children that it waited for."""
    fields = pathlib.Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[13]) + int(fields[14])) / TICK


def cpu(root):
    """CPU seconds of a process and all below it, of children that ended too."""
    return sum(clock(process) for process in family(root)) + past_children(root)


def memory(root):
    """Resident MiB of a process and all below it; what they share counts once."""
    own = files = 0
    for process in family(root):
        try:
            lines = pathlib.Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()[1:]
        except (FileNotFoundError, ProcessLookupError):
            continue
        sizes = {name: int(size) for name, size, *_ in map(str.split, lines)}
        own += sizes["Pss_Anon:"] + sizes["Pss_Shmem:"]
        files = max(files, sizes["Rss:"] - sizes["Anonymous:"])  # the same program and libraries
    return (own + files) / 1024


class Program:
    """A program in the foreground that listens on a UNIX socket."""

    def __init__(self, command, path, log):
        path.unlink(missing_ok=True)
        with open(log, "wb") as output:
            # pylint: disable-next=consider-using-with
            self.process = subprocess.Popen([str(word) for word in command],
                                            stdin=subprocess.DEVNULL, stdout=output,
                                            stderr=subprocess.DEVNULL, start_new_session=True)
        self.name, self.path = pathlib.Path(str(command[0])).name, path
        end = time.monotonic() + 60
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > end:
                self.stop()
                raise RuntimeError(f"{self.name} does not start")
            time.sleep(0.05)
        path.chmod(0o666)

    def answers(self):
        """Whether somebody listens: the socket is there a moment earlier."""
        with socket.socket(socket.AF_UNIX) as client:
            try:
                client.connect(str(self.path))
                return True
            except OSError:
                return False

    @property
    def pid(self):
        return self.process.pid

    def stop(self):
        try:
            os.killpg(self.pid, signal.SIGTERM)
            self.process.wait(20)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()


class Programs:
    """Those of a part, which end with it."""

    def __init__(self):
        self.running = {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for program in self.running.values():
            program.stop()
