"""Connections a second to one Postfix: direct, behind postern-gate, behind HAProxy.

- plain: at a port of its own, without a PROXY header and with one;
- gate: the same behind postern-gate;
- haproxy: relayed by HAProxy in the gate's place, which adds the header.

Each connection waits for the greeting, says QUIT, and waits for the reply. Rounds of the ways take
turns, medians count.
"""
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import time

import processes
import report

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "gate"))
# pylint: disable=wrong-import-position,wrong-import-order
import harness
from harness import CLIENT, INSIDE, PROXY, SERVER, Session, proxy_header

CLIENTS = 8
# name: server, port, source, header
WAYS = {
    "plain": (SERVER[0], 2526, INSIDE[0], b""),
    "plain, PROXY": (SERVER[0], 2600, PROXY[0], proxy_header(CLIENT[0], SERVER[0])),
    "gate, direct": (SERVER[0], 2525, INSIDE[0], b""),
    "gate, PROXY": (SERVER[0], 2525, PROXY[0], proxy_header(CLIENT[0], SERVER[0])),
    "haproxy": (PROXY[0], 2527, CLIENT[0], b""),
}
PEERS = {way: "plain" if way in ("plain", "gate, direct") else "plain, PROXY" for way in WAYS}


def client(way, count):
    server, port, source, header = way
    try:
        for _ in range(count):
            with Session(server, port, source, header) as session:
                assert session.reply().startswith("220"), session.replies
                assert session.say("QUIT").startswith("221"), session.replies
        os._exit(0)
    except BaseException as error:  # pylint: disable=broad-except
        print(f"# port {port}: {error!r}", file=sys.stderr, flush=True)
    os._exit(1)


def rate(way, each):
    """Connections a second, by as many processes as there are clients, each of which makes so many."""
    started = time.monotonic()
    children = []
    for _ in range(CLIENTS):
        child = os.fork()
        if child == 0:
            client(way, each)
        children.append(child)
    bad = [child for child in children if os.waitpid(child, 0)[1]]
    if bad:
        raise RuntimeError("a client failed")
    return each * CLIENTS / (time.monotonic() - started)


def start_haproxy(folder):
    path = f"{folder}/haproxy.cfg"
    pathlib.Path(path).write_text(
        "global\n nbthread 1\n maxconn 2000\ndefaults\n mode tcp\n timeout connect 5s\n"
        " timeout client 60s\n timeout server 60s\n"
        f"listen smtp\n bind {PROXY[0]}:2527\n source {PROXY[0]}\n"
        f" server s {SERVER[0]}:2600 send-proxy\n")
    return subprocess.Popen(["haproxy", "-db", "-f", path], stderr=subprocess.DEVNULL)


def accepts(place):
    try:
        with Session(*place):
            return True
    except ConnectionRefusedError:
        return False


def measure(bench, ways, programs):
    """{way: (connections a second, CPU microseconds a connection of what stands between or None)}"""
    each = 2 if bench.quick else max(int(600 * bench.seconds), 2)
    rates, used = {way: [] for way in ways}, dict.fromkeys(ways, 0.0)
    for name in ways:  # processes of Postfix are started by it
        rate(WAYS[name], 2)
    for number in range(bench.rounds):
        for name in ways:
            between = programs.get(name.split(",", maxsplit=1)[0])
            before = processes.cpu(between) if between else 0
            rates[name].append(rate(WAYS[name], each))
            used[name] += processes.cpu(between) - before if between else 0
        bench.say(f"gate: round {number + 1} of {bench.rounds}")
    total = each * CLIENTS * bench.rounds
    return {name: (statistics.median(rates[name]), used[name] / total * 1e6 or None) for name in ways}


def needs(bench):
    """Why it cannot run, or None."""
    if os.geteuid() != 0:
        return "it needs root, for namespaces"
    if not shutil.which("postfix"):
        bench.miss("postfix", "postfix")
        return "postfix is not installed"
    return None


def run(bench):
    """Lines of Markdown."""
    ways = list(WAYS)
    if not shutil.which("haproxy"):
        bench.miss("haproxy", "haproxy")
        ways.remove("haproxy")
    harness.add_addresses()
    with harness.Postfix() as postfix:
        with open(f"{postfix.folder}/conf/master.cf", "a", encoding="ascii") as master:
            master.write(f"{SERVER[0]}:2526 inet n - n - - smtpd\n")
        # without a log: that would be what is measured
        postfix.command("postconf", "-c", f"{postfix.inside}/conf", "maillog_file=")
        postfix.postfix("reload")
        with harness.Gate(harness.listener([f"{SERVER[0]}:2525"], postfix.service("gated"),
                                           postfix.service("direct"))) as gate:
            programs = {"gate": gate.process.pid}
            haproxy = start_haproxy(gate.folder) if "haproxy" in ways else None
            try:
                if haproxy:
                    programs["haproxy"] = haproxy.pid
                for way in ways:
                    harness.wait(lambda way=way: accepts(WAYS[way][:2]), f"port {WAYS[way][1]}")
                results = measure(bench, ways, programs)
            finally:
                if haproxy:
                    haproxy.terminate()
                    haproxy.wait()
    return write(bench, results)


def write(bench, results):
    rows = [(name, f"{number:.0f}", f"{number / results[PEERS[name]][0]:.2f}",
             f"{cpu:.0f}" if cpu else "-") for name, (number, cpu) in results.items()]
    if "haproxy" in results:
        ratio = results["haproxy"][1] / results["gate, PROXY"][1]
        bench.aim("the gate needs less CPU for a connection than HAProxy: times less", ratio, ratio > 1)
    title = "Connections to Postfix in a second: greeting, QUIT"
    return [f"Greeting, QUIT; {CLIENTS} clients, which are Python and share the processors. The ratio is to Postfix's "
            "own port, with a PROXY header or without.", "",
            *report.table(["<way", "connections/s", "of Postfix's own", "CPU us between"], rows), "",
            bench.plot("performance-gate.svg", title, report.bars_svg(
                title, {name: number for name, (number, _) in results.items()},
                "connections a second"))]
