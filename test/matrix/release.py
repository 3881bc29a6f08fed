"""Topologies for a release of Postfix, and roots in which that release is installed."""
import os
import pathlib
import re
import shutil
import subprocess
import sys

SUITES = {"3.5": "bullseye", "3.7": "bookworm", "3.10": "trixie"}
ROOTS = pathlib.Path(__file__).resolve().parent / "roots"


def number(release):
    """A release to compare others with: (3, 10) for "3.10"."""
    return tuple(int(part) for part in release.split("."))


def root_of(release):
    """The root with that release; ends the process as skipped, with a reason, if there is none."""
    result = subprocess.run([ROOTS, SUITES[release]], check=False, text=True,
                            stdout=subprocess.PIPE)
    if result.returncode:
        print(result.stdout, end="")
        sys.exit(result.returncode)
    return result.stdout.strip()


def topology_for(topology, release, folder, kinds=("postfix",)):
    """A copy of a topology, and of what stands beside it, below a folder, with that release as the
    target of every node of these kinds."""
    topology, folder = pathlib.Path(topology), pathlib.Path(folder)
    copy = folder / "source" / topology.name
    shutil.copytree(topology.parent, copy.parent)
    for secret in copy.parent.glob("secrets/*"):
        secret.chmod(0o600)
    text = copy.read_text(encoding="utf-8")
    text = re.sub(r"^ +postfix: \{version: [^}]*\}\n", "", text, flags=re.M)
    text = re.sub(r",\s*postfix: \{version: [^}]*\}", "", text)
    text, count = re.subn(rf"(^ +)?kind: ({'|'.join(kinds)})(\n|[,}}])",
                          lambda node: f"{node[1] or ''}kind: {node[2]}" +
                          (f'\n{node[1]}postfix: {{version: "{release}"}}\n' if node[3] == "\n" else
                           f', postfix: {{version: "{release}"}}{node[3]}'), text, flags=re.M)
    assert count, f"no node of kind {kinds} in {topology}"
    copy.write_text(text, encoding="utf-8")
    return copy


def enter(release):
    """Runs this script again, in a mount namespace of its own where programs can run in the root: it
    is read-only but for Postfix's queue and data, and has this machine's /tmp. Returns the root."""
    root = root_of(release)
    if os.environ.get("POSTERN_MATRIX_INSIDE") == root:
        return root
    script = ('set -e; mount --bind "$0" "$0"; mount -o remount,bind,ro "$0"; '
              'mount -t proc proc "$0/proc"; mount --rbind /dev "$0/dev"; '
              'mount --rbind /tmp "$0/tmp"; mount -t tmpfs tmpfs "$0/home"; '
              'for folder in spool lib; do '
              'cp -a "$0/var/$folder/postfix" "$0/home/$folder"; '
              'mount --bind "$0/home/$folder" "$0/var/$folder/postfix"; done; POSTERN_MATRIX_INSIDE=$0 exec "$@"')
    os.execvp("unshare", ["unshare", "--mount", "sh", "-c", script, root, sys.executable, *sys.argv])
    raise AssertionError("not reached")
