#!/usr/bin/python3
"""The lab runs twice at once, touches nothing of the host, and leaves nothing behind."""
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from lib.lab import (EXAMPLE, MILTER, POSTERN_LAB, STRANGER, Lab, assert_accepted, compose, run,
                     wait)

# A host of its own as far as interfaces, mounts and names of namespaces go: what other tests do to
# the real one meanwhile is not the lab's doing.
if os.geteuid() == 0 and "POSTERN_APART" not in os.environ:
    os.environ["POSTERN_APART"] = "yes"
    os.execvp("unshare", ["unshare", "--net", "--mount", "sh", "-c",
                          'mkdir -p /run/netns && mount -t tmpfs none /run/netns && exec "$@"',
                          "sh", sys.executable, *sys.argv])

# A state folder of our own: whatever mentions it belongs to these labs.
STATE = os.environ["POSTERN_LAB_STATE"] = tempfile.mkdtemp(prefix="postern-e2e-state-")


def traces(name):
    """Processes of a lab (by what is mounted for them, or by command line)."""
    found = []
    folder = os.path.join(STATE, name).encode()
    for process in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{process}/mountinfo", "rb") as mounts, \
                    open(f"/proc/{process}/cmdline", "rb") as line:
                if folder in mounts.read() or folder in line.read():
                    found.append(process)
        except OSError:
            pass
    return found


def assert_nothing(name):
    wait(lambda: not traces(name), f"end of the processes of {name}")
    assert not os.path.exists(os.path.join(STATE, name)), os.listdir(STATE)


def host():
    """What a lab must not change."""
    links = subprocess.run(["ip", "-o", "link"], check=True, stdout=subprocess.PIPE).stdout
    named = subprocess.run(["ip", "netns", "list"], check=True, stdout=subprocess.PIPE).stdout
    with open("/proc/self/mounts", encoding="utf-8") as mounts:
        return links, named, mounts.read()


def start(name, out, **options):
    return subprocess.Popen([POSTERN_LAB, "up", out, "--name", name, "--milter", MILTER],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


BEFORE = host()


def twice_at_once(lab):
    """two labs of one topology run at once, and know nothing of each other"""
    with Lab(EXAMPLE, "second") as other:
        token = lab.token()
        assert_accepted(other.smtp("internet", "mail.example.com", STRANGER, "user@example.com",
                                   compose(STRANGER, "user@example.com", token)))
        other.arrived("private", "user@example.com", token)
        assert not lab.mail("private", "user@example.com")
        assert lab.name in Lab.lab("list").stdout and "second: up" in Lab.lab("list").stdout
    assert_nothing("second")
    assert lab.run("public", "hostname") == "mail.example.com\n"


def host_untouched(lab):
    """a lab that is up has changed no interface, namespace name or mount of the host"""
    assert len(traces(lab.name)) > 20, "the test does not see the lab's processes"
    assert host() == BEFORE, "the host changed"


def same_name(lab):
    """a second lab of the same name is refused, and the first goes on"""
    process = start(lab.name, lab.out)
    assert "is there already" in process.communicate()[1] and process.returncode == 1
    assert lab.run("public", "hostname") == "mail.example.com\n"


def up_killed(lab):
    """after kill -9 of `up`, at any time, `down` leaves nothing"""
    for delay in (0.05, 0.3, 0.8, 1.6):
        process = start("killed", lab.out, start_new_session=True)
        time.sleep(delay)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        if os.path.exists(os.path.join(STATE, "killed")):
            Lab.lab("down", "killed")
        assert_nothing("killed")


def up_interrupted(lab):
    """SIGTERM to `up` takes the unfinished lab down"""
    process = start("interrupted", lab.out)
    wait(lambda: traces("interrupted"), "lab on its way")
    process.terminate()
    process.communicate()
    assert process.returncode, "up did not fail"
    assert_nothing("interrupted")


def up_failed(lab):
    """a lab that cannot come up tells why, and leaves nothing"""
    out = os.path.join(lab.folder, "broken")
    shutil.copytree(lab.out, out)
    with open(os.path.join(out, "public", "main.cf"), "a", encoding="utf-8") as file:
        file.write("this is no parameter\n")
    process = start("broken", out)
    _, reason = process.communicate()
    assert process.returncode == 1 and "missing '=' after attribute name" in reason, reason
    assert_nothing("broken")


def no_tree(lab):
    """a folder that is no rendered tree is refused"""
    process = start("none", lab.folder)
    assert "holds no manifest.json" in process.communicate()[1] and process.returncode == 1
    assert_nothing("none")


def wrong_root(lab):
    """a root without Postfix, and one for a node that runs none or is not there, is refused"""
    for option, reason in ((lab.folder, "no root file system with Postfix"),
                           (f"dns={lab.folder}", "node dns runs no Postfix"),
                           (f"nobody={lab.folder}", "there is no node nobody")):
        result = subprocess.run([POSTERN_LAB, "--state", STATE, "up", lab.out, "--name", "wrong",
                                 "--milter", MILTER, "--root", option], check=False, text=True,
                                stderr=subprocess.PIPE)
        assert result.returncode == 1 and reason in result.stderr, result.stderr
        assert_nothing("wrong")


def until(lab):
    """with --until, the lab ends with the process that it was for"""
    with subprocess.Popen(["sleep", "600"]) as process:
        try:
            Lab.lab("up", lab.out, "--name", "bound", "--milter", MILTER, "--until",
                    str(process.pid))
            assert traces("bound")
        finally:
            process.kill()
    wait(lambda: not os.path.exists(os.path.join(STATE, "bound")), "end of the lab")
    assert_nothing("bound")


def missing_program(lab):
    """a missing program is named, with its Debian package"""
    with tempfile.TemporaryDirectory() as folder:
        for path in ("/usr/sbin", "/usr/bin"):
            for name in os.listdir(path):
                if name != "nsd" and not os.path.lexists(os.path.join(folder, name)):
                    os.symlink(os.path.join(path, name), os.path.join(folder, name))
        process = start("missing", lab.out, env={"PATH": folder, "POSTERN_LAB_STATE": STATE})
        assert "missing program: nsd (Debian package nsd)" in process.communicate()[1]
    assert_nothing("missing")


def not_root(lab):
    """without root it says so"""
    with tempfile.TemporaryDirectory() as folder:  # a place that anyone can read
        shutil.copytree(os.path.dirname(POSTERN_LAB), os.path.join(folder, "lab"))
        os.chmod(folder, 0o755)
        result = subprocess.run([os.path.join(folder, "lab", "postern-lab"), "up", lab.out],
                                check=False, user="nobody", stderr=subprocess.PIPE, text=True)
    assert result.returncode == 1 and "needs root" in result.stderr, result


def down(lab):
    """`down` ends every process and removes every file; a second `down` says that there is none"""
    Lab.lab("down", lab.name)
    assert_nothing(lab.name)
    assert host() == BEFORE, "the host changed"
    result = subprocess.run([POSTERN_LAB, "down", lab.name], check=False, stderr=subprocess.PIPE)
    assert result.returncode == 1 and b"there is no lab" in result.stderr
    Lab.lab("up", lab.out, "--name", lab.name, "--milter", MILTER)  # for the runner to take down


try:
    run(EXAMPLE, twice_at_once, host_untouched, same_name, up_killed, up_interrupted, up_failed,
        no_tree, wrong_root, until, missing_program, not_root, down)
finally:
    shutil.rmtree(STATE, ignore_errors=True)
