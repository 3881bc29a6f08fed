#!/usr/bin/env python3
"""Pictures, judged by Graphviz's dot and by what the topologies say, read here anew.

Mermaid itself is a JavaScript program that Debian does not have: its text is held against the
grammar of what is used of it. Where POSTERN_MERMAID names a mermaid.min.js, and Chromium is
installed, test/page/browser.py has the real one parse it.
"""
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree

import yaml

CONFGEN = os.environ["POSTERN_CONFGEN"]
SOURCE = os.environ["POSTERN_SOURCE"]
MOST_PARALLEL = 4
failures = 0
checks = 0


def check(good, *what):
    global failures, checks
    checks += 1
    if not good:
        failures += 1
        print("FAILED:", *what)


def graph(*arguments, status=0, **options):
    done = subprocess.run([CONFGEN, "graph", *arguments], capture_output=True, text=True,
                          timeout=120, **options)
    check(done.returncode == status, arguments, "ended with", done.returncode, done.stderr)
    return done


def hops(topology):
    """(from, to, outbound) of each route, as the pictures have them."""
    for route in topology["routes"]:
        path = route["path"]
        yield from ((a, b, "from" in route) for a, b in zip(path, path[1:]))


def expected_edges(topology):
    bundles = {}
    for hop in hops(topology):
        bundles[hop] = bundles.get(hop, 0) + 1
    count = sum(min(n, MOST_PARALLEL) for n in bundles.values())
    for name, node in topology["nodes"].items():
        clients = node.get("clients") or []
        count += 1 if isinstance(clients, str) else len(clients)
        # what a proxy passes on that is on no route is one edge for each proxy
        loose = set()
        for listener in (node.get("listeners") or {}).values():
            proxy = listener["proxied_by"]
            drawn = any((a, b) == (proxy, name) for a, b, _ in hops(topology))
            if listener["service"] != "smtp" or not drawn:
                loose.add(proxy)
        count += len(loose)
    return count


def plain(label):
    """The text of an HTML-like label of dot."""
    return re.sub(r"<[^>]*>", "\n", label)


def judge_dot(path, topology):
    text = graph(path).stdout
    done = subprocess.run(["dot", "-Tdot_json"], input=text, capture_output=True, text=True)
    check(done.returncode == 0 and not done.stderr, path, "dot says", done.stderr)
    parsed = json.loads(done.stdout)
    objects = [o for o in parsed["objects"] if "shape" in o or "fillcolor" in o]
    places = {plain(o["label"]).split("\n")[1]: o for o in objects if not
              o["name"].startswith("cluster")}
    used = {end for a, b, _ in hops(topology) for end in (a, b)}
    for name in topology["nodes"]:
        check(name in places, path, "has no place", name, list(places))
    check(("Internet" in places) == ("internet" in used), path, "Internet")
    edges = parsed.get("edges", [])
    check(len(edges) == expected_edges(topology), path, len(edges), "edges, not",
          expected_edges(topology))
    numbers = {o["_gvid"]: plain(o["label"]).split("\n")[1].lower() for o in objects}
    drawn = set()
    for edge in edges:
        tail, head = numbers[edge["tail"]], numbers[edge["head"]]
        drawn.add((head, tail) if edge.get("dir") == "back" else (tail, head))
    for a, b, _ in hops(topology):
        check((a.lower(), b.lower()) in drawn, path, "no arrow from", a, "to", b)
    clusters = {o["name"] for o in parsed["objects"] if o["name"].startswith("cluster")}
    check(len(clusters) <= len(topology.get("networks", {})), path, clusters)


def judge_svg(path, topology, work):
    output = os.path.join(work, "out.svg")
    graph("-f", "svg", "-o", output, path)
    root = ElementTree.parse(output).getroot()
    texts = {e.text for e in root.iter("{http://www.w3.org/2000/svg}text")}
    for name in topology["nodes"]:
        check(name in texts, path, "the SVG lacks", name)
    for name, network in topology.get("networks", {}).items():
        members = [n for n in topology["nodes"].values()
                   if name in (n.get("addresses") or {}) or name in (n.get("clients") or [])]
        check(name in texts or not members or not any(
            next((k for k in (n.get("addresses") or {}) if k != "internet"), None) == name
            for n in members), path, "the SVG lacks the network", name)


