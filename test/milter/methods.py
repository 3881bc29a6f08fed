#!/usr/bin/python3
"""Several keys, forms, lists of fields, lifetimes, identities, key folders and dates of keys: every
signature is judged by dkimpy and libopendkim, those with RSA keys by Mail::DKIM too."""
import os
import random
import shutil
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from fakemta import (Milter, dns_record, ed25519_record, judge_all, make_ed25519_key, make_key,
                     missing_tools, verify)

ACCEPT, CONTINUE, REPLY = b"a", b"c", b"y"
BODY = b"Hello,\r\n\r\nthis is a test.\r\n"
FORMS = ("simple/simple", "simple/relaxed", "relaxed/simple", "relaxed/relaxed")
failures = []
checked = 0


def check(name, good, detail=""):
    global checked
    checked += 1
    if not good:
        failures.append(name)
        print(f"FAILED {name}: {detail}", flush=True)


def tags(message, index=0):
    """The tags of the signature that stands `index` below the top."""
    fields = message.split(b"\r\n\r\n")[0].replace(b"\r\n\t", b"").replace(b"\r\n ", b"").split(b"\r\n")
    text = [field for field in fields if field.startswith(b"DKIM-Signature:")][index].split(b":", 1)[1]
    return dict(tag.strip().split(b"=", 1) for tag in text.replace(b" ", b"").split(b";") if b"=" in tag)


def signed(name, milter, headers, wanted, body=BODY, records=None, user=None):
    """Expects these (a, d, s) from the top."""
    connection = milter.connection()
    connection.connect()
    verdict, message = connection.message(headers, body, user=user)
    connection.quit()
    check(name, verdict == CONTINUE, f"{verdict} {connection.reply}")
    got = judge_all(message, records or RECORDS)
    check(name, got == wanted, f"{got}\n{message[:1500]!r}")
    return message


def expect(name, milter, headers, verdict, reply=None):
    connection = milter.connection()
    connection.connect()
    got, message = connection.message(headers, BODY)
    connection.quit()
    check(name, got == verdict, f"{got} {connection.reply}")
    check(name, b"DKIM-Signature" not in message, "signed")
    if reply:
        check(name, (connection.reply or "").startswith(reply), connection.reply)


def domain_lines(*lines):
    return list(lines)


BOTH = [("rsa-sha256", "example.com", "rsa"), ("ed25519-sha256", "example.com", "ed")]


def key_section(selector, file, *more):
    return f'key "{selector}" {{ file = "{file}" {" ".join(more)} }}'


def odd_messages(seed, count):
    """Fields and bodies of every sort that mail servers hand on."""
    chance = random.Random(seed)
    words = [b"a", b"bc", b"  ", b"\t", b"d e", "grüße".encode(), b"=?utf-8?q?x?=", b"x" * 70, b";", b":", b"\"q\""]
    for _ in range(count):
        headers = [(b"From", b" User <user@example.com>")]
        for name in (b"To", b"Subject", b"Date", b"X-Other", b"Reply-To", b"References", b"subject", b"TO"):
            if chance.random() < 0.6:
                value = b" " * chance.randrange(3) + b" ".join(chance.choices(words, k=chance.randrange(6)))
                if chance.random() < 0.4:
                    value += chance.choice([b"\n ", b"\n\t", b"\n  \t "]) + b"folded" + b" " * chance.randrange(3)
                headers.insert(chance.randrange(len(headers) + 1), (name, value))
        lines = [chance.choice([b"", b"", b" ", b"\t", b"text", b" lead", b"trail \t", b"a  b\t\tc", b".", b"x" * 300,
                                bytes(range(128, 256))]) for _ in range(chance.randrange(8))]
        body = b"\r\n".join(lines) + chance.choice([b"", b"\r\n", b"\r\n\r\n\r\n"])
        yield headers, body


