#!/usr/bin/python3
"""accepted.py NAME TOPOLOGY: what real programs say to the files for and behind proxies.

HAProxy, nginx, nft, doveconf, docker-compose and postconf judge what is theirs and must complain of
nothing. Traefik and Caddy cannot run here: their files are parsed, and every name and port that they
refer to is looked up. demands.py has what must be in them.
"""
import ipaddress
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

try:
    import yaml
except ImportError:
    print("skipped: needs python3-yaml")
    sys.exit(77)

import dovecot
from demands import DEMANDS, MASTER

SOURCE = pathlib.Path(os.environ["POSTERN_SOURCE"])
PROGRAMS = {"haproxy": "haproxy", "nginx": "nginx-light", "nft": "nftables",
            "doveconf": "dovecot-core", "docker-compose": "docker-compose", "postconf": "postfix",
            "unshare": "util-linux"}
SOFTWARE = {"haproxy.cfg": "haproxy", "nginx.conf": "nginx", "traefik.yaml": "traefik",
            "caddy.json": "caddy"}

failures = []


def fail(*words):
    failures.append(" ".join(str(word) for word in words))


def expect(what, got, wanted):
    if got != wanted:
        fail(f"{what}: got {got!r}, wanted {wanted!r}")


def run(*argv, silent=True, **options):
    """What a program says that must succeed, and in silence where that is its way."""
    result = subprocess.run([str(word) for word in argv], capture_output=True, text=True,
                            timeout=60, check=False, **options)
    if result.returncode or (silent and result.stderr):
        fail(argv[0], "gives", result.returncode, "and says", result.stderr + result.stdout)
    return result.stdout


# --- proxies ---

def forwards_haproxy(file, work):
    said = run("haproxy", "-c", "-f", file, silent=False)
    if re.search("WARNING|ALERT", said):
        fail("haproxy warns:", said)
    found, versions = {}, set()
    for section in re.split(r"^listen ", file.read_text(), flags=re.M)[1:]:
        server = re.search(r"server \S+ (\S+):(\d+) send-proxy(-v2)?$", section, re.M)
        versions.add(2 if server[3] else 1)
        for port in re.findall(r"bind \S+:(\d+)", section):
            found[int(port)] = (server[1].strip("[]"), int(server[2]))
    return found, versions


def forwards_nginx(file, work):
    # the log and the process id belong to the machine, not to what is judged
    text = file.read_text().replace("/run/nginx.pid", str(work / "nginx.pid"))
    copy = work / "nginx.conf"
    copy.write_text(text.replace("/var/log/nginx/", f"{work}/"))
    said = subprocess.run(["nginx", "-e", work / "error.log", "-t", "-c", copy], check=False,
                          capture_output=True, text=True, timeout=60)
    if said.returncode or ("warn" in said.stderr and os.geteuid() == 0):
        fail("nginx -t says", said.stderr)
    found = {}
    for server in text.split("server {")[1:]:
        target = re.search(r"proxy_pass (\S+):(\d+);", server)
        for port in re.findall(r"listen \S+:(\d+)[ ;]", server):
            found[int(port)] = (target[1].strip("[]"), int(target[2]))
    return found, {1} if "proxy_protocol on;" in text else set()


def labels_of(service):
    return dict(label.split("=", 1) for label in service.get("labels", []))


