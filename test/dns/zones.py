#!/usr/bin/python3
"""The zones of every example and every golden topology are taken by nsd-checkzone and
ldns-read-zone as they are, are the same in each run, and say what a person worked out."""
import filecmp
import glob
import json
import os
import re
import subprocess
import tempfile

from served import Checks, confgen, needs

SOURCE = os.environ["POSTERN_SOURCE"]
os.environ["PATH"] += ":/usr/sbin:/sbin"
# What some topologies must give, worked out by hand: (example, type, name, data).
WANTED = [
    ("dms-relay", "MX", "example.com", "10 mail.example.com."),
    ("dms-relay", "A", "mail.example.com", "11.22.33.44"),
    ("dms-relay", "TXT", "example.com", '"v=spf1 ip4:11.22.33.44 ~all"'),
    ("dms-relay", "PTR", "44.33.22.11.in-addr.arpa", "mail.example.com."),
    ("backup-mx", "MX", "example.com", "20 mx2.example.net."),
    ("backup-mx", "TXT", "example.com", '"v=spf1 ip4:11.22.33.44 ip4:11.22.33.55 ~all"'),
    ("bound-egress", "TXT", "shop.example", '"v=spf1 ip4:198.51.100.42 ip6:2001:db8:41::42 ~all"'),
    ("bound-egress", "PTR", "42.100.51.198.in-addr.arpa", "mail.shop.example."),
    ("smarthosts", "TXT", "example.com", '"v=spf1 include:amazonses.com ~all"'),
    ("smarthosts", "TXT", "shop.example", '"v=spf1 include:mailgun.org ~all"'),
    # strangers reach the proxy alone
    ("proxy-haproxy", "A", "mail.example.com", "11.22.33.44"),
    ("proxy-traefik-dms", "SRV", "_imaps._tcp.example.com", "0 1 993 mail.example.com."),
    # behind NAT: the host's address
    ("app-relay-direct", "TXT", "example.com", '"v=spf1 ip4:11.22.33.44 ~all"'),
]
NOT_WANTED = [
    ("proxy-haproxy", "A", "mail.example.com", "11.22.33.45"),
    ("smarthosts", "TXT", "example.com", '"v=spf1 ip4:11.22.33.44 ~all"'),
    ("dms-relay", "A", "internal-mail.example.com", "192.168.2.3"),
]
POLICY = """
    dns: {mta_sts: testing, mta_sts_host: www.example.net, tls_rpt: [t@example.com, u@example.net], dmarc: quarantine,
          dmarc_rua: reports@elsewhere.example, spf: neutral, spf_include: [a.example, b.example]}"""


def judge(tests, path, name):
    done = subprocess.run(["nsd-checkzone", name, path], check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True)
    tests.check(f"nsd-checkzone {path}", done.returncode == 0 and "error" not in done.stdout, done.stdout)
    done = subprocess.run(["ldns-read-zone", path], check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True)
    tests.check(f"ldns-read-zone {path}", done.returncode == 0 and "SOA" in done.stdout, done.stdout)
    return done.stdout


def all_zones(tests, folder, topology, keys):
    out, again = os.path.join(folder, "out"), os.path.join(folder, "again")
    for target in (out, again):
        confgen("dns", "-k", keys, "-o", target, topology)
    texts = {}
    for path in glob.glob(f"{out}/*.zone") + glob.glob(f"{out}/reverse/*.zone"):
        name = os.path.basename(path)[:-5]
        texts[name] = judge(tests, path, name)
        tests.check(f"same again {path}", filecmp.cmp(path, path.replace(out, again), shallow=False))
    tests.check(f"zones of {topology}", texts)
    tests.check(f"README of {topology}", os.path.exists(f"{out}/README"))
    return texts


def records(topology, keys):
    parsed = json.loads(confgen("dns", "-f", "json", "-k", keys, topology).stdout)
    return {(r["type"], r["name"], r["data"]) for r in parsed["records"]}, parsed


