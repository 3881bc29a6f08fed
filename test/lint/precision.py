#!/usr/bin/python3
"""
Precision: stock configurations, those of docker-mailserver and the rendered examples give no error.
Recall: the defect of each bad case, put into configurations that are in use, is found there, too. Where
something else in them makes it harmless, HARMLESS says what: there the rule must be silent, and must
speak when that is taken out, or set otherwise.
"""
import glob
import json
import os
import re
import shutil
import sys
import tempfile

from lintlib import SOURCE, Case, Checks, cases, lint, render_examples, rules, run, stock

LEAST_RECALL = 1

BOTH_LISTS = ("smtpd_client_restrictions", "smtpd_recipient_restrictions")
# rule, or rule/case: why it does no harm in some of the hosts, and the settings of theirs that see to that
HARMLESS = {
    "S13": ("their master.cf has the service", ["postlog"]),
    "R06": ("mynetworks is set, and beats the style", ["mynetworks"]),
    "R07": ("another list of theirs refuses strangers", BOTH_LISTS),
    "R08": ("another list of theirs refuses strangers", BOTH_LISTS),
    "R10/bad-2": ("virtual_alias_domains is set: the keys of the aliases are no domains then",
                  ["virtual_alias_domains"]),
    "R11": ("parent_domain_matches_subdomains leaves relay_domains out: no subdomain is relayed",
            ["parent_domain_matches_subdomains"]),
    "R12/bad": ("relay_recipient_maps is set", ["relay_recipient_maps", "smtpd_recipient_restrictions"]),
    "R12/bad-2": ("recipients are verified by asking the next hop", ["smtpd_recipient_restrictions"]),
    "R13": ("local_transport is error, and recipients are verified",
            ["local_transport", "smtpd_recipient_restrictions"]),
    "R14": ("postmaster is an alias, or may be one in a table that is not here", ["virtual_alias_maps"]),
    "R18": ("nothing says that strangers, or users, are meant to come",
            ["smtpd_recipient_restrictions = permit_sasl_authenticated, reject_unauth_destination"]),
    "R20": ("another list of theirs refuses strangers", BOTH_LISTS),
    "R21": ("another list of theirs refuses strangers", BOTH_LISTS),
    "R22": ("another list of theirs refuses strangers", BOTH_LISTS),
    "R25": ("they demand HELO", ["smtpd_helo_required"]),
    "A09": ("smtpd_tls_auth_only is set", ["smtpd_tls_auth_only"]),
    "A15": ("they have certificates",
            ["smtpd_tls_chain_files", "smtpd_tls_cert_file", "smtpd_tls_key_file"]),
    "A23": ("they have authorities", ["smtp_tls_CAfile", "smtp_tls_CApath"]),
    "I07": ("they hold no mailboxes", ["local_transport", "mydestination"]),
    "I10/bad-2": ("they have a level", ["compatibility_level"]),
    "I12": ("they forbid it, or refuse pipelining", ["smtpd_forbid_bare_newline", "smtpd_data_restrictions"]),
}

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
    """
    Puts the bad files over a copy of a clean folder: main.cf and master.cf are appended; what is about
    the first line goes before.
    """
    copy = tempfile.mkdtemp(prefix="mutant-", dir=work)
    shutil.copytree(folder, f"{copy}/case")
    copy += "/case"
    for name in os.listdir(case.copy):
        source, target = f"{case.copy}/{name}", f"{copy}/{name}"
        if name in ("main.cf", "master.cf") and os.path.exists(target):
            with open(source, "rb") as file:
                more = file.read()
            with open(target, "rb") as file:
                old = file.read()
            with open(target, "wb") as file:
                file.write(more + b"\n" + old if "/S02/" in case.path else old + b"\n" + more)
        elif os.path.isdir(source):
            shutil.copytree(source, target, dirs_exist_ok=True, symlinks=True)
        else:
            shutil.copy2(source, target, follow_symlinks=False)
    return copy


hosts = {name: folder for name, folder in clean.items()
         if name in ("main.cf.debian", "docker-mailserver", "dms-relay/public")}


def take_out(folder, names):
    """A copy of a folder without some parameters and services; "name = value" is set instead."""
    copy = tempfile.mkdtemp(prefix="without-", dir=work) + "/case"
    shutil.copytree(folder, copy)
    for name in ("main.cf", "master.cf"):
        with open(f"{copy}/{name}", "r", encoding="utf-8") as file:
            text = file.read()
        for line in names:
            text = re.sub(rf"^{line.split(' ')[0]}[ \t=].*\n([ \t].*\n)*", "", text, flags=re.MULTILINE)
            text += f"{line}\n" if "=" in line and name == "main.cf" else ""
        with open(f"{copy}/{name}", "w", encoding="utf-8") as file:
            file.write(text)
    return copy


def finds(folder, case):
    """Whether the defect of a case is found in a host."""
    found, _ = lint(*case.options, inject(folder, case))
    return any(f.rule == rule for f in found)


tried = hit = harmless = 0
used = set()
for rule in rules():
    for name, path in cases(rule):
        if not name.startswith("bad"):
            continue
        with Case(path) as case:
            if not os.path.exists(f"{case.copy}/main.cf"):
                continue
            for host, folder in hosts.items():
                tried += 1
                if finds(folder, case):
                    hit += 1
                    continue
                key = f"{rule}/{name}" if f"{rule}/{name}" in HARMLESS else rule
                if key in HARMLESS and finds(take_out(folder, HARMLESS[key][1]), case):
                    harmless += 1
                    used.add(key)
                    print(f"# {rule}/{name} does no harm in {host}: {HARMLESS[key][0]}")
                else:
                    checks.check(False, f"missed: {rule}/{name} in {host}")
if len(hosts) == 3:
    checks.equal(sorted(set(HARMLESS) - used), [], "rows of HARMLESS without a use")
shutil.rmtree(work)
recall = hit / (tried - harmless) if tried else 0
checks.check(recall >= LEAST_RECALL, f"recall {recall:.2f} is below {LEAST_RECALL}")
checks.end(f"precision: {len(clean)} configurations in use: {counts['error']} errors, "
           f"{counts['warning']} warnings, {counts['info']} infos",
           f"recall: {tried} defects injected; {harmless} do no harm where they were, and are found where "
           f"they do; of {tried - harmless} others {hit} are found ({recall:.0%})")
