#!/usr/bin/python3
"""The packages on a fresh Debian 12 with stock Postfix and a real systemd: installed, configured as README
says, mail is signed and verified, everything works in the units' sandbox; purged, all is as it was."""
import contextlib
import email
import os
import pathlib
import re
import shutil
import socketserver
import subprocess
import sys
import tempfile
import threading
import traceback

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from machine import Machine, enter, skip, wait_for  # noqa: E402

try:
    import dkim
    import dns.message
    import dns.rrset
except ImportError as missing:
    skip(f"{missing} (Debian packages python3-dkim, python3-dnspython)")

SOURCE = pathlib.Path(os.environ["POSTERN_SOURCE"])
CONF = "/etc/postern/postern-milter.conf"
# what a running system writes, whoever is installed on it
LIVE = ("/proc", "/sys", "/dev", "/run", "/tmp", "/root", "/var/cache", "/var/log", "/var/lib/apt", "/var/lib/dpkg",
        "/var/lib/systemd/timers", "/var/lib/postfix", "/var/mail",
        "/var/spool/postfix/active", "/var/spool/postfix/maildrop", "/var/spool/postfix/incoming",
        "/var/spool/postfix/pid",
        "/var/spool/postfix/private/direct",  # Postfix leaves the socket of a service that is gone
        # the state before the last change of a user: useradd and systemd-sysusers keep it
        "/etc/passwd-", "/etc/group-", "/etc/shadow-", "/etc/gshadow-", "/etc/subuid-", "/etc/subgid-",
        "/etc/.pwd.lock")


def is_live(path):
    """Whether a path says nothing of packages."""
    return any(path == name or path.startswith(name + "/") for name in LIVE)


def readme(after):
    """The lines of the block of commands that follows a line of README."""
    text = (SOURCE / "README.md").read_text(encoding="utf-8")
    block = text.split(after, 1)[1].split("\n\n", 2)[1]
    assert all(line.startswith("    ") for line in block.splitlines()), block
    return "\n".join(line[4:] for line in block.splitlines())


def records(machine):
    """What postern-milter says is to be published: name to text."""
    found = {}
    for line in machine.run("postern-milter", "--show-keys").splitlines():
        name, _, text = line.partition(" IN TXT ")
        if text:
            found[name.rstrip(".").lower()] = "".join(re.findall(r'"([^"]*)"', text))
    return found


def send(machine, token, sender="user@example.com", by="sendmail"):
    """Sends a message to a local user; returns what arrives."""
    text = (f"From: {sender}\nTo: tester@localhost\nSubject: {token}\n"
            f"Message-ID: <{token}@example.com>\nDate: Wed, 25 Nov 2026 12:00:00 +0000\n\nHello.\n")
    if by == "sendmail":
        machine.run("sendmail", "-f", sender, "tester@localhost", given=text)
    else:
        smtp(machine, by, sender, text)
    return wait_for(f"{token} in the mailbox", lambda: arrived(machine, token)), text


def arrived(machine, token):
    """A message of the local user's mailbox, or None."""
    path = machine.path("/var/mail/tester")
    if not path.exists():
        return None
    for part in re.split(rb"^From [^\n]*\n", path.read_bytes(), flags=re.M):
        if f"Subject: {token}\n".encode() in part and part.endswith(b"\n\n"):
            return part[:-1]
    return None


def smtp(machine, port, sender, text):
    """Submits a message over TCP; it ends with what the server says."""
    script = ("import smtplib, sys\nwith smtplib.SMTP('127.0.0.1', int(sys.argv[1]), timeout=30) as client:\n"
              "    client.sendmail(sys.argv[2], ['tester@localhost'], sys.stdin.read().replace('\\n', '\\r\\n'))\n")
    subprocess.run(["nsenter", "--target", str(machine.pid), "--net", sys.executable, "-c", script,
                    str(port), sender], input=text, text=True, check=True)


def greeting(machine, port):
    """The first line that a port says, or why there is none."""
    script = ("import socket, sys\nwith socket.create_connection(('127.0.0.1', int(sys.argv[1])), 30) as client:\n"
              "    print(client.recv(200).decode())\n")
    return subprocess.run(["nsenter", "--target", str(machine.pid), "--net", sys.executable, "-c", script,
                           str(port)], check=False, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT).stdout.strip()


