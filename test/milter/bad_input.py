#!/usr/bin/python3
"""What strangers may send: each message gets a defined verdict, and a good signature or none; memory
stays bounded, and the service goes on."""
import os
import random
import shutil
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from fakemta import (Milter, Refused, dns_record, ed25519_record, judge_all, make_ed25519_key, make_key,
                     missing_tools)

ACCEPT, CONTINUE, REPLY = b"a", b"c", b"y"
FROM = (b"From", b" User <user@example.com>")
BODY = b"Hello\r\n"
LARGE = 200 << 20
# what is freed counts as freed: AddressSanitizer would keep the last 256 MB of it
os.environ["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=1"
failures = []
checked = 0


def check(name, good, detail=""):
    global checked
    checked += 1
    if not good:
        failures.append(name)
        print(f"FAILED {name}: {detail}", flush=True)


def memory(milter, field="VmRSS"):
    with open(f"/proc/{milter.process.pid}/status", encoding="utf-8") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith(field + ":"))


def send(milter, name, headers, body=BODY, wanted=(CONTINUE, ACCEPT, REPLY), judged=True):
    """The verdict is one of `wanted`; signatures are good unless they are not to be judged."""
    connection = milter.connection()
    connection.connect()
    verdict, message = connection.message(headers, body)
    connection.quit()
    check(name, verdict in wanted, f"{verdict} {connection.reply}")
    if verdict == REPLY:
        check(name, connection.reply.startswith("451 4.7.0 "), connection.reply)
    if verdict == CONTINUE and connection.modifications and judged:
        got = judge_all(message, RECORDS)
        check(name, got == BOTH, f"{got} {message[:300]!r}")
    return verdict


def test_headers(milter):
    send(milter, "a field of 100 KB", [FROM, (b"Subject", b" " + b"x" * 102400)], wanted=(CONTINUE,))
    send(milter, "a From field of 100 KB", [(b"From", b" " + b"x" * 102400 + b" <user@example.com>")],
         wanted=(CONTINUE,))
    send(milter, "10,000 other fields", [FROM] + [(b"X-%d" % i, b" x") for i in range(10000)], wanted=(CONTINUE,))
    send(milter, "10,000 Subject fields", [FROM] + [(b"Subject", b" x")] * 10000, wanted=(REPLY,))
    send(milter, "10,000 From fields", [FROM] * 10000, wanted=(REPLY,))
    send(milter, "10,000 Sender fields", [FROM] + [(b"Sender", b" s@example.com")] * 10000, wanted=(REPLY,))
    for length in (128, 998, 4097, 5000, 100000):
        send(milter, f"a name of {length}", [(b"X" * length, b" x"), FROM], wanted=(CONTINUE,))
        # in the simple form the blanks are part of what is signed, and too many of them cannot be
        send(milter, f"From and {length} blanks", [(b"From" + b" " * length, b" u@example.com")],
             wanted=(CONTINUE, REPLY))
    # what becomes of a Subject field, and of a From field, with these; an address at a domain with 8 bit is not ours
    for name, value, subject, author in (
            ("bare CR", b" a\rb", REPLY, REPLY), ("bare LF", b" a\nb", REPLY, REPLY),
            ("CR at the end", b" a\r", REPLY, REPLY), ("LF at the end", b" a\n", REPLY, REPLY),
            ("LF LF", b" a\n\n b", REPLY, REPLY), ("only folds", b"\n \n \n ", CONTINUE, CONTINUE),
            ("control", b" \x01\x7f\x1b[2J", CONTINUE, REPLY), ("8 bit", bytes(range(128, 256)), CONTINUE, ACCEPT),
            ("half UTF-8", b" \xc3", CONTINUE, REPLY), ("empty", b"", CONTINUE, CONTINUE)):
        send(milter, name, [FROM, (b"Subject", value)], wanted=(subject,))
        send(milter, f"From with {name}", [(b"From", b" u@example.com" + value)], wanted=(author,))
    # libmilter hands over what is before a NUL; Postfix keeps no more of a field either
    send(milter, "NUL", [FROM, (b"Subject", b" a\0b")], wanted=(CONTINUE,), judged=False)
    send(milter, "From with NUL", [(b"From", b" u@elsewhere.test\0, u@example.com")], wanted=(ACCEPT,))
    try:  # libmilter takes that for a broken mail server
        send(milter, "a field without a name", [FROM, (b"", b" x@example.com")])
        check("a field without a name", False, "libmilter changed")
    except Refused:
        pass
    for name in (b":", b"Fr om", b"From:", b"\xffFrom", b"From\r", b"From\n"):
        # no reader of messages can make sense of these
        send(milter, f"a field {name!r}", [FROM, (name, b" x@example.com")], judged=False)
        send(milter, f"a field {name!r} alone", [(name, b" x@example.com")], judged=False)


