#!/usr/bin/python3
"""
Each format is what those who read it expect, has the same findings as the others, and tells no
secret. SARIF is judged by its own schema where scripts/test.sh could install it, and always by what is
written down below, which allows no part that we do not write: SARIF 2.1.0 (OASIS standard) sections
3.13 to 3.58. GitLab's report is judged by its
documentation ("Implement a custom tool"), JUnit by what Jenkins and GitLab read.
"""
import json
import os
import re
import shutil
import sys
import tempfile
import urllib.parse
import xml.etree.ElementTree as xml

from lintlib import Checks, run

try:
    import jsonschema
except ImportError:
    print("skipped: no python3-jsonschema")
    sys.exit(77)

MESSAGE = {"type": "object", "required": ["text"], "additionalProperties": False,
           "properties": {"text": {"type": "string", "minLength": 1}}}
LEVEL = {"enum": ["none", "note", "warning", "error"]}
ARTIFACT = {"type": "object", "required": ["uri"], "additionalProperties": False,
            "properties": {"uri": {"type": "string", "pattern": r"^[A-Za-z0-9\-._~/+@=,%:]*$"}}}
REGION = {"type": "object", "additionalProperties": False,
          "properties": {"startLine": {"type": "integer", "minimum": 1},
                         "startColumn": {"type": "integer", "minimum": 1}}}
FIX = {"type": "object", "required": ["artifactChanges"], "additionalProperties": False,
       "properties": {"artifactChanges": {"type": "array", "minItems": 1, "items": {
           "type": "object", "required": ["artifactLocation", "replacements"],
           "additionalProperties": False,
           "properties": {"artifactLocation": ARTIFACT, "replacements": {
               "type": "array", "minItems": 1, "items": {
                   "type": "object", "required": ["deletedRegion"], "additionalProperties": False,
                   "properties": {
                       "deletedRegion": {"type": "object", "additionalProperties": False,
                                         "required": ["byteOffset", "byteLength"],
                                         "properties": {
                                             "byteOffset": {"type": "integer", "minimum": 0},
                                             "byteLength": {"type": "integer", "minimum": 0}}},
                       "insertedContent": {"type": "object", "required": ["text"]}}}}}}}}}
RULE = {"type": "object", "required": ["id"], "additionalProperties": False,
        "properties": {"id": {"type": "string", "minLength": 1}, "shortDescription": MESSAGE,
                       "help": MESSAGE,
                       "defaultConfiguration": {"type": "object", "additionalProperties": False,
                                                "properties": {"level": LEVEL}}}}
RESULT = {"type": "object", "required": ["message"], "additionalProperties": False,
          "properties": {"ruleId": {"type": "string"},
                         "ruleIndex": {"type": "integer", "minimum": 0}, "level": LEVEL,
                         "message": MESSAGE,
                         "locations": {"type": "array", "items": {
                             "type": "object", "required": ["physicalLocation"],
                             "properties": {"physicalLocation": {
                                 "type": "object", "required": ["artifactLocation"],
                                 "additionalProperties": False,
                                 "properties": {"artifactLocation": ARTIFACT,
                                                "region": REGION}}}}},
                         "partialFingerprints": {"type": "object",
                                                 "additionalProperties": {"type": "string"}},
                         "fixes": {"type": "array", "items": FIX}}}
SARIF = {"type": "object", "required": ["version", "runs"], "additionalProperties": False,
         "properties": {"$schema": {"type": "string"}, "version": {"const": "2.1.0"},
                        "runs": {"type": "array", "minItems": 1, "items": {
                            "type": "object", "required": ["tool"], "additionalProperties": False,
                            "properties": {
                                "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                                "results": {"type": "array", "items": RESULT},
                                "tool": {"type": "object", "required": ["driver"], "properties": {
                                    "driver": {"type": "object", "required": ["name"],
                                               "properties": {
                                                   "name": {"type": "string", "minLength": 1},
                                                   "version": {"type": "string"},
                                                   "rules": {"type": "array",
                                                             "uniqueItems": True,
                                                             "items": RULE}}}}}}}}}}
GITLAB = {"type": "array", "items": {
    "type": "object", "required": ["description", "check_name", "fingerprint", "severity", "location"],
    "properties": {"severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
                   "fingerprint": {"type": "string", "minLength": 1},
                   "location": {"type": "object", "required": ["path", "lines"], "properties": {
                       "path": {"type": "string", "pattern": "^[^./]"},
                       "lines": {"type": "object", "required": ["begin"], "properties": {
                           "begin": {"type": "integer", "minimum": 1}}}}}}}}
