#!/usr/bin/python3
"""
What lint may be pointed at: folders, files, docker-mailserver's overrides, compose.yaml, a thousand
at once, and what is no configuration at all: each ends in a message, none in a crash.
"""
import os
import re
import shutil
import subprocess
import tempfile

from lintlib import CONFGEN, DATA, SOURCE, Checks, lint, run

checks = Checks()
work = tempfile.mkdtemp(prefix="lint-")
NETWORKS = "mynetworks = 127.0.0.0/8, 11.22.33.0/24\n"
# mynetworks counts where a restriction uses it; images have such restrictions of their own
OPEN = NETWORKS + "smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination\n"
MASTER = "smtp inet n - n - - smtpd\n"


def write(name, text):
    """A file below the folder of this test."""
    path = f"{work}/{name}"
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(text if isinstance(text, bytes) else text.encode())


def places(*arguments):
    """RULE FILE:LINE of R01, and the exit status."""
    findings, status = lint("-T", "3.7", "--no-permissions", *arguments, cwd=work)
    return sorted(f"{f.file}:{f.line}" for f in findings if f.rule == "R01"), status


write("etc/main.cf", OPEN)
write("etc/master.cf", MASTER)
for name, wanted in {"etc": "etc/main.cf:1", "etc/": "etc/main.cf:1", "./etc": "./etc/main.cf:1",
                     "etc/main.cf": "etc/main.cf:1", f"{work}/etc//": f"{work}/etc/main.cf:1"}.items():
    checks.equal(places(name), ([wanted], 1), name)
checks.equal(places("etc/master.cf"), ([], 0), "master.cf alone")

# docker-mailserver's overrides
write("config/postfix-main.cf", "# more\n" + NETWORKS)
write("config/postfix-master.cf", "# more\nsubmission/inet/mynetworks=10.0.0.0/8\n"
                                  "submission/inet/smtpd_milters=inet:127.0.0.1:8894\n")
write("config/postfix-relaymap.cf", "@example.com [mail.example.net]:587\n<> [mail.example.net]:587\n")
checks.equal(places("config"), (["config/postfix-main.cf:2"], 1), "overrides")
checks.equal(places("config/postfix-main.cf"), (["config/postfix-main.cf:2"], 1), "postfix-main.cf")
os.remove(f"{work}/config/postfix-main.cf")
checks.equal(places("config")[0], [], "overrides of services only")
write("config/postfix-main.cf", f"# postern: ignore=R01 ours\n{NETWORKS}")
checks.equal(places("config"), ([], 0), "a comment in overrides")

# what the image sets may be set again, what the overrides set twice is told by their own lines
write("again/postfix-main.cf", "mynetworks = 127.0.0.0/8\nmyorigin = a.example\nmyorigin = b.example\n")
write("again/postfix-master.cf", "submission/inet/smtpd_tls_security_level=encrypt\n"
                                 "smtp/inet/smtpd_milters=inet:127.0.0.1:8891\n")
again = lint("-T", "3.7", "--no-permissions", "again", cwd=work)[0]
checks.equal(sorted(f"{f.rule}:{f.line}" for f in again), ["D09:2", "S04:3"], "set again")
checks.equal(["line 2" in f.message for f in again if f.rule == "S04"], [True], "the line of the first")

# compose.yaml
COMPOSE = """services:
  web:
    image: nginx
    environment: {POSTFIX_mynetworks: 11.22.33.0/24}
  relay:
    image: boky/postfix:latest
    environment:
      ALLOWED_SENDER_DOMAINS: example.com
      RELAYHOST_PASSWORD: hunter2
      POSTFIX_mynetworks: 127.0.0.0/8, 11.22.33.0/24
"""
write("compose/compose.yaml", COMPOSE)
checks.equal(places("compose/compose.yaml"), (["compose/compose.yaml:10"], 1), "environment, mapping")
write("compose/list.yml", COMPOSE.replace("ALLOWED_SENDER_DOMAINS: ", "- ALLOWED_SENDER_DOMAINS=")
      .replace("RELAYHOST_PASSWORD: ", "- RELAYHOST_PASSWORD=")
      .replace("POSTFIX_mynetworks: 127", "- POSTFIX_mynetworks=127"))
checks.equal(places("compose/list.yml"), (["compose/list.yml:10"], 1), "environment, list")
write("compose/networks.yaml", COMPOSE.replace("POSTFIX_mynetworks: 127", "MYNETWORKS: 127"))
checks.equal(places("compose/networks.yaml"), (["compose/networks.yaml:10"], 1), "MYNETWORKS")
write("compose/silenced.yaml", COMPOSE.replace("      POSTFIX_my", "      # postern: ignore=R01 ours\n"
                                               "      POSTFIX_my"))
