#!/usr/bin/python3
"""Strangers' mail on a listener that verifies: the examples of RFC 6376 and RFC 8463, forged results, and
what strangers can think of. Keys come from a real name server (nsd); for one that lies or stalls, which nsd
never does, a socket of our own stands in."""
import base64
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "services")]
from name_server import NameServer, enter_namespace, skip, strings

enter_namespace()
try:
    import dkim
except ImportError:
    skip("needs python3-dkim")
from examples import RFC6376, RFC6376_KEY, RFC8463, RFC8463_ED25519, RFC8463_RSA, RFC8463_SECRETS
from fakemta import Milter, dns_record, make_ed25519_key, make_key

ACCEPT, CONTINUE, REPLY = b"a", b"c", b"y"
ID = "mx.example.org"
RESULTS = b"Authentication-Results"
failures = []
checked = 0


def check(name, good, detail=""):
    global checked
    checked += 1
    if not good:
        failures.append(name)
        print(f"FAILED {name}: {detail}", flush=True)


def split(message):
    """A message with LF as Postfix hands it over: [(name, value)], body."""
    header, body = message.split(b"\n\n", 1)
    fields = re.split(rb"\n(?![ \t])", header)
    return [tuple(field.split(b":", 1)) for field in fields], body.replace(b"\n", b"\r\n")


def changes(connection):
    """What the milter wants: [(index of the field that goes)], [(name, value that comes on top)]."""
    gone, come = [], []
    for kind, data in connection.modifications:
        index = int.from_bytes(data[:4], "big")
        name, value = data[4:].rstrip(b"\0").split(b"\0") if kind == b"i" else (data[4:].rstrip(b"\0"), b"")
        if kind == b"i":
            check("on top", index == 0, index)
            come.append((name, value))
        elif kind == b"m":
            check("only results go", name.lower() == RESULTS.lower(), data)
            gone.append(index)
        else:
            check("no other change", False, kind)
    return gone, come


def run(milter, fields, body, listener="mx", address="203.0.113.9", user=None, chunk=65535, seconds=30):
    connection = milter.connection()
    connection.socket.settimeout(seconds)
    connection.connect("x", address, listener=listener)
    connection.mail(user)
    for field in fields:
        connection.header(*field)
    verdict = connection.end_of_header()
    if verdict == CONTINUE:
        connection.body(body, chunk)
        verdict = connection.end()
    reply = connection.reply
    connection.quit()
    return verdict, reply, *changes(connection)


def results(milter, fields, body, **options):
    """The value of the field that the message gets."""
    verdict, reply, _, come = run(milter, fields, body, **options)
    check("taken", verdict == CONTINUE, (verdict, reply))
    check("one field comes", [name for name, _ in come] == [RESULTS], come)
    return come[0][1].decode() if come else ""


def sign(fields, body, key, selector, algorithm=b"rsa-sha256", form=b"relaxed/relaxed"):
    """Adds a signature made by dkimpy."""
    message = b"".join(name + b":" + value.replace(b"\n", b"\r\n") + b"\r\n" for name, value in fields)
    made = dkim.sign(message + b"\r\n" + body, selector.encode(), b"example.com", key, signature_algorithm=algorithm,
                     canonicalize=tuple(form.split(b"/")))
    name, value = made.replace(b"\r\n", b"\n").rstrip(b"\n").split(b":", 1)
    return [(name, value)] + fields


PLAIN = [(b"From", b" User <user@example.com>"), (b"Subject", b" a\n\ttest"), (b"To", b" x@example.org")]
BODY = b"Hello,\r\n\r\nthis is a  test.\r\n\r\n"


def test_standards(milter):
    text = results(milter, *split(RFC6376.encode()))
    check("RFC 6376", text.startswith(f" {ID};\n\tdkim=pass (1024-bit key)\n\theader.d=example.com\n"
                                      "\theader.i=joe@football.example.com\n"), text)
    text = results(milter, *split(RFC8463.encode()))
    check("RFC 8463", re.findall(r"dkim=(\w+)", text) == ["pass"] * 2 and "ed25519-sha256" in text, text)
    check("log", " d=football.example.com,football.example.com s=brisbane,test a=ed25519-sha256,rsa-sha256 "
                 "dkim=pass,pass verdict=verified " in milter.log(), milter.log()[-600:])
    text = results(milter, *split(RFC8463.replace("hungry", "angry").encode()))
    check("changed", re.findall(r"dkim=(\w+)", text) == ["fail"] * 2, text)
    check("unsigned", results(milter, PLAIN, BODY) == f" {ID};\n\tdkim=none")