LABEL = r'"(?:[^"\\<>&`]|<br/>|</?b>)*"'
MERMAID = [
    r"flowchart LR", rf"\tsubgraph network\d+ \[{LABEL}\]", r"\tend",
    rf"\t\t?n\d+(\[{LABEL}\]|\(\[{LABEL}\]\)|\{{\{{{LABEL}\}}\}}):::[a-z]+",
    rf"\tn\d+ (-->|-\.->)\|{LABEL}\| n\d+",
    r"\tlinkStyle \d+ stroke:#[0-9a-f]{6},color:#[0-9a-f]{6}",
    r"\tclassDef [a-z]+ fill:#[0-9a-f]{6},stroke:#[0-9a-f]{6},color:#[0-9a-f]{6}"
    r"(,stroke-width:2px)?",
]


def judge_mermaid(path, topology):
    lines = graph("-f", "mermaid", path).stdout.splitlines()
    for line in lines:
        check(any(re.fullmatch(row, line) for row in MERMAID), path, "no Mermaid:", line)
    check(sum("| n" in line for line in lines) == expected_edges(topology), path, "Mermaid edges")
    check(sum(line.startswith("\tsubgraph") for line in lines) == lines.count("\tend"), path)


DANGERS = [
    # what makes it dangerous, and how it is said
    ("trust: address", "trust: network", "trusts all of the network vpn"),
    ("between: [public, private], over: vpn, trust: address",
     "between: [public, private], over: internet, trust: address", "may cross the Internet in clear"),
    ("    tls:\n      certificate: /etc/a.crt\n      key: /etc/a.key\n", "", "has no certificate"),
    ("172.28.0.0/24", "172.16.0.0/12", "without a login"),
    ("through: gate", "through: second_port", "believes any PROXY header"),
    # where the proxy alone is in the port's network, but the host is on the Internet as well
    ("through: gate", "through: second_port, proxy_port: 10026", "believes any PROXY header"),
    ("tls_level: secure", "tls_level: may", "mail from public to smart may cross"),
]
SAFE = """postern: 1
domains:
  example.com: {mailboxes: private}
  example.org: {mailboxes: private}
networks: {vpn: 192.168.2.0/24, app: 172.28.0.0/24}
nodes:
  edge: {kind: proxy, software: haproxy, addresses: {internet: 11.22.33.43, vpn: 192.168.2.9}}
  public:
    kind: postfix
    hostname: mail.example.com
    addresses: {internet: 11.22.33.44, vpn: 192.168.2.2, app: 172.28.0.25}
    clients: app
    listeners: {smtp: {service: smtp, proxied_by: edge, through: gate}}
    tls:
      certificate: /etc/a.crt
      key: /etc/a.key
  private: {kind: dms, hostname: internal.example.com, addresses: {vpn: 192.168.2.3, internet: 11.22.33.45}}
  smart: {kind: smarthost, host: smtp.provider.example, tls_level: secure}
links:
  - {between: [public, private], over: vpn, trust: address}
routes:
  - {name: inbound, to: [example.com, example.org], path: [internet, edge, public, private]}
  - {name: outbound, from: [example.com], path: [private, public, internet]}
  - {name: by-smart, from: [example.org], path: [private, public, smart]}
"""


def judge_dangers(work):
    path = os.path.join(work, "danger.yaml")
    with open(path, "w") as out:
        out.write(SAFE)
    done = graph(path)
    check("class=\"flow in danger" not in done.stdout and " danger\"" not in done.stdout,
          "the safe topology has red:", done.stderr)
    check("graph-danger" not in done.stderr, "the safe topology warns:", done.stderr)
    for safe, dangerous, sentence in DANGERS:
        text = SAFE.replace(safe, dangerous)
        if "trust: network" in text or "10026" in text:  # a proxy may not be in a network that is trusted
            text = text.replace("vpn: 192.168.2.9", "dmz: 10.9.0.9") \
                .replace("vpn: 192.168.2.2,", "vpn: 192.168.2.2, dmz: 10.9.0.2,") \
                .replace("networks: {", "networks: {dmz: 10.9.0.0/24, ")
        check(text != SAFE, "nothing to replace:", safe)
        with open(path, "w") as out:
            out.write(text)
        done = graph(path)
        check(sentence in done.stderr, dangerous, "is not told:", done.stderr)
        check("danger.yaml:" in done.stderr, dangerous, "has no place")
        check(" danger\"" in done.stdout and "#b3001b" in done.stdout, dangerous, "is not red")
        check("danger" in graph("-f", "mermaid", path).stdout, dangerous, "in Mermaid")