checks.equal(places("compose/silenced.yaml"), ([], 0), "a comment in YAML")
write("compose/host.yaml", COMPOSE.replace("11.22.33.0/24\n", "${NETWORK}\n"))
checks.equal(places("compose/host.yaml"), ([], 0), "what depends on the host is not judged")
write("compose/lines.yaml", COMPOSE.replace("POSTFIX_mynetworks: 127.0.0.0/8, 11.22.33.0/24",
                                            'POSTFIX_relayhost: "x\\nmynetworks = 11.22.33.0/24"'))
checks.equal(places("compose/lines.yaml")[0], [], "a value is one line")
write("compose/files.yaml", """services:
  mail:
    image: ghcr.io/docker-mailserver/docker-mailserver:latest
    env_file: mailserver.env
    volumes:
      - ./config/:/tmp/docker-mailserver/
      - {type: bind, source: ./postfix, target: /etc/postfix}
      - ../etc:/etc/postfix
      - /etc/postfix:/etc/postfix
      - data:/var/mail
""")
write("compose/mailserver.env", "# more\nDEFAULT_RELAY_HOST=[mail.example.net]:587\nRELAY_PASSWORD=hunter2\n")
write("compose/config/postfix-main.cf", NETWORKS)
write("compose/postfix/main.cf", "\n" + OPEN)
write("compose/postfix/master.cf", MASTER)
checks.equal(places("compose/files.yaml"),
             (["compose/config/postfix-main.cf:1", "compose/postfix/main.cf:2"], 1),
             "mapped files, and only those below the folder")
write("compose/none.yaml", "services: {web: {image: nginx}}\n")
checks.equal(places("compose/none.yaml"), ([], 3), "nothing known in compose.yaml")
write("compose/broken.yaml", "services: [\n")
checks.equal(places("compose/broken.yaml")[1], 3, "compose.yaml that is no YAML")
for name in os.listdir(f"{work}/compose"):
    if name.endswith(("yaml", "yml")):
        for form in ("text", "json", "sarif", "junit"):
            result = run("lint", "--format", form, f"compose/{name}", cwd=work)
            checks.check(b"hunter2" not in result.stdout + result.stderr, f"{name}: a secret is told")

# what is no configuration
write("odd/nul/main.cf", b"myhostname = a\0b\n")
write("odd/elf/main.cf", b"\x7fELF\x02\x01\x01" + bytes(range(256)) * 64)
write("odd/jinja/main.cf", "myhostname = {{ hostname }}\n")
write("odd/go/main.cf", "{{ range .Networks }}\nx = {{ . }}\n{{ end }}\n")
write("odd/erb/main.cf", "myhostname = <%= @fqdn %>\n")
os.makedirs(f"{work}/odd/empty")
os.makedirs(f"{work}/odd/folder/main.cf")
os.makedirs(f"{work}/odd/loop")
os.symlink("main.cf", f"{work}/odd/loop/main.cf")
os.makedirs(f"{work}/odd/fifo")
os.mkfifo(f"{work}/odd/fifo/main.cf.fifo")
os.symlink("/dev/zero", f"{work}/odd/fifo/main.cf")
os.makedirs(f"{work}/odd/huge")
with open(f"{work}/odd/huge/main.cf", "wb") as file:
    file.truncate(100 << 20)
for name in sorted(os.listdir(f"{work}/odd")) + ["missing"]:
    result = run("lint", "--no-permissions", f"odd/{name}", cwd=work)
    checks.equal(result.returncode, 3, f"{name}: exit status")
    checks.check(b"error: " in result.stdout, f"{name}: no message")
    checks.check(len(result.stdout) < 10000, f"{name}: {len(result.stdout)} octets of output")
for name, text in {"empty": b"", "dots": b"." * 100000, "long line": b"x = " + b"y " * 400000,
                   "no end": b"x", "continued": b"x =\n" + b" y\n" * 100000,
                   "names": b"".join(b"a%d = $a%d\n" % (i, i + 1) for i in range(5000)),
                   "same": NETWORKS.encode() * 10000, "UTF-8": "x = \u202e\u00e9\n".encode(),
                   "comments": b"# postern: ignore=R01\n" * 40000,
                   "empty names": b" = x\n" * 1000}.items():
    write("some/main.cf", text)
    write("some/master.cf", text)
    result = run("lint", "--no-permissions", "some", cwd=work)
    checks.check(result.returncode in (0, 1), f"{name}: exit status {result.returncode}")
    checks.check("\u202e".encode() not in result.stdout, f"{name}: not escaped")

