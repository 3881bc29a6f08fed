#!/usr/bin/python3
"""
The files of examples/ci parse, and the commands in them run over a repository with a configuration
as Debian has it. That a forge takes the reports is only judged by formats.py.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

import yaml

from lintlib import CONFGEN, SOURCE, Checks

if not shutil.which("make"):
    print("skipped: no make(1)")
    sys.exit(77)
checks = Checks()
work = tempfile.mkdtemp(prefix="lint-")
os.makedirs(f"{work}/bin")
os.symlink(CONFGEN, f"{work}/bin/postern-confgen")
os.makedirs(f"{work}/repository/etc/postfix")
environment = dict(os.environ, PATH=f"{work}/bin:{os.environ['PATH']}")


def write(main_cf):
    """The repository's configuration."""
    with open(f"{work}/repository/etc/postfix/main.cf", "w", encoding="utf-8") as file:
        file.write(main_cf)
    with open(f"{work}/repository/etc/postfix/master.cf", "w", encoding="utf-8") as file:
        file.write("smtp inet n - n - - smtpd\n")


def shell(command):
    """Exit status and standard output of a command in the repository."""
    result = subprocess.run(["bash", "-euo", "pipefail", "-c", command], cwd=f"{work}/repository",
                            env=environment, capture_output=True, check=False, timeout=60)
    return result.returncode, result.stdout


GOOD = ("compatibility_level = 3.6\nmyhostname = mail.example.com\nmynetworks = 127.0.0.0/8 [::1]/128\n"
        "smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination\n"
        "smtpd_forbid_bare_newline = yes\nsmtp_tls_security_level = may\n")
BAD = GOOD + "mynetworks = 127.0.0.0/8 [::1]/128 11.22.33.0/24\n"
commands = {}
with open(f"{SOURCE}/examples/ci/github-lint.yaml", encoding="utf-8") as file:
    workflow = yaml.safe_load(file)
steps = workflow["jobs"]["lint"]["steps"]
commands["github"] = [step["run"] for step in steps if "run" in step]
checks.check(any("upload-sarif" in step.get("uses", "") for step in steps), "no upload of SARIF")
with open(f"{SOURCE}/examples/ci/gitlab-ci.yml", encoding="utf-8") as file:
    commands["gitlab"] = yaml.safe_load(file)["postfix-lint"]["script"]
with open(f"{SOURCE}/examples/ci/pre-commit-config.yaml", encoding="utf-8") as file:
    hook = yaml.safe_load(file)["repos"][0]["hooks"][0]
commands["pre-commit"] = [hook["entry"]]
checks.check(re.search(hook["files"], "etc/postfix/main.cf"), "the hook's files")
shutil.copy(f"{SOURCE}/examples/ci/Makefile", f"{work}/repository")
commands["make"] = ["make -s lint"]

for name, lines in commands.items():
    for text, wanted in ((GOOD, False), (BAD, True)):
        write(text)
        statuses = [shell(line)[0] for line in lines]
        checks.equal(any(statuses), wanted, f"{name}: {statuses} for {lines}")
        if len(statuses) > 1:
            checks.equal(statuses[0], 0, f"{name}: the report itself does not fail")
with open(f"{work}/repository/postfix.sarif", encoding="utf-8") as file:
    uris = [r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
            for r in json.load(file)["runs"][0]["results"]]
checks.check("etc/postfix/main.cf" in uris, f"SARIF's paths are those of the repository: {uris}")
write(BAD)
with open(f"{SOURCE}/examples/ci/README.md", encoding="utf-8") as file:
    shown = re.findall(r"^    (::.*)$", file.read(), re.MULTILINE)
checks.equal(shell(commands["github"][1])[1].decode().splitlines(), shown, "the sample log in README.md")
checks.equal(shell("make -s baseline")[0], 0, "make baseline")
checks.equal(shell("make -s lint")[0], 0, "make lint with a baseline")
shutil.rmtree(work)
checks.end()