def test_rfc8463_keys(folder):
    """Signing the example of RFC 8463 with its keys gives the published hashes, and for Ed25519, which
    is deterministic, what the hashes of its own header are worth."""
    paths = {}
    for name, pem in RFC8463_SECRETS.items():
        paths[name] = os.path.join(folder, name)
        with open(paths[name], "w", encoding="ascii") as out:
            out.write(pem)
        os.chmod(paths[name], 0o600)
    milter = Milter({"football.example.com": [f'key "brisbane" {{ file = "{paths["brisbane"]}" }}',
                                              f'key "test" {{ file = "{paths["test"]}" }}',
                                              'signed_headers = {"From", "To", "Subject", "Date", "Message-ID"}',
                                              'oversigned_headers = {"From", "Subject", "Date"}']})
    fields, body = split(RFC8463.encode())
    fields = [field for field in fields if field[0] != b"DKIM-Signature"]
    verdict, _, _, come = run(milter, fields, body, "smtpd", "127.0.0.1")
    check("signed", verdict == CONTINUE and len(come) == 2, come)
    for _, value in come:
        check("bh=", b"bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=" in re.sub(rb"[ \t\n]", b"", value), value)
    signed = [(name, value) for name, value in reversed(come)] + fields
    message = b"".join(name + b":" + value.replace(b"\n", b"\r\n") + b"\r\n" for name, value in signed) + b"\r\n" + body

    def lookup(name, timeout=5):
        return {b"brisbane._domainkey.football.example.com.": RFC8463_ED25519.encode(),
                b"test._domainkey.football.example.com.": RFC8463_RSA.encode()}.get(name)

    for index in range(2):
        check(f"dkimpy takes {index}", dkim.DKIM(message, minkey=1024).verify(idx=index, dnsfunc=lookup))
    check("stop", milter.stop() == 0)
    shutil.rmtree(milter.folder)


def test_forms(milter):
    for form in (b"simple/simple", b"simple/relaxed", b"relaxed/simple", b"relaxed/relaxed"):
        for chunk in (1, 7, 65535):
            text = results(milter, sign(PLAIN, BODY, KEYS["rsa"], "rsa", form=form), BODY, chunk=chunk)
            check(f"{form} by {chunk}", "dkim=pass (2048-bit key)" in text, text)
    # as Postfix hands over what came with bare LF, or without an end: the signature is of CRLF
    for body in (BODY.replace(b"\r\n", b"\n"), BODY.rstrip(b"\r\n")):
        text = results(milter, sign(PLAIN, BODY, KEYS["rsa"], "rsa"), body)
        check(f"line ends {body!r}", "dkim=pass" in text, text)
    text = results(milter, sign(PLAIN, b"", KEYS["rsa"], "rsa"), b"")
    check("empty body", "dkim=pass" in text, text)


def test_who(milter):
    """Only strangers' mail is verified; on a listener with both, others' is signed."""
    signed = sign(PLAIN, BODY, KEYS["rsa"], "rsa")
    for listener, address, user, wanted in (
            ("mx", "203.0.113.9", None, RESULTS), ("mx", "127.0.0.1", None, None), ("mx", "203.0.113.9", "u", None),
            ("mx", "203.0.113.9", "relay", RESULTS), ("both", "203.0.113.9", None, RESULTS),
            ("both", "127.0.0.1", None, b"DKIM-Signature"), ("both", "203.0.113.9", "u", b"DKIM-Signature"),
            ("submission", "203.0.113.9", None, None), ("off", "203.0.113.9", None, None)):
        name = f"{listener} {address} {user}"
        forged = [(RESULTS, f" {ID}; dkim=pass".encode())]
        verdict, _, gone, come = run(milter, forged + signed, BODY, listener, address, user)
        check(name, verdict == (CONTINUE if wanted else ACCEPT), verdict)
        check(name, [field for field, _ in come] == ([wanted] if wanted else []), come)
        check(f"{name}: forged", gone == ([1] if wanted == RESULTS else []), gone)


