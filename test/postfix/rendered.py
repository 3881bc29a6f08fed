#!/usr/bin/python3
"""rendered.py NAME TOPOLOGY [RELEASE]: what Postfix's own programs see in the rendered files.

Each host's files are put into a folder as its administrator would put them, docker-mailserver's the
way docker-mailserver applies them; then postconf and postmap are asked, and must complain of
nothing. demands.py has what they must answer. With RELEASE ("3.5") the files are for that release of
Postfix, whose own programs judge them (../matrix).
"""

import json
import os
import pathlib
import pwd
import re
import shutil
import stat
import subprocess
import sys
import tempfile
import time

from demands import DEMANDS, LOOPBACK, TABLE_TYPES

sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "matrix"))
import release as releases  # noqa: E402

# What docker-mailserver has before its overrides come, as far as they touch it.
DMS_MAIN = """compatibility_level = 3.6
mynetworks = 127.0.0.0/8 [::1]/128 [fe80::]/64
relayhost =
recipient_delimiter = +
smtpd_milters =
non_smtpd_milters =
"""
DMS_MASTER = """smtp inet n - n - 1 postscreen
smtpd pass - - n - - smtpd
submission inet n - n - - smtpd
  -o smtpd_sasl_auth_enable=yes
submissions inet n - n - - smtpd
  -o smtpd_tls_wrappermode=yes
smtp unix - - n - - smtp
relay unix - - n - - smtp
smtp-amavis unix - - n - 2 smtp
"""

failures = []
inside = []  # what goes before a command of Postfix, to run it in another root


def fail(*words):
    failures.append(" ".join(str(word) for word in words))


def expect(what, got, wanted):
    if got != wanted:
        fail(f"{what}: got {got!r}, wanted {wanted!r}")


def run(*argv, expected=None):
    """Standard output of a program that must succeed in silence, but for the expected."""
    result = subprocess.run([*inside, *argv], capture_output=True, text=True, timeout=60,
                            env={"LC_ALL": "C", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})
    said = [line for line in result.stderr.splitlines() if not expected or expected not in line]
    if result.returncode or said:
        fail(" ".join(argv), "gives", result.returncode, "and says", said)
    return result.stdout


def lookup(folder, table, key):
    """The value of a key, None if it is not there; anything else is a failure."""
    argv = ["postmap", "-c", str(folder), "-q", key, table]
    result = subprocess.run([*inside, *argv], capture_output=True, text=True, timeout=60)
    if result.stderr or result.returncode not in (0, 1):
        fail(" ".join(argv), "says", repr(result.stderr))
    return result.stdout.rstrip("\n") if result.returncode == 0 else None


def words(value):
    """Words at white space and commas outside braces, as Postfix splits restrictions and maps."""
    found, depth, word = [], 0, ""
    for char in value + " ":
        if char in " \t\n," and depth == 0:
            if word:
                found.append(word)
            word = ""
            continue
        depth += (char == "{") - (char == "}")
        word += char
    return found


