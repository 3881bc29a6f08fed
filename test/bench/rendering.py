"""postern-confgen against Jinja2: the same maps from the same topology, octet by octet.

For 1, 1,000 and 100,000 domains, which stand in the topology itself or in a file that it names. The
peer (render_jinja2) reads YAML by PyYAML's CSafeLoader and renders the maps alone; postern-confgen
renders all files of both hosts, and says what is wrong. Nothing is timed until all maps are equal.
Then lint judges the rendered host. The fastest of the runs counts: what is above it is the machine's.
"""
import filecmp
import pathlib
import shutil
import subprocess
import sys

import report

HERE = pathlib.Path(__file__).resolve().parent
COUNTS = (1, 1000, 100000)
MAPS = ("public/relay_domains", "public/relay_recipients", "public/senders_private", "public/transport",
        "public/verify_recipients", "private/postfix-relaymap.cf")
WAYS = {"inside": "in the topology", "beside": "in a file beside it"}
TOPOLOGY = """\
postern: 1
domains:
  example.com: {{mailboxes: private, dkim: {{sign_at: private, selector: mail}}}}
{domains}networks: {{vpn: 192.168.2.0/24}}
nodes:
  public:
    kind: postfix
    hostname: mail.example.com
    addresses: {{internet: 11.22.33.44, vpn: 192.168.2.2}}
  private: {{kind: dms, hostname: internal-mail.example.com, addresses: {{vpn: 192.168.2.3}}}}
links: [{{between: [public, private], over: vpn}}]
routes:
  - {{name: in, to: [{names}], path: [internet, public, private]}}
  - {{name: out, from: [{names}], path: [private, public, internet]}}
"""


def write_topologies(folder, count):
    """The two ways to say it; count - 1 domains besides example.com."""
    more = [f"d{number:06}.example" for number in range(count - 1)]
    inline = "".join(f"  {name}: {{mailboxes: private}}\n" for name in more)
    (folder / "inside").mkdir(parents=True)
    (folder / "inside/topology.yaml").write_text(TOPOLOGY.format(
        domains=inline, names=",\n    ".join(["example.com", *more])))
    if not more:
        return ["inside"]
    (folder / "beside").mkdir()
    (folder / "beside/domains").write_text("\n".join(more) + "\n")
    (folder / "beside/topology.yaml").write_text(TOPOLOGY.format(
        domains="domain_sets:\n  customers: {file: domains, mailboxes: private}\n",
        names="example.com, customers"))
    return ["inside", "beside"]


def cost(bench, command, rounds, target=None):
    """Seconds of the fastest run, and the largest MiB of any; the target is not there before each."""
    best, most = float("inf"), 0
    for _ in range(rounds):
        if target:
            shutil.rmtree(target)
        done = subprocess.run([bench.build / "test/bench/cost", *command], check=False,
                              capture_output=True, text=True)
        if done.returncode not in (0, 1):  # 1: lint found something
            raise RuntimeError(f"{command[0]}: {done.stderr[-2000:]}")
        seconds, memory = done.stdout.split()
        best, most = min(best, float(seconds)), max(most, int(memory) / 1024)
    return best, most


def compare(ours, theirs):
    different = [name for name in MAPS if not filecmp.cmp(ours / name, theirs / name, shallow=False)]
    if different:
        raise RuntimeError(f"Jinja2 renders other maps: {', '.join(different)}")


def measure(bench, folder, count):
    """A row for each way to say it, and one for lint."""
    rounds = 1 if bench.quick else 10 if count < 10000 else bench.rounds
    jinja = not needs_jinja(bench)
    rendered, linted = [], []
    for way in write_topologies(folder, count):
        topology, ours, theirs = folder / way / "topology.yaml", folder / way / "ours", folder / way / "theirs"
        command = [bench.confgen, "render", "-o", ours, topology]
        peer = [sys.executable, HERE / "render_jinja2", topology, theirs]
        subprocess.run(command, check=True)
        if jinja:
            subprocess.run(peer, check=True)
            compare(ours, theirs)
        seconds, memory = cost(bench, command, rounds, ours)
        peer_seconds, peer_memory = cost(bench, peer, rounds, theirs) if jinja else (None, None)
        rendered.append((f"{count:,}", WAYS[way], seconds, peer_seconds, memory, peer_memory))
        if way == "inside":
            lint = cost(bench, [bench.confgen, "lint", ours / "public"], rounds)
            postconf = cost(bench, ["postconf", "-c", ours / "public", "-n"], rounds) if shutil.which("postconf") \
                else (None, None)
            linted.append((f"{count:,}", *lint, *postconf))
    bench.say(f"confgen: {count:,} domains")
    return rendered, linted


def needs_jinja(bench):
    try:
        # pylint: disable-next=import-outside-toplevel,unused-import
        import jinja2, yaml  # noqa: F401
    except ImportError as error:
        package = f"python3-{'jinja2' if error.name == 'jinja2' else 'yaml'}"
        bench.miss(package, package)
        return f"{package} is not installed"
    return None


def text(value, unit):
    return "-" if value is None else report.figure(value * (1e3 if unit == "ms" else 1))


def run(bench):
    """Lines of Markdown."""
    rendered, linted = [], []
    for count in COUNTS[:2] if bench.quick else COUNTS:
        rows = measure(bench, bench.folder / f"confgen-{count}", count)
        rendered += rows[0]
        linted += rows[1]
    lines = ["The maps of both programs are the same octets; postern-confgen renders all other files of the two hosts "
             "as well. Time and memory of the whole program, the interpreter of Jinja2 included.", ""]
    lines += report.table(["domains", "<listed", "render ms", "Jinja2 ms", "times", "render MiB", "Jinja2 MiB", "times"],
                          [(count, where, text(ours, "ms"), text(theirs, "ms"), ratio(theirs, ours),
                            text(memory, "MiB"), text(peer, "MiB"), ratio(peer, memory))
                           for count, where, ours, theirs, memory, peer in rendered])
    lines += ["", "`lint` on the rendered public host reads its tables as well; `postconf -n` on the same folder "
              "does not.", ""]
    lines += report.table(["domains", "lint ms", "lint MiB", "postconf -n ms"],
                          [(count, text(seconds, "ms"), text(memory, "MiB"), text(peer, "ms"))
                           for count, seconds, memory, peer, _ in linted])
    for count, where, ours, theirs, memory, peer in rendered:
        if theirs:
            bench.aim(f"{count} domains, {where}: render against Jinja2, times faster", theirs / ours,
                      theirs > ours)
    if bench.quick or needs_jinja(bench):
        return lines
    series = {name: [(row[0], row[column]) for row in rendered if row[1] == WAYS["inside"]]
              for name, column in (("postern-confgen", 2), ("Jinja2", 3))}
    title = "Time to render the maps, domains in the topology"
    return lines + ["", bench.plot("performance-render.svg", title,
                                   report.lines_svg(title, series, "seconds, by number of domains"))]


def ratio(theirs, ours):
    return f"{theirs / ours:.1f}" if theirs else "-"