def verify(message, published):
    """Judged by dkimpy, with these records as the DNS."""
    def answer(name, timeout=5):
        del timeout
        return published.get(name.decode().rstrip(".").lower(), "").encode() or None
    return dkim.verify(message.replace(b"\n", b"\r\n"), dnsfunc=answer)


@contextlib.contextmanager
def name_server(machine, published):
    """A DNS server on the machine's loopback, which has these records."""
    class Handler(socketserver.BaseRequestHandler):
        """Answers one datagram."""
        def handle(self):
            question = dns.message.from_wire(self.request[0])
            reply = dns.message.make_response(question)
            name = question.question[0].name
            text = published.get(name.to_text().rstrip(".").lower())
            if text:
                parts = " ".join(f'"{text[i:i + 255]}"' for i in range(0, len(text), 255))
                reply.answer.append(dns.rrset.from_text(name, 60, "IN", "TXT", parts))
            self.request[1].sendto(reply.to_wire(), self.client_address)
    # the socket keeps the namespace that the thread was in when it made it
    here = os.open("/proc/self/ns/net", os.O_RDONLY)
    there = os.open(f"/proc/{machine.pid}/ns/net", os.O_RDONLY)
    libc = __import__("ctypes").CDLL(None, use_errno=True)
    assert libc.setns(there, 0) == 0
    server = socketserver.ThreadingUDPServer(("127.0.0.1", 53), Handler)
    assert libc.setns(here, 0) == 0
    os.close(here)
    os.close(there)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


def statuses(machine, unit):
    """/proc/PID/status of a unit's processes, by the process id that this machine knows."""
    group, = machine.unit(unit, "ControlGroup")
    pids = (machine.group / group.lstrip("/") / "cgroup.procs").read_text().split()
    found = []
    for pid in pids:
        text = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
        found.append(dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line))
    return found


def install(machine):
    """README's first block runs word by word; before it, the services are enabled and wait"""
    for package in ("confgen", "gate"):
        machine.shell(f"apt-get install ./postern-{package}_*.deb")
    for name in ("postern-gate", "postfix"):
        machine.run("systemctl", "is-enabled", name)
    assert machine.unit("postern-gate", "ActiveState", "ConditionResult") == ["inactive", "no"]
    commands = readme("So that a stock Postfix signs").splitlines()
    assert commands[0].startswith("apt-get install")
    machine.shell(commands[0])
    assert machine.run("systemctl", "is-enabled", "postern-milter").strip() == "enabled"
    assert machine.unit("postern-milter", "ActiveState", "ConditionResult") == ["inactive", "no"]
    assert machine.run("systemctl", "is-system-running").strip() == "running"
    machine.shell("\n".join(commands[1:]))
    state = machine.unit("postern-milter", "ActiveState", "NRestarts", "StatusText")
    assert state == ["active", "0", "serving, domains: 1"], (state, machine.journal("postern-milter"))
    for unit in ("postfix.service", "postfix@-.service"):
        after, = machine.unit(unit, "After")
        assert {"postern-milter.service", "postern-gate.service"} <= set(after.split()), after


def signed(machine):
    """mail by sendmail and by SMTP is signed, and dkimpy accepts it; a stranger's domain is not"""
    published = records(machine)
    assert list(published) == ["mail._domainkey.example.com"], published
    for by in ("sendmail", 25):
        message, _ = send(machine, f"signed-{by}", by=by)
        assert message.count(b"DKIM-Signature:") == 1 and verify(message, published), message
        assert not verify(message.replace(b"Hello", b"HellO"), published), "the judge does not judge"
    message, _ = send(machine, "foreign", sender="user@elsewhere.test")
    assert b"DKIM-Signature:" not in message, message


def sandboxed(machine):
    """the service is postern's, without a capability; what reads keys has two; both are filtered"""
    uid = int(machine.run("id", "-u", "postern"))
    found = sorted(statuses(machine, "postern-milter.service"), key=lambda s: s["Uid"])
    assert [int(status["Uid"].split()[0]) for status in found] == [0, uid], found
    assert [int(status["CapEff"], 16) for status in found] == [1 << 6 | 1 << 7, 0], found # SETGID, SETUID
    for status in found:
        assert status["NoNewPrivs"] == "1" and status["Seccomp"] == "2", status
    listed = machine.run("stat", "--format=%U:%G %a %F", "/var/spool/postfix/postern/milter.sock",
                         "/var/spool/postfix/postern", "/etc/postern/keys").splitlines()
    assert listed == ["postern:postfix 660 socket", "postern:postfix 750 directory",
                      "root:root 700 directory"], listed