# "::error file={name},line={line},col={col},title={title}::{message}"
GITHUB = re.compile(r"::(error|warning|notice) (?:file=([^,:]+)(?:,line=(\d+),col=(\d+))?,)?"
                    r"title=([^,:\s]+)::([^\r\n]+)")
GCC = re.compile(r"(?:(.+?):(?:(\d+):(\d+):)? )?(error|warning|note): (.+) \[([A-Za-z0-9-]+)\]")
SEVERITY = {"error": "error", "critical": "error", "warning": "warning", "minor": "warning",
            "note": "info", "notice": "info", "info": "info"}

checks = Checks()
work = tempfile.mkdtemp(prefix="lint-")
SECRET = "hunter2-Zq81"


def write(name, text):
    """A file of the folder that is judged; its names are as odd as names can be."""
    path = f"{work}/{name}"
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(text)


write("a b%20,:&<é>/main.cf", b"""myhostname = mail.example.com
mynetworks = 127.0.0.0/8, 11.22.33.0/24, 12.22.33.0/24
# postern: ignore=R999 <&"'\x01 odd \xff\xfe \xe2\x80\xae]]> ::error::x%0A
mydestination = $secret
relay_password %(secret)s
relay_password = """.replace(b"%(secret)s", SECRET.encode()) + SECRET.encode() + b"""
smtp_sasl_password_maps = static:user:""" + SECRET.encode() + b"""
""")
write("b/main.cf", b"  mydomain = example.org\nmyhostname = mail.example.org\n  # postern: ignore=nix\n")
write("b/master.cf", b"smtp inet n - n - - smtpd\n broken\nsmtp\n")
CLEAN = b"""compatibility_level = 3.6
myhostname = mail.example.org
mynetworks = 127.0.0.0/8 [::1]/128
smtpd_forbid_bare_newline = yes
smtp_tls_security_level = may
"""
write("clean/main.cf", CLEAN)
write("clean/master.cf", b"smtp inet n - n - - smtpd\n")
folders = sorted(os.listdir(work))


def report(form, *options):
    """The output of a format over all folders."""
    result = run("lint", "-T", "3.7", "--no-permissions", "--format", form, *options, *folders,
                 cwd=work)
    checks.equal(result.returncode, 1, f"{form}: exit status")
    checks.equal(result.stderr, b"", f"{form}: standard error")
    text = result.stdout.decode("utf-8", errors="strict")
    checks.check(SECRET not in text, f"{form} tells a secret:\n{text}")
    checks.check("\x01" not in text and "\u202e" not in text, f"{form} is not escaped")
    return text


known = json.loads(report("json"))
triples = sorted((f["severity"], f["rule"], f.get("line", 0)) for f in known["findings"])
checks.check(len(triples) >= 6, f"only {len(triples)} findings to judge by")
checks.equal((known["errors"], known["warnings"], known["infos"]),
             tuple(sum(t[0] == s for t in triples) for s in ("error", "warning", "info")),
             "json: counts")
checks.equal(known["judged"], len(folders), "json: judged")
checks.equal(len({f["fingerprint"] for f in known["findings"]}), len(known["findings"]),
             "fingerprints tell findings apart")

SCHEMA = os.environ.get("SARIF_SCHEMA", "/usr/local/share/postern-test/sarif-2.1.0.json")
official = None
if os.path.exists(SCHEMA):
    with open(SCHEMA, encoding="utf-8") as file:
        official = json.load(file)
    jsonschema.Draft4Validator.check_schema(official)
else:
    print(f"# SARIF is not held against its own schema: there is no {SCHEMA}")


def judge_sarif(log, what):
    """By the schema of SARIF itself, which must refuse the log when its version is another."""
    if not official:
        return
    for error in jsonschema.Draft4Validator(official).iter_errors(log):
        checks.check(False, f"{what}: SARIF's schema: {list(error.path)}: {error.message}")
    checks.check(not jsonschema.Draft4Validator(official).is_valid(dict(log, version="2.0.0")),
                 f"{what}: SARIF's schema takes anything")


sarif = json.loads(report("sarif"))
judge_sarif(sarif, "lint")
for error in jsonschema.Draft7Validator(SARIF).iter_errors(sarif):
    checks.check(False, f"sarif: {error.json_path}: {error.message}")