def judge_many_routes(work):
    """Routes that share their hops share arrows, so that the picture stays one."""
    count = 40
    text = "postern: 1\nnetworks: {vpn: 10.0.0.0/24}\ndomains:\n"
    text += "".join(f"  d{i}.example: {{mailboxes: in}}\n" for i in range(count))
    text += "nodes:\n  out: {kind: postfix, hostname: a.example.com, addresses: {internet: " \
        "11.22.33.44, vpn: 10.0.0.1}}\n  in: {kind: dms, hostname: b.example.com, addresses: " \
        "{vpn: 10.0.0.2}}\nlinks: [{between: [out, in], over: vpn}]\nroutes:\n"
    text += "".join(f"  - {{name: r{i}, to: [d{i}.example], path: [internet, out, in]}}\n"
                    for i in range(count))
    path = os.path.join(work, "many.yaml")
    with open(path, "w") as out:
        out.write(text)
    dot = graph(path).stdout
    check(dot.count(" -> ") == 2 * MOST_PARALLEL, dot.count(" -> "), "arrows")
    check("and more" in dot, "nothing says that an arrow stands for more")


def judge_errors(work):
    example = SOURCE + "/examples/dms-relay/topology.yaml"
    target = os.path.join(work, "kept.svg")
    with open(target, "w") as out:
        out.write("before")
    done = graph("-f", "svg", "-o", target, example, status=3, env={"PATH": work})
    check("graphviz" in done.stderr, "no hint at the package:", done.stderr)
    check(open(target).read() == "before", "the file changed")
    check(not done.stdout, "something was written")
    # a dot that fails, and one that writes nothing
    for script in ("exit 3", "echo no >&2; exit 1"):
        fake = os.path.join(work, "dot")
        with open(fake, "w") as out:
            out.write(f"#!/bin/sh\n{script}\n")
        os.chmod(fake, 0o755)
        done = graph("-f", "svg", "-o", target, example, status=3, env={"PATH": work})
        check("dot cannot draw" in done.stderr, done.stderr)
        check(open(target).read() == "before", "the file changed")
    # a device stays one, and is written to
    pipe = os.path.join(work, "pipe")
    os.mkfifo(pipe)
    reader = subprocess.Popen(["cat", pipe], stdout=subprocess.PIPE, text=True)
    graph("-o", pipe, example)
    check(reader.communicate(timeout=60)[0] == graph(example).stdout, "a pipe got something else")
    check(os.path.exists(pipe) and not os.path.isfile(pipe), "a pipe became a file")
    check("cannot write" in graph("-o", "/dev/full", example, status=3).stderr, "a full device")
    with open("/dev/full", "w") as full:
        done = subprocess.run([CONFGEN, "graph", example], stdout=full, stderr=subprocess.PIPE)
        check(done.returncode == 3, "a full standard output", done.returncode)
    check("no format" in graph("-f", "png", example, status=2).stderr, "bad format")
    graph(os.path.join(work, "absent.yaml"), status=3)
    graph("-o", os.path.join(work, "absent", "x"), example, status=3)
    wrong = os.path.join(work, "wrong.yaml")
    with open(wrong, "w") as out:
        out.write(open(example).read().replace("kind: dms", "kind: dsm"))
    done = graph(wrong, status=1)
    check(not done.stdout and "did you mean 'dms'" in done.stderr, "wrong topology", done.stderr)
    check(graph(example).stdout == graph(example).stdout, "two runs differ")


def main():
    if not shutil.which("dot"):
        print("dot (package graphviz) is not installed")
        sys.exit(77)
    paths = glob.glob(SOURCE + "/examples/*/topology.yaml")
    paths += [p for p in glob.glob(SOURCE + "/test/golden/topologies/*.yaml")]
    check(len(paths) > 15, "topologies are missing")
    with tempfile.TemporaryDirectory() as work:
        for path in sorted(paths):
            with open(path) as file:
                topology = yaml.safe_load(file)
            judge_dot(path, topology)
            judge_svg(path, topology, work)
            judge_mermaid(path, topology)
        judge_dangers(work)
        judge_many_routes(work)
        judge_errors(work)
    print(f"{checks} checks, {failures} failed")
    print("Mermaid's own parser is not part of Debian: its text was held against a grammar only")
    sys.exit(1 if failures else 0)


main()
