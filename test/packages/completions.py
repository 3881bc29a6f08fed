#!/usr/bin/python3
"""Completions in real shells: what they offer is what --help, the rules and the presets have."""
import os
import re
import shutil
import subprocess
import sys
import tempfile

FILES = os.path.join(os.environ["POSTERN_BUILD"], "packaging")
PROGRAMS = {name: os.environ[f"POSTERN_{name.upper()}"] for name in ("confgen", "milter", "gate")}
ZSH = """
zmodload zsh/zpty
zpty -b shell zsh -f -i
zpty -w shell "PS1=; unsetopt zle_bracketed_paste; PATH=$PATH; fpath=($FILES \\$fpath); cd $WORK"
zpty -w shell 'autoload -U compinit; compinit -u -D; zstyle ":completion:*" list-colors "no="'
zpty -w shell 'LISTMAX=10000; zstyle ":completion:*" menu no'
zpty -w shell 'compadd() {
    if [[ $* == *" -O "* || $* == *" -A "* || $* == *" -D "* ]]; then builtin compadd "$@"; return; fi
    local -a offered; builtin compadd -O offered "$@"
    printf "%s\\n" "<$^offered>" >>offers; builtin compadd "$@"; }'
zpty -w shell 'finish() { echo end >>offers }; zle -N finish; bindkey "^X" finish'
zpty -n -w shell "$LINE"$'\\t\\x18'
repeat 600; do grep -qs '^end' $WORK/offers && break; zpty -r -t shell said; sleep 0.05; done
zpty -d shell
"""


def run(*command, **options):
    """What a command prints."""
    return subprocess.run(command, check=False, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, **options).stdout


def in_bash(line, path, work):
    """What bash offers for the last word of a line; = divides words, as in an interactive shell."""
    words = re.findall(r"[^\s=]+|=", line) + ([""] if line.endswith(" ") else [])
    script = ('. "$FILES/postern.bash"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); '
              'function=$(complete -p "$1" | sed "s/.* -F \\([^ ]*\\) .*/\\1/"); "$function"; '
              'printf "%s\\n" "${COMPREPLY[@]}"')
    return set(run("bash", "--norc", "-c", script, "bash", *words, cwd=work,
                   env={"PATH": path, "FILES": FILES}).split())


def in_zsh(line, path, work):
    """The same of an interactive zsh behind a terminal."""
    offers = os.path.join(work, "offers")
    if os.path.exists(offers):
        os.unlink(offers)
    run("zsh", "-f", "-c", ZSH, stdin=subprocess.DEVNULL, timeout=60,
        env={"PATH": path, "FILES": FILES, "LINE": line, "WORK": work, "TERM": "dumb", "HOME": work})
    with open(offers, encoding="utf-8") as file:
        return set(re.findall(r"^<(.+)>$", file.read(), re.M))


def options(*command):
    """The long options of --help."""
    return set(re.findall(r"^ {2,6}(?:-.?, )?(--[a-z-]+)", run(*command, "--help"), re.M))


def expected():
    """Lines, and what is to be offered for them: exactly this, or at least this."""
    confgen = PROGRAMS["confgen"]
    text = run(confgen, "--help").split("Commands:")[1].split("\n\n")[0]
    commands = set(re.findall(r"^  ([a-z-]+)", text, re.M))
    rules = {line.split()[0] for line in run(confgen, "lint", "--rules").splitlines()}
    presets = {line.split()[0] for line in run(confgen, "init").splitlines()}
    assert len(commands) > 5 and len(rules) > 100 and len(presets) > 5
    formats = {"text", "gcc", "json", "sarif", "github", "gitlab", "junit"}
    yield "postern-confgen ", commands | {"--help", "--version"}
    yield "postern-confgen explain ", rules
    yield "postern-confgen explain R0", {rule for rule in rules if rule.startswith("R0")}
    yield "postern-confgen init ", presets
    yield "postern-confgen lint --format=", formats
    yield "postern-confgen lint --format ", formats
    yield "postern-confgen check --format=s", {"sarif"}
    yield "postern-confgen lint -F ", {"error", "warning", "info", "none"}
    yield "postern-confgen keys --type=", {"rsa-2048", "rsa-3072", "rsa-4096", "ed25519"}
    yield "postern-confgen plan --mode=", {"overlay", "full"}
    yield "postern-confgen check t", {"topology.yaml"}
    yield "postern-confgen render --templates=fo", {"folder"}
    yield "postern-milter --config=to", {"topology.yaml"}
    yield "postern-lab ", {"up", "down", "list", "exec", "send", "stop", "start", "milter-stop", "milter-start", "gate-stop", "gate-start", "log"}
    for command in sorted(commands):
        yield f"postern-confgen {command} --", options(confgen, command)
    for name in ("milter", "gate"):
        yield f"postern-{name} --", options(PROGRAMS[name])


def main():
    """Compares, for each shell that is there."""
    failed = count = 0
    with tempfile.TemporaryDirectory(prefix="postern-completions-") as work:
        for name, program in PROGRAMS.items():
            os.symlink(program, f"{work}/postern-{name}")
        os.symlink(os.environ["POSTERN_SOURCE"] + "/lab/postern-lab", f"{work}/postern-lab")
        os.mkdir(f"{work}/folder")
        with open(f"{work}/topology.yaml", "w", encoding="utf-8"):
            pass
        path = f"{work}:{os.environ['PATH']}"
        shells = {"bash": in_bash, "zsh": in_zsh}
        if not shutil.which("zsh"):
            print("zsh is not installed: its completion is left out (Debian package zsh)")
            del shells["zsh"]
        for line, wanted in expected():
            for shell, ask in shells.items():
                count += 1
                offered = {word.rstrip("=/") for word in ask(line, path, work)}
                if offered != wanted:
                    failed += 1
                    print(f"not ok: {shell}: '{line}': missing {sorted(wanted - offered)}, "
                          f"too many {sorted(offered - wanted)}")
    print(f"{count} completions, {failed} failed")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
