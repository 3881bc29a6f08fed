#!/usr/bin/python3
"""Reloads: what a new configuration changes and what it cannot, mistakes, and reloads under load.

Usage: reload.py [SECONDS]: how long the load lasts; 4 unless given, 60 for a thorough run.
"""
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from fakemta import (MILTER, Milter, Opendkim, dns_record, ed25519_record, judge_all, make_ed25519_key, make_key,
                     missing_tools)

ACCEPT, CONTINUE, REPLY = b"a", b"c", b"y"
FROM = (b"From", b" User <user@example.com>")
BODY = b"Hello\r\n"
SENDERS = 32
failures = []
checked = 0


def check(name, good, detail=""):
    global checked
    checked += 1
    if not good:
        failures.append(name)
        print(f"FAILED {name}: {detail}", flush=True)


def read(path):
    with open(path, encoding="utf-8") as text:
        return text.read()


def write(path, text):
    """Replaces the file at once, as administrators' tools do."""
    with open(path + ".new", "w", encoding="utf-8") as out:
        out.write(text)
    os.chmod(path + ".new", 0o644)
    os.rename(path + ".new", path)


def reload(milter, expected="reloaded "):
    before = milter.log().count(expected)
    milter.process.send_signal(signal.SIGHUP)
    end = time.time() + 20
    while milter.log().count(expected) == before and time.time() < end:
        time.sleep(0.02)
    check(f"log has '{expected}'", milter.log().count(expected) > before, milter.log()[-1000:])


def send(milter, headers=(FROM,), connection=None):
    """The verdict, and (a, d, s) of the signatures or a complaint."""
    own = connection or milter.connection()
    if not connection:
        own.connect()
    verdict, message = own.message(list(headers), BODY)
    if not connection:
        own.quit()
    return verdict, judge_all(message, RECORDS) if own.modifications else own.reply


def one(selector, file):
    return {"example.com": [f'key "{selector}" {{ file = "{file}" }}']}


OLD = [("rsa-sha256", "example.com", "old")]
NEW = [("ed25519-sha256", "example.com", "new")]


def test_changes():
    milter = Milter(one("old", RSA))
    text = read(milter.config)
    connection = milter.connection()
    connection.connect()
    check("before", send(milter) == (CONTINUE, OLD))
    # a message in work keeps the configuration that it began with
    connection.mail()
    connection.header(*FROM)
    write(milter.config, text.replace('"old"', '"new"').replace(RSA, ED) +
          'domain "example.net" { selector = "mail" key = "' + RSA + '" }\n')
    reload(milter)
    connection.end_of_header()
    connection.body(BODY)
    check("in work", connection.end() == CONTINUE)
    check("in work", judge_all(connection.rendered([FROM], BODY), RECORDS) == OLD, connection.modifications)
    check("the next one on the same connection", send(milter, connection=connection) == (CONTINUE, NEW))
    check("after", send(milter) == (CONTINUE, NEW))
    net = (b"From", b" u@example.net")
    check("a new domain", send(milter, [net]) == (CONTINUE, [("rsa-sha256", "example.net", "mail")]))
    connection.quit()
    check("stop", milter.stop() == 0, milter.log())
    shutil.rmtree(milter.folder)


def test_verified():
    """A message that is verified keeps what it began with to its end, or until it is broken off."""
    milter = Milter(one("old", RSA), 'listener "mx" { mode = verify }\ndns_servers = {"127.0.0.1"}')
    for name in ("goes on", "is broken off"):
        reload(milter)  # the first configuration is kept for good, so it would not show
        connection = milter.connection()
        connection.connect("x", "203.0.113.9", listener="mx")
        connection.mail()
        connection.header(*FROM)
        reload(milter)
        if name == "goes on":
            connection.end_of_header()
            connection.body(BODY)
            check(name, connection.end() == CONTINUE, connection.reply)
        connection.quit()
        check(f"{name}: the next one", send(milter) == (CONTINUE, OLD))
    check("stop", milter.stop() == 0, milter.log())
    shutil.rmtree(milter.folder)


def test_mistakes():
    milter = Milter(one("old", RSA))
    text = read(milter.config)
    for name, broken, says in (
            ("unknown setting", text + "\nwrong = 1\n", f"{milter.config}:{len(text.splitlines()) + 2}:1: error:"),
            ("no key", text.replace(RSA, "/missing"), "/missing: No such file"),
            ("empty", "", "has no domain section"),
            ("half", text[:-4], "error:")):
        write(milter.config, broken)
        reload(milter, "the old configuration stays in force")
        check(f"{name}: place", says in milter.log(), milter.log())
        check(f"{name}: goes on", send(milter) == (CONTINUE, OLD))
    os.unlink(milter.config)
    reload(milter, "the old configuration stays in force")
    check("no file", "No such file" in milter.log(), milter.log())
    check("no file: goes on", send(milter) == (CONTINUE, OLD))
    write(milter.config, text)
    reload(milter)
    check("mended", send(milter) == (CONTINUE, OLD))
    changed = text.replace('log = "stderr"', 'log = "syslog"\nsocket_mode = "0600"\n').replace(
        milter.path, milter.path + "2")
    write(milter.config, changed)
    reload(milter)
    for setting in ("socket", "socket_mode", "log"):
        check(f"told: {setting}", f"a reload does not change {setting}:" in milter.log(), milter.log()[-800:])
    check("the socket stays", os.path.exists(milter.path) and not os.path.exists(milter.path + "2"))
    check("goes on", send(milter) == (CONTINUE, OLD))
    check("stop", milter.stop() == 0, milter.log())
    shutil.rmtree(milter.folder)


