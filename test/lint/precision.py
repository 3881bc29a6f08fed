#!/usr/bin/python3
"""
Precision: stock configurations, those of docker-mailserver and the rendered examples give no error.
Recall: the defect of each bad case, put into configurations that are in use, is found there, too.
"""
import glob
import json
import os
import re
import shutil
import sys
import tempfile

from lintlib import SOURCE, Case, Checks, cases, lint, render_examples, rules, run, stock

LEAST_RECALL = 0.8

checks = Checks()
work = tempfile.mkdtemp(prefix="lint-")
clean = stock(work)
if "main.cf.debian" not in clean:
    print("skipped: no /usr/share/postfix/main.cf.debian (Debian package postfix)")
    sys.exit(77)
if "docker-mailserver" not in clean:
    print("# docker-mailserver's configuration is not here: POSTERN_TEST_DATA")
for host in render_examples(work):
    clean["/".join(host.split("/")[-2:])] = host

counts = {"error": 0, "warning": 0, "info": 0}
for name, folder in clean.items():
    found, status = lint("--no-permissions", "--target-postfix", "3.7", folder)
    checks.check(status in (0, 1), f"{name}: exit status {status}")
    for finding in found:
        counts[finding.severity] += 1
        checks.check(finding.severity != "error",
                     f"{name}: {finding.file}:{finding.line}: {finding.message} [{finding.rule}]")

# those that do not render without their secrets are judged by check
examples = sorted(glob.glob(f"{SOURCE}/examples/*/topology.yaml"))
for topology in examples:
    report = json.loads(run("check", "--no-postfix", "--format", "json", topology).stdout)
    for finding in report["findings"]:
        checks.check(finding["severity"] != "error" or not re.fullmatch("[A-Z][0-9]{2}", finding["rule"]),
                     f"{topology}: {finding}")
checks.check(examples, "there are no examples")


def inject(folder, case):
    """Puts the bad files over a copy of a clean folder: main.cf and master.cf are appended."""
    copy = tempfile.mkdtemp(prefix="mutant-", dir=work)
    shutil.copytree(folder, f"{copy}/case")
    copy += "/case"
    for name in os.listdir(case.copy):
        source, target = f"{case.copy}/{name}", f"{copy}/{name}"
        if name in ("main.cf", "master.cf") and os.path.exists(target):
            with open(source, "rb") as file:
                more = file.read()
            with open(target, "ab") as file:
                file.write(b"\n" + more)
        elif os.path.isdir(source):
            shutil.copytree(source, target, dirs_exist_ok=True, symlinks=True)
        else:
            shutil.copy2(source, target, follow_symlinks=False)
    return copy


hosts = {name: folder for name, folder in clean.items()
         if name in ("main.cf.debian", "docker-mailserver", "dms-relay/public")}
tried = hit = 0
missed = []
for rule in rules():
    for name, path in cases(rule):
        if not name.startswith("bad"):
            continue
        with Case(path) as case:
            if not os.path.exists(f"{case.copy}/main.cf"):
                continue
            for host, folder in hosts.items():
                tried += 1
                found, _ = lint(*case.options, inject(folder, case))
                if any(f.rule == rule for f in found):
                    hit += 1
                else:
                    missed.append(f"{rule}/{name} in {host}")
shutil.rmtree(work)
recall = hit / tried if tried else 0
for line in missed:
    print(f"# missed: {line}")
checks.check(recall >= LEAST_RECALL, f"recall {recall:.2f} is below {LEAST_RECALL}")
checks.end(f"precision: {len(clean)} configurations in use: {counts['error']} errors, "
           f"{counts['warning']} warnings, {counts['info']} infos",
           f"recall: {hit} of {tried} injected defects found ({recall:.0%})")
