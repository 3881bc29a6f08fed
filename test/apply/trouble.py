#!/usr/bin/python3
"""
What can go wrong around an apply: programs that refuse, a full disk, other runs, files and folders
that are not what they should be. Each ends in the old configuration, octet by octet, with a clear
message and nothing left behind; or in the new one.
"""
import fcntl
import os
import shutil
import socketserver
import subprocess
import sys
import threading

from applylib import (EXAMPLE, STAGING, Machine, check, equal, finish, need_root_and_postfix,
                      same_files, skip)

need_root_and_postfix()
# in a network of its own, where port 25 is free for what stands for Postfix
if "APPLY_INSIDE" not in os.environ:
    if subprocess.run(["unshare", "--net", "--mount", "true"], check=False).returncode:
        skip("no namespaces here")
    sys.exit(subprocess.run(["unshare", "--net", "--mount", sys.executable, __file__], env={**os.environ, "APPLY_INSIDE": "1"},
                            check=False).returncode)
subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


class Greeter(socketserver.BaseRequestHandler):
    """Says what smtpd would."""

    def handle(self):
        self.request.sendall(b"220 mail.example.com ESMTP\r\n")
        self.request.recv(10)


threading.Thread(target=socketserver.ThreadingTCPServer(("127.0.0.1", 25), Greeter).serve_forever, daemon=True).start()
counts = {}


def indexed(machine):
    """The example with tables that postmap makes an index of."""
    with open(EXAMPLE, encoding="utf-8") as file:
        words = file.read().replace("kind: postfix\n", "kind: postfix\n    map_type: hash\n")
    path = f"{machine.work}/hash.yaml"
    with open(path, "w", encoding="utf-8") as file:
        file.write(words)
    return path


def quick():
    """A machine whose programs answer at once."""
    machine = Machine()
    machine.quick()
    return machine


def refused(machine, ended, before, status, *words, name):
    """It ended so, said so, and nothing changed or was left."""
    equal(ended.returncode, status, f"{name}: status; {ended.stderr[-300:]}")
    for word in words:
        check(word in ended.stderr, f"{name}: says {word!r}: {ended.stderr[-400:]!r}")
    same_files(machine.exact(), before, f"{name}: the folder")
    store = f"{machine.states}/apply/{machine.etc.replace('/', '%2F')}"
    states = [entry for entry in os.listdir(store) if entry not in ("lock", "journal")] if os.path.isdir(store) else []
    equal(states, [], f"{name}: states")
    counts["refused"] = counts.get("refused", 0) + 1


def untouched(machine):
    """The folder, but for its time: files came into it and went."""
    return {key: value for key, value in machine.exact().items() if key != "."}


# programs that refuse
for program, script, status, words in (
        ("postmap", "echo 'postmap: fatal: no space' >&2; exit 1", 1, ("postmap", "fatal: no space", "do not pass")),
        ("postconf", "case $3 in -m) echo hash; echo static; echo cidr; echo texthash;; *) echo bad >&2; exit 1;; esac",
         1, ("postconf: error: bad",)),
        ("postfix", "case $3 in check) echo 'postfix: fatal: odd' >&2; exit 1;; esac", 1, ("fatal: odd",)),
        ("postfix", "case $3 in check) kill -9 $$;; esac", 1, ("postfix check",)),
        ("postfix", "exit 1", 1, ("Postfix does not run", "--no-reload")),
        ("postconf", "echo cidr; echo static; echo texthash", 1, ("no tables of type 'hash'", "map_type"))):
    machine = quick()
    machine.program(program, script)
    before = untouched(machine)
    ended = machine.apply(topology=indexed(machine))
    same_files(untouched(machine), before, f"{program} refuses: files")
    refused(machine, ended, machine.exact(), status, *words, name=f"{program}: {script}")
    machine.remove()

# Postfix does not take it: the former state is back, and Postfix is told
script = 'case $3 in reload|start) [ -e $0.once ] || { touch $0.once; echo odd >&2; exit 1; };; esac'
machine = quick()
machine.program("postfix", f'echo "$*" >>{machine.work}/asked; {script}')
before = untouched(machine)
ended = machine.apply()
equal(ended.returncode, 1, f"Postfix does not start: {ended.stderr[-300:]}")
check("The former state is back." in ended.stdout, "and the former state is back")
same_files(untouched(machine), before, "Postfix does not start: files")
with open(f"{machine.work}/asked", encoding="ascii") as file:
    check("start" in file.read(), "Postfix was started again")