def reloaded(machine):
    """a reload reads a new key of root's, from a folder that the service itself cannot enter"""
    machine.shell(f"""
        install -d -m 0700 /etc/postern/keys/example.net
        (umask 077; openssl genpkey -algorithm ed25519 -out /etc/postern/keys/example.net/ed.private)
        printf '%s\\n' 'domain "example.net" {{' ' key "ed" {{ file = "/etc/postern/keys/example.net/ed.private" }}' \
            '}}' 'policy_socket = "unix:/var/spool/postfix/postern/policy.sock"' >>{CONF}
        systemctl reload postern-milter""")
    wait_for("two domains", lambda: machine.unit("postern-milter", "StatusText") == ["serving, domains: 2"])
    message, _ = send(machine, "reloaded", sender="user@example.net")
    assert b"a=ed25519-sha256" in message and verify(message, records(machine)), message


def verifies(machine):
    """in the sandbox it asks DNS, and serves the policy protocol and figures"""
    published = records(machine)
    message, _ = send(machine, "to-verify")
    machine.shell(f"""
        sed -i '/^internal_networks/d' {CONF}
        printf '%s\\n' 'internal_networks = {{}}' 'dns_servers = "127.0.0.1"' 'authserv_id = "mail.example.com"' \
            'http = "inet:9102@127.0.0.1"' 'listener "*" {{ mode = "verify" }}' >>{CONF}
        systemctl restart postern-milter""")
    text = message[message.index(b"DKIM-Signature:"):].decode().replace("Subject: to-verify", "Subject: verified")
    with name_server(machine, published):
        smtp(machine, 25, "user@example.com", text)
        judged = wait_for("verified", lambda: arrived(machine, "verified"))
    results = " ".join(email.message_from_bytes(judged)["Authentication-Results"].split())
    # the subject is signed, and was changed: the key was there, and the signature is bad
    assert "dkim=fail" in results and "header.d=example.com" in results, results
    sockets = machine.run("stat", "--format=%U:%G %a", "/var/spool/postfix/postern/policy.sock").strip()
    assert sockets == "postern:postfix 660", sockets
    assert greeting_http(machine) == "200"


def greeting_http(machine):
    """The status of /readyz."""
    script = "import urllib.request\nprint(urllib.request.urlopen('http://127.0.0.1:9102/readyz', timeout=30).status)"
    return subprocess.run(["nsenter", "--target", str(machine.pid), "--net", sys.executable, "-c", script],
                          check=True, text=True, stdout=subprocess.PIPE).stdout.strip()


def watched(machine):
    """a milter that hangs is ended by the watchdog, and started again"""
    machine.shell("""
        mkdir -p /run/systemd/system/postern-milter.service.d
        printf '[Service]\\nWatchdogSec=2\\n' >/run/systemd/system/postern-milter.service.d/test.conf
        systemctl daemon-reload
        systemctl restart postern-milter
        kill -STOP "$(systemctl show --property=MainPID --value postern-milter)" """)
    wait_for("a restart", lambda: int(machine.unit("postern-milter", "NRestarts")[0]) > 0)
    wait_for("the milter", lambda: machine.unit("postern-milter", "ActiveState") == ["active"])
    machine.shell("rm -r /run/systemd/system/postern-milter.service.d; systemctl daemon-reload")


def mistaken(machine):
    """a mistake in the configuration is told with its place, and Postfix goes on"""
    machine.shell(f"cp {CONF} /root/good; echo 'sockets = 3' >>{CONF}")
    said = machine.run("systemctl", "restart", "postern-milter", check=False)
    assert "failed" in said.lower(), said
    wait_for("the place in the log",
             lambda: re.search(rf"{CONF}:\d+:\d+: error: .*'sockets'", machine.journal("postern-milter")))
    assert machine.run("systemctl", "is-active", "postfix@-").strip() == "active"
    machine.shell(f"cp /root/good {CONF}; systemctl reset-failed postern-milter\n"
                  "rm -r /var/spool/postfix/postern; systemctl restart postern-milter")  # the folder is made again
    assert machine.unit("postern-milter", "ActiveState") == ["active"]


