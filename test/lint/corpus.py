#!/usr/bin/python3
"""
doc/lint-corpus.md is about what lint says today: the findings in real configurations, by rule, are
those that were reviewed. Whoever changes a rule sees here which findings to read again.
"""
import collections
import glob
import re
import sys

from lintlib import DATA, SOURCE, Checks, lint

checks = Checks()
folders = sorted(glob.glob(f"{DATA}/corpus/*/"))
if not folders:
    print("skipped: no corpus in POSTERN_TEST_DATA")
    sys.exit(77)
with open(f"{SOURCE}/doc/lint-corpus.md", encoding="utf-8") as file:
    page = file.read()
reviewed = {rule: int(count) for rule, count in re.findall(r"^\| ([A-Z][0-9]{2}) \| ([0-9]+) \|", page, re.MULTILINE)}
findings, _ = lint("--no-permissions", "--target-postfix", "3.7", *folders)
found = collections.Counter(f.rule for f in findings)
for rule in sorted(set(reviewed) | set(found)):
    checks.equal(found[rule], reviewed.get(rule, 0), f"{rule}: found, and reviewed in doc/lint-corpus.md")
total = re.search(r"^([0-9]+) findings: ([0-9]+) errors, ([0-9]+) warnings, ([0-9]+) infos\.", page, re.MULTILINE)
severities = collections.Counter(f.severity for f in findings)
checks.equal(tuple(map(int, total.groups())),
             (len(findings), severities["error"], severities["warning"], severities["info"]), "the sum")
checks.check(page.startswith(f"# What lint says of configurations in use\n\n{len(folders)} folders"), "the folders")
checks.end(f"{len(findings)} findings in {len(folders)} folders")