listed = machine.run("rollback", "--list").stdout
check("rollback to 0" in listed and "apply (overlay)" in listed, f"both are in the list: {listed}")
machine.remove()
counts["taken back"] = counts.get("taken back", 0) + 1

# full disks of all sizes, for the folder and for the states
for where in ("etc", "states"):
    outcomes = {"old": 0, "new": 0}
    for size in [*range(56, 200, 8), 260, 400]:
        machine = quick()
        path = indexed(machine)
        before = untouched(machine)
        target = f"{machine.work}/{where}"
        if where == "etc":
            shutil.move(machine.etc, f"{machine.work}/kept")
        os.makedirs(target, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}k,mode=0755", "none", target], check=True)
        try:
            if where == "etc":
                fits = subprocess.run(["cp", "-a", f"{machine.work}/kept/.", target], capture_output=True,
                                      check=False).returncode == 0
                if not fits:
                    continue
            else:
                os.chmod(target, 0o755)
            ended = machine.apply("--no-reload", topology=path)
            if ended.returncode == 0:
                outcomes["new"] += 1
                check("virtual.db" in machine.seen(), f"{where}, {size} kB: the new state")
            else:
                outcomes["old"] += 1
                same_files(untouched(machine), before, f"{where}, {size} kB: the old state")
                check("No space left" in ended.stderr or "postmap" in ended.stderr,
                      f"{where}, {size} kB: says so: {ended.stderr[-300:]!r}")
        finally:
            subprocess.run(["umount", target], check=True)
            machine.remove()
    check(outcomes["old"] and outcomes["new"], f"disks of {where} were full and not: {outcomes}")
    counts[f"full disk for {where}"] = outcomes

# somebody writes while it is tried: theirs is kept
machine = quick()
machine.program("postfix", f"echo '# theirs' >>{machine.etc}/main.cf")
wanted = machine.read("main.cf") + b"# theirs\n"
ended = machine.apply("--no-reload")
equal((ended.returncode, "changed a file meanwhile" in ended.stderr), (1, True), f"a file changed meanwhile: {ended.stderr[-300:]}")
equal(machine.read("main.cf"), wanted, "a file changed meanwhile is kept")
equal(sorted(os.listdir(machine.etc)), ["aliases.txt", "main.cf", "master.cf"], "and nothing else is there")
equal(machine.apply("--no-reload").returncode, 1, "and again")
machine.quick()
equal(machine.apply("--no-reload").returncode, 0, "until nobody does")
check(b"# theirs\n" in machine.read("main.cf"), "with what they wrote")
# files only: Postfix takes it up with the next apply
ended = machine.apply()
equal((ended.returncode, "was not taken up yet" in ended.stdout), (0, True), f"taken up later: {ended.stderr[-300:]}")
check("not taken up" not in machine.apply().stdout, "and then it is")
machine.remove()
# nobody reads what it says, and it is asked to end: it ends by itself, in the new state
machine = quick()
machine.program("postfix", "case $3 in check) kill -TERM $PPID; kill -HUP $PPID; kill -PIPE $PPID; sleep 1;; esac")
ended = machine.apply("--no-reload")
equal((ended.returncode, "transport" in machine.seen()), (0, True), f"signals: {ended.stderr[-300:]}")
machine.remove()

# another run
machine = quick()
before = machine.exact()
store = f"{machine.states}/apply/{machine.etc.replace('/', '%2F')}"
os.makedirs(store, mode=0o700)
with open(f"{store}/lock", "w", encoding="ascii") as lock:
    lock.write("process 1 of somebody")
    lock.flush()
    fcntl.flock(lock, fcntl.LOCK_EX)
    refused(machine, machine.apply("--no-reload"), before, 1, "another run", "process 1 of somebody", name="another run")
os.chmod(store, 0o755)
refused(machine, machine.apply("--no-reload"), before, 3, "0700", name="states that others could read")
machine.remove()
# several at once: each is done, or is told to wait
machine = quick()
runs = [subprocess.Popen(machine.command("apply", "--yes", "--force", "--host", "public", "--no-reload", EXAMPLE),
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
                         env={**os.environ, "PATH": f"{machine.bin}:{os.environ['PATH']}"}) for _ in range(6)]