def test_rules_appear():
    """Connections that were made before there were rules get them too."""
    milter = Milter(one("old", RSA))
    text = read(milter.config)
    connection = milter.connection()
    connection.connect("x", "10.0.0.1")
    write(milter.config, text + 'sender_binding "x" { networks = {"10.0.0.1"} domains = {"elsewhere.test"} }\n')
    reload(milter)
    verdict, reply = send(milter, connection=connection)
    check("refused with the header", verdict == REPLY and reply.startswith("550 5.7.1 "), (verdict, reply))
    connection.quit()
    check("stop", milter.stop() == 0, milter.log())
    shutil.rmtree(milter.folder)


def test_keeper():
    """Keys that only root can read are read again though the service is root's no more."""
    if os.geteuid() != 0:
        print("not root: the keeper is not tested")
        return
    folder = os.path.join(SCRATCH, "keys")
    os.mkdir(folder, 0o700)
    shutil.copy(RSA, os.path.join(folder, "example.com.private"))
    milter = Milter({}, f'key_folder = "{folder}"\n')
    check("folder", send(milter)[0] == CONTINUE)
    shutil.copy(RSA, os.path.join(folder, "example.net.private"))
    reload(milter)
    check("a new key in the folder", send(milter, [(b"From", b" u@example.net")]) ==
          (CONTINUE, [("rsa-sha256", "example.net", "mail")]))
    # what is no key is not handed out, though the configuration names it
    text = read(milter.config)
    secret = os.path.join(SCRATCH, "secret")
    with open(secret, "w", encoding="utf-8") as out:
        out.write("root:secret\n")
    os.chmod(secret, 0o600)
    write(milter.config, text + f'domain "a.test" {{ selector = "x" key = "{secret}" }}\n')
    reload(milter, "the old configuration stays in force")
    check("no key", f"{secret}: Invalid argument" in milter.log(), milter.log())
    # who can write the file must not choose what root reads
    write(milter.config, text)
    os.chmod(milter.config, 0o666)
    reload(milter, "the old configuration stays in force")
    check("anybody's file", "Operation not permitted" in milter.log(), milter.log())
    os.chmod(milter.config, 0o644)
    reload(milter)
    keepers = [name for name in os.listdir("/proc") if name.isdigit() and parent(name) == milter.process.pid]
    check("there is one keeper", len(keepers) == 1, keepers)
    with open(f"/proc/{keepers[0]}/cmdline", "rb") as line:
        check("it shows itself", line.read().startswith(b"postern-milter: reads keys"))
    os.kill(int(keepers[0]), signal.SIGTERM)
    check("a signal does not end it", os.path.exists(f"/proc/{keepers[0]}"))
    milter.process.kill()
    milter.process.wait()
    end = time.time() + 10
    while parent(keepers[0]) is not None and time.time() < end:
        time.sleep(0.05)
    check("it ends with the service", parent(keepers[0]) is None)
    shutil.rmtree(milter.folder)
    shutil.rmtree(folder)


