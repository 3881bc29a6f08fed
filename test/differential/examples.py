#!/usr/bin/python3
"""`postern-confgen test --live` passes for every example, with no difference between trace and lab."""
import glob
import os
import subprocess
import sys

import run


def attempt(path):
    return subprocess.run(
        [run.CONFGEN, "test", "--live", "--lab", os.path.join(run.SOURCE, "lab", "postern-lab"),
         path], check=False, capture_output=True, text=True)


def main():
    run.check_requirements()
    paths = sorted(glob.glob(os.path.join(run.SOURCE, "examples", "*", "topology.yaml")))
    assert len(paths) > 10, paths
    print(f"1..{len(paths)}")
    failed = 0
    for number, path in enumerate(paths, 1):
        result = attempt(path)
        name = os.path.basename(os.path.dirname(path))
        last = (result.stdout.splitlines() or [""])[-1]
        failed += result.returncode != 0
        print(f"{'not ok' if result.returncode else 'ok'} {number} - {name}: {last[2:]}", flush=True)
        if result.returncode:
            print("".join(f"# {line}\n" for line in
                          (result.stdout + result.stderr).splitlines()))
    sys.exit(bool(failed))


main()
