#!/usr/bin/python3
"""Random topologies and messages, trace against lab: every difference is a bug in one of the two.

run.py [--seed N] [--topologies N] [--messages N] [--keep FOLDER] [--only N]

Topology number N of seed S is made from S * 1000 + N, so that one can be tried alone. Topologies that
postern-confgen refuses are replaced by the next. Prints what differs, and counts.
"""
import argparse
import collections
import concurrent.futures
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

import topologies

CONFGEN = os.environ.get("POSTERN_CONFGEN", "")
SOURCE = os.environ.get("POSTERN_SOURCE") or os.path.dirname(
    os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(77)


def check_requirements():
    if os.geteuid() != 0:
        skip("needs root, for network namespaces")
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    for program in ("postfix", "nsd", "dovecot", "jq", "ip", "haproxy", "nginx", "nft"):
        if not shutil.which(program):
            skip(f"needs {program}")
    if not os.access(CONFGEN, os.X_OK):
        skip("POSTERN_CONFGEN names no program")


def is_sound(path):
    """Whether the topology is one; it must be refused with words, never with a crash."""
    result = subprocess.run([CONFGEN, "test", "--own", "--format", "json", path], check=False,
                            capture_output=True, text=True)
    assert result.returncode in (0, 1), f"status {result.returncode}: {result.stderr}"
    return result.returncode == 0, result.stderr


def try_one(path):
    """What `test --live` says, as JSON."""
    result = subprocess.run(
        [CONFGEN, "test", "--live", "--own", "--format", "json", "--lab",
         os.path.join(SOURCE, "lab", "postern-lab"), path],
        check=False, capture_output=True, text=True)
    assert result.returncode in (0, 1), f"{path}: status {result.returncode}: {result.stderr}"
    return json.loads(result.stdout)


def report(name, test):
    message = test["messages"][0]
    print(f"# {name}: {test['name']} differs in {message['differs']}")
    sent = {k: v for k, v in message["message"].items() if v not in (None, "", False)}
    print(f"#   message: {json.dumps(sent)}")
    print(f"#   trace: {message['trace']['summary']}  via "
          f"{[hop['node'] for hop in message['trace']['hops']]} signed {message['trace']['signed_by']}")
    lab = message["lab"]
    print(f"#   lab:   {lab['summary']}  via {[hop['node'] for hop in lab['hops']]} "
          f"signed {lab.get('signed_by')}", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--topologies", type=int, default=10)
    parser.add_argument("--messages", type=int, default=30)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--only", type=int)
    parser.add_argument("--keep")
    options = parser.parse_args()
    check_requirements()
    folder = options.keep or tempfile.mkdtemp(prefix="postern-differential-")
    os.makedirs(folder, exist_ok=True)
    counts, differing, refused, began = collections.Counter(), 0, 0, time.monotonic()
    chosen, number = [], -1
    while len(chosen) < options.topologies and (options.only is None or number < options.only):
        number = number + 1 if options.only is None else options.only
        seed = options.seed * 1000 + number
        path = os.path.join(folder, f"{seed}.yaml")
        with open(path, "w", encoding="utf-8") as file:
            file.write(topologies.with_messages(seed, options.messages))
        sound, why = is_sound(path)
        if sound:
            chosen.append((seed, path))
            continue
        refused += 1
        if options.only is not None or options.keep:
            print(f"# {seed} is no topology: {why.splitlines()[:1]}")
        assert refused < 4 * options.topologies + 10, "nearly no topology is sound"
    tried = len(chosen)
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        results = pool.map(try_one, [path for _, path in chosen])
        for (seed, _), result in zip(chosen, results):
            for test in result["tests"]:
                message = test["messages"][0]
                if message.get("skipped"):
                    counts["skipped"] += 1
                    continue
                counts[message["trace"]["outcome"]] += 1
                if message["differs"]:
                    differing += 1
                    report(seed, test)
    asked = sum(counts.values()) - counts["skipped"]
    print(f"# seed {options.seed}: {asked} messages over {tried} topologies in "
          f"{time.monotonic() - began:.0f} s ({refused} drawn were no topologies): {dict(counts)}")
    print(f"{'not ok' if differing else 'ok'} 1 - trace and lab agree ({differing} differences)")
    print("1..1")
    if not options.keep:
        shutil.rmtree(folder)
    assert asked or options.only is not None
    sys.exit(bool(differing))


if __name__ == "__main__":
    main()
