#!/usr/bin/python3
"""The container image of a relay beside an application, built and run as its compose.yaml says.

usage: image.py PACKAGES

The programs are those of the Debian packages in the folder PACKAGES, which run in an image of Debian 12; those of a
build with sanitizers do not. All around the container is the lab: the application, the provider with its login,
DNS, the Internet. The checks of ../e2e/app_relay.py hold for it as for the lab's own container.
"""
import glob
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import textwrap

SOURCE = os.environ["POSTERN_SOURCE"]
sys.path.append(os.path.join(SOURCE, "test", "e2e"))
import app_relay  # noqa: E402
from app_relay import RELAY, submit  # noqa: E402
from container import RESOLVER, Container, Image  # noqa: E402
from lib.lab import (POSTERN_LAB, STRANGER, Lab, assert_accepted, assert_signed_once,  # noqa: E402
                     call, check_requirements, compose, report, skip, wait)

TOPOLOGY = os.path.join(SOURCE, "examples", "app-relay", "topology.yaml")
KEY = "/etc/postern/keys/example.com/mail.private"
BUNDLE = "/etc/ssl/certs/ca-certificates.crt"
LAB_STATE = os.environ.get("POSTERN_LAB_STATE", "/run/postern-lab")


class ImageLab(Lab):
    """The lab with the image's container in the place of its own node `relay`, whose network it has."""

    def __init__(self, image, name):
        super().__init__(TOPOLOGY)
        self.image, self.image_name, self.container = image, name, None
        self.lab = self.command

    def __enter__(self):
        super().__enter__()
        try:
            Lab.lab("stop", self.name, "relay")
            secrets = {KEY: super().run("relay", "cat", KEY),
                       "/etc/postfix/sasl_passwd": super().run("relay", "cat", "/etc/postfix/sasl_passwd")}
            self.container = Container(self.image, self.image_name,
                                       os.path.join(self.out, "relay", "compose.yaml"), secrets)
            self.container.give(BUNDLE, super().run("relay", "cat", BUNDLE))
            self.container.give(RESOLVER, super().run("relay", "cat", "/etc/resolv.conf"))
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.container and self.container.process and self.container.process.poll() is None:
            self.container.kill()
        super().__exit__()

    def start(self):
        with open(os.path.join(LAB_STATE, self.name, "pids", "relay"), encoding="ascii") as file:
            self.container.start(file.read().strip())

    def command(self, *arguments):
        if arguments == ("start", self.name, "relay"):
            self.start()
        elif arguments == ("stop", self.name, "relay"):
            status = self.container.stop()
            assert status == 0, f"status {status}: {self.container.text()[-2000:]}"
        else:
            return Lab.lab(*arguments)
        return None

    def run(self, node, *command, stdin="", check=True):
        """What asks Postfix runs in the container; a client beside it, which the image has none of, in the lab."""
        if node != "relay" or command[0] != "postqueue":
            return super().run(node, *command, stdin=stdin, check=check)
        result = self.container.run(*command)
        assert not check or not result.returncode, result.stderr
        return result.stdout

    def log(self, node, what="postfix"):
        return self.container.text() if node == "relay" else super().log(node, what)


def restricted(lab):
    """its root cannot be written to, and what it runs has few capabilities, most of it as no root"""
    for path in ("/x", "/etc/x", "/etc/postern/x", "/usr/sbin/x", "/var/lib/x", "/etc/postfix/x"):
        result = lab.container.run("touch", path)
        assert result.returncode and "Read-only file system" in result.stderr, (path, result)
    wanted = sum(1 << {"CHOWN": 0, "DAC_OVERRIDE": 1, "FOWNER": 3, "KILL": 5, "SETGID": 6, "SETUID": 7,
                       "NET_BIND_SERVICE": 10}[name] for name in lab.container.service["cap_add"])
    users = {}
    for process in lab.container.processes():
        with open(f"/proc/{process}/status", encoding="ascii") as file:
            status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
        if status["Name"] in ("buildah", "unshare", "exe") or "buildah" in status["Name"]:
            continue  # what stands for an engine
        users.setdefault(status["Name"], set()).add(status["Uid"].split()[1])
        assert int(status["CapBnd"], 16) == wanted and status["NoNewPrivs"].strip() == "1", status
    assert {"postern-milter", "smtpd", "smtp", "qmgr"} <= set(users), users
    # the keeper opens keys for the milter, and has no other task
    root = {name for name, ids in users.items() if "0" in ids}
    assert root <= {"entrypoint", "sleep", "master", "postfix-script", "postern-keeper"}, users


