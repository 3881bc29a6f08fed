#!/usr/bin/python3
"""Keys are made once and never overwritten, judged by openssl and by the milter itself, turned over by a
change that patch(1) takes, and taken over from the layouts of others."""
import base64
import glob
import os
import re
import shutil
import stat
import subprocess
import tempfile
import time

from served import CONFGEN, Checks, confgen, needs

SOURCE = os.environ["POSTERN_SOURCE"]
EXAMPLE = f"{SOURCE}/examples/dms-relay/topology.yaml"
os.environ["PATH"] += ":/usr/sbin:/sbin"
SECRET = "PRIVATE KEY"


def read(path, mode="r"):
    with open(path, mode) as file:
        return file.read()


def write(path, content, mode=0o644):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(content)
    os.chmod(path, mode)
    return path


def with_dkim(folder, text, name="topology.yaml"):
    """The example, with another DKIM setting."""
    example = read(EXAMPLE)
    old = "    dkim: {sign_at: private, selector: mail}\n"
    assert old in example
    return write(os.path.join(folder, name), example.replace(old, text))


def genpkey(path, *options):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    subprocess.run(["openssl", "genpkey", "-quiet", *options, "-out", path], check=True, stderr=subprocess.DEVNULL)
    os.chmod(path, 0o600)
    return path


def public(path):
    """p= of a key, as openssl has it."""
    der = subprocess.run(["openssl", "pkey", "-in", path, "-pubout", "-outform", "DER"], check=True,
                         stdout=subprocess.PIPE).stdout
    return base64.b64encode(der[-32:] if len(der) == 44 else der).decode()


def joined(text):
    """The strings of a record, put together."""
    return "".join(re.findall(r'"([^"]*)"', text))


def making(tests, folder):
    for kind, bits in (("rsa-2048", 2048), ("rsa-3072", 3072), ("rsa-4096", 4096), ("ed25519", 256)):
        topology = with_dkim(os.path.join(folder, kind), f"    dkim: {{sign_at: private, selector: mail, type: {kind}}}\n")
        done = confgen("keys", topology)
        key = os.path.join(folder, kind, "keys/example.com/mail.private")
        shown = subprocess.run(["openssl", "pkey", "-in", key, "-noout", "-text"], check=True, text=True,
                               stdout=subprocess.PIPE).stdout
        tests.check(f"{kind}: size", ("ED25519" in shown) if bits == 256 else f"{bits} bit" in shown, shown[:80])
        tests.check(f"{kind}: mode", stat.S_IMODE(os.stat(key).st_mode) == 0o600)
        tests.check(f"{kind}: record", f"p={public(key)}" in joined(done.stdout), done.stdout)
        tests.check(f"{kind}: record file", joined(read(key[:-7] + "txt")) == joined(done.stdout))
        tests.check(f"{kind}: no secret", SECRET not in done.stdout + done.stderr)
        tests.check(f"{kind}: nothing else", sorted(os.listdir(os.path.dirname(key))) == ["mail.private", "mail.txt"])
        before = read(key)
        tests.check(f"{kind}: made once", "0 days old" in confgen("keys", topology).stdout and read(key) == before)
        tests.check(f"{kind}: listed", "0 days old" in confgen("keys", "--list", topology).stdout)
        os.utime(key, (time.time() - 100 * 86400,) * 2)
        tests.check(f"{kind}: age", "100 days old" in confgen("keys", "--list", topology).stdout)


