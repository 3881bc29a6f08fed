#!/usr/bin/python3
"""What the verifier says of signatures that others made: the examples of RFC 6376 and RFC 8463, and
messages signed by dkimpy, whole and damaged; keys come from a real name server."""
import base64
import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from name_server import NameServer, enter_namespace, skip, strings

enter_namespace()
try:
    import dkim
except ImportError:
    skip("needs python3-dkim")

from examples import RFC6376, RFC6376_KEY, RFC8463, RFC8463_ED25519, RFC8463_RSA

PROGRAM = os.path.join(os.environ.get("POSTERN_BUILD", "build/dev"), "test/services/dkim_verify")
SERVER = "127.0.0.1"
failures = []
checked = 0

HEADER = (b"From: User <user@example.com>\r\nTo: x@example.org\r\nSubject: a  test\r\n of folds\r\n"
          b"Date: Mon, 02 Mar 2026 10:00:00 +0000\r\n")
BODY = b"Hello,\r\n\r\nthis is a  test.\r\n\r\n\r\n"


def check(name, good, detail=""):
    global checked
    checked += 1
    if not good:
        failures.append(name)
        print(f"FAILED {name}: {detail}", flush=True)


def verify(message, *servers, options=()):
    """The lines that the verifier prints."""
    result = subprocess.run([PROGRAM, *options, *(servers or (SERVER,))], input=message, check=True,
                            stdout=subprocess.PIPE, timeout=100)
    return result.stdout.decode(errors="surrogateescape").splitlines()


def expect(name, message, *wanted, servers=()):
    """Each signature's line must match its expression."""
    lines = verify(message, *servers)
    results = lines[:next(i for i, line in enumerate(lines) if line.startswith("skipped: "))]
    check(name, len(results) == len(wanted), lines)
    for line, pattern in zip(results, wanted):
        check(name, re.search(pattern, line), f"{line!r} is not {pattern!r}")
    return lines


def make_keys(folder):
    """PEM or raw private keys, and the records, by selector."""
    keys, records = {}, {}
    for name, bits in (("rsa", 2048), ("short", 1024), ("tiny", 768), ("long", 4096), ("huge", 8192)):
        path = os.path.join(folder, name)
        subprocess.run(["openssl", "genrsa", "-traditional", "-out", path, str(bits)], check=True,
                       stderr=subprocess.DEVNULL)
        public = subprocess.run(["openssl", "pkey", "-in", path, "-pubout", "-outform", "DER"],
                                check=True, stdout=subprocess.PIPE).stdout
        with open(path, "rb") as file:
            keys[name] = file.read()
        records[name] = "v=DKIM1; k=rsa; p=" + base64.b64encode(public).decode()
    path = os.path.join(folder, "ed")
    subprocess.run(["openssl", "genpkey", "-algorithm", "ED25519", "-out", path], check=True)
    private = subprocess.run(["openssl", "pkey", "-in", path, "-outform", "DER"], check=True,
                             stdout=subprocess.PIPE).stdout
    public = subprocess.run(["openssl", "pkey", "-in", path, "-pubout", "-outform", "DER"], check=True,
                            stdout=subprocess.PIPE).stdout
    keys["ed"] = base64.b64encode(private[-32:])
    records["ed"] = "v=DKIM1; k=ed25519; p=" + base64.b64encode(public[-32:]).decode()
    return keys, records


def sign(selector, header=HEADER, body=BODY, key=None, canon=(b"relaxed", b"relaxed"), **options):
    """The message with one more signature, by dkimpy."""
    key = key or KEYS.get(selector, KEYS["rsa"])
    if not key.startswith(b"-----"):
        options["signature_algorithm"] = b"ed25519-sha256"
    message = header + b"\r\n" + body
    # dkimpy refuses to sign with keys that verifiers should refuse
    minimum, dkim.crypto.RSA_MINIMUM = getattr(dkim.crypto, "RSA_MINIMUM", 0), 0
    signature = dkim.sign(message, selector.encode(), b"example.com", key, canonicalize=canon,
                          include_headers=options.pop("include", [b"from", b"to", b"subject"]),
                          **options)
    dkim.crypto.RSA_MINIMUM = minimum
    return signature + message


def edit(message, old, new):
    check(f"{old} is there", message.count(old) >= 1)
    return message.replace(old, new, 1)