# from a stranger: links that lead out, pipes, devices, macros that grow; names and escapes in output
outside = tempfile.mkdtemp(prefix="lint-outside-")
with open(f"{outside}/main.cf", "w", encoding="utf-8") as file:
    file.write("PRIVATE TEXT\nPRIVATE = TEXT\n")
os.makedirs(f"{work}/strange/link")
os.symlink(f"{outside}/main.cf", f"{work}/strange/link/main.cf")
os.makedirs(f"{work}/strange/master")
write("strange/master/main.cf", "compatibility_level = 3.6\n")
os.symlink(f"{outside}/main.cf", f"{work}/strange/master/master.cf")
os.makedirs(f"{work}/strange/dms")
os.symlink(f"{outside}/main.cf", f"{work}/strange/dms/postfix-main.cf")
os.makedirs(f"{work}/strange/pipe")
os.mkfifo(f"{work}/strange/pipe/main.cf")
for name in ("link", "master", "dms", "pipe"):
    result = run("lint", "--no-permissions", f"strange/{name}", cwd=work)
    checks.equal(result.returncode, 3, f"a stranger's {name}: exit status")
    checks.check(b"PRIVATE" not in result.stdout and b"[S16]" in result.stdout, f"a stranger's {name}: {result.stdout}")
write("strange/maps/main.cf", "compatibility_level = 3.6\nsmtpd_forbid_bare_newline = yes\n"
      "virtual_alias_maps = texthash:/etc/postfix/link texthash:/etc/postfix/pipe texthash:/etc/postfix/zero\n"
      f"mynetworks = /etc/postfix/link, 127.0.0.0/8\nrelay_domains = texthash:/etc/postfix/../../x, texthash:{outside}/main.cf\n")
write("strange/maps/master.cf", MASTER)
os.symlink(f"{outside}/main.cf", f"{work}/strange/maps/link")
os.mkfifo(f"{work}/strange/maps/pipe")
os.symlink("/dev/zero", f"{work}/strange/maps/zero")
result = run("lint", "--no-permissions", "-T", "3.7", "strange/maps", cwd=work)
checks.check(b"PRIVATE" not in result.stdout, f"a stranger's tables: {result.stdout}")
checks.check(b"strange/maps/pipe: error: cannot be read: not a regular file [S16]" in result.stdout,
             f"a pipe for a table: {result.stdout}")
os.symlink("../maps/main.cf", f"{work}/strange/link/inside.cf")
os.remove(f"{work}/strange/link/main.cf")
os.symlink("../maps/main.cf", f"{work}/strange/link/main.cf")
checks.check(run("lint", "--no-permissions", "strange/link", cwd=work).returncode in (0, 1),
             "a link within where we are is followed")
shutil.rmtree(outside)
grows = "a0 = xxxxxxxxxx\n" + "".join(f"a{i} = $a{i - 1}$a{i - 1}$a{i - 1}\n" for i in range(1, 60))
for name, text in {"grows": grows + "mynetworks = $a59\n", "round": "a = $b\nb = ${c}\nc = x$a\nmynetworks = $a\n",
                   "deep": "x = " + "${a?{" * 20000 + "}}" * 20000 + "\n",
                   "tables": "virtual_alias_maps = " + "inline:{" * 9000 + "}" * 9000 + "\n",
                   "envsubst": "myhostname = ${HOST}\nmessage_size_limit = ${SIZE}\n"}.items():
    write("strange/text/main.cf", "compatibility_level = 3.6\n" + text)
    write("strange/text/master.cf", MASTER + ("  -o " + "{" * 9000 + "\n" if name == "deep" else ""))
    result = run("lint", "--no-permissions", "-T", "3.7", "strange/text", cwd=work)
    checks.equal(result.returncode, 1, f"{name}: exit status")
    checks.check(len(result.stdout) < 10000, f"{name}: {len(result.stdout)} octets of output")
    wanted = {"grows": b"S15", "round": b"S07", "deep": b"S09", "tables": b"M0", "envsubst": b"S06"}[name]
    checks.check(b"[" + wanted in result.stdout, f"{name}: {result.stdout}")
checks.check(b"[S20]" not in result.stdout and b"environment" in result.stdout, f"envsubst: {result.stdout}")
write("strange/text/main.cf", "compatibility_level = 3.6\nbiff = \033[31mred\033]0;x\007\n::error::x = 1\nfoo%0A::warning::y = 1\n")
for form in ("text", "gcc", "json", "sarif", "github", "gitlab", "junit"):
    result = run("lint", "--no-permissions", "--format", form, "strange/text", cwd=work)
    checks.check(b"\033" not in result.stdout and b"\007" not in result.stdout, f"{form}: escapes for terminals")
    if form == "github":
        checks.check(not any(line.startswith((b"::error::x", b"::warning::y")) for line in result.stdout.splitlines()) and
                     b"%250A" in result.stdout, f"github: commands of a stranger: {result.stdout}")

