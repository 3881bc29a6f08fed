"""The faults: what breaks, one row each, and how it is mended.

A fault is a function of the hosts, a seeded source of chance, and how long it may take. It is called while mail is on its
way in both directions, leaves everything as it was, and returns what was seen, in words. What does not come back by
itself is started again as a service manager would: milter and gate a second after they died, as their units say.
"""
import collections
import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import time

from hosts import (EDGE, HERE, HTTP_PORT, MILTERS, PAST, PATIENCE, POSTERN_LAB, QUEUE, RELAYS, until)

KEYS = {"public": "/etc/postern/keys/example.org/mail.private", "private": "/etc/postern/keys/example.com/mail.private"}


def during(seconds):
    """Goes on until the time is over."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        yield


# -- what is killed

def milter_killed(site, traffic, chance, seconds):
    count = 0
    for _ in during(seconds):
        time.sleep(chance.uniform(0.2, 1))
        node = chance.choice(RELAYS)
        site.lab("milter-stop", site.name, node)
        time.sleep(chance.uniform(0, 1))
        site.lab("milter-start", site.name, node)
        count += 1
    return f"{count} times"


def gate_killed(site, traffic, chance, seconds):
    count = 0
    for _ in during(seconds):
        time.sleep(chance.uniform(0.2, 1))
        site.lab("gate-stop", site.name, "public")
        time.sleep(chance.uniform(0, 1))
        site.lab("gate-start", site.name, "public")
        count += 1
    return f"{count} times"


def proxy_killed(site, traffic, chance, seconds):
    count = 0
    for _ in during(seconds):
        time.sleep(chance.uniform(0.2, 1))
        for process in site.processes("edge", "haproxy"):
            process.signal(signal.SIGKILL)
        until(lambda: not site.processes("edge", "haproxy"), "end of HAProxy")
        time.sleep(chance.uniform(0, 1))
        site.start_proxy()
        count += 1
    return f"{count} times"


def daemons_killed(site, traffic, chance, seconds):
    """Any daemon but master(8), which starts them again; and postlogd(8), lest the witness be lost."""
    killed = collections.Counter()
    for _ in during(seconds):
        time.sleep(chance.uniform(0, 0.3))
        node = chance.choice(RELAYS)
        able = [p for p in site.postfix(node) if p.name not in ("master", "postlogd")]
        by_name = collections.defaultdict(list)
        for process in able:
            by_name[process.name].append(process)
        if by_name:  # each sort as often as any other: there are many smtpd and one qmgr
            name = chance.choice(sorted(by_name))
            site.kill(node, [chance.choice(by_name[name])])
            killed[name] += 1
    return ", ".join(f"{name} {count}" for name, count in sorted(killed.items()))


def postfix_killed(site, traffic, chance, seconds):
    """All of a host's Postfix at once, as when its container is killed, or the master alone."""
    killed = collections.Counter()
    for _ in during(seconds):
        time.sleep(chance.uniform(0.3, 1.5))
        node = chance.choice(RELAYS)
        how = chance.choice(("all", "master"))
        site.kill(node, [p for p in site.postfix(node) if how == "all" or p.name == "master"])
        time.sleep(chance.uniform(0, 1))
        site.start_postfix(node)
        killed[f"{how} at {node}"] += 1
    return ", ".join(f"{name} {count}" for name, count in sorted(killed.items()))


# -- what is missing

def disk_full(site, traffic, chance, seconds):
    """The queue's file system is filled again and again, also amid messages on their way."""
    count, before = 0, {node: len(site.log(node)) for node in RELAYS}
    for _ in during(seconds):
        node = chance.choice(RELAYS)
        path = site.root(node, f"{QUEUE}/filler")
        left = chance.choice((0, 0, 4096, 64 << 10))
        status = os.statvfs(site.root(node, QUEUE))
        size = max(0, status.f_bavail * status.f_bsize - left)
        with open(path, "wb") as file, contextlib.suppress(OSError):
            os.posix_fallocate(file.fileno(), 0, size)
        time.sleep(chance.uniform(0.5, 2))
        os.unlink(path)
        time.sleep(chance.uniform(0.1, 0.5))
        count += 1
    said = "".join(site.log(node)[before[node]:] for node in RELAYS)
    return (f"{count} times; 452: {len(re.findall(r'Insufficient system storage', said))}, "
            f"failed writes: {len(re.findall(r'No space left on device', said))}")


