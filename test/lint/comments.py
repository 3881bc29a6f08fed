#!/usr/bin/python3
"""Comments that silence findings, and baselines."""
import json
import os
import shutil
import tempfile

from lintlib import Checks, lint, run

checks = Checks()
work = tempfile.mkdtemp(prefix="lint-")
OPEN = "mynetworks = 127.0.0.0/8, 11.22.33.0/24\n"
# the restrictions that make mynetworks count
MASTER = ("smtp inet n - n - - smtpd\n"
          "  -o smtpd_relay_restrictions=permit_mynetworks,reject_unauth_destination\n")


def write(text, name="main.cf", folder="etc"):
    """A file below the folder."""
    os.makedirs(f"{work}/{folder}", exist_ok=True)
    with open(f"{work}/{folder}/{name}", "w", encoding="utf-8") as file:
        file.write(text)


def found(*options):
    """RULE:LINE of what is found."""
    findings, status = lint("-T", "3.7", "--no-permissions", *options, "etc", cwd=work)
    return sorted(f"{f.rule}:{f.line}" for f in findings
                  if f.rule in ("R01", "C01", "C02", "C03")), status


write(MASTER, "master.cf")
WHY = "the network is ours"
cases = {
    "no comment": (OPEN, ["R01:1"]),
    "before": (f"# postern: ignore=R01 {WHY}\n{OPEN}", []),
    "lower case, several marks": (f"## postern: ignore=r01 {WHY}\n{OPEN}", []),
    "tabs": (f"#\tpostern:\tignore=R01\t{WHY}\n{OPEN}", []),
    "CRLF": (f"# postern: ignore=R01 {WHY}\r\n{OPEN}", []),
    "several lines before": (f"# postern: ignore=R01 {WHY}\n# more\n\n{OPEN}", []),
    "several rules": (f"# postern: ignore=C02,R01 {WHY}\n{OPEN}", ["C03:1"]),
    "continued value": (f"# postern: ignore=R01 {WHY}\nmynetworks =\n  127.0.0.0/8\n  11.22.33.0/24\n",
                        []),
    "inside a value": (f"mynetworks =\n  127.0.0.0/8\n# postern: ignore=R01 {WHY}\n  11.22.33.0/24\n",
                       []),
    "only the next entry": (f"# postern: ignore=R01 {WHY}\nmyhostname = a.example.com\n{OPEN}",
                            ["C02:1", "R01:3"]),
    "behind": (f"{OPEN}# postern: ignore=R01 {WHY}\n", ["C02:2", "R01:1"]),
    "the file": (f"{OPEN}# postern: ignore-file=R01 {WHY}\n", []),
    "the file, in vain": (f"myhostname = a.example.com\n# postern: ignore-file=R01 {WHY}\n", ["C02:2"]),
    "no reason": (f"# postern: ignore=R01\n{OPEN}", ["C01:1", "R01:2"]),
    "blanks are no reason": (f"# postern: ignore=R01 \t\r\n{OPEN}", ["C01:1", "R01:2"]),
    "unknown rule": (f"# postern: ignore=R01x {WHY}\n{OPEN}", ["C03:1", "R01:2"]),
    "no rule": (f"# postern: ignore= {WHY}\n{OPEN}", ["C03:1", "R01:2"]),
    "another word": (f"# postern: disable=R01 {WHY}\n{OPEN}", ["C03:1", "R01:2"]),
    "not a comment": (f"x = # postern: ignore=R01 {WHY}\n{OPEN}", ["R01:2"]),
    "further on in a comment": (f"# see postern: ignore=R01 {WHY}\n{OPEN}", ["R01:2"]),
    "the comment's own findings stay": (f"# postern: ignore-file=C03 {WHY}\n", ["C03:1"]),
}
for name, (text, wanted) in cases.items():
    write(text)
    checks.equal(found()[0], wanted, name)
write(f"# postern: ignore-file=R01 {WHY}\n" * 5000 + OPEN)
checks.equal(found()[0], [], "five thousand comments")

# baselines
write(f"{OPEN}relay_password = hunter2\n")
before, status = found()
checks.equal(status, 1, "findings")
result = run("lint", "-T", "3.7", "--no-permissions", "--write-baseline", "known.json", "etc", cwd=work)
checks.equal(result.returncode, 0, "writing a baseline")
with open(f"{work}/known.json", encoding="utf-8") as file:
    text = file.read()
checks.check("hunter2" not in text and "11.22.33" not in text, "a baseline quotes nothing")
checks.check(json.loads(text)["findings"], "a baseline has findings")
checks.equal(run("lint", "-T", "3.7", "--no-permissions", "--write-baseline", "again.json", "etc",
                 cwd=work).returncode, 0, "writing it again")
with open(f"{work}/again.json", encoding="utf-8") as file:
    checks.equal(file.read(), text, "a baseline is the same from run to run")

known = ["--baseline", "known.json", "--fail-on", "info"]
checks.equal(found(*known), ([], 0), "what is known is left out")
write(f"# a comment\n\nmyorigin = example.com\n{OPEN}relay_password = hunter2\n")
checks.equal(found(*known), ([], 0), "lines may move")
write(f"# a comment\n{OPEN.rstrip()} \t\r\nrelay_password = hunter2\n")
checks.equal(found(*known), ([], 0), "white space at the end of a line may come")
checks.equal(lint("-T", "3.7", "--no-permissions", *known, "./etc/", cwd=work)[1], 0, "./etc/ is etc")
write(f"{OPEN}relay_password = hunter2\nmynetworks = 12.22.33.0/24\n")
checks.equal(found(*known), (["R01:3"], 1), "what is new counts")
write(f"{OPEN}mynetworks = 127.0.0.0/8, 11.22.33.0/24, 11.22.33.0/24\n")
checks.equal(found(*known)[1], 1, "a line that changed counts")
write("mynetworks = 127.0.0.0/8\n")
result = run("lint", *known, "--no-permissions", "etc", cwd=work)
checks.check(b"are gone" in result.stderr, "what is gone is told")
for content, what in ((None, "missing"), ("{", "broken"), ("{}", "no baseline"), ("[1]", "a list"),
                      ('{"postern_baseline": 2, "findings": []}', "of a later version")):
    path = "other.json"
    if content is None:
        path = "missing.json"
    else:
        write(content, "other.json", ".")
    result = run("lint", "--baseline", path, "etc", cwd=work)
    checks.equal((result.returncode, result.stdout), (3, b""), f"a baseline that is {what}")
checks.equal(run("lint", "--write-baseline", "no/such/folder", "etc", cwd=work).returncode, 3,
             "a baseline that cannot be written")
os.chmod(f"{work}/known.json", 0o640)
run("lint", "--write-baseline", "known.json", "etc", cwd=work)
checks.equal(os.stat(f"{work}/known.json").st_mode & 0o777, 0o640, "the mode of a baseline is kept")
checks.equal(sorted(n for n in os.listdir(work) if n.startswith(".")), [], "nothing is left behind")
shutil.rmtree(work)
checks.end()