def test_forms():
    for form in FORMS:
        milter = Milter({"example.com": [key_section("rsa", RSA), key_section("ed", ED),
                                         f'canonicalization = "{form}"']})
        message = signed(form, milter, [(b"From", b" user@example.com"), (b"Subject", b"  two  blanks\n\tfold ")],
                         BOTH)
        for index in (0, 1):
            check(form, tags(message, index)[b"c"] == form.encode(), tags(message, index))
        complaint = verify(message, RSA, "rsa")
        check(form, complaint is None or "dkimpy" in complaint, complaint)
        for number, (headers, body) in enumerate(odd_messages(form, 60)):
            signed(f"{form} odd message {number}", milter, headers, BOTH, body)
        for chunk in (1, 2, 3):
            connection = milter.connection()
            connection.connect()
            text = b" a \r\n\r\n\t\r\nb\r \rc  d\t\r\n\r\n \r\n".replace(b"\r \r", b" ")
            _, message = connection.message([(b"From", b" user@example.com")], text, chunk=chunk)
            connection.quit()
            check(f"{form} by {chunk}", judge_all(message, RECORDS) == BOTH, message)
        check("stop", milter.stop() == 0, milter.log()[-500:])
        shutil.rmtree(milter.folder)


def test_tampering():
    """The judges must refuse what was changed, or they would judge nothing."""
    milter = Milter({"example.com": [key_section("ed", ED)]})
    message = signed("one key", milter, [(b"From", b" user@example.com"), (b"Subject", b" hi")], BOTH[1:])
    for name, forged in (("subject", message.replace(b"Subject: hi", b"Subject: ho")),
                         ("body", message.replace(b"Hello", b"Hullo")),
                         ("From added", message.replace(b"\r\nFrom:", b"\r\nFrom: x@evil.test\r\nFrom:")),
                         ("Cc added", message.replace(b"\r\nFrom:", b"\r\nCc: x@evil.test\r\nFrom:")),
                         ("tag", message.replace(b"s=ed;", b"s=rsa;"))):
        check(f"forged {name}", isinstance(judge_all(forged, RECORDS), str), "accepted")
    added = message.replace(b"\r\nFrom:", b"\r\nList-Post: <x>\r\nSender: list@elsewhere.test\r\nFrom:")
    check("a list may add its fields", judge_all(added, RECORDS) == BOTH[1:], added)
    check("stop", milter.stop() == 0)
    shutil.rmtree(milter.folder)


def test_methods():
    milter = Milter({
        "example.com": [key_section("rsa", RSA), key_section("ed", ED), 'signature_lifetime = "14d"',
                        'identity = "agent@mail.example.com"', 'signed_headers = {"From", "X-Mine", "Subject"}',
                        'oversigned_headers = {"From", "X-Mine"}'],
        "example.net": ['selector = "mail"', f'key = "{RSA}"', 'oversigned_headers = {}']},
        'signature_lifetime = "21d"\n')
    message = signed("own method", milter, [(b"From", b" u@example.com"), (b"To", b" x@y.test"),
                                            (b"X-Mine", b" 1"), (b"X-Mine", b" 2")], BOTH)
    for index in (0, 1):
        got = tags(message, index)
        check("x=", int(got[b"x"]) - int(got[b"t"]) == 14 * 86400, got)
        check("i=", got[b"i"] == b"agent@mail.example.com", got)
        names = sorted(got[b"h"].lower().split(b":"))
        check("h=", names == [b"from", b"from", b"x-mine", b"x-mine", b"x-mine"], names)
    message = signed("default method", milter, [(b"From", b" u@example.net"), (b"To", b" x@y.test")],
                     [("rsa-sha256", "example.net", "mail")])
    got = tags(message)
    check("default lifetime", int(got[b"x"]) - int(got[b"t"]) == 21 * 86400, got)
    check("nothing oversigned", got[b"h"].lower().split(b":").count(b"from") == 1, got)
    log = milter.log()
    check("log", "s=rsa,ed a=rsa-sha256,ed25519-sha256 verdict=signed" in log, log)
    check("stop", milter.stop() == 0)
    shutil.rmtree(milter.folder)