ends = [(run.communicate()[1], run.returncode) for run in runs]
check(all(status == 0 or (status == 1 and b"another run" in said) for said, status in ends), f"six at once: {ends}")
check(any(status == 0 for _, status in ends), "one of six is done")
equal(machine.plan().returncode, 0, "after six at once nothing is left to do")
check(not os.path.exists(f"{machine.etc}/{STAGING}"), "nor left behind")
machine.remove()


# files and folders that are not what they should be
def spoil_link(machine):
    os.rename(f"{machine.etc}/main.cf", f"{machine.work}/main.cf")
    os.symlink("../main.cf", f"{machine.etc}/main.cf")


def spoil_folder(machine):
    os.mkdir(f"{machine.etc}/transport")


def spoil_fifo(machine):
    os.mkfifo(f"{machine.etc}/transport")


def spoil_table(machine):
    machine.write("transport", "example.org smtp:[10.0.0.1]\n")


def spoil_mode(machine):
    os.chmod(machine.etc, 0o777)


def spoil_staging(machine):
    os.mkdir(f"{machine.work}/elsewhere")
    os.symlink(f"{machine.work}/elsewhere", f"{machine.etc}/{STAGING}")


def spoil_template(machine):
    machine.write("main.cf", "myhostname = {{ hostname }}\n")


def spoil_nul(machine):
    machine.write("main.cf", b"myhostname = a\0b\n")


def spoil_huge(machine):
    machine.write("main.cf", "# filler\n" * 200000)


for spoil, status, words in ((spoil_link, 1, ("main.cf: error: this is a symbolic link",)),
                             (spoil_folder, 1, ("transport", "directory")),
                             (spoil_fifo, 1, ("transport",)),
                             (spoil_table, 1, ("made by hand", "--take-over")),
                             (spoil_mode, 1, ("everybody may write", "chmod")),
                             (spoil_staging, 3, (STAGING,)),
                             (spoil_template, 1, ("main.cf",)),
                             (spoil_nul, 1, ("main.cf",)),
                             (spoil_huge, 1, ("larger than a configuration",))):
    machine = quick()
    spoil(machine)
    before = machine.exact()
    refused(machine, machine.apply("--no-reload"), before, status, *words, name=spoil.__name__)
    machine.remove()

# a file system for reading only, and an immutable file where there can be one
machine = quick()
subprocess.run(["mount", "--bind", machine.etc, machine.etc], check=True)
subprocess.run(["mount", "-o", "remount,bind,ro", machine.etc], check=True)
refused(machine, machine.apply("--no-reload"), machine.exact(), 1, "read-only", name="read-only")
subprocess.run(["umount", machine.etc], check=True)
if subprocess.run(["chattr", "+i", f"{machine.etc}/main.cf"], capture_output=True, check=False).returncode == 0:
    refused(machine, machine.apply("--no-reload"), machine.exact(), 1, "immutable", name="immutable")
    subprocess.run(["chattr", "-i", f"{machine.etc}/main.cf"], check=True)
machine.remove()

# not root, the wrong machine, no Postfix, nobody to ask
machine = quick()
before = machine.exact()
nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
os.chmod(machine.work, 0o755)
shutil.copy(EXAMPLE, f"{machine.work}/topology.yaml")
os.chmod(f"{machine.work}/topology.yaml", 0o644)
if subprocess.run([*nobody, "test", "-x", machine.command("apply")[0]], check=False).returncode == 0:
    refused(machine, machine.apply(topology=f"{machine.work}/topology.yaml", before=nobody), before, 1, "only root", name="not root")
    equal(machine.plan(topology=f"{machine.work}/topology.yaml", before=nobody).returncode, 2, "but a plan is for everybody")
refused(machine, machine.run("apply", "--yes", "--host", "public", EXAMPLE), before, 1, "neither the host name",
        "--force", name="the wrong machine")
refused(machine, machine.run("apply", "--yes", EXAMPLE), before, 2, "--host NODE", name="no node")
refused(machine, machine.run("apply", "--yes", "--host", "nobody", EXAMPLE), before, 2, "no host 'nobody'", name="no such node")
refused(machine, machine.run("apply", "--force", "--host", "public", "--no-reload", EXAMPLE), before, 2, "--yes",
        name="nobody to ask")
gone = machine.run("apply", "--yes", "--force", "--host", "public", "--config-dir", f"{machine.work}/none", EXAMPLE, folders=False)
equal((gone.returncode, "is Postfix installed here?" in gone.stderr), (3, True), "no such folder")
equal(machine.run("rollback", "--yes").returncode, 1, "nothing to go back to")
machine.remove()

print(counts)
finish()