def key_gone(site, traffic, chance, seconds):
    """A key vanishes: a reload changes nothing; a restart does not succeed, and mail waits; then it is back."""
    node = chance.choice(RELAYS)
    path = KEYS[node]
    kind = {"public": "out-relay", "private": "out"}[node]
    before = len(site.log(node, "milter"))
    site.run(node, "mv", path, path + ".away")
    try:
        milter = site.milter(node)
        milter.signal(signal.SIGHUP)
        until(lambda: path in site.log(node, "milter")[before:], "word of the missing key")
        assert not milter.gone(), "the milter ended"
        signed = traffic.accepted(kind)
        until(lambda: traffic.accepted(kind) > signed, "mail that is signed with the old key")
        site.lab("milter-stop", site.name, node)
        config = "/etc/postern/postern-milter.conf"
        tried = site.run(node, "sh", "-c", f"/run/postern-lab/postern-milter -f -c {config} 2>&1; echo status $?")
        assert "status 1" in tried and path in tried, tried
        time.sleep(seconds / 2)
    finally:
        site.run(node, "mv", path + ".away", path)
    site.lab("milter-start", site.name, node)
    return f"at {node}: signed on with the old key; did not start without it"


def dns_down(site, traffic, chance, seconds):
    """First it is silent, so that each question waits; then it is gone."""
    servers = site.processes("dns", "nsd")
    for process in servers:
        process.signal(signal.SIGSTOP)
    time.sleep(seconds / 2)
    for process in servers:
        process.signal(signal.SIGKILL)
    until(lambda: not site.processes("dns", "nsd"), "end of nsd")
    time.sleep(seconds / 2)
    site.run("dns", "nsd", "-c", "/etc/nsd/nsd.conf")
    return f"silent for {seconds / 2:.0f} s, gone for {seconds / 2:.0f} s"


# -- the network

@contextlib.contextmanager
def rules(site, node, *lines):
    """nftables rules of a node meanwhile."""
    text = "\n".join(("table inet faults {", "chain in { type filter hook input priority -300;", *lines, "}",
                      "chain out { type filter hook output priority -300;",
                      *(line.replace("iifname", "oifname") for line in lines), "}", "}"))
    site.run(node, "nft", "-f", "-", stdin=text + "\n")
    try:
        yield
    finally:
        site.run(node, "nft", "delete", "table", "inet", "faults")


def network_cut(site, traffic, chance, seconds):
    """Nothing passes between the relay and the private host, and nothing is answered."""
    with rules(site, "public", 'iifname "vpn" drop'):
        time.sleep(seconds)
    return f"for {seconds:.0f} s"


def network_flaps(site, traffic, chance, seconds):
    """It comes and goes, amid connections."""
    count = 0
    for _ in during(seconds):
        with rules(site, "public", 'iifname "vpn" drop'):
            time.sleep(chance.uniform(0.2, 3))
        time.sleep(chance.uniform(0.1, 1))
        count += 1
    return f"{count} times"