def examples(tests, folder):
    found = {}
    keys = os.path.join(folder, "keys")
    for topology in sorted(glob.glob(f"{SOURCE}/examples/*/topology.yaml") +
                           glob.glob(f"{SOURCE}/test/golden/topologies/*.yaml")):
        # the dates in some of them may be past by now
        confgen("keys", "-t", "ed25519", "-k", keys, topology, status=None)
        all_zones(tests, folder, topology, keys)
        name = os.path.basename(os.path.dirname(topology))
        found[name] = records(topology, keys)[0]
        tests.check(f"{name}: text", "Ask whoever" in confgen("dns", "-f", "text", "-k", keys, topology).stdout or
                    not any(r[0] == "PTR" for r in found[name]))
    for name, *record in WANTED:
        tests.check(f"{name}: {record}", tuple(record) in found[name], sorted(found[name]))
    for name, *record in NOT_WANTED:
        tests.check(f"{name}: not {record}", tuple(record) not in found[name], sorted(found[name]))


def policies(tests, folder):
    """What follows from the keys below 'dns', and a key of 4096 bits, which needs several strings."""
    with open(f"{SOURCE}/examples/dms-relay/topology.yaml", encoding="utf-8") as file:
        text = file.read().replace("selector: mail}", "selector: mail, type: rsa-4096}" + POLICY)
    topology, keys = os.path.join(folder, "policies.yaml"), os.path.join(folder, "large")
    with open(topology, "w", encoding="utf-8") as file:
        file.write(text)
    confgen("keys", "-k", keys, topology)
    zone = all_zones(tests, folder, topology, keys)["example.com"]
    found, parsed = records(topology, keys)
    key = next(r for r in parsed["records"] if r["purpose"] == "DKIM")
    pem = subprocess.run(["openssl", "pkey", "-in", f"{keys}/example.com/mail.private", "-pubout", "-outform", "DER"],
                         check=True, stdout=subprocess.PIPE).stdout
    import base64
    tests.check("DKIM by openssl", key["text"] == "v=DKIM1; k=rsa; p=" + base64.b64encode(pem).decode(), key)
    strings = re.findall(r'"([^"]*)"', key["data"])
    tests.check("strings", [len(s) for s in strings[:-1]] == [255] * (len(strings) - 1) and "".join(strings) == key["text"])
    tests.check("as ldns reads it", all(f'"{s}"' in zone for s in strings), zone)
    wanted = {
        ("TXT", "example.com", '"v=spf1 ip4:11.22.33.44 include:a.example include:b.example ?all"'),
        ("TXT", "_dmarc.example.com", '"v=DMARC1; p=quarantine; rua=mailto:reports@elsewhere.example"'),
        ("TXT", "_smtp._tls.example.com", '"v=TLSRPTv1; rua=mailto:t@example.com,mailto:u@example.net"'),
        ("CNAME", "mta-sts.example.com", "www.example.net."),
    }
    tests.check("policies", wanted <= found, wanted - found)
    tests.check("note on reports", any("_report._dmarc.elsewhere.example" in n["text"] for n in parsed["notes"]), parsed["notes"])
    policy = parsed["policies"][0]["text"]
    tests.check("policy", policy == "version: STSv1\r\nmode: testing\r\nmx: mail.example.com\r\nmax_age: 86400\r\n", policy)
    first = next(r["text"] for r in parsed["records"] if r["purpose"] == "MTA-STS")
    tests.check("policy id", re.fullmatch(r"v=STSv1; id=[0-9a-f]{20};", first), first)
    with open(topology, "w", encoding="utf-8") as file:
        file.write(text.replace("mta_sts: testing", "mta_sts: enforce"))
    second = next(r["text"] for r in records(topology, keys)[1]["records"] if r["purpose"] == "MTA-STS")
    tests.check("another policy, another id", first != second)
    # a public key alone is enough
    os.unlink(f"{keys}/example.com/mail.private")
    tests.check("record without the private key", key["data"] in {r[2] for r in records(topology, keys)[0]})


