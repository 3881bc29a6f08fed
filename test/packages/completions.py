#!/usr/bin/python3
"""Completions in real shells: what they offer is what --help, the rules and the presets have."""
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time

FILES = os.path.join(os.environ["POSTERN_BUILD"], "packaging")
PROGRAMS = {name: os.environ[f"POSTERN_{name.upper()}"] for name in ("confgen", "milter", "gate")}
# what an interactive zsh reads at its start: whatever is offered goes to a file, and ^X says that this was all
ZSHRC = r"""
PS1=; unset zle_bracketed_paste
fpath=($FILES $fpath)
autoload -U compinit; compinit -u -D
compadd() {
    if [[ " $* " == *" -"[OAD]" "* ]]; then builtin compadd "$@"; return; fi
    local -a offered
    builtin compadd -O offered "$@"
    printf '<%s>\n' $offered >>$OFFERS
    builtin compadd "$@"
}
finish() { echo end >>$OFFERS }
zle -N finish; bindkey '^X' finish
echo ready >>$OFFERS
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
    offers = os.path.join(work, "zsh", "offers")
    with open(os.path.join(work, "zsh", ".zshrc"), "w", encoding="utf-8") as file:
        file.write(ZSHRC)
    with open(offers, "w", encoding="utf-8"):
        pass
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(work)
        os.execvpe("zsh", ["zsh", "-i"], {"PATH": path, "FILES": FILES, "OFFERS": offers, "TERM": "dumb",
                                          "ZDOTDIR": os.path.dirname(offers), "HOME": work})
    try:
        for word, keys in (("ready", line + "\t\x18"), ("end", None)):
            said = wait_for_word(offers, word, terminal)
            if keys:
                os.write(terminal, keys.encode())
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(terminal)
    return set(re.findall(r"^<(.+)>$", said, re.M))


def wait_for_word(name, word, terminal):
    """Reads from the terminal until a file has the word as a line; returns the file."""
    end = time.monotonic() + 60
    while True:
        if select.select([terminal], [], [], 0.02)[0]:
            os.read(terminal, 65536)
        with open(name, encoding="utf-8") as file:
            said = file.read()
        if re.search(f"^{word}$", said, re.M):
            return said
        assert time.monotonic() < end, f"zsh does not answer: {said}"


def options(*command):
    """The long options of --help."""
    return set(re.findall(r"^ {2,6}(?:-.?, )?(--[a-z-]+)", run(*command, "--help"), re.M))


def word_options():
    """Lines that end where one of a few words is wanted: it must not be that none is known."""
    for command in run(PROGRAMS["confgen"], "--help").split("Commands:")[1].split("\n\n")[0].split("\n")[1:]:
        name = command.split()[0]
        for option in re.findall(r"(--[a-z-]+)=(?:FORMAT|SEVERITY|TYPE|MODE)\b",
                                 run(PROGRAMS["confgen"], name, "--help")):
            yield f"postern-confgen {name} {option}="


def expected():
    """Lines, and what is to be offered for them: exactly this, or at least this."""
    confgen = PROGRAMS["confgen"]
    text = run(confgen, "--help").split("Commands:")[1].split("\n\n")[0]
    commands = set(re.findall(r"^  ([a-z-]+)", text, re.M))
    rules = {line.split()[0] for line in run(confgen, "explain", "--list").splitlines()}
    presets = {line.split()[0] for line in run(confgen, "init").splitlines()}
    assert len(commands) > 5 and len(rules) > 100 and len(presets) > 5
    formats = {"text", "gcc", "json", "sarif", "github", "gitlab", "junit"}
    yield "postern-confgen ", commands | {"--help", "--version"}
    yield "postern-confgen explain ", rules
    yield "postern-confgen explain R0", {rule for rule in rules if rule.startswith("R0")}
    yield "postern-confgen explain dns-mx", {"dns-mx-alias", "dns-mx-nowhere"}
    yield "postern-confgen init ", presets
    yield "postern-confgen lint --format=", formats
    yield "postern-confgen lint --format ", formats
    yield "postern-confgen check --format=s", {"sarif"}
    yield "postern-confgen lint -F ", {"error", "warning", "info", "none"}
    yield "postern-confgen test --format=", {"tap", "junit", "json"}
    yield "postern-confgen dns --format=", formats | {"zone"}
    yield "postern-confgen keys --type=", {"rsa-2048", "rsa-3072", "rsa-4096", "ed25519"}
    yield "postern-confgen plan --mode=", {"overlay", "full"}
    yield "postern-confgen check t", {"topology.yaml"}
    yield "postern-confgen render --templates=fo", {"folder"}
    yield "postern-milter --config=to", {"topology.yaml"}
    with open(os.environ["POSTERN_SOURCE"] + "/doc/postern-lab.8.scd", encoding="utf-8") as page:
        section = page.read().split("# COMMANDS")[1].split("\n# ")[0]
    yield "postern-lab ", set(re.findall(r"\*([a-z-]+)\*", " ".join(re.findall(r"^\*.*", section, re.M))))
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
        os.mkdir(f"{work}/zsh")
        with open(f"{work}/topology.yaml", "w", encoding="utf-8"):
            pass
        path = f"{work}:{os.environ['PATH']}"
        shells = {"bash": in_bash, "zsh": in_zsh}
        if not shutil.which("zsh"):
            print("zsh is not installed: its completion is left out (Debian package zsh)")
            del shells["zsh"]
        for line in word_options():
            count += 1
            if len(in_bash(line, path, work)) < 2:
                failed += 1
                print(f"not ok: '{line}': its words are not found in --help (completions/options.awk)")
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