def test_standards():
    expect("RFC 6376", RFC6376.replace("\n", "\r\n").encode(),
           r"^pass d=example\.com i=joe@football\.example\.com s=brisbane a=rsa-sha256 b=AuUoFEfD bits=1024 ")
    expect("RFC 6376, damaged", RFC6376.replace("dinner", "supper").replace("\n", "\r\n").encode(),
           r"^fail .*\(signature verification failed\)")
    text = RFC8463.replace("\n", "\r\n").encode()
    expect("RFC 8463", text, r"^pass d=football\.example\.com i=@football.* a=ed25519-sha256 b=/gCrinpc bits=256 ",
           r"^pass d=football\.example\.com .* a=rsa-sha256 b=F45dVWDf bits=1024 ")
    expect("RFC 8463, damaged", edit(text, b"Suzie Q", b"Suzie R"), "^fail ", "^fail ")
    expect("RFC 8463, body damaged", edit(text, b"hungry", b"thirsty"),
           r"^fail .*\(body hash did not verify\)", r"^fail .*\(body hash did not verify\)")


def test_canonicalizations():
    for selector in ("rsa", "ed", "long"):
        for header in (b"simple", b"relaxed"):
            for body in (b"simple", b"relaxed"):
                name = f"{selector} {header}/{body}"
                for content in (BODY, b"", b"\r\n\r\n", b" \t\r\nx  y\r\n", b"x" * 5000 + b"\r\n"):
                    message = sign(selector, body=content, canon=(header, body))
                    expect(name, message, "^pass ")
                expect(name + " header", edit(message, b"a  test", b"b test"), "^fail ")
                expect(name + " body", message + b"more\r\n", r"^fail .*body hash")
                blanks = edit(message, b"To: x", b"to:  x")
                expect(name + " blanks", blanks, "^pass " if header == b"relaxed" else "^fail ")


def test_keys():
    expect("1024 bits", sign("short"), "^pass .* bits=1024")
    expect("768 bits", sign("tiny"), r"^policy .* bits=768 \(key too short\)")
    expect("8192 bits: its record is longer than libopendkim's buffer", sign("huge"), "^pass .* bits=8192")
    for selector, pattern in {
            "absent": r"^permerror .*\(no key for signature\)",
            "revoked": r"^permerror .*\(key revoked\)",
            "spf": r"^permerror .*\(key record unusable\)",
            "broken": r"^permerror .*\(key record unusable\)",
            "sha1only": r"^permerror .*\(key record unusable\)",
            "tls": r"^permerror .*\(key record unusable\)",
            "two": r"^permerror .*\(several key records\)",
            "mixed": "^pass ",
            "alias": "^pass ",
            "testing": "^pass .* testing",
            "strict": "^pass ",
            "typed": r"^permerror .*\(key not for this algorithm\)"}.items():
        expect(selector, sign(selector, key=KEYS["rsa"]), pattern)
    other = sign("strict", key=KEYS["rsa"], identity=b"user@mail.example.com")
    expect("strict, subdomain", other, r"^permerror .*\(key not for subdomains\)")
    expect("subdomain", sign("rsa", identity=b"user@mail.example.com"), "^pass d=example.com i=user@mail.example.com")
    expect("SHA-1", sign("rsa", signature_algorithm=b"rsa-sha1"), r"^permerror .*\(algorithm no longer valid\)")


def test_time():
    # dkimpy writes t=; x= is added by signing a message whose signature has one
    message = sign("rsa")
    now = int(re.search(rb"t=(\d+)", message).group(1))
    for name, tag, pattern in (("expired", b"x=%d" % (now - 90000), r"^(policy|neutral) .*\((signature expired|signature malformed)\)"),
                               ("future", b"t=%d" % (now + 90000), r"^policy .*\(signature from the future\)")):
        damaged = edit(message, b"t=%d" % now, tag)
        expect(name, damaged, pattern)


