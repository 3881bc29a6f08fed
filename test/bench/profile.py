"""Where the processor time of postern-milter goes, by perf(1): RSA-2048, 8 clients."""
import re
import shutil
import subprocess
import time

import milters
import processes
import report

SIZES = ("4 KiB", "10 MiB")
# By library or program as perf names them.
PLACES = {"libcrypto": "OpenSSL (libcrypto): signature, hash", "[": "kernel", "libmilter": "libmilter",
          "libc.": "C library", "postern-milter": "postern-milter's own code"}


def needs(bench):
    """Why it cannot run, or None."""
    if milters.needs(bench):
        return milters.needs(bench)
    if not shutil.which("perf"):
        bench.miss("perf", "linux-perf")
        return "perf is not installed"
    probe = subprocess.run(["perf", "record", "-e", "cpu-clock", "-o", bench.folder / "probe", "true"],
                           check=False, capture_output=True)
    return "perf may not record here" if probe.returncode else None


def record(bench, program, size, data):
    """Samples of the milter while it signs messages of that size."""
    seconds = 1 if bench.quick else 5
    with subprocess.Popen([bench.load, "-t", str(seconds + 1), program.path, "8", "1000000",
                           str(milters.SIZES[size])], stdout=subprocess.DEVNULL) as load:
        time.sleep(0.5)  # until libmilter has its threads: perf fails when one ends meanwhile
        done = subprocess.run(["perf", "record", "-q", "-e", "cpu-clock", "-F", "1999", "-o", data, "-p",
                               str(program.pid), "--", "sleep", str(seconds)], check=False,
                              capture_output=True, text=True)
        if load.wait():
            raise RuntimeError("not all was signed")
    return done


def shares(bench, program, size):
    """({place: share}, [(share, function, place)]) of a message of that size."""
    data = bench.folder / "perf.data"
    for _ in range(3):
        done = record(bench, program, size, data)
        if done.returncode == 0:
            break
    else:
        raise RuntimeError(f"perf: {done.stderr.strip()}")
    said = subprocess.run(["perf", "report", "-i", data, "--stdio", "-q", "--sort", "dso,symbol",
                           "-t", "|", "--percent-limit", "0"], check=True, capture_output=True,
                          text=True).stdout
    places, functions = {}, []
    for line in said.splitlines():
        found = re.match(r"\s*([\d.]+)%\s*\|(\S+)\s*\|\[.\] (.*)", line)
        if not found:
            continue
        share, name = float(found[1]), found[2]
        place = next((text for start, text in PLACES.items() if name.startswith(start)), "other libraries")
        places[place] = places.get(place, 0) + share
        function = found[3].split("|")[0].strip()
        if not function.startswith("0x"):
            functions.append((share, function, name))
    return places, sorted(functions, reverse=True)


def run(bench):
    """Lines of Markdown."""
    milters.prepare(bench)
    with processes.Programs() as programs:
        remark = milters.start(bench, "postern", ("rsa",), programs)
        if remark:
            raise RuntimeError(remark)
        results = {size: shares(bench, programs.running["postern"], size) for size in SIZES}
    places = sorted(set().union(*(result[0] for result in results.values())),
                    key=lambda place: -results[SIZES[0]][0].get(place, 0))
    lines = report.table(["<percent of the samples", *SIZES],
                         [(place, *(f"{results[size][0].get(place, 0):.1f}" for size in SIZES))
                          for place in places])
    for size in SIZES:
        top = ", ".join(f"{name} ({library}) {share:.1f}" for share, name, library in results[size][1][:8])
        lines += ["", f"Functions whose names are known, {size}: {top}."]
    return lines
