#!/usr/bin/python3
"""rendered.py TOPOLOGY: what postern-gate and Postfix say to a rendered gate, and whether they agree.

For docker-mailserver that is what user-patches.sh makes of its files. Each service that
postern-gate.conf names is one of type pass that postconf finds in master.cf, with PROXY on the right side;
no service of Postfix listens at a port of the gate; and nobody is trusted by the address that a header
claims.
"""
import configparser
import os
import re
import shutil
import subprocess
import sys
import tempfile

SOURCE = os.environ["POSTERN_SOURCE"]
TOPOLOGY = sys.argv[1]
PORTS = {"smtp": "25", "submission": "587", "submissions": "465", "smtps": "465"}


def run(*argv):
    done = subprocess.run(argv, check=False, text=True, capture_output=True, timeout=60)
    assert done.returncode == 0 and not done.stderr, f"{argv}: {done.stdout}{done.stderr}"
    return done.stdout


def render(folder):
    source = os.path.join(folder, "source")
    shutil.copytree(os.path.dirname(TOPOLOGY), source)
    for name in os.listdir(os.path.join(source, "secrets")) if os.path.isdir(
            os.path.join(source, "secrets")) else []:
        os.chmod(os.path.join(source, "secrets", name), 0o600)
    os.environ["POSTERN_TEST_PASSWORD"] = "secret"
    out = os.path.join(folder, "out")
    subprocess.run([os.environ["POSTERN_CONFGEN"], "render", "-o", out,
                    os.path.join(source, os.path.basename(TOPOLOGY))], check=True,
                   stdout=subprocess.PIPE)
    return out


def services(host):
    """Of master.cf, as postconf reads it: {(name, type): {parameter: value}}."""
    found = {}
    for line in run("postconf", "-c", host, "-M").splitlines():
        name, kind = line.split()[:2]
        found[name, kind] = {}
    for line in run("postconf", "-c", host, "-P").splitlines():
        entry, value = (line.split(" = ", 1) + [""])[:2] if " = " in line else (
            line.rstrip(" ="), "")
        name, kind, parameter = entry.split("/", 2)
        found[name, kind][parameter] = value
    return found


def listens(text):
    """The ports of all lists of addresses."""
    lists = re.findall(r"addresses = \{(.*)\}", text)
    return {port for found in lists for port in re.findall(r':(\d+)"', found)}


def stocks():
    """Folders with docker-mailserver's main.cf and master.cf: the lab's, and that of a release."""
    yield os.path.join(SOURCE, "lab", "base", "dms-main.cf"), os.path.join(
        SOURCE, "lab", "base", "dms-master.cf")
    folder = os.path.join(os.environ["POSTERN_TEST_DATA"], "corpus",
                          "docker-mailserver__docker-mailserver")
    if os.path.isdir(folder):
        yield os.path.join(folder, "main.cf"), os.path.join(folder, "master.cf")
    else:
        print(f"there is no {folder}: docker-mailserver's own files are not tried")


def patched(host, folder, files):
    """docker-mailserver's files with what user-patches.sh makes of them, run twice; programs that need the
    container are stand-ins that write down how they were called."""
    stock = tempfile.mkdtemp(dir=folder)
    for path, name in zip(files, ("main.cf", "master.cf")):
        shutil.copy(path, os.path.join(stock, name))
    with open(os.path.join(stock, "user-patches.sh"), "w", encoding="utf-8") as script, \
            open(os.path.join(host, "user-patches.sh"), encoding="utf-8") as rendered:
        script.write(rendered.read().replace("/tmp/docker-mailserver", host)
                     .replace("/etc/supervisor/conf.d", stock))
    for name, text in (("supervisorctl", f'echo "$*" >>{stock}/calls'), ("nft", ":"),
                       ("postern-gate", f'exec {os.environ["POSTERN_GATE"]} "$@"')):
        with open(os.path.join(stock, name), "w", encoding="ascii") as program:
            program.write(f"#!/bin/sh\n{text}\n")
        os.chmod(program.name, 0o755)
    results = []
    for _ in range(2):
        subprocess.run(["bash", program.name.replace("postern-gate", "user-patches.sh")], check=True,
                       env={"PATH": f"{stock}:/usr/sbin:/usr/bin:/bin", "MAIL_CONFIG": stock})
        with open(os.path.join(stock, "master.cf"), encoding="utf-8") as file:
            results.append(file.read())
    assert results[0] == results[1], "user-patches.sh run again gives another master.cf"
    with open(os.path.join(stock, "calls"), encoding="ascii") as file:
        assert file.read() == "update postern-gate\nrestart postern-gate\n" * 2
    program = configparser.ConfigParser(interpolation=None)
    program.read(os.path.join(stock, "postern-gate.conf"))
    assert program["program:postern-gate"]["command"].endswith(
        f"postern-gate --foreground --config={host}/postern-gate.conf")
    return stock


