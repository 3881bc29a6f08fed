#!/usr/bin/python3
"""Compares what confgen/configuration reads from real main.cf and master.cf files with what Postfix
3.7.11 printed of them: postconf -n, -M and -P, kept beside the files.

    configuration_corpus.py CONFIGURATION_DUMP CORPUS
"""

import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

# Where a folder lacks master.cf, postconf was given Debian's own, so -M and -P tell nothing of it;
# where it lacks main.cf, it was given an empty one. Differences that are no mistake:
#
# - white space: postconf prints runs of it as one blank, and none around the '=' of -o;
# - config_directory: postconf -c overrides what main.cf says (one folder sets it);
# - parameters that nothing uses are left out by -n and -P, with a warning: they must be unknown to
#   the table as well, or of a later release than 3.7 (one folder was written for 3.11).


def spaces(text):
    """Runs of white space as one blank: postconf folds them when it prints."""
    return re.sub(r"[ \t\r\n]+", " ", text).strip()


def read_settings(path):
    """The lines of postconf -n or -P, as name and value."""
    settings = {}
    for line in path.read_text(encoding="iso-8859-1").split("\n"):
        if line:
            name, _, value = line.partition("=")
            settings[spaces(name)] = spaces(value)
    return settings


def unused(path):
    """The parameters of main.cf that postconf does not print, since it knows no use for them."""
    return set(re.findall(r"/main\.cf: unused parameter: ([^=]*)=",
                          path.read_text(encoding="iso-8859-1")))


def services(dump):
    """Services as postconf -M prints them, a line each."""
    lines = []
    for service in dump["services"]:
        words = list(service["fields"])
        options = True
        arguments = iter(service["arguments"])
        for argument in arguments:
            if options and argument == "-o":
                value = next(arguments, None)
                words.append("-o")
                if value is not None:
                    # -o { name = value } loses the blanks around '='.
                    value = re.sub(r"\s*=\s*", "=", value, count=1)
                    words.append("{%s}" % value if re.search(r"\s", value) else value)
                continue
            if argument == "--" or not argument.startswith("-"):
                options = False
            words.append("{%s}" % argument if not options and re.search(r"\s", argument)
                         else argument)
        lines.append(spaces(" ".join(words)))
    return lines


def overrides(dump):
    """Overrides as postconf -P prints them; the last of a name wins."""
    settings = {}
    for service in dump["services"]:
        name = "/".join(service["fields"][:2])
        for item in service["overrides"]:
            settings[f"{name}/{item['name']}"] = spaces(item["value"])
    return settings


def compare(folder, dump):
    """What differs, as a list of texts."""
    wrong = []
    has_main, has_master = (folder / "main.cf").exists(), (folder / "master.cf").exists()
    ours = {item["name"]: spaces(item["value"]) for item in dump["main"] if not item["overridden"]}
    theirs = read_settings(folder / "postconf-n.txt")
    # postconf -c sets config_directory, whatever main.cf says.
    ours.pop("config_directory", None)
    theirs.pop("config_directory", None)
    silent = unused(folder / "postconf.stderr.txt")
    for name in sorted(set(ours) | set(theirs)):
        if has_main and name not in silent and ours.get(name) != theirs.get(name):
            wrong.append(f"main.cf: {name}: {ours.get(name)!r}, postconf: {theirs.get(name)!r}")
    known = {item["name"] for item in dump["main"] if item["class"] != 0}
    for name in sorted(silent & known):
        # A parameter that a later release brought is known to the table, but not to 3.7.
        if not any(item["name"] == name and item["class"] == 2 for item in dump["main"]):
            wrong.append(f"main.cf: {name} is unused for postconf, but known here")
    for name in sorted(set(ours) - silent - known):
        wrong.append(f"main.cf: {name} is unknown here, but not to postconf")
    if has_master:
        theirs = [spaces(line) for line in
                  (folder / "postconf-M.txt").read_text(encoding="iso-8859-1").split("\n") if line]
        for left, right in zip(services(dump) + [None], theirs + [None]):
            if left != right:
                wrong.append(f"master.cf: {left!r}, postconf: {right!r}")
        ours, theirs = overrides(dump), read_settings(folder / "postconf-P.txt")
        for name in sorted(set(ours) | set(theirs)):
            # postconf -P leaves out what has no use; that of the corpus tells on stderr.
            if name not in theirs and f"unused parameter: {name.split('/', 2)[2]}=" in \
                    (folder / "postconf.stderr.txt").read_text(encoding="iso-8859-1"):
                continue
            if ours.get(name) != theirs.get(name):
                wrong.append(f"-o {name}: {ours.get(name)!r}, postconf: {theirs.get(name)!r}")
    return wrong


def main():
    program, corpus = sys.argv[1], pathlib.Path(sys.argv[2])
    if not corpus.is_dir():
        print(f"no corpus in {corpus}")
        return 77
    folders = sorted(path.parent for path in corpus.glob("*/postconf-n.txt"))
    failures = assignments = count_services = 0
    for folder in folders:
        with tempfile.TemporaryDirectory() as copy:
            for name in ("main.cf", "master.cf"):
                if (folder / name).exists():
                    shutil.copy(folder / name, copy)
            if not (folder / "main.cf").exists():
                pathlib.Path(copy, "main.cf").touch()
            run = subprocess.run([program, copy], capture_output=True, check=True)
        dump = json.loads(run.stdout)
        refused = (folder / "postconf.exit").read_text().split()
        if "1" in refused:
            wrong = [] if dump["main_broken"] else ["postconf refuses it, but it is read here"]
        elif not dump["loaded"]:
            wrong = [f"not loaded: {run.stderr.decode()}"]
        else:
            wrong = compare(folder, dump)
            assignments += len(dump["main"])
            count_services += len(dump["services"])
            if dump["main_broken"]:
                wrong.append(f"refused here, but not by postconf: {run.stderr.decode()}")
        failures += len(wrong)
        for text in wrong:
            print(f"{folder.name}: {text}")
    print(f"{len(folders)} folders, {assignments} assignments, {count_services} services")
    # A corpus that shrank to nothing would agree with anything.
    assert len(folders) >= 20 and assignments > 500 and count_services > 300
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