def test_forged(milter):
    ours, others = f" {ID}; dkim=pass".encode(), b" mx.example.net; dkim=pass"
    for name, fields, wanted in (
            ("ours", [(RESULTS, ours)], [1]), ("others", [(RESULTS, others)], []),
            ("among others", [(RESULTS, others), (RESULTS, ours), (RESULTS, others), (RESULTS, ours)], [4, 2]),
            ("case", [(b"AUTHENTICATION-results", ours.upper())], [1]),
            ("blanks before the colon", [(RESULTS + b" ", others), (RESULTS + b" \t", ours)], [2]),
            ("version", [(RESULTS, f" {ID} 1; dkim=pass".encode())], [1]),
            ("comment", [(RESULTS, f" (a (b) \\) c) {ID} ; dkim=pass".encode())], [1]),
            ("folded", [(RESULTS, f"\n\t{ID}\n ; dkim=pass".encode())], [1]),
            ("quoted", [(RESULTS, f' "{ID}"; dkim=pass'.encode())], [1]),
            ("empty", [(RESULTS, b"")], [1]), ("unreadable", [(RESULTS, b" (never ends")], [1]),
            ("longer id", [(RESULTS, f" {ID}.evil.test; dkim=pass".encode())], []),
            ("other fields", [(b"ARC-" + RESULTS, ours), (b"X-" + RESULTS, ours), (RESULTS + b"-X", ours)], []),
            ("many", [(RESULTS, ours)] * 100, list(range(100, 0, -1)))):
        verdict, _, gone, _ = run(milter, fields + PLAIN, BODY)
        check(f"forged: {name}", verdict == CONTINUE and gone == wanted, (verdict, gone))
    verdict, reply, gone, _ = run(milter, [(RESULTS, ours)] * 101 + PLAIN, BODY)
    check("too many", verdict == REPLY and reply.startswith("550 5.7.1 ") and not gone, (verdict, reply))


def test_hostile(milter):
    good = sign(PLAIN, BODY, KEYS["rsa"], "rsa")
    bad = (b"DKIM-Signature", b" v=1; a=rsa-sha256; d=example.com; s=absent; h=from; bh=AAAA; b=AAAA")
    for name, fields, wanted in (
            ("100 signatures, ours last", [bad] * 99 + good, ["permerror"] * 10),
            ("100 signatures, ours first", good[:1] + [bad] * 99 + good[1:], ["pass"] + ["permerror"] * 9),
            ("tag of 60 KB", [(b"DKIM-Signature", b" v=1; z=" + b"x" * 60000)] + good, ["neutral", "pass"]),
            ("tag of 1.9 MB", [(b"DKIM-Signature", b" v=1; z=" + b"x" * 1900000)] + good, ["neutral", "pass"]),
            ("field of 1.9 MB of LF", [(b"X", b"\n\t" * 950000)] + good, ["permerror"]),
            ("5000 fields", [(b"X-%d" % i, b" y") for i in range(5000)] + good, ["permerror"]),
            ("record of 16 KiB", sign(PLAIN, BODY, KEYS["rsa"], "padded"), ["pass"]),
            ("key of 4096 bits", sign(PLAIN, BODY, KEYS["vast"], "vast"), ["pass"]),
            ("no From", good[:1] + good[2:], ["permerror"]), ("two From", good + good[1:2], ["permerror"]),
            ("no fields", [], ["none"])):
        text = results(milter, fields, BODY)
        got = re.findall(r"dkim=(\w+)", text)
        check(name, len(got) == len(wanted) and all(re.fullmatch(*pair) for pair in zip(wanted, got)), got)
        check(f"{name}: a field of lines that mail takes", max(map(len, text.split("\n"))) < 998, text)
    # texts of strangers neither end the field nor the line of the log
    text = results(milter, [(b"DKIM-Signature", b' v=1; a=rsa-sha256; d=x.test; i="a;b\n\t(c)\\"@x.test; s=y"; h=from;'
                             b" bh=AAAA; b=AAAA; dkim=pass")] + PLAIN, BODY)
    check("quoted", "dkim=pass" not in text.replace('"', ""), text)
    # ten with long texts: a field of more than 8 KiB
    long = [(b"DKIM-Signature", b" v=1; a=rsa-sha256; d=" + b".".join([b"d" * 60] * 4) + b"; i=" + b"i" * 50 + b"@" +
             b".".join([b"d" * 60] * 4) + b"; s=" + b".".join([b"s%d" % i * 20] * 6) + b"; h=from; bh=AAAA; b=" +
             b"A" * 300 + b"%d" % i) for i in range(10)]
    text = results(milter, long + PLAIN, BODY)
    check("a long field", len(text) > 8192 and text.count("dkim=") == 10, len(text))