def notes(tests, folder):
    """Behind NAT it is said what only the provider can set; includes beyond ten look-ups are an error."""
    topology = f"{SOURCE}/examples/app-relay-direct/topology.yaml"
    found = records(topology, folder)[1]["notes"]
    tests.check("NAT", any("NAT" in n["text"] and "11.22.33.44" in n["text"] for n in found), found)
    tests.check("IPv6 of Docker", any("inet_protocols: ipv4" in n["text"] for n in found), found)
    found = records(f"{SOURCE}/examples/dms-relay/topology.yaml", folder)[1]["notes"]
    tests.check("no NAT", not found, found)
    with open(f"{SOURCE}/examples/dms-relay/topology.yaml", encoding="utf-8") as file:
        text = file.read()
    path = os.path.join(folder, "includes.yaml")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text.replace("selector: mail}", "selector: mail}\n    dns: {spf_include: [%s]}" %
                                ", ".join(f"i{i}.example" for i in range(10))))
    tests.check("ten includes", "more than 9 includes" in confgen("check", "-P", path, status=1).stdout)


    with open(f"{SOURCE}/examples/smarthosts/topology.yaml", encoding="utf-8") as file:
        text = file.read()
    for count, status in ((10, 0), (11, 1)):
        includes = ", ".join(f"i{i}.example" for i in range(count))
        with open(path, "w", encoding="utf-8") as file:
            file.write(text.replace("provider: ses\n", f"provider: ses\n    spf_include: [{includes}]\n"))
        out = os.path.join(folder, f"includes-{count}")
        done = confgen("dns", "-o", out, path, status=status)
        tests.check(f"{count} look-ups", ("[dns-spf-lookups]" in done.stderr) == bool(status) and
                    os.path.exists(out) != bool(status), done.stderr)


def bad_input(tests, folder):
    example = f"{SOURCE}/examples/dms-relay/topology.yaml"
    for arguments, status in ((["--resolver", "::1", example], 2), (["--verify", "-r", "a.example", example], 2),
                              (["--verify", "-o", "x", example], 2), (["-f", "sarif", example], 2),
                              (["--verify", "-f", "zone", example], 2), (["-d", "none.example", example], 2),
                              (["--serial", "0", example], 2), (["--serial", "x", example], 2),
                              (["--verify", "--timeout", "-1", example], 2), (["absent.yaml"], 3),
                              (["-o", "/proc/none", example], 3)):
        confgen("dns", *arguments, status=status, cwd=folder)
        tests.check(f"status of {arguments}", True)
    full = subprocess.run([os.environ["POSTERN_CONFGEN"], "dns", example], check=False, stderr=subprocess.PIPE,
                          stdout=open("/dev/full", "w"))  # pylint: disable=consider-using-with
    tests.check("full disk", full.returncode == 3, full)
    kept = os.path.join(folder, "mine")
    os.mkdir(kept)
    open(f"{kept}/file", "w", encoding="ascii").close()
    confgen("dns", "-o", kept, example, status=3)
    tests.check("a folder of the user's own", os.listdir(kept) == ["file"])
    keys = os.path.join(folder, "odd")
    os.makedirs(f"{keys}/example.com")
    for name, text in (("mail.private", "no key\x1b[31m"), ("mail.txt", "x")):
        with open(f"{keys}/example.com/{name}", "w", encoding="ascii") as file:
            file.write(text)
        done = confgen("dns", "-k", keys, example)
        tests.check(f"odd {name}", "dns-no-key" in done.stderr and "domainkey" not in done.stdout, done)
        os.unlink(f"{keys}/example.com/{name}")


def main():
    needs(("nsd-checkzone", "nsd"), ("ldns-read-zone", "ldnsutils"))
    tests = Checks()
    with tempfile.TemporaryDirectory() as folder:
        examples(tests, folder)
        policies(tests, folder)
        notes(tests, folder)
        bad_input(tests, folder)
    tests.end()


main()
