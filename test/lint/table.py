#!/usr/bin/python3
"""
The table of rules, their pages and their fixtures agree; bad cases give exactly the places that
they expect, good cases nothing of that rule.
"""
import contextlib
import os
import re

from lintlib import FIXTURES, SOURCE, Case, Checks, cases, findings_of, rules, run

checks = Checks()
table = rules()
checks.check(table, "there are no rules")

# test/doc/pages judges the pages of other names
pages = {name[:-3] for name in os.listdir(f"{SOURCE}/doc/rules") if re.fullmatch(r"[A-Z][0-9]+\.md", name)}
checks.equal(sorted(pages - set(table)), [], "pages without a rule")
checks.equal(sorted(set(table) - pages), [], "rules without a page")
checks.equal(sorted(set(os.listdir(FIXTURES)) - set(table)), [], "fixtures without a rule")

for rule, severity in table.items():
    checks.check(re.fullmatch(r"[A-Z][0-9]{2}", rule), f"'{rule}' is no id")
    if rule not in pages:
        continue
    with open(f"{SOURCE}/doc/rules/{rule}.md", encoding="utf-8") as file:
        page = file.read()
    checks.check(page.startswith(f"# {rule}: "), f"{rule}.md does not begin with its title")
    checks.check(f"\n*{severity}*" in page, f"{rule}.md does not say '{severity}', as the table does")
    for word in ("**Wrong**", "**Right**", "silent"):
        checks.check(word in page, f"{rule}.md lacks '{word}'")
    checks.equal(run("explain", rule.lower()).stdout.decode(), page, f"explain {rule.lower()}")

named = []
for rule in table:
    names = cases(rule)
    for kind in ("bad", "good"):
        checks.check(any(name.split("-")[0] == kind for name, _ in names),
                     f"{rule} has no {kind} case")
    for name, path in names:
        if checks.check(re.fullmatch(r"(bad|good)(-[a-z0-9-]+)?", name), f"{rule}/{name}: what is it?"):
            named.append((rule, name, path))

bad = good = 0
with contextlib.ExitStack() as stack:
    opened = [stack.enter_context(Case(path)) for _, _, path in named]
    judged = findings_of(opened)
for (rule, name, _), case, findings in zip(named, opened, judged):
    label = f"{rule}/{name}"
    findings = [f for f in findings if f.rule == rule]
    found = sorted({f"{f.rule} {f.file}:{f.line}" if f.line else f"{f.rule} {f.file}"
                    for f in findings})
    if name.startswith("bad"):
        bad += 1
        wanted = sorted({line[:-2] if line.endswith(":0") else line
                         for line in case.expected if line.split()[0] == rule})
        checks.check(wanted, f"{label}: 'expected' names no place")
        checks.equal(found, wanted, label)
        checks.equal([f.message for f in findings if not f.hint], [],
                     f"{label}: findings without a hint")
    else:
        good += 1
        checks.equal(found, [], label)
checks.end(f"{len(table)} rules, {bad} bad and {good} good cases")
