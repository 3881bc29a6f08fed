#!/usr/bin/python3
"""Does what a guide says, word by word, on a machine of its own, and counts the commands: run.py GUIDE."""
import os
import pathlib
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import guide    # noqa: E402
import machine  # noqa: E402

PATIENCE = 60  # seconds, for a command that takes a few


def execute(text):
    """Runs a command; returns its status and what it wrote."""
    result = subprocess.run(["bash", "-euo", "pipefail", "-c", text], cwd="/root", check=False, text=True,
                            errors="replace", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, timeout=PATIENCE)
    return result.returncode, result.stdout


def fail(step, what, output=""):
    """Ends the test: a guide with a step that does not work is of no use behind it."""
    print(f"not ok: {sys.argv[1]}:{step.line}: {what}\n{output}")
    log = pathlib.Path(machine.MAIL_LOG)
    print("--- log:", *log.read_text(encoding="utf-8").splitlines()[-25:], sep="\n")
    sys.exit(1)


def write(step):
    """A file of the reader's."""
    path = pathlib.Path(step.argument)
    if not path.is_absolute():
        path = pathlib.Path("/root") / path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(step.text, encoding="utf-8")


def main():
    """Step by step."""
    machine.enter()
    machine.boot()
    count = {"run": 0, "file": 0, "skip": 0}
    output = ""
    for step in guide.steps(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8")):
        if step.kind == "file":
            write(step)
            count["file"] += 1
        elif step.kind == "output":
            missing = guide.occurs(step.text, output)
            if missing is not None:
                fail(step, f"the output has no line '{missing}'", output)
        elif step.kind == "skip":
            skipped = len(guide.commands(step.text))
            count["skip"] += skipped
            print(f"not run: line {step.line}: {skipped} commands: {step.argument}")
        elif step.kind in ("run", "hidden"):
            output = "" if step.kind == "run" else output
            for command in guide.commands(step.text):
                status, said = execute(command)
                if status:
                    fail(step, f"exit status {status}: {command}", said)
                if step.kind == "run":
                    output += said
                    count["run"] += 1
    assert count["run"] > 0, "a guide without commands"
    print(f"{pathlib.Path(sys.argv[1]).name}: {count['run']} commands run, {count['file']} files written, "
          f"{count['skip']} commands not run")


main()