class Host:
    """The folder of one host as Postfix would find it."""

    def __init__(self, tree, entry, folder, topology, demand):
        self.name, self.entry, self.tree = entry["name"], entry, tree
        self.folder, self.topology, self.demand = folder, topology, demand
        folder.mkdir()
        if entry["kind"] == "dms":
            self.install_dms()
        else:
            self.install_postfix()

    def source(self, name):
        return (self.tree / self.name / name).read_text()

    def install_postfix(self):
        for file in self.entry["files"]:
            if file["install"].startswith("/etc/postfix/"):
                shutil.copy(self.tree / file["path"], self.folder)
        self.settle()
        for file in self.entry["files"]:
            if file["index"] != "none":
                run("postmap", "-c", str(self.folder),
                    file["index"] + ":" + str(self.folder / pathlib.Path(file["path"]).name))

    def install_dms(self):
        """As docker-mailserver: services line by line, then main.cf appended and rewritten."""
        (self.folder / "main.cf").write_text(DMS_MAIN)
        (self.folder / "master.cf").write_text(DMS_MASTER)
        for line in self.source("postfix-master.cf").splitlines():
            if re.match("[0-9a-z]", line):
                self.settle()
                if re.search(r"\s", line.split("=", 1)[1].strip()):
                    fail(self.name, "white space inside the value, fatal for postconf -P:", line)
                run("postconf", "-c", str(self.folder), "-P", line)
            elif line and not line.startswith("#"):
                fail(self.name, "docker-mailserver skips this line in silence:", line)
        with (self.folder / "main.cf").open("a") as main:
            main.write(self.source("postfix-main.cf"))
        self.settle()
        (self.folder / "main.cf").write_text(
            run("postconf", "-c", str(self.folder), "-n", expected="overriding earlier entry: "))
        for name in ("postfix-relaymap.cf", "postfix-sasl-password.cf"):
            if (self.tree / self.name / name).exists():
                shutil.copy(self.tree / self.name / name, self.folder)
        self.settle()

    def settle(self):
        """Makes the files look old: who reads one of the last second waits, lest it grow."""
        for file in self.folder.iterdir():
            os.utime(file, (time.time() - 60,) * 2)

    def value(self, parameter):
        return run("postconf", "-c", str(self.folder), "-xh", parameter).strip()

    def table(self, where):
        """The table that `where` of demands.py means, as postmap wants it."""
        if where.endswith(".cf"):
            return "texthash:" + str(self.folder / where)
        parameter, _, action = where.partition("/")
        parts = words(self.value(parameter))
        return parts[parts.index(action) + 1] if action else parts[0]

    # --- the demands ---

    def check(self):
        self.check_syntax()
        self.try_milter()
        if not self.demand:  # none is written down: Postfix accepts the files, and that is all
            return
        self.check_relaying()
        for parameter, wanted in self.demand["main"].items():
            expect(f"{self.name}: {parameter}", self.value(parameter), wanted)
        for where, rows in self.demand["ask"].items():
            table = self.table(where)
            for key, wanted in rows.items():
                expect(f"{self.name}: {key} in {where}", lookup(self.folder, table, key), wanted)
        for service, wanted in self.demand.get("master", {}).items():
            self.check_service(service, wanted)
        for client, senders in self.demand.get("limits", {}).items():
            self.check_limit(client, senders)
        for what, lines in self.demand["causes"].items():
            self.check_cause(what, lines)
        for name, mode in self.demand.get("modes", {}).items():
            expect(f"{self.name}: mode of {name}",
                   stat.S_IMODE((self.tree / self.name / name).stat().st_mode), mode)
        self.check_milter()

    def check_syntax(self):
        for option in ("-n", "-M", "-P"):
            run("postconf", "-c", str(self.folder), option)
        if inside and self.entry["kind"] == "postfix":
            run("postfix", "-c", str(self.folder), "check")
        for file in self.entry["files"]:
            text = (self.tree / file["path"]).read_text()
            if "{{" in text or "}}" in text or "(null)" in text:
                fail(file["path"], "holds what no template should leave")

    def check_relaying(self):
        """Who may relay: loopback, who was named, and nobody else."""
        expect(f"{self.name}: mynetworks", set(self.value("mynetworks").split()),
               LOOPBACK | self.demand["trusted"])
        if self.entry["kind"] == "dms":
            return
        restrictions = words(self.value("smtpd_relay_restrictions"))
        expect(f"{self.name}: last relay restriction", restrictions[-1],
               "reject_unauth_destination")
        if set(restrictions[:-1]) - {"permit_mynetworks", "permit_sasl_authenticated"}:
            fail(self.name, "relay restrictions permit more:", restrictions)
        if self.value("relay_domains") and not self.value("relay_recipient_maps"):
            fail(self.name, "relay_recipient_maps is empty: unknown recipients bounce")
        expect(f"{self.name}: parents match sub-domains, but not in relay_domains",
               self.value("parent_domain_matches_subdomains"), "smtpd_access_maps")

    def check_service(self, service, wanted):
        lines = run("postconf", "-c", str(self.folder), "-P").splitlines()
        got = {}
        for line in lines:
            parameter, _, value = line.partition("=")
            got[parameter.strip()] = value.strip()
        for parameter, value in wanted.items():
            expect(f"{self.name}: {service}/{parameter}", got.get(service + "/" + parameter), value)

    def check_limit(self, client, senders):
        """The class that the client gets lets these senders pass, and no others."""
        kind = "check_client_access" if "." in client or ":" in client else "check_sasl_access"
        name = lookup(self.folder, self.table("smtpd_sender_restrictions/" + kind), client)
        expect(f"{self.name}: {client} is limited", name is not None, senders is not None)
        if not name or not senders:
            return
        if name not in self.value("smtpd_restriction_classes").split():
            fail(f"{self.name}: {name} is no restriction class")
        restrictions = words(self.value(name))
        expect(f"{self.name}: {name} asks a table", restrictions[0], "check_sender_access")
        for sender, wanted in senders.items():
            expect(f"{self.name}: {sender} in {name}", lookup(self.folder, restrictions[1], sender),
                   wanted)
        # whatever the table does not name is refused
        if len(restrictions) != 4 or not restrictions[3].startswith("static:{550 "):
            fail(f"{self.name}: {name} lets other senders pass: {restrictions}")

    def check_cause(self, what, lines):
        """The comment before a row, or in the block of a parameter, names the topology's line."""
        if isinstance(what, tuple):
            name, key = what
            before = re.split("^" + re.escape(key) + r"[ \t]", self.source(name), 1, re.M)[0]
            # a comment holds until the next one, and the heading names no line
            named = re.findall(r"^#.*" + re.escape(self.topology) + r":(\d+)$", before, re.M)[-1:]
        else:
            name = "main.cf" if self.entry["kind"] == "postfix" else "postfix-main.cf"
            blocks = [block for block in self.source(name).split("\n\n")
                      if re.search(f"^{what} *=", block, re.M)]
            named = re.findall(re.escape(self.topology) + r":(\d+)", "\n".join(blocks))
        # several lines in the demand of a row: any of them will do, it is one statement
        got = {int(line) for line in named}
        if not got or not (got <= lines if isinstance(what, tuple) else got & lines):
            fail(f"{self.name}: {what} names lines {got}, wanted {lines}")

    def check_milter(self):
        wanted, path = self.demand["milter"], self.tree / self.name / "postern-milter.conf"
        expect(f"{self.name}: has a milter", path.exists(), wanted is not False)
        if not wanted or not path.exists():
            return
        text = path.read_text()
        for needle in wanted:
            if needle not in text:
                fail(f"{self.name}: the milter's configuration lacks {needle}")
        for needle in self.demand.get("milter_lacks", []):
            if needle in text:
                fail(f"{self.name}: the milter's configuration has {needle}")

    def try_milter(self):
        """The milter itself reads the file, with a user and keys that are there."""
        path = self.tree / self.name / "postern-milter.conf"
        if not path.exists():
            return
        key, copy = self.folder / "key.pem", self.folder / "postern-milter.conf"
        subprocess.run(["openssl", "genrsa", "-out", key, "2048"], check=True, capture_output=True)
        key.chmod(0o600)
        text = re.sub(r'^( *(?:key|file) = )".*"$', rf'\1"{key}"', path.read_text(), flags=re.M)
        user = pwd.getpwuid(os.getuid()).pw_name if os.getuid() else "nobody"
        text = re.sub("^user = .*$", f'user = "{user}"', text, flags=re.M)
        copy.write_text(re.sub("^socket_group = .*\n", "", text, flags=re.M))
        said = subprocess.run([os.environ["POSTERN_MILTER"], "--test", f"--config={copy}"], text=True,
                              capture_output=True, timeout=60)
        if said.returncode or said.stderr:
            fail(f"{self.name}: the milter says {said.stderr} of its configuration")