def memory(milter):
    with open(f"/proc/{milter.process.pid}/status", encoding="ascii") as status:
        return int(re.search(r"VmRSS:\s+(\d+)", status.read()).group(1))


def test_large(milter):
    """The body goes through and is not kept."""
    size = 200 if "san" not in os.environ.get("POSTERN_BUILD", "") else 20
    block = (b"x" * 998 + b"\r\n") * 65
    before, sent = memory(milter), 0
    connection = milter.connection()
    connection.connect("x", "203.0.113.9", listener="mx")
    connection.mail()
    for field in sign(PLAIN, BODY, KEYS["rsa"], "rsa"):
        connection.header(*field)
    connection.end_of_header()
    while sent < size << 20:
        connection.body(block)
        sent += len(block)
    grown = memory(milter) - before
    connection.socket.settimeout(120)
    check("large body", connection.end() == CONTINUE)
    check("large body fails", b"dkim=fail (body hash" in changes(connection)[1][0][1])
    connection.quit()
    check(f"{size} MiB need no memory", grown < 4096 or size < 200, f"grew {grown} KiB")
    print(f"# {size} MiB of body: resident memory grew by {grown} KiB")


class Liar:
    """A name server's UDP socket: `answer` makes of a query what is sent back, or None."""

    def __init__(self, address, answer):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((address, 53))
        self.answer = answer
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            query, client = self.socket.recvfrom(4096)
            data = self.answer(query)
            if data is not None:
                self.socket.sendto(data, client)


def test_dns(folder):
    """Name servers that stall or answer nonsense: nobody else waits, and nothing passes."""
    Liar("127.0.0.8", lambda query: None)
    Liar("127.0.0.9", lambda query: query[:2] + b"\x81\x80" + query[4:6] + b"\xff\xff\0\0\0\0" + query[12:] + b"\xc0\x0c" * 9)
    signed = sign(PLAIN, BODY, KEYS["rsa"], "rsa")
    lying = Milter({}, CONFIGURATION + 'dns_servers = {"127.0.0.9"}\n')
    text = results(lying, signed, BODY)
    check("nonsense", "dkim=temperror" in text, text)
    check("stop", lying.stop() == 0)
    stalling = Milter({"example.com": [f'key "rsa" {{ file = "{folder}/rsa" }}']},
                      CONFIGURATION + 'dns_servers = {"127.0.0.8"}\ndns_timeout = "10s"\n')
    took, answers = [], []

    def one():
        began = time.time()
        answers.append(results(stalling, [signed[0]] * 5 + signed, BODY, seconds=100))
        took.append(time.time() - began)

    threads = [threading.Thread(target=one) for _ in range(80)]
    for thread in threads:
        thread.start()
    time.sleep(1.5)
    began = time.time()
    verdict, _, _, come = run(stalling, PLAIN, BODY, "submission", "127.0.0.1")
    check("others go on", verdict == CONTINUE and come and time.time() - began < 5, time.time() - began)
    for thread in threads:
        thread.join()
    check("stalled: temperror", len(answers) == 80 and all(answer.count("dkim=temperror") == 6 for answer in answers),
          answers[0])
    check("stalled: within its time", 10 <= max(took) < 20, max(took))
    check("stalled: not all wait", min(took) < 8, min(took))
    print(f"# of 80 stalled messages {sum(1 for seconds in took if seconds < 10)} did not wait, the others {max(took):.1f} s")
    check("stop", stalling.stop() == 0)
    for milter in (lying, stalling):
        shutil.rmtree(milter.folder)


def at_the_end(milter, listener, address, fields):
    """A connection that has sent a message but for its end."""
    connection = milter.connection()
    connection.connect("x", address, listener=listener)
    connection.mail()
    for field in fields:
        connection.header(*field)
    check("heard", connection.end_of_header() == CONTINUE)
    connection.body(BODY)
    connection.macros("E", i="4XXXXXXXXX")
    return connection