def not_healthy(lab):
    """without its milter it is not healthy and mail waits at its sender; with it, both are well again"""
    assert lab.container.healthy()
    key = lab.container.read(KEY)
    lab.container.write(KEY, "no key any more\n")
    try:
        lab.container.run("bash", "-c", 'kill -KILL $(grep -lx postern-milter /proc/[0-9]*/comm | cut -d/ -f3)')
        wait(lambda: not lab.container.healthy(), "a sick container")
        reply = submit(lab, "app@example.com")
        assert reply["sender"][0] == 451, reply
        assert not lab.container.healthy()
    finally:
        lab.container.write(KEY, key)
    wait(lab.container.healthy, "a container that is well again")
    app_relay.sent(lab)


def survives(lab):
    """what waits in the queue is in its volume, and leaves after the next start"""
    token = lab.token()
    with lab.down("provider"):
        assert_accepted(submit(lab, "app@example.com", message=compose("app@example.com", subject=token)))
        wait(lambda: lab.queue("relay"), "mail in the queue")
        lab.lab("stop", lab.name, "relay")
        assert not submit(lab, "app@example.com")["connect"], "somebody still listens"
    lab.start()
    lab.flush("relay")
    assert_signed_once(lab, lab.arrived("internet", STRANGER, token))


def client(lab, program, **options):
    """Starts a program of Python's on the application's host."""
    program = textwrap.dedent(program)
    return subprocess.Popen([POSTERN_LAB, "exec", lab.name, "client", "/usr/bin/python3", "-uc", program],
                            text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, **options)


def drains(lab):
    """SIGTERM lets a session end whose mail is under way, and has new ones come again later"""
    token = lab.token()
    session = client(lab, f"""
        import smtplib
        server = smtplib.SMTP("{RELAY}", 587, timeout=60)
        server.ehlo()
        print(server.mail("app@example.com")[0], server.rcpt("{STRANGER}")[0])
        input()
        print(server.data({compose("app@example.com", subject=token)!r})[0])
        """)
    assert session.stdout.readline().split() == ["250", "250"]
    lab.container.signal("TERM")
    replies = []
    wait(lambda: replies.append(submit(lab, "app@example.com")) or replies[-1]["ehlo"] is None
         or replies[-1]["ehlo"][0] == 421, "a server that is stopping")
    assert not lab.container.healthy(), "it says that it is well"
    assert session.communicate("\n")[0].strip() == "250", "the mail under way was not taken"
    assert lab.container.wait() == 0
    lab.start()
    lab.arrived("internet", STRANGER, token)


def traffic(lab, end):
    """Mail of several clients at once, meanwhile end() ends the container. It is started again, and what was
    taken arrives; returns how often each message did."""
    mark = lab.token()
    sender = client(lab, f"""
        import smtplib, sys, threading, time
        over, end = threading.Event(), time.monotonic() + 120
        def send(thread):
            for number in range(2000):
                if over.is_set() or time.monotonic() > end:
                    break
                token = f"{mark}.{{thread}}.{{number}}."
                try:
                    with smtplib.SMTP("{RELAY}", 587, timeout=20) as server:
                        server.sendmail("app@example.com", ["{STRANGER}"], "From: <app@example.com>\\r\\n"
                                        "Subject: " + token + "\\r\\n\\r\\nhello\\r\\n")
                        print(token + "\\n", end="")
                except (OSError, smtplib.SMTPException):
                    over.wait(0.1)
        threads = [threading.Thread(target=send, args=(n,)) for n in range(4)]
        [thread.start() for thread in threads]
        sys.stdin.readline()
        over.set()
        [thread.join() for thread in threads]
        """)
    taken = [sender.stdout.readline() for _ in range(20)]  # by now it is in full swing
    assert taken[-1], "no mail is taken"
    end()
    taken += sender.communicate("\n")[0].splitlines()
    tokens = {line.strip() for line in taken if line.strip()}
    lab.start()
    lab.flush("relay")
    arrived = {}

    def count():
        arrived.clear()
        for message in lab.mail("internet", STRANGER):
            for found in re.findall(rf"^Subject: ({re.escape(mark)}\.\d+\.\d+\.)".encode(), message, re.M):
                arrived[found.decode()] = arrived.get(found.decode(), 0) + 1
        return tokens <= set(arrived) and not lab.queue("relay")
    wait(count, f"arrival of all {len(tokens)} messages that were taken")
    print(f"# {len(tokens)} messages were taken, {len(arrived)} arrived, "
          f"{sum(arrived.values()) - len(arrived)} of them twice", flush=True)
    return arrived


def delivers_once(lab):
    """SIGTERM lets a delivery end that takes long, and the message arrives once"""
    def provider(command):
        lab.run("provider", "postconf", command)
        lab.run("provider", "postfix", "reload")
    token = lab.token()
    provider("smtpd_end_of_data_restrictions=sleep 24")
    try:
        assert_accepted(submit(lab, "app@example.com", message=compose("app@example.com", subject=token)))
        wait(lambda: any(mail["queue_name"] == "active" for mail in lab.queue("relay")), "a delivery under way")
        lab.lab("stop", lab.name, "relay")
    finally:
        provider("smtpd_end_of_data_restrictions=")
    lab.start()
    assert not lab.queue("relay"), lab.queue("relay")
    lab.arrived("internet", STRANGER, token)


