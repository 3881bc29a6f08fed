#!/usr/bin/python3
"""
--fix: the difference is one that patch(1) takes, writing is atomic, keeps owner and mode, and is
done after one run; what is not fixed is left as it is, octet by octet.
"""
import os
import shutil
import signal
import subprocess
import sys
import tempfile

from lintlib import CONFGEN, Checks, cases, rules, run

checks = Checks()
work = tempfile.mkdtemp(prefix="lint-")
if not shutil.which("patch"):
    print("skipped: no patch(1)")
    sys.exit(77)
etc = f"{work}/etc"
os.mkdir(etc)
OPTIONS = ("lint", "-T", "3.7", "--no-permissions", "--fix")


def write(text, mode=0o644, name="main.cf"):
    """A file of the configuration."""
    path = f"{etc}/{name}"
    if os.path.lexists(path):
        os.remove(path)
    with open(path, "wb") as file:
        file.write(text)
    os.chmod(path, mode)


def read(name="main.cf"):
    """Its content."""
    with open(f"{etc}/{name}", "rb") as file:
        return file.read()


MASTER = b"smtp inet n - n - - smtpd\n"
write(MASTER, name="master.cf")
broken = {
    "first line": b" myhostname = mail.example.com\nmydomain = example.com\n",
    "far apart": b"\t \tmyhostname = mail.example.com\n",
    "no line feed at the end": b"  myhostname = mail.example.com",
    "CRLF": b"  myhostname = mail.example.com\r\nmydomain = example.com\r\n",
    "comments before": b"# one\n# two\n\n# three\n  # four\n   myhostname = mail.example.com\n# five\nx_y = 1\n",
    "octets beyond UTF-8": b" myhostname = mail.example.com\n# \xff\xfe\nmydomain = example.com\n",
}
for name, text in broken.items():
    write(text, 0o640)
    result = run(*OPTIONS, "etc", cwd=work)
    checks.equal(result.returncode, 1, f"{name}: status of a difference")
    checks.equal(read(), text, f"{name}: --fix alone writes nothing")
    shutil.copytree(etc, f"{work}/patched")
    patched = subprocess.run(["patch", "-p0", "--binary"], input=result.stdout.replace(b"etc/", b"patched/"),
                             cwd=work, capture_output=True, check=False)
    # what is not UTF-8 is escaped, and so no patch: it stands in the context only
    if name not in ("octets beyond UTF-8", "CRLF"):
        checks.equal(patched.returncode, 0, f"{name}: patch: {patched.stdout} {result.stdout}")
    result = run(*OPTIONS, "--yes", "etc", cwd=work)
    checks.equal(result.returncode, 0, f"{name}: status of writing: {result.stderr}")
    checks.check(read() != text and len(read()) < len(text), f"{name}: it is written")
    if name not in ("octets beyond UTF-8", "CRLF"):
        with open(f"{work}/patched/main.cf", "rb") as file:
            checks.equal(read(), file.read(), f"{name}: what is shown is what is written")
    shutil.rmtree(f"{work}/patched")
    checks.equal(os.stat(f"{etc}/main.cf").st_mode & 0o777, 0o640, f"{name}: mode")
    done = read()
    checks.equal(run(*OPTIONS, "--yes", "etc", cwd=work).returncode, 0, f"{name}: again")
    checks.equal(read(), done, f"{name}: the second run changes nothing")
checks.equal(sorted(os.listdir(etc)), ["main.cf", "master.cf"], "nothing is left behind")

# nothing to fix: the file is not touched at all
write(b"myhostname = mail.example.com\n  , continued\n")
old = os.stat(f"{etc}/main.cf")
result = run(*OPTIONS, "--yes", "etc", cwd=work)
new = os.stat(f"{etc}/main.cf")
checks.equal((result.returncode, result.stdout, new.st_ino, new.st_mtime_ns),
             (0, b"", old.st_ino, old.st_mtime_ns), "nothing to fix")
if shutil.which("postconf"):
    shown = [subprocess.run(["postconf", "-n", "-c", etc], capture_output=True, check=False).stdout]
    run(*OPTIONS, "--yes", "etc", cwd=work)
    shown += [subprocess.run(["postconf", "-n", "-c", etc], capture_output=True, check=False).stdout]
    checks.check(shown[0] == shown[1] and b"mail.example.com" in shown[0],
                 "postconf reads the same after a run that had nothing to fix")
    write(b"  myhostname = mail.example.com\nmydomain = example.com\n")
    run(*OPTIONS, "--yes", "etc", cwd=work)
    after = subprocess.run(["postconf", "-n", "-c", etc], capture_output=True, check=False)
    checks.check(b"myhostname = mail.example.com" in after.stdout, "postconf reads what is fixed")

