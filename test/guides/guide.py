"""
What a guide in doc/guides says is to be done. Every block of code begins with what it is:

    ```sh run               commands, executed one after the other, as root
    ```sh skip: REASON      commands that cannot be executed in the test, and why
    ```console              the output of the block before: each line must occur in it, in this order;
                            "..." stands for anything
    ```LANGUAGE file=PATH   a file that the reader writes
    ```LANGUAGE look        something to look at: neither written nor executed

A comment "<!-- test: ... -->" holds commands that the test needs in place of the reader's world: DNS at a provider,
a second machine. They are executed, and not counted.
"""
import re
import subprocess

FENCE = re.compile(r"^```(\S+)(?: (.*))?$")
HIDDEN = re.compile(r"<!-- test:\n(.*?)-->\n", re.S)


class Step:
    """A block: what is to be done with it, its text, and its line in the guide."""

    def __init__(self, kind, text, line, argument=""):
        self.kind, self.text, self.line, self.argument = kind, text, line, argument


def kind_of(language, words, line):
    """What a fence says, as (kind, argument)."""
    if language == "console":
        return "output", ""
    if language == "sh" and words == "run":
        return "run", ""
    if language == "sh" and words.startswith("skip: "):
        return "skip", words[len("skip: "):]
    if words.startswith("file="):
        return "file", words[len("file="):]
    if words == "look":
        return "look", ""
    raise SystemExit(f"line {line}: a block that is neither run, nor written, nor skipped with a reason: {words!r}")


def steps(text):
    """The steps of a guide, in order."""
    found, inside, hidden = [], None, None
    for number, line in enumerate(text.splitlines(), 1):
        if hidden is not None:
            if line == "-->":
                found.append(hidden)
                hidden = None
            else:
                hidden.text += line + "\n"
        elif inside is not None:
            if line == "```":
                found.append(inside)
                inside = None
            else:
                inside.text += line + "\n"
        elif line == "<!-- test:":
            hidden = Step("hidden", "", number)
        elif line.startswith("```"):
            fence = FENCE.match(line)
            assert fence, f"line {number}: this block does not say what it is"
            inside = Step(*kind_of(fence[1], fence[2] or "", number)[:1], "", number,
                          kind_of(fence[1], fence[2] or "", number)[1])
        else:
            assert not line.startswith("    ") or not line.strip(), f"line {number}: commands stand in fences"
    assert inside is None and hidden is None, "a block does not end"
    return found


def commands(text):
    """Splits a block where bash says that a command is complete."""
    found, part = [], ""
    for line in text.splitlines(keepends=True):
        part += line
        if not part.strip() or part.lstrip().startswith("#") and part.count("\n") == 1:
            part = ""
        elif not line.endswith("\\\n") and complete(part):
            found.append(part)
            part = ""
    assert not part.strip(), f"this command does not end: {part}"
    return found


def complete(text):
    """Whether bash needs no more lines; it warns of a here-document that does not end."""
    result = subprocess.run(["bash", "-n"], input=text, text=True, capture_output=True, check=False)
    return result.returncode == 0 and not result.stderr


def occurs(wanted, output):
    """The first line of an expected output that is not there, in this order; None when all are."""
    lines = iter(output.splitlines())
    for want in wanted.splitlines():
        pattern = re.compile(".*".join(re.escape(part) for part in want.split("...")) + r"\s*$")
        if want.strip() and want != "..." and not any(pattern.match(line) for line in lines):
            return want
    return None