def loses_nothing(lab):
    """SIGTERM during traffic: what was taken arrives, each message once"""
    arrived = traffic(lab, lambda: lab.lab("stop", lab.name, "relay"))
    assert set(arrived.values()) == {1}, {token: n for token, n in arrived.items() if n > 1}


def killed(lab):
    """SIGKILL during traffic: what was taken arrives"""
    def kill():
        lab.container.kill()
        # What cleanup(8) leaves when it is killed at the wrong moment: at the next start postsuper warns of it.
        folder = os.path.join(lab.container.mounts["/var/spool/postfix"], "incoming")
        half = os.path.join(folder, "654483.175")
        with open(half, "w", encoding="ascii"):
            os.chown(half, os.stat(folder).st_uid, os.stat(folder).st_gid)
            os.chmod(half, 0o600)

    traffic(lab, kill)


def holds_no_key(lab):
    """no layer of the image holds a private key or the password, nor does its description"""
    archive = os.path.join(lab.image.folder, "image.tar")
    lab.image.buildah("push", "--quiet", lab.image_name, "docker-archive:" + archive)
    key = lab.container.read(KEY).splitlines()[3].encode()
    ours = re.compile(re.escape(os.environ["PROVIDER_PASSWORD"].encode()) + b"|" + re.escape(key))
    any_key = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/]{40}")

    def secret(content):  # libgnutls has keys in it that it tests itself with, and everybody knows
        return ours.search(content) or not content.startswith(b"\x7fELF") and any_key.search(content)
    found, names = [], set()
    with tarfile.open(archive) as outer:
        manifest, = json.load(outer.extractfile("manifest.json"))
        description = outer.extractfile(manifest["Config"]).read()
        assert not secret(description)
        assert json.loads(description)["config"]["Healthcheck"]["Test"][-1] == "health"
        for layer in manifest["Layers"]:
            with tarfile.open(fileobj=outer.extractfile(layer)) as inner:
                for member in inner:
                    names.add(member.name)
                    if member.isfile() and secret(inner.extractfile(member).read()):
                        found.append(member.name)
    os.unlink(archive)
    assert "etc/postern/entrypoint" in names and "usr/sbin/postern-milter" in names
    assert not found, found


def programs(packages, folder):
    """Unpacks the programs of the packages."""
    for name in ("milter", "gate"):
        found = glob.glob(os.path.join(packages, f"postern-{name}_*.deb"))
        if len(found) != 1:
            skip(f"no package postern-{name} in {packages}: scripts/package.sh makes them")
        subprocess.run(["dpkg-deb", "-x", found[0], folder], check=True)
    return os.path.join(folder, "usr", "sbin")


def base():
    result = subprocess.run([os.path.join(SOURCE, "test", "matrix", "roots"), "slim"], check=False, text=True,
                            stdout=subprocess.PIPE)
    if result.returncode:
        print(result.stdout)
        sys.exit(result.returncode)
    return result.stdout.strip()


def render(folder):
    out = os.path.join(folder, "out")
    subprocess.run([os.environ["POSTERN_CONFGEN"], "render", "-o", out, TOPOLOGY], check=True,
                   stdout=subprocess.DEVNULL)
    return os.path.join(out, "relay")


CHECKS = (app_relay.sent, app_relay.masqueraded, app_relay.foreign, app_relay.beside, app_relay.outside,
          app_relay.only_submission, app_relay.too_large, restricted, survives, drains, delivers_once,
          loses_nothing, killed, not_healthy, holds_no_key)


def main():
    check_requirements()
    for program in ("buildah", "mmdebstrap", "setpriv"):
        if not shutil.which(program):
            skip(f"needs {program}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # and what is there is removed
    failed = 0
    with tempfile.TemporaryDirectory(prefix="image-") as folder, \
            Image(os.environ["POSTERN_BUILD"]) as image:
        unpacked = programs(sys.argv[1], os.path.join(folder, "packages"))
        name = image.build(os.path.join(SOURCE, "scripts", "image.sh"), base(), unpacked, render(folder))
        print(f"1..{len(CHECKS)}", flush=True)
        with ImageLab(image, name) as lab:
            for number, check in enumerate(CHECKS, 1):
                error = call(check, lab)
                report(number, check, error)
                failed += bool(error)
            if failed:
                print("".join(f"# {line}\n" for line in lab.log("relay").splitlines()[-60:]))
    sys.exit(bool(failed))


main()