def test_from_fields(milter):
    """Whatever mentions our domain is signed or waits; nothing of ours passes."""
    chance = random.Random(8463)
    pieces = [b"<", b">", b"@", b",", b";", b":", b"(", b")", b"[", b"]", b"\\", b'"', b".", b" ", b"\n ",
              b"a", b"user@example.com", b"example.com", b"x@evil.test", b"\xc3\xa4", b"=?utf-8?q?x?=", b"\x01"]
    for number in range(400):
        value = b" " + b"".join(chance.choices(pieces, k=chance.randrange(1, 12)))
        connection = milter.connection()
        connection.connect()
        verdict, message = connection.message([(b"From", value)], BODY)
        connection.quit()
        check(f"From {number}", verdict in (CONTINUE, ACCEPT, REPLY), value)
        if verdict == CONTINUE and b"\x01" not in value:
            check(f"From {number}", judge_all(message, RECORDS) == BOTH, value)
    for depth in (b"(" * 90000, b'"' * 90001, b"<" * 90000, b"a:" * 45000, b"@a" * 45000, b"@example.com" * 8000,
                  b"\\" * 90000, b"[" * 90000, b"x@a.b.c.d, " * 9000, "ä@ä.ä, ".encode() * 9000, b"." * 90000,
                  b'"' + b".a" * 45000):
        began = time.time()
        send(milter, f"From of {depth[:8]!r}...", [(b"From", b" " + depth)], judged=False)
        check(f"From of {depth[:8]!r}... takes no time", time.time() - began < 20, time.time() - began)


def test_bodies(milter):
    for name, body in (("no body", b""), ("no end", b"x"), ("one CR", b"\r"), ("one LF", b"\n"), ("NUL", b"\0" * 1000),
                       ("CRs", b"\r" * 1000), ("LFs", b"\n" * 1000), ("LF CR", b"\n\r" * 1000),
                       ("CR CR LF", b"a\r\r\nb\r\n"), ("bare CR", b"a\rb\r\n"), ("a long line", b"x" * 1000000)):
        # verifiers disagree on what a bare CR is, so there is no good signature
        stray = b"\r" in body.replace(b"\r\n", b"")
        send(milter, name, [FROM], body, wanted=(REPLY,) if stray else (CONTINUE,))
    # no end of the header: the body comes, or the end
    for events in ("B", "E", "BE", "NBE", "BNE"):
        connection = milter.connection()
        connection.connect()
        connection.mail()
        connection.header(*FROM)
        try:
            for event in events:
                connection.send(event, BODY if event == "B" else b"")
            connection.socket.settimeout(0.3)
            connection.answer()
        except (Refused, OSError):
            pass
        connection.socket.close()


class Sliced:
    """A socket that sends what has gathered before it receives, so many octets at a time."""

    def __init__(self, inner, size):
        self.inner, self.size, self.waiting = inner, size, b""

    def sendall(self, data):
        self.waiting += data

    def recv(self, count):
        for start in range(0, len(self.waiting), self.size):
            self.inner.sendall(self.waiting[start:start + self.size])
        self.waiting = b""
        return self.inner.recv(count)

    def __getattr__(self, name):
        return getattr(self.inner, name)