def parent(pid):
    """The parent's process id, or None when there is no such process, or only its remains."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8") as text:
            fields = text.read().rsplit(")", 1)[1].split()
    except OSError:
        return None
    return int(fields[1]) if fields[0] != "Z" else None


def sender(milter, stop, counts, lock):
    """Sends and counts: every message must be signed as one of the two configurations wants it."""
    connection = milter.connection()
    connection.connect()
    done = wrong = 0
    sample = []
    while not stop.is_set():
        verdict, message = connection.message([FROM, (b"X-Note", b" %d" % done)], BODY)
        done += 1
        if verdict != CONTINUE or message.count(b"DKIM-Signature:") != 1:
            wrong += 1
        if done % 50 == 1:
            sample.append(message)
    connection.quit()
    with lock:
        counts["done"] += done
        counts["wrong"] += wrong
        counts["sample"] += sample


def bystander(folder, stop, counts):
    """Asks the policy service, and reads the metrics, all the time."""
    while not stop.is_set():
        policy = socket.socket(socket.AF_UNIX)
        policy.settimeout(60)
        policy.connect(f"{folder}/sock/policy")
        policy.sendall(b"request=smtpd_access_policy\nprotocol_state=RCPT\nclient_address=127.0.0.1\nsender=u@example.com\n\n")
        counts["questions"] += policy.recv(1000) == b"action=DUNNO\n\n"
        policy.close()
        http = socket.socket(socket.AF_UNIX)
        http.settimeout(60)
        http.connect(f"{folder}/sock/http")
        http.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
        counts["pages"] += http.recv(1000).startswith(b"HTTP/1.1 200 ")
        http.close()
        time.sleep(0.02)


class Log:
    """Counts in the log as it grows: reading all of it again and again would take the time of reloads."""

    def __init__(self, milter):
        self.file = open(milter.log_path, encoding="utf-8", errors="replace")
        self.counts = {"reloaded ": 0, "stays in force": 0, "verdict=signed": 0}
        self.rest = ""

    def read(self):
        lines = (self.rest + self.file.read()).split("\n")
        self.rest = lines.pop()
        for line in lines:
            for text in self.counts:
                self.counts[text] += text in line
        return self.counts


def test_under_load(seconds):
    milter = Milter(one("old", RSA))
    services = "".join(f'{name} = "unix:{milter.folder}/sock/{path}"\n' for name, path in (("http", "http"), ("policy_socket", "policy")))
    text = services + read(milter.config)
    write(milter.config, text)
    milter.stop()
    milter.log_file = open(milter.log_path, "wb")
    milter.process = subprocess.Popen([MILTER, "-f", "-c", milter.config], stdin=subprocess.DEVNULL,
                                      stdout=milter.log_file, stderr=milter.log_file)
    milter.wait_for("listening on")
    other = text.replace('"old"', '"new"').replace(RSA, ED)
    stop, lock = threading.Event(), threading.Lock()
    counts = {"done": 0, "wrong": 0, "sample": [], "questions": 0, "pages": 0}
    threads = [threading.Thread(target=sender, args=(milter, stop, counts, lock)) for _ in range(SENDERS)]
    threads.append(threading.Thread(target=bystander, args=(milter.folder, stop, counts)))
    for thread in threads:
        thread.start()
    reloads, log = 0, Log(milter)
    end = time.time() + seconds
    enough = False
    while time.time() < end or (not enough and time.time() < end + 60):
        # every fifth one is broken, and must change nothing
        write(milter.config, (other, text, other, text, "broken = 1\n")[reloads % 5])
        milter.process.send_signal(signal.SIGHUP)
        reloads += 1
        time.sleep(0.1)
        # a slow machine needs longer for it
        found = log.read()
        enough = found["reloaded "] > 4 and found["stays in force"] > 0 and counts["pages"] > 0
    stop.set()
    for thread in threads:
        thread.join(60)
    check("all senders ended", not any(thread.is_alive() for thread in threads))
    check("stop", milter.stop() == 0, milter.log()[-1000:])
    found = log.read()
    check("nothing is treated wrongly", counts["wrong"] == 0, counts["wrong"])
    check("nothing is lost", found["verdict=signed"] == counts["done"], f"{found['verdict=signed']} of {counts['done']}")
    with Opendkim(RECORDS) as judge:
        judged = {tuple(judge_all(message, RECORDS, judge)) for message in counts["sample"]}
    check("signed by either", judged == {tuple(OLD), tuple(NEW)}, judged)
    taken, refused = found["reloaded "], found["stays in force"]
    check("reloads were taken", taken > 4 and refused > 0, f"{taken} {refused} of {reloads}")
    check("bystanders were served", counts["questions"] and counts["questions"] == counts["pages"], counts)
    print(f"{counts['done']} messages by {SENDERS} senders, {taken} reloads, {refused} refused ones, "
          f"{len(counts['sample'])} signatures judged, {counts['pages']} pages and answers")
    shutil.rmtree(milter.folder)


def main():
    global RSA, ED, SCRATCH, RECORDS
    missing_tools()
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 4
    SCRATCH = tempfile.mkdtemp(prefix="postern-reload-")
    os.chmod(SCRATCH, 0o755)
    RSA, ED = make_key(SCRATCH), make_ed25519_key(SCRATCH, "ed.pem")
    RECORDS = {f"{selector}._domainkey.{domain}": dns_record(RSA)
               for selector in ("old", "mail") for domain in ("example.com", "example.net")}
    RECORDS["new._domainkey.example.com"] = ed25519_record(ED)
    # what is freed is overwritten, since libopendkim is not built with sanitizers; the preset asan does the same
    os.environ["MALLOC_PERTURB_"] = "165"
    for test in (test_changes, test_verified, test_mistakes, test_rules_appear, test_keeper,
                 lambda: test_under_load(seconds)):
        before = len(failures)
        name = test.__name__ if test.__name__ != "<lambda>" else "test_under_load"
        try:
            test()
        except Exception as error:  # a broken test must not hide the others
            check(name, False, repr(error))
        print(f"{name}: {'ok' if len(failures) == before else 'FAILED'}", flush=True)
    shutil.rmtree(SCRATCH)
    print(f"{checked} checks, {len(failures)} failed")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