def test_malformed():
    good = sign("rsa")
    for name, old, new, pattern in (
            ("version", b"v=1", b"v=2", "^neutral .*unknown version"),
            ("no version", b"v=1; ", b"", "^neutral "),
            ("algorithm", b"a=rsa-sha256", b"a=rsa-sha3", "^neutral .*unknown algorithm"),
            ("no algorithm", b"a=rsa-sha256; ", b"", "^neutral "),
            ("no domain", b"d=example.com;", b"", "^neutral d=- "),
            ("other domain", b"i=@example.com", b"i=@example.org", "^neutral "),
            ("no selector", b"s=rsa; ", b"", "^neutral "),
            ("canonicalization", b"c=relaxed/relaxed", b"c=odd/relaxed", "^neutral "),
            ("query", b"q=dns/txt", b"q=smoke", "^(neutral|fail) "),
            ("no From in h=", b"from : ", b"", "^neutral "),
            ("empty b", re.search(rb" b=[^;]*?(?=\r\nFrom)", good).group(), b" b=", "^neutral "),
            ("b is no base64", b" b=", b" b=!", "^(neutral|fail) "),
            ("empty bh", re.search(rb"bh=[^;]*", good).group(), b"bh=", "^neutral "),
            ("twice", b"v=1;", b"v=1; d=example.com;", "^(neutral|fail) "),
            ("no tags", b"v=1; a=rsa-sha256; ", b"nonsense ", "^neutral "),
            ("l=", b"v=1;", b"v=1; l=x;", "^neutral "),
            ("odd selector", b"s=rsa; ", b"s=r/sa; ", "^(neutral|permerror) "),
            ("selector with a quote", b"s=rsa; ", b's=r\\"sa; ', "^(neutral|permerror) ")):
        expect(name, edit(good, old, new), pattern)
    expect("huge", b"DKIM-Signature: v=1; z=" + b"x" * 9000 + b"\r\n" + good, "^neutral .*too large", "^pass ")
    expect("long h=", b"DKIM-Signature: v=1; h=" + b"a:" * 1500 + b"\r\n" + good, "^neutral .*too large", "^pass ")
    expect("no From", good.replace(b"From: User", b"X-From: User"), r"^permerror .*\(no From field\)")
    expect("two From", b"From: a@example.net\r\n" + good, r"^permerror .*\(several From fields\)")
    expect("odd fields", b"\x01: x\r\nNo colon\r\n: empty\r\nX" + b"y" * 5000 + b": z\r\n" + good, "^pass ")
    expect("odd From", sign("rsa", HEADER.replace(b"User <user@example.com>", b"(nobody) @@,;")), "^pass ")
    expect("many fields", b"X: y\r\n" * 4200 + good, r"^permerror .*\(header too large\)")
    lines = expect("unsigned", HEADER + b"\r\n" + BODY)
    check("unsigned", "".join(lines[1:]) == "Authentication-Results: mx.example.org;\tdkim=none", lines)
    expect("no header", b"")


def test_partial():
    body = b"Hello,\r\nthis is a test.\r\n"
    message = sign("rsa", body=body, length=True)
    expect("l=", message, r"^pass .* partial=25/25 ")
    # the octets that others can put below a message that seems to be signed
    lines = expect("l=, more", message + b"Buy!\r\n", r"^pass .* partial=25/31 ")
    check("l=, more", "l= signs 25 of 31 octets of the body" in "\n".join(lines), lines)
    expect("l=, less", message[:-len(body)] + b"Hello\r\n", r"^fail .*\(body shorter than l= tells\)")
    # what l= of one signature limits must not limit the next
    both = sign("ed", *message_parts(message))
    expect("l= and none", both, r"^pass .* a=ed25519", "^pass .* partial=25/25")
    expect("l= and none, more", both + b"Buy!\r\n", "^fail .* a=ed25519.*body hash", "^pass .* partial=25/31")
    other = sign("rsa", *message_parts(sign("ed", body=body)), length=True)
    expect("l= before none, more", other + b"Buy!\r\n", "^pass .* partial=25/31", "^fail .* a=ed25519.*body hash")


def message_parts(message):
    header, body = message.split(b"\r\n\r\n", 1)
    return header + b"\r\n", body


def test_many():
    message = sign("rsa")
    for _ in range(2):
        message = sign("ed", *message_parts(message))
    expect("three", message, *["^pass "] * 3)
    bad = b"DKIM-Signature: v=1; a=rsa-sha256; d=example.com; s=absent; h=from; bh=AAAA; b=AAAA\r\n"
    lines = expect("the first ten", bad * 12 + message, *["^permerror .*no key"] * 10)
    check("skipped", "skipped: 5" in lines, lines)
    # octets that tell the signatures apart, RFC 6008
    twins = "".join(f"DKIM-Signature: v=1; a=rsa-sha256; d=example.com; s=absent; h=from; bh=AAAA; b=AAAABBBBCC{i}=\r\n"
                    for i in "DE").encode()
    expect("b=", twins + HEADER + b"\r\n", r" b=AAAABBBBCCD ", r" b=AAAABBBBCCE ")