def check_defects(hosts):
    """Mistakes of well-known instructions for this very set-up."""
    names = [host.entry["hostname"] for host in hosts]
    expect("host names that are used twice", len(set(names)), len(names))
    for host in hosts:
        text = "\n".join(host.source(pathlib.Path(file["path"]).name)
                         for file in host.entry["files"])
        if re.search(r"static:[^{\s]*:", text) or "${SMTP_" in text:
            fail(host.name, "a password stands in main.cf, or is expanded to nothing")
        if re.search("^[a-z]+/inet/smtp_", text, re.M):
            fail(host.name, "a client's parameter for a server does nothing")
        if "domain " in text:
            domains = set(re.findall('^domain "(.*)"', text, re.M))
            if domains & set(names):
                fail(host.name, "signs for a host's name, not for the senders' domain")
        if host.entry["kind"] == "dms":
            if lookup(host.folder, host.table("postfix-relaymap.cf"), "<>") is None:
                fail(host.name, "bounces bypass the relay: the relay map lacks <>")


def check_types(name, host):
    """The lookup tables are of the type that the node asked for."""
    wanted = TABLE_TYPES.get((name, host.name))
    for parameter in ("transport_maps", "relay_domains", "relay_recipient_maps") if wanted else ():
        expect(f"{host.name}: type of {parameter}", host.value(parameter).partition(":")[0],
               wanted)