def gate(machine):
    """postern-gate hands over to Postfix, at a port of its own and at one that systemd opened"""
    machine.shell("""
        cp -p /etc/postfix/master.cf /root/master.cf
        postconf -M 'direct/pass=direct pass - - n - - smtpd'
        systemctl reload postfix
        cat >/etc/postern/postern-gate.conf <<'END'
            listener "own" {
                addresses = "127.0.0.1:465"
                trusted_proxies = {"192.0.2.10"}
                proxied_service = "/var/spool/postfix/private/none"
                direct_service = "/var/spool/postfix/private/direct"
            }
            listener "submission" {
                trusted_proxies = {"127.0.0.1"}
                proxied_service = "/var/spool/postfix/private/direct"
            }
            metrics = "/run/postern-gate/metrics.prom"
END
        systemctl start postern-gate-submission.socket
        systemctl start postern-gate""")
    state = machine.unit("postern-gate", "ActiveState", "NRestarts")
    assert state == ["active", "0"], (state, machine.journal("postern-gate"))
    for port in (465, 587):
        said = greeting(machine, port)
        assert said.startswith("220 ") and "ESMTP Postfix" in said, (port, said, machine.journal("postern-gate"))
    status, = statuses(machine, "postern-gate.service")
    assert int(status["Uid"].split()[0]) == int(machine.run("id", "-u", "postfix"))
    assert int(status["CapEff"], 16) == 1 << 10 and status["Seccomp"] == "2", status  # NET_BIND_SERVICE
    main, = machine.unit("postern-gate", "MainPID")
    machine.run("systemctl", "reload", "postern-gate")
    assert machine.unit("postern-gate", "MainPID", "ActiveState") == [main, "active"]
    wait_for("figures", lambda: machine.path("/run/postern-gate/metrics.prom").exists())
    machine.run("systemctl", "restart", "postern-gate")
    assert greeting(machine, 587).startswith("220 ")
    machine.shell("""
        mkdir -p /run/systemd/system/postern-gate.service.d
        printf '[Service]\\nAmbientCapabilities=\\nCapabilityBoundingSet=\\n' \
            >/run/systemd/system/postern-gate.service.d/test.conf
        sed -i '/listener "own"/,/^ *}/d' /etc/postern/postern-gate.conf
        systemctl daemon-reload
        systemctl restart postern-gate""")
    status, = statuses(machine, "postern-gate.service")
    assert int(status["CapBnd"], 16) == 0 and greeting(machine, 587).startswith("220 "), status
    machine.shell("rm -r /run/systemd/system/postern-gate.service.d; systemctl daemon-reload")


def reinstalled(machine):
    """installing the same again keeps what was configured and disabled, and restarts what runs"""
    machine.shell("echo MALLOC_ARENA_MAX=1 >>/etc/default/postern-milter; systemctl disable postern-gate")
    before = machine.path(CONF).read_bytes(), machine.path("/etc/default/postern-milter").read_bytes()
    pid, gate_pid = (machine.unit(unit, "MainPID") for unit in ("postern-milter", "postern-gate"))
    machine.shell("apt-get install --reinstall ./postern*.deb")
    assert before == (machine.path(CONF).read_bytes(), machine.path("/etc/default/postern-milter").read_bytes())
    wait_for("the new milter", lambda: machine.unit("postern-milter", "ActiveState") == ["active"])
    assert machine.unit("postern-milter", "MainPID") != pid, "the old program still runs"
    assert machine.unit("postern-gate", "MainPID") != gate_pid, "the old gate still runs"
    assert machine.run("systemctl", "is-enabled", "postern-gate", check=False).strip() == "disabled"
    main, = machine.unit("postern-milter", "MainPID")
    environment = machine.run("cat", f"/proc/{main}/environ")
    assert "MALLOC_ARENA_MAX=1" in environment, environment
    machine.shell(f"systemctl stop postern-milter; sed -i '/internal_networks/d; /^listener/d' {CONF}")
    assert not machine.path("/var/spool/postfix/postern/milter.sock").exists(), "a socket is left"
    machine.shell("apt-get install --reinstall ./postern-milter_*.deb")
    assert machine.unit("postern-milter", "ActiveState") == ["inactive"], "what was stopped was started"
    machine.shell("systemctl start postern-milter")
    message, _ = send(machine, "reinstalled")
    assert verify(message, records(machine)), message