def forwards_traefik(file, work):
    """Routers of dynamic.yaml and of the labels: each names an entry point and a service."""
    static, folder = yaml.safe_load(file.read_text()), file.parent
    points = {name: int(point["address"].lstrip(":")) for name, point in
              static["entryPoints"].items()}
    found, versions, used = {}, set(), set()
    if "file" in static["providers"]:
        expect("file provider", static["providers"]["file"]["filename"],
               "/etc/traefik/dynamic.yaml")
        tcp = yaml.safe_load((folder / "dynamic.yaml").read_text())["tcp"]
        for name, router in tcp["routers"].items():
            service = tcp["services"][router["service"]]["loadBalancer"]
            versions.add(service["proxyProtocol"]["version"])
            host, port = service["servers"][0]["address"].rsplit(":", 1)
            expect(f"rule of {name}", router["rule"], "HostSNI(`*`)")
            for point in router["entryPoints"]:
                used.add(point)
                found[points[point]] = (host.strip("[]"), int(port))
    compose = yaml.safe_load((folder / "compose.yaml").read_text())
    for service in compose["services"].values():
        labels = labels_of(service)
        if not labels:
            continue
        network = static["providers"]["docker"]["network"]
        expect("traefik.enable", labels["traefik.enable"], "true")
        for router in {key.split(".")[3] for key in labels if ".routers." in key}:
            prefix = f"traefik.tcp.routers.{router}."
            server = f"traefik.tcp.services.{labels[prefix + 'service']}.loadbalancer."
            expect(f"rule of {router}", labels[prefix + "rule"], "HostSNI(`*`)")
            versions.add(int(labels[server + "proxyProtocol.version"]))
            used.add(labels[prefix + "entrypoints"])
            found[points[labels[prefix + "entrypoints"]]] = (
                service["networks"][network]["ipv4_address"], int(labels[server + "server.port"]))
    expect("entry points that routers use", used, set(points))
    return found, versions


def forwards_caddy(file, work):
    found, versions = {}, set()
    for server in json.loads(file.read_text())["apps"]["layer4"]["servers"].values():
        handler = server["routes"][0]["handle"][0]
        expect("handler", handler["handler"], "proxy")
        versions.add(int(handler["proxy_protocol"].lstrip("v")))
        host, port = handler["upstreams"][0]["dial"][0].rsplit(":", 1)
        for listen in server["listen"]:
            found[int(listen.lstrip(":"))] = (host.strip("[]"), int(port))
    return found, versions


FORWARDS = {"haproxy": forwards_haproxy, "nginx": forwards_nginx, "traefik": forwards_traefik,
            "caddy": forwards_caddy}


def check_compose(file, ports):
    """docker-compose takes it; addresses lie in their networks; the proxy's ports are published."""
    # the build context is where the README has the files put
    (file.parent / "docker-data/caddy").mkdir(parents=True, exist_ok=True)
    run("docker-compose", "-f", file, "config", "--quiet")
    compose = yaml.safe_load(file.read_text())
    proxy = compose["services"][file.parent.name]
    if proxy.get("network_mode") == "host":
        expect("published ports", "ports" in proxy, False)
    else:
        expect("published ports", {int(port.split(":")[0]) for port in proxy["ports"]}, set(ports))
    subnets = {name: [ipaddress.ip_network(config["subnet"]) for config in
                      network["ipam"]["config"]]
               for name, network in compose.get("networks", {}).items()}
    for name, service in compose["services"].items():
        for network, place in service.get("networks", {}).items():
            for address in place.values():
                if not any(ipaddress.ip_address(address) in subnet for subnet in subnets[network]):
                    fail(f"{name}: {address} is not in the network {network}")
        if name != file.parent.name and "NET_ADMIN" not in service["cap_add"]:
            fail(name, "cannot load its firewall")


def check_proxies(tree, work, demand):
    for name, wanted in demand["forwards"].items():
        kinds = [kind for kind in SOFTWARE if (tree / name / kind).exists()]
        expect(f"{name}: one configuration", len(kinds), 1)
        if SOFTWARE[kinds[0]] in ("traefik", "caddy"):
            print(f"{name}: {SOFTWARE[kinds[0]]} cannot run here, so its files are only parsed, and",
                  "what they refer to is looked up")
        found, versions = FORWARDS[SOFTWARE[kinds[0]]](tree / name / kinds[0], work)
        expect(f"{name}: forwards", found, wanted)
        expect(f"{name}: version of the header", versions, {demand["version"][name]})
        if (tree / name / "compose.yaml").exists():
            check_compose(tree / name / "compose.yaml", wanted)


# --- the firewall ---

def addresses_of(right):
    items = right["set"] if isinstance(right, dict) else [right]
    return {str(item) for item in items}