# a secret is not shown
write(b"  relay_password = hunter2\nmydomain = example.com\nmy_secret_token = abc\n")
result = run(*OPTIONS, "etc", cwd=work)
checks.check(b"hunter2" not in result.stdout and b"abc" not in result.stdout and
             b"not shown" in result.stdout, f"a secret in the difference: {result.stdout}")

# a symbolic link stays one
os.rename(f"{etc}/main.cf", f"{work}/real.cf")
os.symlink("../real.cf", f"{etc}/main.cf")
checks.equal(run(*OPTIONS, "--yes", "etc", cwd=work).returncode, 0, "a symbolic link")
checks.check(os.path.islink(f"{etc}/main.cf"), "a symbolic link stays one")
with open(f"{work}/real.cf", "rb") as file:
    checks.check(file.read().startswith(b"relay_password"), "what it leads to is written")
os.remove(f"{etc}/main.cf")

# silenced or known findings are not fixed
write(b" myhostname = mail.example.com\n")
run("lint", "-T", "3.7", "--no-permissions", "-w", "known.json", "etc", cwd=work)
result = run(*OPTIONS, "--baseline", "known.json", "etc", cwd=work)
checks.equal((result.returncode, result.stdout), (0, b""), "known findings are not fixed")

# killed at each system call: the file is the old one or the new one
old = b"  myhostname = mail.example.com\n" + b"# filler\n" * 2000
write(old)
run(*OPTIONS, "--yes", "etc", cwd=work)
new = read()
seen = set()
if shutil.which("strace"):
    for call in ("openat", "write", "fchmod", "fsync", "fchmodat", "renameat", "close"):
        for when in range(1, 40, 3 if call in ("openat", "close") else 1):
            write(old)
            ended = subprocess.run(
                ["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"inject={call}:signal=KILL:when={when}",
                 CONFGEN, *OPTIONS, "--yes", "etc"], cwd=work, capture_output=True, check=False)
            now = read()
            checks.check(now in (old, new), f"killed at {call} {when}: neither old nor new")
            seen.add((now == new, ended.returncode in (-signal.SIGKILL, 128 + signal.SIGKILL)))
            if ended.returncode == 0:
                break
    checks.check((False, True) in seen and (True, False) in seen, f"some runs were killed: {seen}")
    for name in os.listdir(etc):
        if name.startswith("."):
            os.remove(f"{etc}/{name}")
else:
    print("# no strace(1): runs that are killed are left out")

# a folder that may not be written, for others than root
if os.geteuid() == 0 and shutil.which("setpriv"):
    os.chmod(work, 0o755)
    write(old)
    os.chmod(etc, 0o755)
    result = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", CONFGEN,
                             *OPTIONS, "--yes", "etc"], cwd=work, capture_output=True, check=False)
    checks.equal(result.returncode, 3, f"no permission: {result.stderr}")
    checks.equal(read(), old, "no permission: nothing changes")
    os.chown(f"{etc}/main.cf", 65534, 65534)
    os.chmod(f"{etc}/main.cf", 0o600)
    run(*OPTIONS, "--yes", "etc", cwd=work)
    status = os.stat(f"{etc}/main.cf")
    checks.equal((status.st_uid, status.st_gid, status.st_mode & 0o777), (65534, 65534, 0o600), "owner")

# the fixes of every rule: each bad case ends after as many runs as its fixes overlap
fixed = 0
for rule in rules():
    for name, path in cases(rule):
        if not name.startswith("bad") or not os.path.exists(f"{path}/main.cf"):
            continue
        copy = f"{work}/{rule}-{name}"
        shutil.copytree(path, copy)
        for _ in range(5):
            if run(*OPTIONS, copy).returncode != 1:
                break
            fixed += 1
            checks.check(run(*OPTIONS, "--yes", copy).returncode in (0, 1), f"{rule}/{name}: --fix")
        else:
            checks.check(False, f"{rule}/{name}: fixes do not come to an end")
shutil.rmtree(work)
checks.end(f"{fixed} runs fixed something in the bad cases of the rules")
