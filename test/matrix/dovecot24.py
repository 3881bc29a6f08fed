#!/usr/bin/python3
"""Dovecot 2.4, in the root of the release that has it, reads what is rendered for it as demanded."""
import pathlib
import re
import subprocess
import os
import sys
import tempfile

from release import enter

SOURCE = pathlib.Path(os.environ["POSTERN_SOURCE"])
sys.path.insert(0, str(SOURCE / "test" / "proxy"))
import dovecot  # noqa: E402  pylint: disable=wrong-import-position
from demands import DEMANDS  # noqa: E402  pylint: disable=wrong-import-position


def for_dovecot_24(topology, folder):
    """A copy of a topology in which every node has Dovecot 2.4."""
    text = re.sub(r"^ +dovecot: .*\n", "", topology.read_text(encoding="utf-8"), flags=re.M)
    text = re.sub(r"^( +)kind: dms\n", r'\1kind: dms\n\1dovecot: {version: "2.4"}\n', text, flags=re.M)
    copy = folder / topology.name
    copy.write_text(text, encoding="utf-8")
    return copy


def main():
    root = enter(os.environ["POSTERN_TEST_RELEASE"])
    failures, files = [], 0
    for name, demand in DEMANDS.items():
        topology = SOURCE / "examples" / name / "topology.yaml"
        if not topology.exists() or not demand["dovecot"]:
            continue
        with tempfile.TemporaryDirectory(dir="/tmp") as folder:
            work = pathlib.Path(folder)
            subprocess.run([os.environ["POSTERN_CONFGEN"], "render", "-o", work / "tree",
                            for_dovecot_24(topology, work)], check=True)
            for node, (_, trusted, wanted) in demand["dovecot"].items():
                file = work / "tree" / node / "dovecot.cf"
                assert "for Dovecot 2.4" in file.read_text(encoding="utf-8")
                failures += [f"{name}: {line}" for line in
                             dovecot.complaints(file, work, "2.4", trusted, wanted, root)]
                files += 1
    for line in failures:
        print(line)
    print(f"{files} files, {len(failures)} complaints")
    sys.exit(bool(failures) or not files)


main()