def check_firewall(file, wanted):
    """Loaded twice in a network of its own: the rules that nft has then."""
    namespace = ["unshare", "--net"] + ([] if os.geteuid() == 0 else ["--map-root-user"])
    run(*namespace, "nft", "--check", "--file", file)
    text = run(*namespace, "sh", "-c", 'nft -f "$1" && nft -f "$1" && nft -j list ruleset', "sh",
               file)
    rules = [item["rule"]["expr"] for item in json.loads(text or '{"nftables": []}')["nftables"]
             if "rule" in item]
    passed, refused = {}, set()
    for expressions in rules:
        matches = {expression["match"]["left"]["payload"]["field"] +
                   expression["match"]["left"]["payload"]["protocol"]: expression["match"]["right"]
                   for expression in expressions if "match" in expression}
        port = matches.pop("dporttcp")
        if "accept" in expressions[-1]:
            if port in refused or len(matches) != 1:
                fail(file, "accepts too late or too much:", expressions)
            passed[port] = passed.get(port, set()) | addresses_of(*matches.values())
        elif "reject" in expressions[-1] and not matches:
            refused.add(port)
    expect(f"{file.parent.name}: who may connect", passed, wanted)
    expect(f"{file.parent.name}: guarded ports", refused, set(wanted))


# --- Postfix ---

def parameters(folder):
    found = {}
    for line in run("postconf", "-c", folder, "-P").splitlines():
        parameter, _, value = line.partition("=")
        found[parameter.strip()] = value.strip()
    return found


def check_trust(name, folder, proxies):
    """No proxy is trusted for its address, for behind it are strangers."""
    for network in run("postconf", "-c", folder, "-xh", "mynetworks").split():
        trusted = ipaddress.ip_network(network.replace("[", "").replace("]", ""))
        for proxy in map(ipaddress.ip_address, proxies):
            if proxy in trusted:
                fail(f"{name}: mynetworks has {network}, and so the proxy {proxy}")


def check_services(name, folder, wanted):
    found = parameters(folder)
    for service, values in wanted.items():
        for parameter, value in values.items():
            expect(f"{name}: {service}/{parameter}", found.get(f"{service}/{parameter}"), value)
    names = [line.split()[0] + "/" + line.split()[1]
             for line in run("postconf", "-c", folder, "-M").splitlines()]
    expect(f"{name}: services that are there twice", len(names), len(set(names)))
    for parameter in found:  # each daemon has a parameter of its own for the protocol
        service, _, last = parameter.rpartition("/")
        if last.endswith("upstream_proxy_protocol"):
            daemon = run("postconf", "-c", folder, "-M", service).split()[7]
            expect(f"{name}: {service} runs", daemon, last.partition("_")[0])


def patch(work, folder, config, nft):
    """Runs user-patches.sh, its folder exchanged, with an nft that succeeds or fails."""
    programs = work / f"bin-{nft}"
    programs.mkdir(exist_ok=True)
    (programs / "nft").write_text(f"#!/bin/sh\n[ -f \"$2\" ] && exec {nft}\n")
    (programs / "nft").chmod(0o755)
    script = work / "user-patches.sh"
    script.write_text((config / "user-patches.sh").read_text()
                      .replace("/tmp/docker-mailserver/", f"{config}/"))
    return subprocess.run(["bash", script], capture_output=True, text=True, timeout=60, check=False,
                          env={"PATH": f"{programs}:/usr/sbin:/usr/bin:/bin", "LC_ALL": "C",
                               "MAIL_CONFIG": str(folder)})


def install_dms(folder, config):
    """As docker-mailserver: master.cf line by line, then main.cf."""
    folder.mkdir()
    shutil.copy(SOURCE / "lab/base/dms-main.cf", folder / "main.cf")
    shutil.copy(SOURCE / "lab/base/dms-master.cf", folder / "master.cf")
    for line in (config / "postfix-master.cf").read_text().splitlines():
        if re.match("[0-9a-z]", line):
            run("postconf", "-c", folder, "-P", line)
        elif line and not line.startswith("#"):
            fail("docker-mailserver skips this line in silence:", line)
    with (folder / "main.cf").open("a") as main:
        main.write((config / "postfix-main.cf").read_text())
    main = subprocess.run(["postconf", "-c", folder, "-n"], capture_output=True, text=True,
                          check=True).stdout
    (folder / "main.cf").write_text(re.sub(r"^config_directory.*\n", "", main, flags=re.M))