def test_wildcards():
    milter = Milter({
        "example.com": ['subdomains = {"*"}', key_section("rsa", RSA)],
        "a.example.com": [key_section("rsa", RSA)],
        "*.b.example.com": [key_section("ed", ED)],
        "*.example.org": [key_section("rsa", RSA)],
        "xn--exmple-cua.com": [key_section("rsa", RSA)]})
    for sender, domain in (("example.com", "example.com"), ("x.example.com", "example.com"),
                           ("x.y.example.com", "example.com"), ("a.example.com", "a.example.com"),
                           ("x.a.example.com", "example.com"), ("b.example.com", "example.com"),
                           ("x.example.org", "example.org"), ("exämple.com", "xn--exmple-cua.com"),
                           ("EXÄMPLE.com", "xn--exmple-cua.com"), ("xn--exmple-cua.com", "xn--exmple-cua.com")):
        signed(f"wild {sender}", milter, [(b"From", f" u@{sender}".encode())], [("rsa-sha256", domain, "rsa")])
    signed("nearest wildcard", milter, [(b"From", b" u@x.b.example.com")],
           [("ed25519-sha256", "b.example.com", "ed")])
    for sender in ("example.org", "notexample.com", "example.com.test"):
        expect(f"not wild {sender}", milter, [(b"From", f" u@{sender}".encode())], ACCEPT)
    signed("by Sender", milter, [(b"From", b" u@elsewhere.test"), (b"Sender", b" s@example.com")],
           [("rsa-sha256", "example.com", "rsa")])
    expect("two Sender fields", milter, [(b"From", b" u@elsewhere.test"), (b"Sender", b" s@example.com"),
                                         (b"Sender", b" s@example.com")], ACCEPT)
    check("stop", milter.stop() == 0)
    shutil.rmtree(milter.folder)


def test_key_folder():
    folder = os.path.join(SCRATCH, "folder")
    os.mkdir(folder, 0o700)
    for name in ("example.com", "example.net", "Example.ORG"):
        shutil.copy(RSA, os.path.join(folder, name + ".private"))
    for name in ("example.com.txt", ".hidden.private", "no_domain!.private"):
        shutil.copy(RSA, os.path.join(folder, name))
    milter = Milter({"example.net": [key_section("ed", ED)], "*": ['canonicalization = "simple/simple"']},
                    f'key_folder = "{folder}"\n')
    for domain in ("example.com", "example.org"):
        message = signed(f"folder {domain}", milter, [(b"From", f" u@{domain}".encode())],
                         [("rsa-sha256", domain, "mail")])
        check("domain * says how", tags(message)[b"c"] == b"simple/simple", tags(message))
    signed("a section comes first", milter, [(b"From", b" u@example.net")],
           [("ed25519-sha256", "example.net", "ed")])
    expect("not in the folder", milter, [(b"From", b" u@sub.example.com")], ACCEPT)
    check("odd names are told", "no_domain!.private is not named after a domain" in milter.log(), milter.log())
    check("stop", milter.stop() == 0)
    shutil.rmtree(milter.folder)
    shutil.rmtree(folder)


def utc(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + seconds))


def test_rotation():
    milter = Milter({"example.com": [
        key_section("rsa", RSA, f'retire_after = "{utc(5)}"'),
        key_section("ed", ED, f'active_from = "{utc(5)}"', f'retire_after = "{utc(10)}"')]})
    field = [(b"From", b" u@example.com")]
    signed("before", milter, field, BOTH[:1])
    time.sleep(5.5)
    signed("taken over without a restart", milter, field, BOTH[1:])
    time.sleep(5)
    expect("none is active", milter, field, REPLY, "451 4.7.0 ")
    check("stop", milter.stop() == 0)
    shutil.rmtree(milter.folder)


def hop(milter, headers, body=BODY):
    """One hop: the header as it leaves, and what was added to it."""
    connection = milter.connection()
    connection.connect()
    verdict, _ = connection.message(headers, body)
    added = [data[4:].rstrip(b"\0").split(b"\0") for kind, data in connection.modifications if kind == b"i"]
    connection.quit()
    check("hop", verdict in (CONTINUE, ACCEPT), f"{verdict} {connection.reply}")
    return [tuple(field) for field in reversed(added)] + list(headers), len(added)


