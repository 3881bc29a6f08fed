"""A real name server (nsd) in a network namespace of its own, for the tests here.

enter_namespace() runs the script again in a new namespace, where port 53 is free and nothing leaks.
"""
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(77)


def enter_namespace():
    """Needs root; goes on in a namespace with nothing but a loopback interface."""
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    if os.environ.get("POSTERN_TEST_NAMESPACE") != str(os.getppid()):
        if os.geteuid() != 0:
            skip("needs root, for a network namespace")
        for program, package in (("unshare", "util-linux"), ("ip", "iproute2"), ("nsd", "nsd")):
            if not shutil.which(program):
                skip(f"needs {program} (Debian package {package})")
        # the child's parent is this process, so that a variable left over cannot fool it
        environment = dict(os.environ, POSTERN_TEST_NAMESPACE=str(os.getpid()))
        sys.exit(subprocess.call(["unshare", "--net", "--mount", "--", sys.executable, *sys.argv],
                                 env=environment))
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


def strings(text):
    """A record's text as strings of a zone file."""
    parts = [text[i:i + 255] for i in range(0, len(text), 255)] or [""]
    return " ".join('"' + part.replace("\\", "\\\\").replace('"', '\\"') + '"' for part in parts)


class NameServer:
    """nsd with one zone, the root: `lines` are its records. A broken one answers SERVFAIL."""

    def __init__(self, lines, address="127.0.0.1", port=53, broken=False):
        self.folder = tempfile.mkdtemp(prefix="postern-nsd-")
        self.address, self.port = address, port
        path = os.path.join(self.folder, "zone")
        with open(path, "w", encoding="ascii") as zone:
            zone.write("$ORIGIN .\n$TTL 60\n@ SOA ns.test. hostmaster.test. 1 3600 600 86400 60\n"
                       "@ NS ns.test.\nns.test. A 127.0.0.1\n" + "\n".join(lines) + "\n")
        subprocess.run(["nsd-checkzone", ".", path], check=True, stdout=subprocess.DEVNULL)
        if broken:
            os.unlink(path)
        config = os.path.join(self.folder, "nsd.conf")
        with open(config, "w", encoding="ascii") as out:
            out.write(f"server:\n server-count: 1\n username: \"\"\n zonesdir: \"{self.folder}\"\n"
                      f" zonelistfile: \"{self.folder}/list\"\n xfrdfile: \"\"\n database: \"\"\n"
                      f" pidfile: \"{self.folder}/pid\"\n logfile: \"{self.folder}/log\"\n"
                      f" ip-address: {address}@{port}\n"
                      "remote-control:\n control-enable: no\n"
                      "zone:\n name: \".\"\n zonefile: \"zone\"\n")
        self.process = subprocess.Popen(["nsd", "-d", "-c", config], stderr=subprocess.DEVNULL)
        self.wait()

    def wait(self):
        for _ in range(200):
            try:
                socket.create_connection((self.address, self.port), 1).close()
                return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError(f"nsd does not start; see {self.folder}")

    def stop(self):
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.folder)