def one_way(found, name, prefix):
    """The smtpd of a way, which may be behind a postscreen, and what reads the header there."""
    service = found[name, "pass"]
    if "smtpd_service_name" not in service:
        return service, service.get("smtpd_upstream_proxy_protocol")
    assert "smtpd_upstream_proxy_protocol" not in service, service
    smtpd = found[service["smtpd_service_name"], "pass"]
    assert "smtpd_upstream_proxy_protocol" not in smtpd, smtpd
    assert service.get("mynetworks") == smtpd.get("mynetworks"), f"{prefix}: {service} {smtpd}"
    return smtpd, service.get("postscreen_upstream_proxy_protocol")


def judge(host, postfix):
    path = os.path.join(host, "postern-gate.conf")
    run(os.environ["POSTERN_GATE"], "--test", f"--config={path}")
    with open(path, encoding="ascii") as file:
        sections = re.findall(r'^listener "(.*?)" \{(.*?)^\}', file.read(), re.M | re.S)
    assert sections
    found = services(postfix)
    inet = {PORTS.get(name, name) for name, kind in found if kind == "inet"}
    for name, text in sections:
        ports = listens(text)
        assert len(ports) == 1 and not ports & inet, f"{name}: Postfix listens at {ports} as well"
        ways = dict(re.findall(r'(proxied|direct)_service = "/var/spool/postfix/private/(.*)"',
                               text))
        proxied, believes = one_way(found, ways["proxied"], name)
        direct, believes_direct = one_way(found, ways["direct"], name)
        assert believes == "haproxy", proxied
        assert proxied["mynetworks"] == "", proxied
        assert believes_direct is None and "mynetworks" not in direct, direct
        for key in ("smtpd_tls_wrappermode", "smtpd_sasl_auth_enable"):
            assert proxied.get(key) == direct.get(key), f"{name}: {key} on one way only"
        names = [proxied["milter_macro_daemon_name"], direct["milter_macro_daemon_name"]]
        assert names == [name, f"{name}-direct"], names
    return {name for name, _ in sections}


def main():
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    if not shutil.which("postconf"):
        print("skipped: needs postconf (Debian package postfix)")
        sys.exit(77)
    with tempfile.TemporaryDirectory() as folder:
        out = render(folder)
        hosts = [entry.path for entry in os.scandir(out)
                 if os.path.exists(os.path.join(entry.path, "postern-gate.conf"))]
        assert hosts, "no host has a gate"
        for host in hosts:
            for postfix in ([host] if os.path.exists(f"{host}/main.cf") else
                            [patched(host, folder, stock) for stock in stocks()]):
                print(os.path.basename(host), sorted(judge(host, postfix)))
        for host in hosts:
            path = os.path.join(host, "postern.nft")
            if not os.path.exists(path):
                continue
            with open(path, encoding="ascii") as file, \
                    open(os.path.join(host, "postern-gate.conf"), encoding="ascii") as gate:
                guarded = set(re.findall(r"dport (\d+)", file.read()))
                gated = listens(gate.read())
            assert not guarded & gated, f"rules for ports of the gate: {guarded & gated}"


main()