def check_dms(name, tree, work, wanted, absent):
    config, folder = tree / name, work / f"dms-{name}"
    install_dms(folder, config)
    shutil.copytree(folder, work / f"closed-{name}")
    runs = []
    for _ in range(3):
        result = patch(work, folder, config, "true")
        if result.returncode or result.stderr or result.stdout:
            fail(f"{name}: user-patches.sh gives {result.returncode}:", result.stderr)
        runs.append((folder / "master.cf").read_text())
    expect(f"{name}: user-patches.sh run again", runs[1:], runs[:1] * 2)
    check_services(name, folder, wanted)
    for parameter in absent:
        if any(key.endswith("/" + parameter) for key in parameters(folder)):
            fail(f"{name}: {parameter} is set somewhere")
    check_cache(name, folder)
    check_closed(name, work, config)
    if shutil.which("shellcheck"):
        run("shellcheck", config / "user-patches.sh")


def check_cache(name, folder):
    """Two postscreens share a cache that proxymap may write to."""
    count = sum("postscreen" == line.split()[7] for line in
                run("postconf", "-c", folder, "-M").splitlines())
    cache = run("postconf", "-c", folder, "-xh", "postscreen_cache_map").strip()
    written = run("postconf", "-c", folder, "-xh", "proxy_write_maps").split()
    expect(f"{name}: the cache is shared", cache.startswith("proxy:"), count > 1)
    if cache.startswith("proxy:") and cache not in written:
        fail(f"{name}: {cache} is not in proxy_write_maps")


def check_closed(name, work, config):
    """Without the firewall no service expects PROXY."""
    folder = work / f"closed-{name}"
    result = patch(work, folder, config, "false")
    expect(f"{name}: user-patches.sh without firewall", result.returncode, 1)
    if "cap_add: [NET_ADMIN]" not in result.stderr:
        fail(f"{name}: user-patches.sh does not say what is missing: {result.stderr}")
    open_ports = [key for key in parameters(folder) if key.endswith("upstream_proxy_protocol")]
    expect(f"{name}: PROXY ports without firewall", open_ports, [])


def check_postfix(name, tree, work, wanted):
    folder = work / f"postfix-{name}"
    folder.mkdir()
    for file in (tree / name).iterdir():
        shutil.copy(file, folder)
    check_services(name, folder, wanted)


# --- all of it ---

def render(topology, work):
    copy = work / "source"
    shutil.copytree(topology.parent, copy)
    for secret in copy.glob("secrets/*"):
        secret.chmod(0o600)
    subprocess.run([os.environ["POSTERN_CONFGEN"], "render", "-o", work / "tree",
                    copy / topology.name], check=True,
                   env={**os.environ, "POSTERN_TEST_PASSWORD": "secret"})
    return work / "tree"


def main():
    name, topology = sys.argv[1], pathlib.Path(sys.argv[2])
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    for program, package in PROGRAMS.items():
        if not shutil.which(program):
            print(f"skipped: needs {program} (Debian package {package})")
            sys.exit(77)
    demand = DEMANDS[name]
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        tree = render(topology, work)
        check_proxies(tree, work, demand)
        expect("guarded nodes", {file.parent.name for file in tree.glob("*/postern.nft")},
               set(demand["guarded"]))
        for node, wanted in demand["guarded"].items():
            check_firewall(tree / node / "postern.nft", wanted)
        expect("nodes with Dovecot", {file.parent.name for file in tree.glob("*/dovecot.cf")},
               set(demand["dovecot"]))
        for node, (version, trusted, wanted) in demand["dovecot"].items():
            if version == "2.3":
                failures.extend(dovecot.complaints(tree / node / "dovecot.cf", work, version, trusted,
                                                   wanted))
            else:
                print(f"{node}: matrix_3.10_dovecot asks Dovecot {version}")
        for node, wanted in demand["patched"].items():
            check_dms(node, tree, work, wanted, demand["absent"].get(node, []))
            check_trust(node, work / f"dms-{node}", set().union(*demand["guarded"][node].values()))
        for (of, node), wanted in MASTER.items():
            if of == name:
                check_postfix(node, tree, work, wanted)
                check_trust(node, work / f"postfix-{node}",
                            set().union(*demand["guarded"][node].values()))
    for line in failures:
        print(line)
    sys.exit(bool(failures))


main()
