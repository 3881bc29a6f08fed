#!/usr/bin/python3
"""
apply killed at every call that changes a file, in both folders: what Postfix would read is the old
configuration or the new one, and the next apply ends in the new one, with nothing left behind.
postfix(1) is a script here, for speed. What postconf(1) reads is asked where links are in place.

With a number as its argument, every how manyth call is tried (default 1: all of them). With an error
as the second one (EIO), the calls fail with it instead.
"""
import os
import re
import shutil
import signal
import sys

from applylib import (EXAMPLE, STAGING, Machine, check, equal, finish, need_root_and_postfix,
                      same_files, skip)

need_root_and_postfix()
if not shutil.which("strace"):
    skip("no strace(1)")
STEP = int(sys.argv[1]) if len(sys.argv) > 1 else 1
ERROR = sys.argv[2] if len(sys.argv) > 2 else None
CALLS = ("openat", "write", "pwrite64", "rename", "renameat", "renameat2", "link", "linkat", "symlink", "symlinkat",
         "unlink", "unlinkat", "mkdir", "mkdirat", "fchmod", "fchown", "fsetxattr", "utimensat",
         "fsync", "fdatasync", "ftruncate")
# LeakSanitizer cannot work under strace
QUIET = {"ASAN_OPTIONS": "detect_leaks=0"}

machine = Machine()
machine.quick()
with open(EXAMPLE, encoding="utf-8") as example:
    words = example.read()
# an indexed table, a file in the second folder, and one that goes with the change
before_path, after_path = f"{machine.work}/before.yaml", f"{machine.work}/after.yaml"
indexed = words.replace("kind: postfix\n", "kind: postfix\n    map_type: hash\n")
with open(before_path, "w", encoding="utf-8") as out:
    out.write(indexed)
with open(after_path, "w", encoding="utf-8") as out:
    out.write(indexed.replace("sign_at: private", "sign_at: public").replace("mail.example.com\n", "mx.example.com\n")
              .replace("trust: address", "trust: network"))

equal(machine.apply("--no-reload", topology=before_path).returncode, 0, "the first apply")
OLD = machine.seen()
OLD_CONF = [machine.postconf("-n"), machine.postconf("-M")]
pristine = f"{machine.work}/pristine"
shutil.copytree(machine.etc, f"{pristine}/etc")
shutil.copytree(machine.states, f"{pristine}/states")


def reset():
    """As it was before the change."""
    for name in ("etc", "states"):
        shutil.rmtree(f"{machine.work}/{name}")
        shutil.copytree(f"{pristine}/{name}", f"{machine.work}/{name}")
    shutil.rmtree(f"{machine.work}/postern", ignore_errors=True)


def milter():
    """The file in the second folder, as a reader sees it."""
    try:
        with open(f"{machine.work}/postern/postern-milter.conf", "rb") as file:
            return file.read()
    except FileNotFoundError:
        return None


trace = f"{machine.work}/trace"
ended = machine.apply("--no-reload", topology=after_path, env=QUIET,
                      before=["strace", "-qq", "-o", trace, "-e", "trace=" + ",".join(CALLS)])
if ended.returncode:
    check(False, f"the change: {ended.stderr}")
    finish()
NEW = machine.seen()
NEW_CONF = [machine.postconf("-n"), machine.postconf("-M")]
NEW_MILTER = milter()
check(NEW != OLD and NEW_MILTER and "virtual.db" in NEW, "the change changes all sorts of files")
with open(trace, encoding="utf-8", errors="replace") as file:
    lines = [re.match(r"(\w+)\((.*)", line) for line in file]
counts = {}
points = []
started = False
for line in lines:
    if not line:
        continue
    call, rest = line.groups()
    counts[call] = counts.get(call, 0) + 1
    # what comes before the lock reads only
    started = started or '"lock"' in rest
    if call == "write" and rest.startswith(("1,", "2,")):
        continue  # what it says
    if started and not (call == "openat" and "O_CREAT" not in rest):
        points.append((call, counts[call]))

seen = {"old": 0, "new": 0}
linked = 0
for number, (call, when) in enumerate(points):
    if number % STEP:
        continue
    reset()
    ended = machine.apply("--no-reload", topology=after_path, env=QUIET,
                          before=["strace", "-qq", "-o", "/dev/null", "-e", f"trace={call}",
                                  "-e", f"inject={call}:{f'error={ERROR}' if ERROR else 'signal=KILL'}:when={when}"])
    where = f"{'failed' if ERROR else 'killed'} at {call} {when}"
    if ERROR:
        check(ended.returncode in (0, 1, 3), f"{where}: ended with {ended.returncode}: {ended.stderr[-200:]}")
        check(ended.returncode == 0 or ended.stderr, f"{where}: says nothing")
        check(ended.returncode or machine.seen() == NEW, f"{where}: says that it is done")
    else:
        equal(ended.returncode, -signal.SIGKILL, where)
    now, conf = machine.seen(), None
    if any(os.path.islink(f"{machine.etc}/{name}") for name in os.listdir(machine.etc)):
        linked += 1
        if linked % 20 == 1:
            conf = [machine.postconf("-n"), machine.postconf("-M")]
    if (now, milter()) == (OLD, None) and conf in (None, OLD_CONF):
        seen["old"] += 1
    elif (now, milter()) == (NEW, NEW_MILTER) and conf in (None, NEW_CONF):
        seen["new"] += 1
    else:
        check(False, f"{where}: a mixture: {sorted(name for name in {**OLD, **NEW} if now.get(name) != OLD.get(name))}")
    again = machine.apply("--no-reload", topology=after_path)
    equal(again.returncode, 0, f"{where}: apply again: {again.stderr}")
    same_files(machine.seen(), NEW, f"{where}: after apply again")
    equal(milter(), NEW_MILTER, f"{where}: the second folder after apply again")
    left = [name for name in os.listdir(machine.etc) if name == STAGING or name.endswith(".tmp")
            or os.path.islink(f"{machine.etc}/{name}")]
    left += [name for name in os.listdir(f"{machine.states}/apply/{machine.etc.replace('/', '%2F')}")
             if name.startswith(".")]
    equal(left, [], f"{where}: left behind")
    # and the way back is whole, too
    back = machine.run("rollback", "--yes", "--no-reload", "--to", "1")
    equal(back.returncode, 0, f"{where}: rolled back: {back.stderr}")
    same_files(machine.seen(), OLD, f"{where}: rolled back")

print(f"{'failed' if ERROR else 'killed'} {sum(seen.values())} times, at {len(points)} calls: {seen['old']} times the old configuration, "
      f"{seen['new']} times the new one; links were in place {linked} times")
check(min(seen["old"], seen["new"], linked if not ERROR else 2) >= 2, "the kills hit all phases")
machine.remove()
finish()
