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
# each file is synced: in memory that takes no time
work = tempfile.mkdtemp(prefix="lint-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None)
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

# what each rule's fix makes of a line: file, before, after; postconf reads before and after
MAIN = "compatibility_level = 3.6\nmyhostname = mail.example.com\n"
WHOLE = MASTER.decode() + "smtp unix - - n - - smtp\ncleanup unix n - n - 0 cleanup\nqmgr unix n - n 300 1 qmgr\n"
SCREENS = "smtp inet n - n - 1 postscreen\n2525 inet n - n - 1 postscreen\n"
FIXES = {
    "S03 comment": ("main.cf", "biff = no  # no news\n", "# no news\nbiff = no\n"),
    "S03 a number": ("main.cf", "a_b=1\nqueue_minfree = 5 # octets", "a_b=1\n# octets\nqueue_minfree = 5"),
    "S03 text: no fix": ("main.cf", "mail_name = Post # 1\n", None),
    "S03 two lines: no fix": ("main.cf", "mydestination = a.example,\n  b.example # c\n", None),
    "S21": ("main.cf", "biff = no\n# keep\nbiff=no\n", "# keep\nbiff=no\n"),
    "S21 of many lines": ("main.cf", "mydestination = a.example,\n  b.example\n\nbiff = no\nmydestination = a.example,\n  b.example\n",
                          "\nbiff = no\nmydestination = a.example,\n  b.example\n"),
    "S21 comment inside: no fix": ("main.cf", "mydestination = a.example,\n# why\n  b.example\nmydestination = a.example,\n  b.example\n", None),
    "S04 differs: no fix": ("main.cf", "biff = no\nbiff = yes\n", None),
    "S22": ("main.cf", "postscreen_blacklist_action = drop\n", "postscreen_denylist_action = drop\n"),
    "S22 set by both names: no fix": ("main.cf", "postscreen_blacklist_action = drop\npostscreen_denylist_action = ignore\n", None),
    "S22 referred to: no fix": ("main.cf", "postscreen_blacklist_action = drop\npostscreen_greet_action = $postscreen_blacklist_action\n", None),
    "S22 something is added to it: no fix": ("main.cf", "postscreen_dnsbl_ttl = 1\n", None),
    "S20": ("main.cf", "biff = False\nsmtpd_helo_required = ON\n", "biff = no\nsmtpd_helo_required = yes\n"),
    "S20 unclear: no fix": ("main.cf", "biff = maybe\n", None),
    "R04": ("main.cf", "mynetworks = 127.0.0.0/8, ::1/128, [fd00::]/8\n", "mynetworks = 127.0.0.0/8, [::1]/128, [fd00::]/8\n"),
    "R05": ("main.cf", "mynetworks = 127.0.0.0/8 [::1]/128\n  192.168.2.9/24\n", "mynetworks = 127.0.0.0/8 [::1]/128\n  192.168.2.0/24\n"),
    "R05 public: no fix": ("main.cf", "mynetworks = 127.0.0.0/8 [::1]/128 203.0.113.9/28\n", None),
    "A12": ("main.cf", "smtp_use_tls = yes\n", "smtp_tls_security_level = may\n"),
    "A12 level is set": ("main.cf", "smtp_use_tls=yes\nsmtp_tls_security_level = dane\nsmtp_dns_support_level = dnssec\n",
                         "smtp_tls_security_level = dane\nsmtp_dns_support_level = dnssec\n"),
    "A12 server": ("main.cf", "smtpd_use_tls = yes\nsmtpd_enforce_tls = no\nsmtpd_tls_cert_file = /c\n",
                   "smtpd_tls_security_level = may\nsmtpd_tls_cert_file = /c\n"),
    "A12 enforced": ("main.cf", "smtpd_enforce_tls = yes\nsmtpd_tls_cert_file = /c\n",
                     "smtpd_tls_security_level = encrypt\nsmtpd_tls_cert_file = /c\n"),
    "A12 the client verifies: no fix": ("main.cf", "smtp_enforce_tls = yes\n", None),
    "A12 empty level: no fix": ("main.cf", "smtp_use_tls = yes\nsmtp_tls_security_level =\n", None),
    "A04": ("main.cf", "smtp_sasl_auth_enable = yes\nsmtp_sasl_password_maps = texthash:/p\nsmtp_sasl_security_options =\n",
            "smtp_sasl_auth_enable = yes\nsmtp_sasl_password_maps = texthash:/p\nsmtp_sasl_security_options = noanonymous\n"),
    "S13": ("master.cf", WHOLE, WHOLE + "postlog   unix-dgram n  -       n       -       1       postlogd\n", "maillog_file = /var/log/postfix.log\n"),
    "S12": ("master.cf", WHOLE + "tlsmgr unix - - n 1000? - tlsmgr\n", WHOLE + "tlsmgr unix - - n 1000? 1 tlsmgr\n"),
    "S09": ("master.cf", WHOLE + "587 inet n - n - - smtpd\n  -o smtpd_helo_required = yes\n",
            WHOLE + "587 inet n - n - - smtpd\n  -o smtpd_helo_required=yes\n"),
    "S09 with white space": ("master.cf", WHOLE + "587 inet n - n - - smtpd\n  -o smtpd_helo_restrictions=permit_mynetworks, reject -o biff=no\n",
                             WHOLE + "587 inet n - n - - smtpd\n  -o { smtpd_helo_restrictions = permit_mynetworks, reject } -o biff=no\n"),
    "S09 over lines: no fix": ("master.cf", WHOLE + "587 inet n - n - - smtpd\n  -o biff =\n  yes\n", None),
    "S09 for a command: no fix": ("master.cf", WHOLE + "x unix - n n - - pipe\n  -o biff = yes user=nobody argv=/bin/true\n", None),
    "P03": ("main.cf", "postscreen_cache_map = btree:/var/lib/postfix/cache\n", "postscreen_cache_map = proxy:btree:/var/lib/postfix/cache\n", SCREENS),
    "P03 by default": ("main.cf", "biff = no\n", "biff = no\npostscreen_cache_map = proxy:btree:$data_directory/postscreen_cache\n", SCREENS),
    "M06": ("transport", "example.org  smtp:[192.0.2.1] # theirs\n", "# theirs\nexample.org  smtp:[192.0.2.1]\n",
            "transport_maps = texthash:/etc/postfix/transport\n"),
}


def postconf():
    """All that postconf makes of both files, or None where it is not installed."""
    if not shutil.which("postconf"):
        return None
    for name in ("main.cf", "master.cf"):  # postconf waits while a file is new
        os.utime(f"{etc}/{name}", (1, 1))
    parts = [subprocess.run(["postconf", "-c", etc, option], capture_output=True, check=False)
             for option in ("-n", "-M", "-P")]
    return b"".join(part.stdout for part in parts), b"".join(part.stderr for part in parts)


def try_fix(label, name, before, after, more=""):
    """A fix: shown, taken by patch(1), written, and the end of it."""
    head = MAIN if name == "main.cf" else ""
    for other in ("transport", "main.cf", "master.cf"):
        if os.path.exists(f"{etc}/{other}"):
            os.remove(f"{etc}/{other}")
    screens = label.startswith("P03")
    write((MAIN + ("" if screens else more)).encode())
    write((WHOLE.replace(MASTER.decode(), more) if screens else WHOLE).encode(), name="master.cf")
    write((head + before).encode(), name=name)
    was = postconf()
    shown = run(*OPTIONS, "etc", cwd=work)
    if after is None:
        checks.equal((shown.returncode, shown.stdout), (0, b""), label)
        return
    checks.equal(shown.returncode, 1, f"{label}: status")
    shutil.copytree(etc, f"{work}/patched")
    patched = subprocess.run(["patch", "-p0", "--fuzz=0"], cwd=work, capture_output=True, check=False,
                             input=shown.stdout.replace(b"etc/", b"patched/"))
    checks.equal(patched.returncode, 0, f"{label}: patch: {patched.stdout} {shown.stdout}")
    checks.check(b"offset" not in patched.stdout, f"{label}: patch had to search: {patched.stdout}")
    with open(f"{work}/patched/{name}", "rb") as file:
        checks.equal(file.read().decode(), head + after, f"{label}: what is shown")
    shutil.rmtree(f"{work}/patched")
    checks.equal(run(*OPTIONS, "--yes", "etc", cwd=work).returncode, 0, f"{label}: written")
    checks.equal(read(name).decode(), head + after, label)
    checks.equal((run(*OPTIONS, "etc", cwd=work).stdout), b"", f"{label}: the second run")
    now = postconf()
    if not now:
        return
    rule = label.split()[0]
    left = [line for line in now[1].splitlines() if line not in was[1].splitlines() and b"warning" in line]
    checks.equal(left, [], f"{label}: postconf complains of what is fixed")
    if rule in ("S21", "M06"):
        checks.equal(now[0], was[0], f"{label}: postconf -n, -M, -P before and after")
    elif rule in ("S09", "S12", "S13", "S22", "A12", "A04", "R04", "R05", "S03", "S20", "P03"):
        checks.check(now[0] != was[0], f"{label}: postconf sees no difference")
    changed = after.split("\n")[:-1] if name == "main.cf" else []
    for line in changed:
        parts = line.split(" = ")
        if len(parts) == 2 and not line.startswith(("#", " ")):
            checks.check(line.encode() in now[0], f"{label}: postconf does not read '{line}'")


for label, row in FIXES.items():
    try_fix(label, *row)
# what follows from a fix, by postconf itself
write(MAIN.encode() + b"smtpd_forbid_bare_newline = yes\n")
write((WHOLE + "587 inet n - n - - smtpd\n  -o smtpd_helo_restrictions=permit_mynetworks, reject -o biff=no\n").encode(),
      name="master.cf")
run(*OPTIONS, "--yes", "etc", cwd=work)
if shutil.which("postconf"):
    os.utime(f"{etc}/main.cf", (1, 1))
    shown = subprocess.run(["postconf", "-c", etc, "-P"], capture_output=True, check=False).stdout
    checks.equal(shown, b"587/inet/biff = no\n587/inet/smtpd_helo_restrictions = permit_mynetworks, reject\n",
                 "postconf -P of a repaired option")

# docker-mailserver's files
os.mkdir(f"{work}/dms")
DMS = {
    "postfix-master.cf": (b"submission/inet/smtpd_client_restrictions=permit_mynetworks, reject\n"
                          b"smtpd/pass/smtpd_banner=hello world\nsmtpd/pass/biff=no",
                          b"submission/inet/smtpd_client_restrictions=permit_mynetworks,reject\n"
                          b"smtpd/pass/smtpd_banner=hello world\nsmtpd/pass/biff=no\n"),
    "postfix-main.cf": (b"biff = no\r\nmessage_size_limit = 1000000\r\n", b"biff = no\nmessage_size_limit = 1000000\n"),
    "postfix-sasl-password.cf": (b"relay.example user:pass\r\n", None),
}
for name, (text, _) in DMS.items():
    with open(f"{work}/dms/{name}", "wb") as file:
        file.write(text)
shown = run(*OPTIONS, "dms", cwd=work)
checks.check(b"user:pass" not in shown.stdout, "a difference with a password")
run(*OPTIONS, "--yes", "dms", cwd=work)
for name, (text, wanted) in DMS.items():
    with open(f"{work}/dms/{name}", "rb") as file:
        checks.equal(file.read(), wanted or text, f"docker-mailserver: {name}")

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