def test_earlier_hops():
    """A good signature of ours is not made again; one that is not good any more is."""
    for form in FORMS:
        milter = Milter({"example.com": [key_section("rsa", RSA), key_section("ed", ED),
                                         f'canonicalization = "{form}"']})
        plain = [(b"X-Odd", b" x"), (b"From", b" u@example.com"), (b"Subject", b" a  b\n\tc "), (b"To", b" x@y.test"),
                 (b"To", b" z@y.test")]
        first, count = hop(milter, plain)
        check(f"{form} first hop", count == 2, count)
        for name, headers, body, wanted in (
                ("second hop", first, BODY, 0),
                ("Received and others added", [(b"Received", b" from a"), (b"List-Post", b" <x>"), *first], BODY, 0),
                ("body changed", first, BODY + b"footer\r\n", 2),
                ("subject changed", [(n, b" [list]" + v if n == b"Subject" else v) for n, v in first], BODY, 2),
                ("Cc added", [*first, (b"Cc", b" x@y.test")], BODY, 2),
                ("To swapped", first[:5] + [first[6], first[5]], BODY, 2),
                ("one signature lost", first[1:], BODY, 1),
                ("the other one lost", first[:1] + first[2:], BODY, 1),
                ("signature damaged", [(n, v.replace(b"b=", b"b=AAAA", 1) if n == b"DKIM-Signature" else v)
                                       for n, v in first], BODY, 2),
                ("l= added", [(n, v.replace(b"v=1;", b"v=1; l=0;") if n == b"DKIM-Signature" else v)
                              for n, v in first], BODY, 2),
                ("no value", [(b"DKIM-Signature", b""), *plain], BODY, 2),
                ("looks like ours", [(b"DKIM-Signature", b" v=1; a=rsa-sha256; d=example.com; s=rsa; h=from; bh="
                                      b"AAAA; b=AAAA"), *plain], BODY, 2)):
            got = hop(milter, headers, body)[1]
            check(f"{form} {name}", got == wanted, got)
        check("log", 'verdict=passed' in milter.log() and "an earlier hop signed it" in milter.log(), "not told")
        check("stop", milter.stop() == 0, milter.log()[-500:])
        shutil.rmtree(milter.folder)
    milter = Milter({"example.com": [key_section("rsa", RSA), 'signature_lifetime = "1s"']})
    first, count = hop(milter, [(b"From", b" u@example.com")])
    time.sleep(2.1)
    check("an expired one", hop(milter, first)[1] == 1, "not signed again")
    check("stop", milter.stop() == 0)
    shutil.rmtree(milter.folder)


def test_several_authors():
    milter = Milter({"example.com": [key_section("rsa", RSA)]}, 'several_authors = "reject"\n')
    field = (b"From", b" u@example.com")
    expect("two From fields", milter, [field, field], REPLY, "550 5.7.1 ")
    expect("malformed still waits", milter, [(b"From", b' "open <u@example.com>')], REPLY, "451 4.7.0 ")
    check("log", "verdict=rejected" in milter.log(), milter.log())
    check("stop", milter.stop() == 0)
    shutil.rmtree(milter.folder)


def main():
    global RSA, ED, SCRATCH, RECORDS
    missing_tools()
    SCRATCH = tempfile.mkdtemp(prefix="postern-methods-")
    os.chmod(SCRATCH, 0o755)
    RSA, ED = make_key(SCRATCH), make_ed25519_key(SCRATCH, "ed.pem")
    RECORDS = {}
    for domain in ("example.com", "a.example.com", "b.example.com", "example.net", "example.org",
                   "xn--exmple-cua.com"):
        for selector in ("rsa", "mail"):
            RECORDS[f"{selector}._domainkey.{domain}"] = dns_record(RSA)
        RECORDS[f"ed._domainkey.{domain}"] = ed25519_record(ED)
    for test in (test_forms, test_tampering, test_methods, test_wildcards, test_key_folder, test_rotation,
                 test_earlier_hops, test_several_authors):
        before = len(failures)
        try:
            test()
        except Exception as error:  # a broken test must not hide the others
            check(test.__name__, False, repr(error))
        print(f"{test.__name__}: {'ok' if len(failures) == before else 'FAILED'}", flush=True)
    shutil.rmtree(SCRATCH)
    print(f"{checked} checks, {len(failures)} failed")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