def never_overwritten(tests, folder):
    topology = with_dkim(folder, "    dkim: {sign_at: private, selector: mail}\n")
    path = os.path.join(folder, "keys/example.com/mail.private")
    for name, make in (("text", lambda: write(path, "mine", 0o600)), ("empty", lambda: write(path, "", 0o600)),
                       ("folder", lambda: os.makedirs(path)),
                       ("link to nowhere", lambda: os.symlink("/nonexistent/x", path)),
                       ("open", lambda: os.chmod(genpkey(path, "-algorithm", "ED25519"), 0o644))):
        shutil.rmtree(os.path.join(folder, "keys"), ignore_errors=True)
        os.makedirs(os.path.dirname(path))
        make()
        before = os.lstat(path)
        done = confgen("keys", topology, status=None)
        after = os.lstat(path)
        tests.check(f"{name}: refused", done.returncode in (1, 3), done)
        tests.check(f"{name}: untouched", (before.st_ino, before.st_mtime_ns, before.st_size, before.st_mode) ==
                    (after.st_ino, after.st_mtime_ns, after.st_size, after.st_mode), done)
    # many runs at once: one of them makes the key, and the others find it whole
    shutil.rmtree(os.path.join(folder, "keys"))
    runs = []
    for _ in range(8):
        runs.append(subprocess.Popen([CONFGEN, "keys", "-t", "ed25519", topology], stdout=subprocess.PIPE,
                                     stderr=subprocess.PIPE, text=True))
    said = [run.communicate() for run in runs]
    tests.check("at once: no third result", all(run.returncode in (0, 3) for run in runs), said)
    tests.check("at once: one at least", any(run.returncode == 0 for run in runs), said)
    tests.check("at once: whole", "BEGIN PRIVATE KEY" in read(path))
    tests.check("at once: record of it", f"p={public(path)}" in joined(read(path[:-7] + "txt")))
    tests.check("at once: nothing left", sorted(os.listdir(os.path.dirname(path))) == ["mail.private", "mail.txt"])


