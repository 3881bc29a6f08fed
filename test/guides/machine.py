"""
A machine for a guide: this one's programs, in namespaces of its own, over file systems that forget what is written.
It has a stock Postfix as Debian leaves it, a user "tester", Postern installed, a name server on its loopback, and no
other network. systemctl and journalctl are stand-ins (programs/): what real units do is test/packages' business.
"""
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import threading

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = pathlib.Path(os.environ["POSTERN_SOURCE"])
WORK = pathlib.Path("/mnt")
MAIL_LOG = "/var/log/mail.log"


def skip(why):
    """Ends the test as skipped."""
    print(f"skipped: {why}")
    sys.exit(77)


def enter():
    """Runs this script again in namespaces of its own; what it starts ends with it."""
    if os.geteuid() != 0:
        skip("needs root, for namespaces")
    for program in ("postfix", "nsd", "curl", "haproxy", "opendkim", "promtool", "swaks", "dkimverify", "systemd-sysusers"):
        if not shutil.which(program, path="/usr/sbin:/usr/bin:/usr/local/bin"):
            skip(f"there is no {program}")
    if "POSTERN_GUIDE_INSIDE" not in os.environ:
        os.environ["POSTERN_GUIDE_INSIDE"] = "1"
        os.execvp("unshare", ["unshare", "--mount", "--net", "--uts", "--ipc", "--pid", "--fork", "--kill-child",
                              "--mount-proc", "--propagation=private",
                              "bash", "-c", '"$@" & wait $!', "init",  # which buries the orphans
                              sys.executable, *sys.argv])


def run(*command, **more):
    """Runs a program of the set-up."""
    subprocess.run([*map(str, command)], check=True, **more)


def overlay(path):
    """Lets a folder be written to without a trace."""
    upper, work = (WORK / (path.strip("/").replace("/", "-") + end) for end in (".upper", ".work"))
    upper.mkdir()
    work.mkdir()
    run("mount", "-t", "overlay", "overlay", "-o", f"lowerdir={path},upperdir={upper},workdir={work}", path)


def own_devices():
    """/dev with a place for /dev/log."""
    dev = WORK / "dev"
    dev.mkdir(mode=0o755)
    for name in ("null", "zero", "full", "random", "urandom", "tty"):
        (dev / name).touch()
        run("mount", "--bind", f"/dev/{name}", dev / name)
    for name, to in (("fd", "fd"), ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2")):
        (dev / name).symlink_to(f"/proc/self/{to}")
    (dev / "shm").mkdir(mode=0o1777)
    run("mount", "--rbind", dev, "/dev")


def syslog():
    """Takes what programs write to the log into one file, as a syslog daemon does."""
    log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    log.bind("/dev/log")
    os.chmod("/dev/log", 0o666)
    out = open(MAIL_LOG, "a", encoding="utf-8", errors="replace", buffering=1)  # pylint: disable=consider-using-with

    def work():
        while True:
            line = log.recv(8192).decode(errors="replace")
            print(line.partition(">")[2].rstrip("\n\0"), file=out)
    threading.Thread(target=work, daemon=True).start()


def postfix():
    """As Debian's package leaves it for an Internet site, and a user with a mailbox."""
    shutil.copy("/usr/share/postfix/main.cf.debian", "/etc/postfix/main.cf")
    shutil.copy("/usr/share/postfix/master.cf.dist", "/etc/postfix/master.cf")
    pathlib.Path("/etc/aliases").write_text("postmaster: root\n", encoding="ascii")
    pathlib.Path("/etc/mailname").write_text("mail.example.com\n", encoding="ascii")
    run("postconf", "-e", "myhostname=mail.example.com", "mydestination=$myhostname, localhost", "relayhost=",
        "mynetworks=127.0.0.0/8 [::1]/128", "alias_maps=hash:/etc/aliases", "alias_database=hash:/etc/aliases",
        "recipient_delimiter=+", "inet_interfaces=all")
    run("newaliases")
    for folder in ("/var/spool/postfix", "/var/lib/postfix"):
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
    run("install", "-d", "-o", "postfix", "/var/lib/postfix")
    run("postfix", "check", stderr=subprocess.DEVNULL)
    run("useradd", "--create-home", "--home-dir", "/root/tester", "tester")


def install():
    """Postern's programs and what else its packages bring."""
    programs = WORK / "bin"
    programs.mkdir()
    for name in ("CONFGEN", "MILTER", "GATE"):
        (programs / f"postern-{name.lower()}").symlink_to(os.environ[f"POSTERN_{name}"])
    (programs / "postern-lab").symlink_to(SOURCE / "lab" / "postern-lab")
    for name in (HERE / "programs").iterdir():
        (programs / name.name).symlink_to(name)
    os.environ["PATH"] = f"{programs}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    os.environ["HOME"] = "/root"
    doc = pathlib.Path("/usr/share/doc")
    for package in ("milter", "gate"):
        examples = doc / f"postern-{package}" / "examples"
        examples.mkdir(parents=True)
        shutil.copy(SOURCE / "packaging" / "examples" / f"postern-{package}.conf", examples)
    shutil.copytree(SOURCE / "doc" / "guides", doc / "postern-confgen" / "guides")
    shutil.copytree(SOURCE / "examples", doc / "postern-confgen" / "examples", dirs_exist_ok=True)
    run("systemd-sysusers", *(SOURCE / "packaging" / "sysusers.d").iterdir(), stderr=subprocess.DEVNULL)
    os.makedirs("/etc/postern", exist_ok=True)
    run("systemd-tmpfiles", "--create", *(SOURCE / "packaging" / "tmpfiles.d").iterdir())


def boot():
    """All of it."""
    run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", WORK)
    own_devices()
    for path in ("/etc", "/var", "/root", "/usr/share/doc"):
        overlay(path)
    for path in ("/run", "/tmp"):
        if not str(SOURCE).startswith(path + "/"):
            run("mount", "-t", "tmpfs", "-o", "mode=1777" if path == "/tmp" else "mode=755", "tmpfs", path)
    run("ip", "link", "set", "lo", "up")
    run("hostname", "mail.example.com")
    pathlib.Path("/etc/hosts").write_text("127.0.0.1 localhost mail.example.com\n", encoding="ascii")
    pathlib.Path("/etc/resolv.conf").write_text("nameserver 127.0.0.1\n", encoding="ascii")
    syslog()
    postfix()
    install()
    run("postfix", "start", stderr=subprocess.DEVNULL)
    run("publish", input="mail.example.com. IN A 127.0.0.1\n", text=True)
