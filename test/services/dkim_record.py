#!/usr/bin/python3
"""The records of DKIM keys: what is printed is put into a real zone, other programs judge it there,
and what was published wrongly is told."""
import base64
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from name_server import NameServer, enter_namespace, skip, strings

enter_namespace()
try:
    import dkim
    import dns.resolver
except ImportError:
    skip("needs python3-dkim and python3-dnspython")
TESTKEY = shutil.which("opendkim-testkey")
if not TESTKEY:
    skip("needs opendkim-testkey (Debian package opendkim-tools)")

PROGRAM = os.path.join(os.environ.get("POSTERN_BUILD", "build/dev"), "test/services/dkim_keys")
failures = []
checked = 0


def check(name, good, detail=""):
    global checked
    checked += 1
    if not good:
        failures.append(name)
        print(f"FAILED {name}: {detail}", flush=True)


def show(*arguments):
    result = subprocess.run([PROGRAM, *arguments], check=False, stdout=subprocess.PIPE, text=True, timeout=60)
    return result.returncode, result.stdout.splitlines()


def make_key(folder, name, algorithm, *options):
    path = os.path.join(folder, name)
    subprocess.run(["openssl", "genpkey", "-quiet", "-algorithm", algorithm, *options, "-out", path], check=True)
    os.chmod(path, 0o600)
    public = os.path.join(folder, name + ".pub")
    subprocess.run(["openssl", "pkey", "-in", path, "-pubout", "-out", public], check=True)
    return path


def test_printed(lines, keys):
    """The lines as nsd served them: other programs find the keys that belong to the private ones."""
    for selector in ("rsa", "long"):
        result = subprocess.run([TESTKEY, "-vvv", "-d", "example.com", "-s", selector, "-k", keys[selector], "-x", keys["rsa"] + ".conf"],
                                check=False, capture_output=True, text=True, timeout=60)
        check(f"opendkim-testkey {selector}", result.returncode == 0 and "key OK" in result.stdout + result.stderr, result)
        with open(keys[selector], "rb") as file:
            check_signature(selector, file.read())
    der = subprocess.run(["openssl", "pkey", "-in", keys["ed"], "-outform", "DER"], check=True, stdout=subprocess.PIPE).stdout
    check_signature("ed", base64.b64encode(der[-32:]), signature_algorithm=b"ed25519-sha256")
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers = ["127.0.0.1"]
    for record in resolver.resolve("long._domainkey.example.com", "TXT"):
        check("strings of at most 255", len(record.strings) == 3 and max(map(len, record.strings)) == 255, record.strings)
    check("one line a key", len(lines) == 4, lines)


def check_signature(selector, key, **options):
    message = b"From: a@example.com\r\n\r\nbody\r\n"
    signed = dkim.sign(message, selector.encode(), b"example.com", key, **options) + message
    check(f"dkimpy {selector}", dkim.verify(signed), "does not verify")


def test_published(keys):
    good, other = ["example.com", "rsa", keys["rsa"]], ["example.com", "{}", keys["rsa"]]
    check("good", show("--dns", "127.0.0.1", *good) ==
          (0, ["rsa._domainkey.example.com: good: published"]), show("--dns", "127.0.0.1", *good))
    for selector, status, text in (
            ("absent", 1, "missing: no record is published"),
            ("long", 1, "different: another key is published"),
            ("ed", 1, "different: another key is published: of another type"),
            ("revoked", 1, "revoked: the key is revoked (p= is empty)"),
            ("testing", 0, "good: published; test mode (t=y): verifiers take the mail for unsigned"),
            ("pkcs1", 0, "good: published"),
            ("spaced", 0, "good: published"),
            ("two", 1, "several: several records are published: the right one among them"),
            ("spf", 1, "unusable: the published record is useless: it is not a list of tags"),
            ("broken", 1, "unusable: the published record is useless: p= is not base64"),
            ("cut", 1, "unusable: the published record is useless: p= holds no key of the type that k= tells"),
            ("sha1", 1, "unusable: the published record is useless: h= leaves out sha256"),
            ("late", 1, "unusable: the published record is useless: v= is not the first tag"),
            ("alias", 0, "good: published"),
            ("a b", 1, "unknown: what is published is not known: its name is none that DNS can have")):
        other[1] = selector
        check(selector, show("--dns", "127.0.0.1", *other) == (status, [f"{selector}._domainkey.example.com: {text}"]),
              show("--dns", "127.0.0.1", *other))
    check("small key", show("--dns", "127.0.0.1", "example.com", "weak", keys["weak"])[1] ==
          ["weak._domainkey.example.com: unusable: the published record is useless: its key has fewer than 1024 bits"])
    check("public half", show("--dns", "127.0.0.1", "example.com", "rsa", keys["rsa"] + ".pub")[0] == 0)
    check("no server", show("--dns", "127.0.0.9", *good) ==
          (1, ["rsa._domainkey.example.com: unknown: what is published is not known: no name server answered"]))


def main():
    with tempfile.TemporaryDirectory(prefix="postern-record-") as folder:
        keys = {"rsa": make_key(folder, "rsa", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"),
                "long": make_key(folder, "long", "RSA", "-pkeyopt", "rsa_keygen_bits:3072"),
                "weak": make_key(folder, "weak", "RSA", "-pkeyopt", "rsa_keygen_bits:768"),
                "ed": make_key(folder, "ed", "ED25519")}
        status, lines = show(*[word for name, path in keys.items() for word in ("example.com", name, path)])
        check("printed", status == 0, lines)
        text = "".join(re.findall('"([^"]*)"', lines[0]))
        public = subprocess.run(["openssl", "rsa", "-in", keys["rsa"], "-RSAPublicKey_out", "-outform", "DER"], check=True,
                                capture_output=True).stdout
        records = {"revoked": "v=DKIM1; k=rsa; p=", "testing": text.replace("; k=", "; t=y:s; k="), "spf": "some text",
                   "pkcs1": "p=" + base64.b64encode(public).decode(), "broken": "v=DKIM1; p=a!b=", "cut": text[:text.index("p=") + 2 + 80],
                   "spaced": re.sub("(.{20})", r"\1 ", text[text.index("p=") + 2:]), "sha1": text.replace("; k=", "; h=sha1; k="),
                   "late": "k=rsa; " + text.replace("k=rsa; ", "")}
        records["spaced"] = " v = DKIM1 ;k = rsa; n=a=b; p = " + records["spaced"] + ";"
        zone = lines + [f"{name}._domainkey.example.com. TXT {strings(record)}" for name, record in records.items()]
        zone += [f"two._domainkey.example.com. TXT {strings(record)}" for record in (text, "v=spf1 -all")]
        zone.append("alias._domainkey.example.com. CNAME rsa._domainkey.example.com.")
        with open(os.path.join(folder, "resolv.conf"), "w", encoding="ascii") as out:
            out.write("nameserver 127.0.0.1\n")
        subprocess.run(["mount", "--bind", os.path.join(folder, "resolv.conf"), "/etc/resolv.conf"], check=True)
        with open(keys["rsa"] + ".conf", "w", encoding="ascii") as out:
            out.write("Nameservers 127.0.0.1\n")
        server = NameServer(zone)
        try:
            test_printed(lines, keys)
            test_published(keys)
        finally:
            server.stop()
            subprocess.run(["umount", "/etc/resolv.conf"], check=False)
    print(f"{checked} checks, {len(failures)} failed")
    sys.exit(1 if failures else 0)


main()