def removed(machine):
    """README's last block leaves Postfix as it was; a purge leaves nothing but keys"""
    machine.shell("cp -p /root/master.cf /etc/postfix/master.cf")
    machine.shell(readme("And back;"))
    message, _ = send(machine, "after")
    assert b"DKIM-Signature:" not in message
    assert machine.unit("postern-milter", "LoadState") == ["not-found"]
    left = machine.run("find", "/etc/postern").split()
    assert "/etc/postern/keys/example.com/mail.private" in left and CONF not in left, left
    machine.shell("apt-get remove postern-gate; test -e /etc/postern/postern-gate.conf")
    assert machine.run("systemctl", "is-active", "postern-gate", "postern-gate-submission.socket",
                       check=False).split() == ["inactive"] * 2
    machine.shell("apt-get purge postern-gate postern-confgen; rm -r /etc/postern")
    known = machine.run("sh", "-c", "grep -rl postern /var/lib/dpkg/status /var/lib/dpkg/info; "
                        "grep -l postern /etc/passwd /etc/group", check=False)
    assert not known, f"still known in: {known}"


def compare(before, after):
    """Fails with every path that differs."""
    wrong = [f"{path}: {before.get(path)} -> {after.get(path)}" for path in sorted(before.keys() | after.keys())
             if before.get(path) != after.get(path)]
    assert not wrong, "not as before:\n" + "\n".join(wrong)


STEPS = (install, signed, sandboxed, reloaded, verifies, watched, mistaken, gate, reinstalled, removed)


def depends(packages):
    """What apt has to bring for the packages."""
    wanted = ["apt", "dbus", "systemd", "procps"]
    for package in packages:
        field = subprocess.run(["dpkg-deb", "--field", package, "Depends"], check=True, text=True,
                               capture_output=True).stdout
        wanted += [one.strip() for one in field.split(",") if one.strip() and not one.strip().startswith("postern")]
    return wanted


def prepare(machine, packages):
    """A user for mail, and the packages in root's home; then all units are up."""
    for name in machine.root.glob("etc/dpkg/dpkg.cfg.d/*"):
        name.unlink()  # roots are made without documents
    (machine.root / "etc/apt/sources.list").write_text("")
    (machine.root / "etc/apt/apt.conf.d/yes").write_text('APT::Get::Assume-Yes "true";\nDpkg::Use-Pty "0";\n')
    for package in packages:
        shutil.copy(package, machine.root / "root")
    machine.boot()
    machine.run("useradd", "--create-home", "tester")
    machine.run("postconf", "-e", "inet_protocols=ipv4")  # there is nothing but a loopback
    machine.run("systemctl", "restart", "postfix")


def main():
    """Runs the steps, one TAP line each; after one that fails the machine is not worth more."""
    enter()
    packages = sorted(pathlib.Path(sys.argv[1]).glob("*.deb"))
    assert len(packages) == 4, packages
    work = tempfile.mkdtemp(prefix="postern-packages-")
    machine = Machine(work, depends(packages))
    try:
        prepare(machine, packages)
        before = machine.snapshot(is_live)
        for number, step in enumerate(STEPS, 1):
            step(machine)
            print(f"ok {number} - {step.__doc__}", flush=True)
        compare(before, machine.snapshot(is_live))
        print(f"ok {len(STEPS) + 1} - {len(before)} files are as they were, octet by octet")
        return 0
    except (AssertionError, OSError, subprocess.SubprocessError):
        traceback.print_exc()
        if machine.pid:
            print(machine.run("journalctl", "--no-pager", "--quiet", "--lines=60", check=False))
        return 1
    finally:
        machine.end()
        subprocess.run(["umount", "--recursive", "--lazy", work + "/root"], check=False, capture_output=True)
        for folder in ("memory", "cgroup"):
            subprocess.run(["umount", "--lazy", f"{work}/{folder}"], check=False, capture_output=True)
        shutil.rmtree(work, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
