"""What the tests of lint share."""
import collections
import json
import os
import shutil
import subprocess
import sys
import tempfile

SOURCE = os.environ["POSTERN_SOURCE"]
CONFGEN = os.environ["POSTERN_CONFGEN"]
DATA = os.environ.get("POSTERN_TEST_DATA", "")
FIXTURES = f"{SOURCE}/test/lint/fixtures"

Finding = collections.namedtuple("Finding", "rule severity file line message hint fingerprint")


class Checks:
    """Counts, complains, and ends the program."""

    def __init__(self):
        self.done = self.failed = 0

    def check(self, good, what):
        self.done += 1
        if not good:
            self.failed += 1
            print(f"not ok: {what}")
        return good

    def equal(self, got, wanted, what):
        return self.check(got == wanted, f"{what}: {got!r}, not {wanted!r}")

    def end(self, *more):
        for line in more:
            print(line)
        print(f"{self.done} checks, {self.failed} failed")
        sys.exit(self.failed != 0 or self.done == 0)


def run(*arguments, check_signal=True, **options):
    """Runs postern-confgen; a crash or a sanitizer's complaint is an error at once."""
    result = subprocess.run([CONFGEN, *arguments], capture_output=True, timeout=120, check=False,
                            **options)
    if check_signal and (result.returncode < 0 or b"Sanitizer" in result.stderr):
        print(f"not ok: postern-confgen {arguments} ended with {result.returncode}: "
              f"{result.stderr.decode(errors='replace')}")
        sys.exit(1)
    return result


def lint(*arguments, cwd=None):
    """The findings of a run, and its exit status."""
    result = run("lint", "--format", "json", *arguments, cwd=cwd)
    report = json.loads(result.stdout)
    findings = [Finding(f["rule"], f["severity"], f["file"], f.get("line", 0), f["message"],
                        f.get("hint"), f["fingerprint"]) for f in report["findings"]]
    return findings, result.returncode


def rules():
    """All rules: id -> severity."""
    lines = run("lint", "--rules").stdout.decode().splitlines()
    return {line.split()[0]: line.split()[1] for line in lines}


def cases(rule):
    """The fixture folders of a rule: name, path."""
    folder = f"{FIXTURES}/{rule}"
    if not os.path.isdir(folder):
        return []
    return [(name, f"{folder}/{name}") for name in sorted(os.listdir(folder))
            if os.path.isdir(f"{folder}/{name}")]


class Case:
    """
    A copy of a fixture. Its file "options" holds more options for lint, one a line; "setup" is a
    shell script that is run in the copy, for modes and times, which a checkout does not keep.
    """

    def __init__(self, path):
        self.path = path
        self.folder = tempfile.mkdtemp(prefix="lint-")
        self.copy = f"{self.folder}/case"

    def __enter__(self):
        shutil.copytree(self.path, self.copy, symlinks=True)
        for folder, _, names in os.walk(self.copy):
            for name in names:
                if not os.path.islink(f"{folder}/{name}"):
                    os.chmod(f"{folder}/{name}", 0o644)
        self.options = ["--target-postfix", "3.7"]
        self.expected = self._take("expected") or []
        self.options += self._take("options") or []
        if self._take("setup") is not None:
            subprocess.run(["sh", "-eu", f"{self.path}/setup"], cwd=self.copy, check=True)
        return self

    def _take(self, name):
        try:
            with open(f"{self.copy}/{name}", encoding="utf-8") as file:
                lines = [line.strip() for line in file if line.strip()]
        except FileNotFoundError:
            return None
        os.remove(f"{self.copy}/{name}")
        return lines

    def __exit__(self, *_):
        shutil.rmtree(self.folder)

    def target(self):
        """What lint is pointed at: the folder, or the compose file in it."""
        for name in ("compose.yaml", "docker-compose.yml"):
            if os.path.exists(f"{self.copy}/{name}"):
                return f"{self.copy}/{name}"
        return self.copy


def findings_of(opened):
    """
    What is found in each of these cases, in their order, places relative to their folders: one run
    for all that have the same options. A finding outside of every case ends the test.
    """
    runs = collections.defaultdict(list)
    for case in opened:
        runs[tuple(case.options)].append(case)
    found = {case.copy: [] for case in opened}
    for options, group in runs.items():
        for finding in lint(*options, *(case.target() for case in group))[0]:
            copy, part, name = finding.file.partition("/case/")
            if finding.file in found:
                copy, name = finding.file, finding.file
            elif part and copy + "/case" in found:
                copy += "/case"
            else:
                print(f"not ok: {finding} belongs to no case")
                sys.exit(1)
            found[copy].append(finding._replace(file=name))
    return [found[case.copy] for case in opened]


def render_examples(work):
    """Renders all examples; the folders of their Postfix hosts. One that needs secrets gets them."""
    environment = dict(os.environ)
    hosts = []
    for name in sorted(os.listdir(f"{SOURCE}/examples")):
        topology = f"{SOURCE}/examples/{name}/topology.yaml"
        if not os.path.exists(topology):
            continue
        result = subprocess.run([CONFGEN, "render", "-o", f"{work}/{name}", topology],
                                capture_output=True, env=environment, check=False)
        if result.returncode != 0:
            print(f"# {name} is left out: it does not render without its secrets")
            continue
        hosts += [f"{work}/{name}/{host}" for host in sorted(os.listdir(f"{work}/{name}"))
                  if os.path.exists(f"{work}/{name}/{host}/main.cf") or
                  os.path.exists(f"{work}/{name}/{host}/postfix-main.cf")]
    return hosts


def stock(work):
    """Configurations that nobody should have to complain of: name -> folder."""
    found = {}
    share = "/usr/share/postfix"
    for name in ("main.cf.debian", "main.cf.dist"):
        if os.path.exists(f"{share}/{name}") and os.path.exists(f"{share}/master.cf.dist"):
            folder = f"{work}/stock-{name}"
            os.mkdir(folder)
            shutil.copy(f"{share}/{name}", f"{folder}/main.cf")
            shutil.copy(f"{share}/master.cf.dist", f"{folder}/master.cf")
            found[name] = folder
    mailserver = f"{DATA}/corpus/docker-mailserver__docker-mailserver"
    if os.path.exists(f"{mailserver}/main.cf"):
        found["docker-mailserver"] = mailserver
    return found
