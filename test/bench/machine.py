"""What the figures were measured on."""
import os
import pathlib
import platform
import re
import subprocess
import time

import report

PACKAGES = ("postfix", "opendkim", "libopendkim11", "libmilter1.0.1", "rspamd", "dkimpy-milter", "haproxy",
            "python3", "python3-jinja2", "python3-yaml")


def said(*command):
    """What a program prints, or ''."""
    try:
        return subprocess.run(command, check=False, capture_output=True, text=True).stdout.strip()
    except OSError:
        return ""


def busy(seconds=1.0):
    """The share of the processors that others use, from 0 to 1."""
    def ticks():
        fields = pathlib.Path("/proc/stat").read_text().splitlines()[0].split()[1:9]
        return sum(map(int, fields)), int(fields[3]) + int(fields[4])
    before = ticks()
    time.sleep(seconds)
    total, idle = (after - earlier for after, earlier in zip(ticks(), before))
    return 1 - idle / total if total else 0.0


def revision(source):
    found = said("git", "-C", str(source), "-c", "safe.directory=*", "describe", "--always", "--dirty")
    return found or "of unknown revision"


def build_type(build):
    found = re.search(r"^CMAKE_BUILD_TYPE:\w+=(.*)$", (build / "CMakeCache.txt").read_text(), re.M)
    return found[1] if found else "?"


def describe(source, build, others):
    """Lines of Markdown. others: the share of the processors that others used before."""
    cpu = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / (1 << 30)
    # PRETTY_NAME lacks the point release
    debian = pathlib.Path("/etc/debian_version")
    system = f"Debian {debian.read_text().strip()}" if debian.exists() else \
        platform.freedesktop_os_release().get("PRETTY_NAME", "?")
    versions = [f"{name} {version}" for name in PACKAGES
                if (version := said("dpkg-query", "--show", "--showformat=${Version}", name))]
    rows = [("processor", f"{cpu[1] if cpu else platform.machine()}, {os.cpu_count()} cores"),
            ("memory", f"{memory:.0f} GiB"), ("kernel", f"Linux {os.uname().release.split('-')[0]} {os.uname().machine}"),
            ("system", system), ("OpenSSL", " ".join(said("openssl", "version").split()[1:2])),
            ("packages", ", ".join(versions)),
            ("postern", f"{revision(source)}, build {build_type(build)}"),
            ("busy with other things before", f"{100 * others:.0f}% of the processors")]
    return report.table(["<machine", "<"], rows)