# one that cannot be read does not hide the others
checks.equal(places("odd/nul", "etc"), (["etc/main.cf:1"], 3), "one of two is unreadable")

# many
for i in range(1000):
    write(f"many/{i}/main.cf", OPEN)
    write(f"many/{i}/master.cf", MASTER)
names = [f"many/{i}" for i in range(1000)]
found, status = places(*names)
checks.equal((len(found), status), (1000, 1), "a thousand folders")


def peak(*arguments):
    """The largest resident size of a run, in KiB."""
    script = ("import resource, subprocess, sys; subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL);"
              "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)")
    return int(subprocess.run(["python3", "-c", script, CONFGEN, "lint", "--format", "sarif", *arguments],
                              cwd=work, capture_output=True, text=True, check=True).stdout)


small, large = peak(*names[:100]), peak(*names)
# AddressSanitizer keeps freed memory for a while
sanitized = b"libasan" in subprocess.run(["ldd", CONFGEN], stdout=subprocess.PIPE, check=True).stdout
checks.check(large < 1.5 * small or sanitized, f"memory grows: {small} KiB for 100, {large} KiB for 1000")


def settings(text):
    """main.cf as Postfix reads it: name -> value with single blanks."""
    found = {}
    for logical in re.sub(r"\n[ \t]+(?=[^\s#])", " ", re.sub(r"(?m)^[ \t]*#.*\n", "", text)).splitlines():
        name, equals, value = logical.partition("=")
        if equals:
            found[name.strip()] = " ".join(value.split())
    return found


def stock_text(name):
    """A text of dms_stock.c: its string literals put together."""
    with open(f"{SOURCE}/confgen/lint/dms_stock.c", encoding="utf-8") as file:
        literals = re.search(rf"{name}\[\] =(.*?);\n\n", file.read(), re.DOTALL).group(1)
    return "".join(part.replace("\\n", "\n") for part in re.findall(r'"([^"]*)"', literals))


# the stock of docker-mailserver that overrides are judged on is what its image has, but for what
# dms_stock.c says
IMAGE = f"{DATA}/corpus/docker-mailserver__docker-mailserver"
OTHERWISE = {"compatibility_level", "myhostname", "smtpd_tls_chain_files", "virtual_transport"}
LEFT_OUT = {"alias_maps", "alias_database", "virtual_mailbox_domains", "virtual_alias_maps", "header_checks",
            "smtp_header_checks", "relayhost", "readme_directory", "tls_high_cipherlist",
            "smtpd_tls_exclude_ciphers", "smtpd_tls_loglevel", "smtp_tls_loglevel"}
if os.path.exists(f"{IMAGE}/main.cf"):
    with open(f"{IMAGE}/main.cf", encoding="utf-8") as file:
        image = settings(file.read())
    ours = settings(stock_text("main_cf"))
    for name in sorted(set(image) - LEFT_OUT | set(ours) - OTHERWISE):
        if name not in OTHERWISE:
            checks.equal(ours.get(name), image.get(name), f"docker-mailserver's main.cf: {name}")
    with open(f"{IMAGE}/master.cf", encoding="utf-8") as file:
        image = [line.split() for line in file if line.strip() and not line.lstrip().startswith("#")]
    checks.equal([line.split() for line in stock_text("master_cf").splitlines()], image,
                 "docker-mailserver's master.cf")
else:
    print("# the stock of docker-mailserver is not compared: POSTERN_TEST_DATA")

# what a topology gives
with open(f"{SOURCE}/examples/dms-relay/topology.yaml", encoding="utf-8") as file:
    topology = file.read()
write("topology.yaml", topology)
result = run("check", "-P", "topology.yaml", cwd=work)
checks.equal(result.returncode, 0, f"check of an example: {result.stdout}")
write("topology.yaml", topology.replace("    hostname: mail.example.com\n",
                                        "    hostname: mail.example.com\n    extra: {mynetworks: 11.22.33.0/24}\n"))
result = run("check", "-P", "topology.yaml", cwd=work)
line = topology.splitlines().index("    hostname: mail.example.com") + 2
checks.equal(result.returncode, 1, "check of what lint complains of")
checks.check(f"(from topology.yaml:{line}) [R01]".encode() in result.stdout and
             b"public/main.cf:" in result.stdout, f"check names both places: {result.stdout}")
checks.equal(run("check", "-P", "--fail-on", "none", "topology.yaml", cwd=work).returncode, 0,
             "check --fail-on none")

shutil.rmtree(work)
checks.end(f"memory: {small} KiB for 100 folders, {large} KiB for 1000")