def killed(tests, folder):
    """Killed at any system call, a run leaves no key or a whole one; the next run mends it."""
    topology = with_dkim(folder, "    dkim: {sign_at: private, selector: mail, type: ed25519}\n")
    path = os.path.join(folder, "keys/example.com/mail.private")
    for call in ("mkdir", "openat", "write", "fsync", "linkat", "unlinkat", "rename"):
        for when in (1, 2, 3, 4):
            shutil.rmtree(os.path.join(folder, "keys"), ignore_errors=True)
            subprocess.run(["strace", "-f", "-qq", "-e", f"trace={call}", "-e",
                            f"inject={call}:signal=KILL:when={when}", CONFGEN, "keys", topology], check=False,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            tests.check(f"killed at {call} {when}: whole", not os.path.exists(path) or
                        "END PRIVATE KEY" in read(path))
            done = confgen("keys", topology)
            tests.check(f"killed at {call} {when}: the next run", f"p={public(path)}" in joined(done.stdout) and
                        f"p={public(path)}" in joined(read(path[:-7] + "txt")))


def judging(tests, folder):
    topology = with_dkim(folder, "    dkim: {sign_at: private, selector: mail, type: rsa-2048}\n")
    path = os.path.join(folder, "keys/example.com/mail.private")
    tests.check("missing", "[key-missing]" in confgen("keys", "-l", topology, status=1).stderr)
    tests.check("nothing made", not os.path.exists(path))
    for name, make, words in (
            ("size", lambda: genpkey(path, "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:3072"), "[key-type]"),
            ("type", lambda: genpkey(path, "-algorithm", "ED25519"), "[key-type]"),
            ("weak", lambda: genpkey(path, "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:1024"), "RFC 8301"),
            ("curve", lambda: genpkey(path, "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"), "only RSA and Ed25519"),
            ("group", lambda: os.chmod(genpkey(path, "-algorithm", "RSA"), 0o640), "its group"),
            ("others", lambda: os.chmod(genpkey(path, "-algorithm", "RSA"), 0o604), "chmod 0600"),
            ("encrypted", lambda: genpkey(path, "-algorithm", "RSA", "-aes-128-cbc", "-pass", "pass:x"), "encrypted")):
        if os.path.exists(path):
            os.unlink(path)
        make()
        done = confgen("keys", "-l", topology, status=1)
        tests.check(name, words in done.stderr, done.stderr)
        tests.check(f"{name}: no secret", SECRET not in done.stderr + done.stdout)
    # two names for one key
    two = with_dkim(folder, "    dkim: {sign_at: private, keys: [{selector: a}, {selector: b}]}\n", "two.yaml")
    confgen("keys", "-t", "ed25519", two)
    base = os.path.join(folder, "keys/example.com")
    shutil.copy(f"{base}/a.private", f"{base}/b.private")
    tests.check("twins", "[key-twice]" in confgen("keys", "-l", two, status=1).stderr)
    # dates
    past = with_dkim(folder, '    dkim: {sign_at: private, keys: [{selector: a, retire_after: "2020-01-01"}]}\n', "past.yaml")
    said = confgen("keys", "-l", past, status=1).stderr
    tests.check("no key signs", "[key-gap]" in said and "[key-retired]" in said, said)
    # a gap that the dates hold already: told with its days, at the key before it
    for keys, told in (
            ('{selector: a, retire_after: "2098-01-01"}, {selector: c, active_from: "2098-01-08"}', "from 2098-01-01 on until 2098-01-08"),
            ('{selector: a, retire_after: "2098-01-01"}, {selector: c, active_from: "2097-01-01", retire_after: "2098-02-01"}',
             "from 2098-02-01 on ["),
            ('{selector: a, retire_after: "2098-01-01"}, {selector: c, active_from: "2098-01-01"}', None),
            ('{selector: a, retire_after: "2098-01-01"}, {selector: c}', None)):
        ahead = with_dkim(folder, f"    dkim: {{sign_at: private, keys: [{keys}]}}\n", "ahead.yaml")
        said = confgen("keys", "-l", ahead, status=1).stderr  # the key that is missing
        tests.check(f"gap ahead: {keys}", ("[key-gap-ahead]" in said) == bool(told) and (told or "") in said, said)
    os.utime(f"{base}/a.private", (time.time() - 800 * 86400,) * 2)
    os.unlink(f"{base}/b.private")
    old = with_dkim(folder, "    dkim: {sign_at: private, selector: a}\n", "old.yaml")
    tests.check("old", "[key-old]" in confgen("keys", "-l", old, status=1).stderr)
    # where the topology says, on the host
    placed = with_dkim(folder, f"    dkim: {{sign_at: private, selector: x, key: {folder}/host/here.pem}}\n", "placed.yaml")
    confgen("keys", "--installed", "-t", "ed25519", placed)
    tests.check("installed", sorted(os.listdir(f"{folder}/host")) == ["here.pem", "here.txt"])
    for wrong in (["-t", "dsa"], ["-u", "no-such-user"], ["-d", "none.example"], ["-n", "nobody"], ["-i", "-k", "x"],
                  ["rotate"], ["import"], ["rotate", "none.example"], ["rotate", "example.com", "-s", "2001-01-01"],
                  ["rotate", "example.com", "-s", "soon"], ["rotate", "example.com", "-S", "a b"]):
        confgen("keys", *wrong, *([] if wrong in (["rotate"], ["import"]) else [topology]), status=2)
        tests.check(f"usage {wrong}", True)
    if os.geteuid() == 0:
        confgen("keys", "-k", f"{folder}/owned", "-u", "nobody:daemon", "-t", "ed25519", old)
        status = os.stat(f"{folder}/owned/example.com/a.private")
        tests.check("owner", (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (65534, 1, 0o600), status)


LAYOUTS = {
    "flow": "    dkim: {sign_at: private, selector: mail} # who signs\n",
    "flow, key first": "    dkim: {key: /etc/k.pem, selector: \"mail\", sign_at: private}\n",
    "flow, key last": "    dkim: {sign_at: private, selector: mail, subdomains: [a.example.com], key: '/etc/k.pem'}\n",
    "flow, lines": "    dkim: {sign_at: private,\n           selector: mail,\n           key: /etc/k.pem}\n",
    "block": "    dkim:\n      # a comment\n      sign_at: private # here\n      selector: mail # the first\n\n"
             "      # where it lies\n      key: /etc/k.pem # kept\n      subdomains: [a.example.com]\n",
    "block, odd indent": "    dkim:\n           selector:   'mail'\n           sign_at: private\n",
    "windows": "    dkim:\r\n      selector: mail\r\n      sign_at: private\r\n",
    "typed": "    dkim: {sign_at: private, selector: mail, type: ed25519}\n",
    "list in flow": "    dkim: {sign_at: private, keys: [{selector: mail, key: /etc/k.pem}, {selector: ed, type: ed25519}]}\n",
    "list, trailing comma": "    dkim: {sign_at: private, keys: [{selector: mail},]}\n",
    "list in block": "    dkim:\n      sign_at: private\n      keys:\n        - selector: mail # one\n          key: /etc/k.pem # its file\n"
                     "        # between\n        - {selector: ed, type: ed25519} # two\n",
    "list without indent": "    dkim:\n      keys:\n      - selector: mail\n      sign_at: private\n",
    "third turn": "    dkim:\n      sign_at: private\n      keys:\n"
                  "        - {selector: mail1, active_from: \"2020-01-01\", retire_after: \"2021-01-01\"}\n"
                  "        - {selector: mail2, active_from: \"2021-01-01\"}\n",
    "odd commas": "    dkim: {sign_at: private, selector: mail # one\n      , key: /etc/k.pem # two\n      }\n",
    "umlauts": "    # Schl\u00fcssel f\u00fcr \u20ac\n    dkim: {sign_at: private, selector: mail} # \u00e4\u00f6\n",
}
REFUSED = {
    "comment in brackets": "    dkim: {sign_at: private, selector: mail, # one\n      key: /etc/k.pem # two\n      }\n",
    "under way": "    dkim: {sign_at: private, keys: [{selector: a, retire_after: \"2099-01-01\"}, "
                 "{selector: b, active_from: \"2099-01-01\"}]}\n",
    "all retire": "    dkim: {sign_at: private, keys: [{selector: a, retire_after: \"2099-01-01\"}]}\n",
    "not signed": "",
}


def manifest_keys(topology, folder):
    """What the milter is told of the domain's keys, by render."""
    confgen("render", "-o", os.path.join(folder, "out"), topology)
    return read(os.path.join(folder, "out", "private", "postern-milter.conf"))


def comments(text):
    return sorted(re.findall(r"#[^\r\n]*", text))


def rotating(tests, folder):
    for name, layout in LAYOUTS.items():
        place = os.path.join(folder, re.sub(r"\W", "-", name))
        topology = with_dkim(place, layout)
        with open(topology, "rb") as file:
            before = file.read()
        confgen("keys", "-t", "ed25519", topology, status=None)
        shown = confgen("keys", "rotate", "example.com", "-s", "2098-01-01T06:00:00Z", topology)
        tests.check(f"{name}: only shown", read(topology, "rb") == before and "nothing was changed" in shown.stderr)
        diff = shown.stdout[:shown.stdout.index("\n; ") + 1]
        shutil.copy(topology, topology + ".patched")
        # \r\n in files is patch(1)'s own trouble
        done = subprocess.run(["patch", "--binary", topology + ".patched"], check=False, input=diff.encode(),
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        written = confgen("keys", "rotate", "example.com", "-s", "2098-01-01T06:00:00Z", "-w", topology)
        after = read(topology, "rb")
        tests.check(f"{name}: patch(1)", name == "windows" or read(topology + ".patched", "rb") == after, (done, diff))
        tests.check(f"{name}: comments", comments(before.decode()) == comments(after.decode()), after.decode())
        tests.check(f"{name}: line ends", (b"\r\n" in before) == (b"\r\n" in after) and
                    (name != "windows" or b'"2098-01-01T06:00:00Z"}\r\n' in after), after)
        confgen("check", "-P", topology)
        milter = manifest_keys(topology, place)
        fresh = re.findall(r'key "(\w+)" \{[^}]*active_from = "?2098-01-01T06:00:00Z', milter)
        ended = re.findall(r'key "(\w+)" \{[^}]*retire_after = "?2098-01-01T06:00:00Z', milter)
        tests.check(f"{name}: the milter", fresh and len(fresh) == len(ended), milter)
        for selector in fresh:
            key = os.path.join(place, "keys/example.com", f"{selector}.private")
            tests.check(f"{name}: key {selector}", os.path.exists(key) and f"p={public(key)}" in joined(written.stdout))
        listed = confgen("keys", "-l", topology, status=None).stdout
        zone = confgen("dns", topology).stdout
        tests.check(f"{name}: records of both", all(f"{s}._domainkey" in zone for s in fresh) and
                    all(f"{s}._domainkey" in zone or f"{s}: missing" in listed for s in ended), zone)
        again = confgen("keys", "rotate", "example.com", topology, status=1)
        tests.check(f"{name}: not twice", "[key-rotation]" in again.stderr and read(topology, "rb") == after)
    for name, layout in REFUSED.items():
        place = os.path.join(folder, "refused-" + re.sub(r"\W", "-", name))
        topology = with_dkim(place, layout)
        before = read(topology)
        done = confgen("keys", "rotate", "example.com", "-w", topology, status=1)
        tests.check(f"{name}: refused", "[key-rotation]" in done.stderr and read(topology) == before, done)
        tests.check(f"{name}: no key", not glob.glob(f"{place}/keys/*/*"))


def importing(tests, folder):
    topology = with_dkim(folder, "    dkim: {sign_at: private, selector: mail}\n  other.example: {mailboxes: private}\n")
    text = read(topology).replace("[example.com]", "[example.com, other.example]")
    write(topology, text)

    def imported(name, source, *arguments, status=0, keys=None):
        keys = keys or os.path.join(folder, f"keys-{name}")
        done = confgen("keys", "import", "-k", keys, *arguments, source, topology, status=status)
        tests.check(f"{name}: no secret", SECRET not in done.stdout + done.stderr and "MII" not in done.stdout + done.stderr, done)
        return keys, done

    def same(name, keys, domain, selector, original):
        path = f"{keys}/{domain}/{selector}.private"
        tests.check(f"{name}: {domain}", os.path.exists(path) and public(path) == public(original) and
                    stat.S_IMODE(os.stat(path).st_mode) == 0o600, path)

    # OpenDKIM, as opendkim-genkey makes keys, and docker-mailserver puts them into tables
    base = os.path.join(folder, "dms/opendkim")
    for domain, selector in (("example.com", "mail"), ("other.example", "s-1")):
        os.makedirs(f"{base}/keys/{domain}")
        subprocess.run(["opendkim-genkey", "-b", "2048", "-d", domain, "-s", selector, "-D", f"{base}/keys/{domain}"], check=True)
        tests.check(f"genkey {domain}", f"p={public(f'{base}/keys/{domain}/{selector}.private')}" in
                    joined(read(f"{base}/keys/{domain}/{selector}.txt")))
    write(f"{base}/KeyTable", "# keys\nmail._domainkey.example.com example.com:mail:/etc/opendkim/keys/example.com/mail.private\n"
                              "two\tother.example:s-1:/etc/opendkim/keys/other.example/s-1.private\r\n")
    write(f"{base}/SigningTable", "*@example.com mail._domainkey.example.com\n*@lists.other.example two\n*@other.example two\n")
    for source in ("dms", "dms/opendkim"):
        keys, done = imported(source.replace("/", "-"), os.path.join(folder, source))
        same(source, keys, "example.com", "mail", f"{base}/keys/example.com/mail.private")
        same(source, keys, "other.example", "s-1", f"{base}/keys/other.example/s-1.private")
        tests.check(f"{source}: advice", "dkim: {sign_at: private, selector: s-1, subdomains: [lists.other.example]}" in done.stdout,
                    done.stdout)
    tests.check("again", "there already" in imported("dms", os.path.join(folder, "dms"))[1].stdout)
    # a record that opendkim-genkey wrote serves where the private key is not
    published = os.path.join(folder, "published")
    os.makedirs(f"{published}/example.com")
    shutil.copy(f"{base}/keys/example.com/mail.txt", f"{published}/example.com/")
    zone = confgen("dns", "-k", published, EXAMPLE).stdout
    tests.check("record of opendkim-genkey", f"p={public(f'{base}/keys/example.com/mail.private')}" in joined(zone), zone)
    # another key of the same name is left alone
    other = os.path.join(folder, "another")
    genpkey(f"{other}/example.com/mail.private", "-algorithm", "ED25519")
    before = read(f"{other}/example.com/mail.private")
    done = imported("another", os.path.join(folder, "dms"), status=3, keys=other)[1]
    tests.check("another key", "another key has that name" in done.stderr and
                read(f"{other}/example.com/mail.private") == before, done)
    # without tables, and as images have them
    keys, _ = imported("tree", f"{base}/keys")
    same("tree", keys, "other.example", "s-1", f"{base}/keys/other.example/s-1.private")
    image = os.path.join(folder, "image")
    genpkey(f"{image}/example.com.private", "-algorithm", "RSA")
    keys, _ = imported("image", image)
    same("image", keys, "example.com", "mail", f"{image}/example.com.private")
    # rspamd, as docker-mailserver has it: by its configuration, or by names of files
    rspamd = os.path.join(folder, "dms2/rspamd")
    first = genpkey(f"{rspamd}/dkim/rsa-2048-m-x-other.example.private.txt", "-algorithm", "RSA")
    second = genpkey(f"{rspamd}/dkim/ed25519-ed-example.com.private.txt", "-algorithm", "ED25519")
    keys, _ = imported("rspamd-names", os.path.join(folder, "dms2"))
    same("rspamd names", keys, "other.example", "m-x", first)
    same("rspamd names", keys, "example.com", "ed", second)
    write(f"{rspamd}/override.d/dkim_signing.conf", """# documentation
enabled = true;
path = "/tmp/docker-mailserver/rspamd/dkim/$domain.key";
domain {
    other.example {
        path = "/tmp/docker-mailserver/rspamd/dkim/rsa-2048-m-x-other.example.private.txt";
        selector = "m-x";
    }
    example.com { selectors [ { path: '/tmp/docker-mailserver/rspamd/dkim/ed25519-ed-example.com.private.txt', selector: ed } ] }
}
""")
    raw = subprocess.run(["openssl", "pkey", "-in", second, "-outform", "DER"], check=True, stdout=subprocess.PIPE).stdout[-32:]
    pem = shutil.copy(second, os.path.join(folder, "second.pem"))
    for name, data in (("seed", raw), ("seed and public", raw + base64.b64decode(public(pem)))):
        write(second, base64.b64encode(data).decode() + "\n", 0o600)
        keys, _ = imported("rspamd-" + name.replace(" ", "-"), os.path.join(folder, "dms2"))
        same(f"rspamd, {name}", keys, "other.example", "m-x", first)
        same(f"rspamd, {name}", keys, "example.com", "ed", pem)
    # bad input: what is wrong is said, the rest is imported, nothing outside of the folder is read
    bad = os.path.join(folder, "bad")
    genpkey(f"{bad}/good.private", "-algorithm", "RSA")
    genpkey(os.path.join(folder, "outside.private"), "-algorithm", "RSA")
    write(f"{bad}/KeyTable", "good example.com:mail:good.private\n"
                             "any %:s:/x\nshort example.com\nname exa_mple..com:s:/x\nselector example.com:a/../b:/x\n"
                             f"inline example.com:s:MII{'A' * 3000}\nabove example.com:up:../outside.private\n"
                             f"far example.com:far:{folder}/outside.private\nforeign unknown.example:s:good.private\n"
                             "link example.com:link:link.private\n"
                             "\x1b[31m\0 example.com:s:/x\n" + "x" * 100000 + "\n")
    os.symlink("../outside.private", f"{bad}/link.private")
    keys, done = imported("bad", bad, status=1)
    tests.check("bad: one good", [os.path.basename(p) for p in glob.glob(f"{keys}/*/*.private")] == ["mail.private"], done)
    tests.check("bad: each is named", len(re.findall(r"KeyTable:\d+:1: warning", done.stderr)) == 11, done.stderr)
    tests.check("bad: no escapes", "\x1b" not in done.stderr and "A" * 50 not in done.stderr, done.stderr)
    tests.check("nothing there", "no keys" in imported("none", os.path.join(folder, "rsa-2048"), status=1)[1].stderr
                if os.path.isdir(os.path.join(folder, "rsa-2048")) else True)
    imported("absent", os.path.join(folder, "absent"), status=3)


def main():
    needs(("openssl", "openssl"), ("opendkim-genkey", "opendkim-tools"), ("strace", "strace"), ("patch", "patch"))
    tests = Checks()
    for part in (making, never_overwritten, killed, judging, rotating, importing):
        with tempfile.TemporaryDirectory() as folder:
            part(tests, folder)
    tests.end()


main()