results = sarif["runs"][0]["results"]
ids = [rule["id"] for rule in sarif["runs"][0]["tool"]["driver"]["rules"]]
checks.equal(sorted((SEVERITY[r["level"]], r["ruleId"],
                     r["locations"][0]["physicalLocation"].get("region", {}).get("startLine", 0))
                    for r in results), triples, "sarif: findings")
for result in results:
    if "ruleIndex" in result:
        checks.equal(ids[result["ruleIndex"]], result["ruleId"], "sarif: index of the rule")
checks.check(any("fixes" in r for r in results), "sarif: no fix")

gitlab = json.loads(report("gitlab"))
for error in jsonschema.Draft7Validator(GITLAB).iter_errors(gitlab):
    checks.check(False, f"gitlab: {error.json_path}: {error.message}")
checks.equal(sorted((SEVERITY[f["severity"]], f["check_name"], f["location"]["lines"]["begin"])
                    for f in gitlab), sorted((s, r, l or 1) for s, r, l in triples), "gitlab")

for form, syntax, order in (("github", GITHUB, (1, 5, 3)), ("gcc", GCC, (4, 6, 2))):
    found = []
    for line in report(form).splitlines():
        match = syntax.fullmatch(line)
        if checks.check(match, f"{form}: {line}"):
            severity, rule, number = (match.group(i) for i in order)
            found.append((SEVERITY[severity], rule, int(number or 0)))
    checks.equal(sorted(found), triples, form)
files = {f["file"] for f in known["findings"]}
for line in report("github").splitlines():
    checks.check(urllib.parse.unquote(GITHUB.fullmatch(line).group(2)) in files,
                 f"github: the file is another one when it is read: {line}")

suites = xml.fromstring(report("junit"))
checks.equal((suites.tag, len(suites)), ("testsuites", len(folders)), "junit: suites")
found = []
for suite in suites:
    checks.equal(int(suite.get("tests")), len(suite), "junit: tests")
    checks.equal(int(suite.get("failures")), len(suite.findall("testcase/failure")),
                 "junit: failures")
    for case in suite:
        checks.check(case.get("name") and case.get("classname"), "junit: a case without a name")
        failure = case.find("failure")
        if failure is not None:
            number = re.search(r"line (\d+)$", case.get("name"))
            found.append((failure.get("type"), case.get("name").split()[0],
                          int(number.group(1)) if number else 0))
checks.equal(sorted(found), triples, "junit: findings")
checks.equal([c.get("name") for c in suites[folders.index("clean")]], ["no findings"],
             "junit: a clean folder")

report("text")
for level, status in (("error", 1), ("warning", 1), ("info", 1), ("none", 0)):
    checks.equal(run("lint", "--fail-on", level, "b", cwd=work).returncode, status,
                 f"--fail-on {level}")
write("warned/main.cf", b"# postern: ignore=R01\n" + CLEAN)
write("warned/master.cf", b"smtp inet n - n - - smtpd\n")
for level, status in (("error", 0), ("warning", 1), ("info", 1), ("none", 0)):
    checks.equal(run("lint", "-T", "3.7", "--no-permissions", "--fail-on", level, "warned", cwd=work).returncode,
                 status, f"--fail-on {level} for a warning")
for options in (["--format", "xml"], ["--fail-on", "fatal"], ["--yes"], ["--fix", "-f", "json"],
                ["-w", "x", "-b", "y"], ["--target-postfix", "new"], ["--no-such"]):
    checks.equal(run("lint", *options, "b", cwd=work).returncode, 2, f"usage: {options}")

# check has the same formats
shutil.copytree(f"{os.environ['POSTERN_SOURCE']}/examples/dms-relay", f"{work}/topology")
result = run("check", "-P", "--format", "sarif", "topology.yaml", cwd=f"{work}/topology")
jsonschema.validate(json.loads(result.stdout), SARIF)
judge_sarif(json.loads(result.stdout), "check")
with open(f"{work}/topology/topology.yaml", encoding="utf-8") as file:
    text = file.read()
write("topology/topology.yaml", text.replace("mailboxes: private", "mailboxes: privat").encode())
for form in ("json", "sarif"):
    result = run("check", "-P", "--format", form, "topology.yaml", cwd=f"{work}/topology")
    checks.equal(result.returncode, 1, f"check --format {form}")
    checks.check(b"unknown-name" in result.stdout, f"check --format {form} has no finding")
    json.loads(result.stdout)
shutil.rmtree(work)
checks.end()