def test_slices(milter):
    """Packets may arrive in any pieces, and many in one; those of the next message right behind."""
    body = b"".join(b"line %d\r\n" % number for number in range(3000))
    for size in (1, 3, 4095, 4096, 4097, 1 << 20):
        connection = milter.connection()
        connection.socket = Sliced(connection.socket, size)
        connection.connect()
        for number in range(3):
            verdict, message = connection.message([FROM, (b"X-Long", b" " + b"x" * 5000)], body[number:])
            got = judge_all(message, RECORDS)
            check(f"slices of {size}", verdict == CONTINUE and got == BOTH, f"{verdict} {got}")
        connection.quit()


def test_large_body(milter):
    """200 MB go through without being kept."""
    send(milter, "before", [FROM], b"x\r\n" * 100000)
    before = memory(milter)
    connection = milter.connection()
    connection.connect()
    connection.mail()
    connection.header(*FROM)
    connection.end_of_header()
    chunk = (b"y" * 62 + b"\r\n") * 1023
    for _ in range(LARGE // len(chunk)):
        connection.event("B", chunk)
    verdict = connection.end()
    grown = memory(milter, "VmHWM") - before
    check("200 MB", verdict == CONTINUE and len(connection.modifications) == 2, verdict)
    check("200 MB are not kept", grown < 16384, f"{grown} KiB")
    connection.quit()


def test_stalls_and_reconnects(milter):
    """Clients that stop, and many that come and go, hold up nobody else."""
    stalled = []
    for depth in range(5):
        connection = milter.connection()
        connection.connect()
        for step in (lambda c: c.mail(), lambda c: c.header(*FROM), lambda c: c.end_of_header(),
                     lambda c: c.body(b"half"), lambda c: c.send("B", b"x"))[:depth]:
            step(connection)
        stalled.append(connection)
    half = milter.connection()
    half.socket.sendall(b"\0\0\xff\xffM")
    stalled.append(half)
    send(milter, "beside stalled ones", [FROM], wanted=(CONTINUE,))
    before = memory(milter)
    for number in range(600):
        connection = milter.connection()
        if number % 3:
            connection.connect()
        if number % 3 == 2:
            connection.mail()
            connection.header(*FROM)
        connection.socket.close()
    send(milter, "after 600 that came and went", [FROM], wanted=(CONTINUE,))
    check("memory", memory(milter) - before < 8192, f"{before} then {memory(milter)}")
    for connection in stalled:
        connection.socket.close()
    send(milter, "after the stalled ones", [FROM], wanted=(CONTINUE,))


def main():
    global RECORDS, BOTH
    missing_tools()
    scratch = tempfile.mkdtemp(prefix="postern-bad-input-")
    os.chmod(scratch, 0o755)
    rsa, ed = make_key(scratch), make_ed25519_key(scratch, "ed.pem")
    RECORDS = {"rsa._domainkey.example.com": dns_record(rsa), "ed._domainkey.example.com": ed25519_record(ed)}
    BOTH = [("rsa-sha256", "example.com", "rsa"), ("ed25519-sha256", "example.com", "ed")]
    for form in ("relaxed/relaxed", "simple/simple"):
        milter = Milter({"example.com": [f'key "rsa" {{ file = "{rsa}" }}', f'key "ed" {{ file = "{ed}" }}',
                                         f'canonicalization = "{form}"']})
        tests = [test_headers, test_from_fields, test_bodies, test_slices, test_stalls_and_reconnects]
        if "asan" not in os.environ.get("POSTERN_BUILD", "") and "tsan" not in os.environ.get("POSTERN_BUILD", ""):
            tests.append(test_large_body)
        for test in tests:
            before = len(failures)
            try:
                test(milter)
            except Exception as error:  # a broken test must not hide the others
                check(test.__name__, False, repr(error))
            print(f"{form} {test.__name__}: {'ok' if len(failures) == before else 'FAILED'}", flush=True)
        check("stop", milter.stop() == 0, milter.log()[-2000:])
        shutil.rmtree(milter.folder)
    shutil.rmtree(scratch)
    print(f"{checked} checks, {len(failures)} failed")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