@contextlib.contextmanager
def bad_line(site, delay, jitter, loss, seed):
    """wire.py between the private host and its bridge. Its interface must not leave checksums to hardware."""
    site.run("private", "/usr/bin/python3", "-c", """
import fcntl, socket, struct, array
s = socket.socket()
for command in (0x17, 0x1f, 0x24):  # ETHTOOL_STXCSUM, STSO, SGSO
    value = array.array("B", struct.pack("II", command, 0))
    fcntl.ioctl(s, 0x8946, struct.pack("16sP16x", b"vpn", value.buffer_info()[0]))
""")
    port = f"p{site.init('private')}-1"
    with subprocess.Popen(["nsenter", f"--net=/proc/{site.keeper()}/ns/net", sys.executable,
                           os.path.join(HERE, "wire.py"), port, "br1", str(delay), str(jitter), str(loss), str(seed)],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as wire:
        assert wire.stdout.readline() == "ready\n", "no bad line"
        figures = []
        try:
            yield figures
        finally:
            wire.stdin.close()
            figures.append(wire.stdout.readline().strip())


def bad_network(site, traffic, chance, seconds):
    """The line between the relay and the private host loses 8% of all packets and delays the others."""
    with bad_line(site, 0.1, 0.1, 0.08, chance.random()) as figures:
        before = traffic.accepted()
        time.sleep(seconds)
        passed = traffic.accepted() - before
    return f"{figures[0]}, 100 to 200 ms each way; {passed} messages accepted meanwhile"


# -- who does not answer

def milter_stopped(site, traffic, chance, seconds):
    """SIGSTOP: connections are made, and no octet comes back."""
    node = chance.choice(RELAYS)
    processes = [p for p in site.processes(node) if p.name.startswith("postern-m") or p.name == "postern-keeper"]
    for process in processes:
        process.signal(signal.SIGSTOP)
    time.sleep(seconds)
    for process in processes:
        process.signal(signal.SIGCONT)
    return f"at {node} for {seconds:.0f} s"


MUTE = """
import os, select, socket, sys
kind, _, where = sys.argv[1].partition(":")
if kind == "unix":
    if os.path.exists(where):
        os.unlink(where)
    s = socket.socket(socket.AF_UNIX)
    s.bind(where)
    os.chmod(where, 0o666)
else:
    port, address = where.split("@")
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind((address, int(port)))
s.listen(100)
print("ready", flush=True)
all = []
while 0 not in select.select([s, 0], [], [])[0]:
    all.append(s.accept()[0])
"""


def milter_mute(site, traffic, chance, seconds):
    """Something else has the milter's socket, accepts, and never says a word."""
    node = chance.choice(RELAYS)
    site.lab("milter-stop", site.name, node)
    with subprocess.Popen([POSTERN_LAB, "exec", site.name, node, "/usr/bin/python3", "-uc", MUTE, MILTERS[node]],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as mute:
        assert mute.stdout.readline() == "ready\n"
        time.sleep(seconds)
    if MILTERS[node].startswith("unix:"):
        site.run(node, "rm", "-f", MILTERS[node][5:])
    site.lab("milter-start", site.name, node)
    return f"at {node} for {seconds:.0f} s"


# -- time

def clock_jump(site, traffic, chance, seconds):
    """The clock of the private host's milter goes to 2100, and to 20 days ago, and comes back.

    A clock of a namespace's own does not exist for CLOCK_REALTIME, so libfaketime is preloaded.
    """
    faked = "/run/faketime"
    site.run("private", "sh", "-c", f"echo +0 >{faked}; chmod 644 {faked}")
    site.lab("milter-stop", site.name, "private")
    site.start_milter("private", {
        "LD_PRELOAD": site.preload("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"),
        "FAKETIME_TIMESTAMP_FILE": faked, "FAKETIME_CACHE_DURATION": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "ASAN_OPTIONS": "verify_asan_link_order=0:detect_leaks=0"})
    counts = []
    for clock in ("+0", "+74y", "-20d", "+0") if seconds > 2 else ("+74y", "+0"):
        site.run("private", "sh", "-c", f"echo {clock} >{faked}.new && mv {faked}.new {faked}")
        time.sleep(1.5)  # libfaketime reads it once a second
        before = traffic.accepted("out-keys")
        until(lambda b=before: traffic.accepted("out-keys") > b + 1, f"mail that is taken with the clock at {clock}")
        counts.append(f"{clock}: {traffic.accepted('out-keys') - before}")
        time.sleep(seconds / 4)
    site.lab("milter-stop", site.name, "private")
    site.lab("milter-start", site.name, "private")
    return "; ".join(counts)


# -- crowds

Crowd = collections.namedtuple("Crowd", "name node target text")
CROWDS = (
    Crowd("milter", "public", MILTERS["public"], "\0\0\0\rO\0\0\0\6\0\0\1\xff\0\1\xff\xff" + "\0\0\7\xd0Lx"),
    Crowd("milter, TCP", "private", MILTERS["private"], "\0\0\0\rO\0\0\0\6\0\0\1\xff\0\1\xff\xff" + "\0\0\7\xd0Lx"),
    Crowd("policy", "public", "unix:/var/spool/postfix/postern/policy.sock", "request=smtpd_access_policy\nsender=a"),
    Crowd("http", "public", f"inet:{HTTP_PORT}@127.0.0.1", "GET /metrics HTTP/1.1\r\nHost: a\r\nX: " + "y" * 999),
    Crowd("gate", "internet", f"inet:25@{PAST}", "EHLO " + "a" * 200),
    Crowd("gate, PROXY", "internet", f"inet:25@{EDGE}", "EHLO " + "a" * 200),
    Crowd("gate, no header", "edge", "inet:25@10.20.0.3", "PROXY TCP4 203.0.113.9 10.20.0.3 4711 25"),
)


@contextlib.contextmanager
def crowd(site, one, count, slow, hold):
    """A crowd at one socket meanwhile; gives how many connected, and then how many were still there."""
    with open(os.path.join(HERE, "crowd.py"), encoding="ascii") as file:
        program = file.read()
    with subprocess.Popen([POSTERN_LAB, "exec", site.name, one.node, "/usr/bin/python3", "-uc", program],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as client:
        client.stdin.write(json.dumps({"target": one.target, "count": count, "slow": slow, "text": one.text,
                                       "hold": hold}) + "\n")
        client.stdin.flush()
        figures = [int(client.stdout.readline())]
        try:
            yield figures
        finally:
            client.stdin.close()  # which ends it
            figures.append(int(client.stdout.readline() or -1))


def answers(site):
    """The health page, within its time."""
    return site.run("public", "curl", "-s", "-m", "5", f"http://127.0.0.1:{HTTP_PORT}/readyz", check=False)


def press(site, traffic, count, slow, seconds):
    """Each socket in turn: mail goes on meanwhile, and afterwards nothing is left of the crowd."""
    said = []
    daemons = {"public": site.milter("public"), "private": site.milter("private"), "gate": site.gate()}
    for one in CROWDS:
        before = {name: (p.descriptors(), p.threads()) for name, p in daemons.items()}
        with crowd(site, one, count, slow, 10 * PATIENCE) as figures:
            began = time.monotonic()
            assert answers(site) == "ready\n", f"no health page with a crowd at {one.name}"
            ways = (("in", "in-direct"), ("out", "out-relay"))
            for way in ways:
                mark = traffic.accepted(*way)
                until(lambda w=way, m=mark: traffic.accepted(*w) > m, f"mail {way[0]}, with a crowd at {one.name}")
            time.sleep(max(0, began + seconds - time.monotonic()))
            most = {name: (p.descriptors(), p.threads()) for name, p in daemons.items()}
            assert answers(site) == "ready\n", f"no health page any more with a crowd at {one.name}"
        for name, process in daemons.items():
            assert not process.gone(), f"{name} ended with a crowd at {one.name}"
            until(lambda p=process, b=before[name]: p.descriptors() <= b[0] + 20 and p.threads() <= b[1] + 20,
                  f"{name} as it was before the crowd at {one.name}: {before[name]}", 2 * PATIENCE)
        said.append(f"{one.name}: {figures[0]} in, {figures[1]} stayed, descriptors/threads " +
                    ", ".join(f"{name} {a}/{b}" for name, (a, b) in most.items()))
    return "; ".join(said)


def idle_crowd(site, traffic, chance, seconds, count=1000):
    return press(site, traffic, count, 0, seconds / len(CROWDS))


def slow_crowd(site, traffic, chance, seconds, count=200):
    return press(site, traffic, count, 2, seconds / len(CROWDS))


# name: what it is called; act: the function; what: in words; short: seconds in CI, or none; long: seconds in the long
# run; expected: the columns that must not be zero, and else would have to be
Fault = collections.namedtuple("Fault", "name act what short long expected", defaults=((),))
FAULTS = (
    Fault("none", lambda *_: time.sleep(_[-1]) or "", "nothing breaks", 0, 20),
    Fault("milter-killed", milter_killed, "kill -9 of a milter, again and again", 2, 30),
    Fault("gate-killed", gate_killed, "kill -9 of the gate, again and again", 2, 30),
    Fault("proxy-killed", proxy_killed, "kill -9 of HAProxy, again and again", 1, 30),
    Fault("daemons-killed", daemons_killed, "kill -9 of random daemons of Postfix", 2, 40),
    Fault("postfix-killed", postfix_killed, "kill -9 of Postfix, all of it or its master", 2, 40),
    Fault("disk-full", disk_full, "a full file system for the queue, again and again", 3, 30),
    Fault("key-gone", key_gone, "a key file that vanishes before a reload and a restart", 1, 20),
    Fault("dns-down", dns_down, "DNS silent, then gone", 2, 40),
    Fault("network-cut", network_cut, "no network between the relay and the private host", 2, 120),
    Fault("network-flaps", network_flaps, "that network comes and goes", 0, 30),
    Fault("bad-network", bad_network, "lost and late packets between them", 2, 30),
    Fault("milter-stopped", milter_stopped, "a milter that does not answer (SIGSTOP)", 2, 45),
    Fault("milter-mute", milter_mute, "a socket in the milter's place that accepts and is silent", 0, 45),
    Fault("clock-jump", clock_jump, "the signing host's clock goes 74 years ahead, 20 days back, and home", 1, 24, ("skewed",)),
    Fault("idle-crowd", idle_crowd, "1,000 idle connections at each socket of ours", 0, 70),
    Fault("slow-crowd", slow_crowd, "200 clients that send an octet every 2 s, at each socket of ours", 0, 70),
)


# -- the ledger itself: what is broken on purpose must be found

def milter_optional(site, traffic, chance, seconds):
    """What lint warns of: mail passes while the milter is dead."""
    how = site.run("private", "postconf", "-h", "postern_milter").strip()
    site.run("private", "postconf", "-e", "postern_milter=" + how.replace("tempfail", "accept"))
    site.settle("private")
    site.run("private", "postfix", "reload")
    site.lab("milter-stop", site.name, "private")
    before = traffic.accepted("out", "out-local")
    until(lambda: traffic.accepted("out", "out-local") > before + 1, "mail without a milter")
    site.lab("milter-start", site.name, "private")
    site.run("private", "postconf", "-e", f"postern_milter={how}")
    site.settle("private")
    site.run("private", "postfix", "reload")
    return "milter_default_action = accept"


def file_dropped(site, traffic, chance, seconds):
    """A message in the queue that somebody deletes."""
    def deferred():
        return [path for path in site.queue_files("private") if "/deferred/" in path]
    with rules(site, "public", 'iifname "vpn" reject'):
        until(deferred, "a message that waits")
        os.unlink(deferred()[0])
    return "a file out of the deferred queue"


def mail_spoilt(site, traffic, chance, seconds):
    """Two messages in a mailbox: one is copied, one is cut."""
    folder = site.root("private", "/var/mail/example.com/user/new")

    def plain():
        found = []
        for name in os.listdir(folder) if os.path.isdir(folder) else ():
            with open(os.path.join(folder, name), "rb") as file:
                found += [file.name] if b"multipart/report" not in file.read() else []
        return found
    until(lambda: len(plain()) > 1, "two messages in a mailbox")
    copied, cut = plain()[:2]
    with open(copied, "rb") as file, open(copied + ".copy", "wb") as copy:
        copy.write(file.read())
    os.truncate(cut, os.stat(cut).st_size - 20)
    return "a copy, and one that was cut"


SELF_TEST = (
    Fault("milter-optional", milter_optional, "milter_default_action = accept, and a dead milter", 1, 1, ("unsigned",)),
    Fault("file-dropped", file_dropped, "a message that is deleted from a queue", 1, 1, ("lost",)),
    Fault("mail-spoilt", mail_spoilt, "a message that is copied, and one that is cut, in a mailbox", 3, 3,
          ("twice", "damaged")),
)