def test_results_field():
    lines = verify(RFC8463.replace("\n", "\r\n").encode())
    field = "\n".join(lines[lines.index("skipped: 0") + 1:])
    check("Authentication-Results", field == """Authentication-Results: mx.example.org;
\tdkim=pass (256-bit key)
\theader.d=football.example.com
\theader.i=@football.example.com
\theader.s=brisbane
\theader.a=ed25519-sha256
\theader.b="/gCrinpc";
\tdkim=pass (1024-bit key)
\theader.d=football.example.com
\theader.i=@football.example.com
\theader.s=test
\theader.a=rsa-sha256
\theader.b=F45dVWDf""", field)


def test_name_servers():
    message = sign("rsa")
    expect("refused", message, r"^temperror .*\(key unavailable\)", servers=("127.0.0.2",))
    expect("second server", message, "^pass ", servers=("127.0.0.2", "127.0.0.1:53"))
    expect("IPv6, no server", message, r"^temperror ", servers=("[::1]:53",))
    other = NameServer([], address="127.0.0.3")
    broken = NameServer([], address="127.0.0.4", broken=True)
    try:
        expect("no such key there", message, r"^permerror .*\(no key for signature\)", servers=("127.0.0.3",))
        expect("SERVFAIL", message, r"^temperror .*\(key unavailable\)", servers=("127.0.0.4",))
        expect("SERVFAIL, second server", message, "^pass ", servers=("127.0.0.4", "127.0.0.1"))
    finally:
        other.stop()
        broken.stop()


def test_growth():
    """libopendkim leaks with each Ed25519 signature that it checks: the verifier must not."""
    for selector in ("ed", "rsa"):
        lines = verify(sign(selector), SERVER, options=("-n", "1500"))
        grown = int(re.search(r"grown: (\d+) KiB", "\n".join(lines)).group(1))
        check(f"growth with {selector}", grown < 300 or "san" in os.environ.get("POSTERN_BUILD", ""),
              f"{grown} KiB over 1,350 messages")


def main():
    global KEYS
    with tempfile.TemporaryDirectory() as folder:
        KEYS, records = make_keys(folder)
    rsa = records["rsa"]
    records |= {"revoked": "v=DKIM1; p=", "spf": "v=spf1 -all", "broken": "v=DKIM1; p=!!!",
                "sha1only": rsa.replace("v=DKIM1; ", "v=DKIM1; h=sha1; "),
                "tls": rsa.replace("v=DKIM1; ", "v=DKIM1; s=tlsrpt; "),
                "testing": rsa.replace("v=DKIM1; ", "v=DKIM1; t=y; "),
                "strict": rsa.replace("v=DKIM1; ", "v=DKIM1; t=s; "),
                "typed": records["ed"]}
    lines = [f"{name}._domainkey.example.com. TXT {strings(text)}" for name, text in records.items()]
    for selector, texts in (("two", (rsa, records["short"])), ("mixed", ("v=spf1 -all", rsa))):
        lines += [f"{selector}._domainkey.example.com. TXT {strings(text)}" for text in texts]
    lines += ["alias._domainkey.example.com. CNAME rsa._domainkey.example.com.",
              f"brisbane._domainkey.example.com. TXT {strings(RFC6376_KEY)}",
              f"brisbane._domainkey.football.example.com. TXT {strings(RFC8463_ED25519)}",
              f"test._domainkey.football.example.com. TXT {strings(RFC8463_RSA)}"]
    server = NameServer(lines)
    try:
        for test in (test_standards, test_canonicalizations, test_keys, test_time, test_malformed,
                     test_partial, test_many, test_results_field, test_name_servers, test_growth):
            before = len(failures)
            test()
            print(f"{test.__name__}: {'ok' if len(failures) == before else 'FAILED'}", flush=True)
    finally:
        server.stop()
    print(f"{checked} checks, {len(failures)} failed")
    sys.exit(1 if failures else 0)


main()