def test_pool(folder):
    """A quiet libmilter may give two events to one thread: while that waits for DNS, what is to be signed
    must not wait with it."""
    Liar("127.0.0.10", lambda query: None)
    milters = [Milter({"example.com": [f'key "rsa" {{ file = "{folder}/rsa" }}']},
                      CONFIGURATION + 'dns_servers = {"127.0.0.10"}\ndns_timeout = "20s"\n') for _ in range(3)]
    signed, waiting, slowest = sign(PLAIN, BODY, KEYS["rsa"], "rsa"), [], 0
    for milter in milters:
        stalled = [at_the_end(milter, "mx", "203.0.113.9", signed) for _ in range(6)]
        last = at_the_end(milter, "submission", "127.0.0.1", PLAIN)
        waiting.append((stalled, last))
    time.sleep(1)  # its threads are idle then
    for stalled, last in waiting:
        for connection in stalled + [last]:
            connection.send("E")
        began = time.time()
        check("signed", last.answer() == CONTINUE and last.modifications)
        slowest = max(slowest, time.time() - began)
    check("signing does not wait for DNS", slowest < 10, slowest)
    for stalled, last in waiting:
        for connection in stalled:
            connection.socket.settimeout(60)
            check("verified", connection.answer() == CONTINUE and
                  b"dkim=temperror" in connection.modifications[0][1], connection.modifications)
        for connection in stalled + [last]:
            connection.quit()
    for milter in milters:
        check("stop", milter.stop() == 0, milter.log()[-1000:])
        shutil.rmtree(milter.folder)
    print(f"# the slowest of 3 signatures beside stalled DNS took {slowest:.2f} s")


def test_names(folder):
    """authserv_id, or the mail server's own name; and what may be configured."""
    milter = Milter({}, 'listener "mx" { mode = verify }\ndns_servers = {"127.0.0.1"}\nverify_signatures_most = "2"\n')
    signed = [sign(PLAIN, BODY, KEYS["rsa"], "rsa")[0]] * 3 + PLAIN
    text = results(milter, signed, BODY)
    check("the mail server's name", text.startswith(" mail.example.com;"), text)
    check("two signatures", text.count("dkim=pass") == 2, text)
    verdict, _, gone, _ = run(milter, [(RESULTS, b" MAIL.example.com; dkim=pass")] + PLAIN, BODY)
    check("its forgery", verdict == CONTINUE and gone == [1], gone)
    check("stop", milter.stop() == 0)
    shutil.rmtree(milter.folder)


CONFIGURATION = f'''
authserv_id = "{ID}"
relay_users = {{"relay"}}
listener "mx" {{ mode = verify }}
listener "both" {{ mode = both }}
listener "submission" {{ mode = sign }}
listener "off" {{ mode = none }}
'''


def main():
    global KEYS
    folder = tempfile.mkdtemp(prefix="postern-inbound-")
    os.chmod(folder, 0o755)
    KEYS, lines = {}, []
    for name, path in (("rsa", make_key(folder, "rsa")), ("vast", make_key(folder, "vast", 4096))):
        with open(path, "rb") as file:
            KEYS[name] = subprocess.run(["openssl", "rsa", "-traditional"], stdin=file, check=True, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL).stdout
        lines.append(f"{name}._domainkey.example.com. TXT {strings(dns_record(path).decode())}")
    padded = dns_record(folder + "/rsa").decode().replace("; p=", "; n=" + "x" * 15500 + "; p=")
    lines += [f"padded._domainkey.example.com. TXT {strings(padded)}",
              f"brisbane._domainkey.example.com. TXT {strings(RFC6376_KEY)}",
              f"brisbane._domainkey.football.example.com. TXT {strings(RFC8463_ED25519)}",
              f"test._domainkey.football.example.com. TXT {strings(RFC8463_RSA)}"]
    server = NameServer(lines)
    try:
        milter = Milter({"example.com": [f'key "ours" {{ file = "{folder}/rsa" }}']},
                        CONFIGURATION + 'dns_servers = {"127.0.0.1"}\n')
        for test, argument in ((test_standards, milter), (test_rfc8463_keys, folder), (test_forms, milter),
                               (test_who, milter), (test_forged, milter), (test_hostile, milter), (test_large, milter),
                               (test_names, folder), (test_dns, folder),
                               (test_pool, folder)):
            before, began = len(failures), time.time()
            try:
                test(argument)
            except Exception as error:  # a broken test must not hide the others
                check(test.__name__, False, repr(error))
            print(f"{test.__name__}: {'ok' if len(failures) == before else 'FAILED'} {time.time() - began:.1f} s", flush=True)
        check("exit status", milter.stop() == 0, milter.log()[-2000:])
        shutil.rmtree(milter.folder)
    finally:
        server.stop()
        shutil.rmtree(folder)
    print(f"{checked} checks, {len(failures)} failed")
    sys.exit(1 if failures else 0)


main()
