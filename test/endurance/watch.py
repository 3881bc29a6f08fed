"""Looks at processes and logs while a load runs."""
import json
import os
import re
import signal
import subprocess
import threading
import time

TICKS = os.sysconf("SC_CLK_TCK")
HOLE = 8 << 20  # octets of a log that are given back at once
# what a log must not say
BAD = re.compile(rb"panic|fatal|segfault|Sanitizer|assert|error|warning", re.I)
# Postfix warns of clients that hang up, and of these things alone
FINE = re.compile(rb"lost connection|timeout after|improper command pipelining|hostname \S+ does not resolve|"
                  rb"symlink leaves directory|not owned by|"
                  rb"file system clock is|resetting file time stamps")


class Processes:
    """Figures of some processes by name. They must stay the same ones."""

    def __init__(self, pids):
        self.pids = pids
        self.born = {name: read_stat(pid)[19] for name, pid in pids.items()}

    def sample(self):
        """Figures as NAME.FIGURE: octets, numbers, seconds."""
        figures = {}
        for name, pid in self.pids.items():
            stat = read_stat(pid)
            if stat[19] != self.born[name]:
                raise RuntimeError(f"{name} is another process now")
            memory = read_fields(f"/proc/{pid}/smaps_rollup")
            figures[f"{name}.rss"] = memory["Rss"] << 10
            figures[f"{name}.pss"] = memory["Pss"] << 10
            figures[f"{name}.anonymous"] = memory["Anonymous"] << 10
            figures[f"{name}.descriptors"] = len(os.listdir(f"/proc/{pid}/fd"))
            figures[f"{name}.threads"] = int(stat[17])
            figures[f"{name}.cpu"] = (int(stat[11]) + int(stat[12])) / TICKS
        return figures


def read_stat(pid):
    """What proc(5) has in stat behind the name: [11] and [12] are CPU, [17] threads, [19] the time of birth."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rsplit(")", 1)[1].split()
    except FileNotFoundError as error:
        raise RuntimeError(f"process {pid} has ended") from error


def read_fields(path):
    """The numbers of a file with lines "NAME: NUMBER kB"."""
    with open(path, encoding="ascii") as file:
        return {match[1]: int(match[2]) for match in re.finditer(r"^(\w+): +(\d+) kB$", file.read(), re.M)}


def find_process(parent, path=None, name=None):
    """The one process in the PID namespace of `parent` that runs the program `path`, or is called `name`."""
    found = []
    namespace = os.readlink(f"/proc/{parent}/ns/pid")
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            with open(f"/proc/{entry}/comm", encoding="ascii", errors="replace") as file:
                called = file.read().strip()
            if os.readlink(f"/proc/{entry}/ns/pid") == namespace and called == (name or os.path.basename(path)[:15]):
                found.append(int(entry))
        except OSError:
            continue
    if len(found) != 1:
        raise RuntimeError(f"{len(found)} processes {name or path}")
    return found[0]


class Log:
    """Follows a log as it grows: counts words, keeps complaints, and gives the room of what it has read back to the
    file system, for a run of an hour writes gigabytes."""

    def __init__(self, path, *words):
        self.file = open(path, "r+b")  # pylint: disable=consider-using-with
        self.counts = dict.fromkeys((word.encode() for word in words), 0)
        self.complaints = []
        self.complained = self.freed = 0
        self.rest = b""

    def read(self):
        while True:
            data = self.file.read(1 << 20)
            if not data:
                break
            lines = (self.rest + data).split(b"\n")
            self.rest = lines.pop()
            text = b"\n".join(lines)
            for word in self.counts:
                self.counts[word] += text.count(word)
            for line in lines if BAD.search(text) else []:
                if BAD.search(line) and not FINE.search(line):
                    self.complained += 1
                    self.complaints = (self.complaints + [line.decode(errors="replace")])[:20]
        self.free()

    def free(self):
        size = self.file.tell() - self.freed
        if size < HOLE:
            return
        subprocess.run(["fallocate", "--punch-hole", "--keep-size", "--offset", str(self.freed), "--length", str(size),
                        f"/proc/self/fd/{self.file.fileno()}"], check=False, pass_fds=[self.file.fileno()],
                       stderr=subprocess.DEVNULL)
        self.freed += size

    def count(self, word):
        return self.counts[word.encode()]


class Counter(threading.Thread):
    """Reads the counts that smtp_load and smtp_sink print each second; `counts` are the newest."""

    def __init__(self, process):
        super().__init__(daemon=True)
        self.process = process
        self.counts = {}
        self.start()

    def run(self):
        for line in self.process.stdout:
            self.counts = json.loads(line)

    def terminate(self):
        """nsenter(1), which is the process, passes no signal to the program, its child."""
        with open(f"/proc/{self.process.pid}/task/{self.process.pid}/children", encoding="ascii") as file:
            for child in file.read().split():
                os.kill(int(child), signal.SIGTERM)

    def finish(self, terminate=False):
        """Waits for the end, and returns the last counts; the exit status must be 0."""
        if terminate and self.process.poll() is None:
            self.terminate()
        status = self.process.wait()
        self.join()
        if status:
            raise RuntimeError(f"{self.process.args[-9:]} ended with {status}")
        return self.counts


def wait(condition, what, seconds=120):
    """Polls until a condition holds, and returns its value."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise RuntimeError(f"no {what} within {seconds} s")
        time.sleep(0.2)