SECRETS = {"POSTERN_TEST_PASSWORD": "pässwort", "SES_PASSWORD": "ses-secret",
           "MAILGUN_PASSWORD": "mailgun-secret", "INVOICES_PASSWORD": "invoices-secret",
           "PROVIDER_PASSWORD": "correct horse battery"}


def render(topology, work, release):
    """The tree that postern-confgen makes of a copy of the topology, with secrets kept."""
    if release:
        copy = releases.topology_for(topology, release, work, ("postfix", "dms"))
    else:
        copy = work / "source" / topology.name
        shutil.copytree(topology.parent, copy.parent)
    for secret in copy.parent.glob("secrets/*"):
        secret.chmod(0o600)
    subprocess.run([os.environ["POSTERN_CONFGEN"], "render", "-o", work / "tree", copy], check=True,
                   env={**os.environ, **SECRETS})
    return work / "tree"


def demands_of(name, entries, release):
    """By node, what demands.py says of it: for another release without what hangs on lines of the
    topology, which has other lines then, or on the release itself."""
    demands = DEMANDS.get(name, {entry["name"]: None for entry in entries})
    if not release:
        return demands
    level = {"compatibility_level": "2" if release == "3.5" else "3.6"}
    return {entry["name"]: demands[entry["name"]] and {
        **demands[entry["name"]], "causes": {},
        "main": {**demands[entry["name"]]["main"], **(level if entry["kind"] == "postfix" else {})}}
            for entry in entries}


def enter(release):
    """From here on Postfix's commands are those of that release."""
    root = releases.enter(release)
    inside.extend(["chroot", root])
    expect("release in the root", run("postconf", "-dh", "mail_version").split(".")[:2],
           release.split("."))


def main():
    name, topology = sys.argv[1], pathlib.Path(sys.argv[2])
    release = sys.argv[3] if len(sys.argv) > 3 else None
    os.environ["PATH"] += ":/usr/sbin"
    if release:
        enter(release)
    elif not shutil.which("postconf"):
        print("Postfix is not installed")
        return 77
    with tempfile.TemporaryDirectory(dir="/tmp" if release else None) as folder:
        work = pathlib.Path(folder)
        tree = render(topology, work, release)
        manifest = json.loads((tree / "manifest.json").read_text())
        entries = [node for node in manifest["nodes"] if node["kind"] in ("postfix", "dms")]
        if release == "3.5":  # the images of docker-mailserver never had that
            entries = [entry for entry in entries if entry["kind"] != "dms"]
        demands = demands_of(name, entries, release)
        expect("nodes", {entry["name"] for entry in entries}, set(demands))
        hosts = [Host(tree, entry, work / entry["name"], topology.name, demands[entry["name"]])
                 for entry in entries]
        for host in hosts:
            host.check()
            check_types(name, host)
        if name in DEMANDS:
            check_defects(hosts)
    for line in failures:
        print(line)
    return bool(failures)


sys.exit(main())
