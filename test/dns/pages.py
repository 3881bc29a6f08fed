#!/usr/bin/python3
"""The records in the pages doc/rules/dns-*.md, served by nsd: what is wrong gives that finding, what is right none."""
import glob
import os
import re
import tempfile

from served import Checks, Served, Zones, enter_namespace, needs

TOPOLOGY = """postern: 1
domains:
  example.com:
    mailboxes: private
    dkim: {sign_at: public, selector: mail, type: ed25519}
    dns: {dmarc: reject}
networks: {vpn: 10.8.0.0/24}
nodes:
  public:
    kind: postfix
    hostname: mail.example.com
    addresses: {internet: [192.0.2.1, "2001:db8::1"], vpn: 10.8.0.1}
    tls: {certificate: /etc/c.pem, key: /etc/k.pem}
  private: {kind: dms, hostname: box.example.com, addresses: {vpn: 10.8.0.2}}
links:
  - {between: [public, private], over: vpn}
routes:
  - {name: inbound, to: [example.com], path: [internet, public, private]}
  - {name: outbound, from: [example.com], path: [private, public, internet]}
"""
# the record of the pages: that of the test vectors of RFC 8463
KEY = 'TXT "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="'
# pages about something else than records: what their finding needs is in verify.py and zones.py
OTHERS = {"dns-dnssec", "dns-name-unconfirmed", "dns-no-key", "dns-spf-unknown", "dns-unanswered"}
RECORD = re.compile(r"(\S+) +(A|AAAA|CNAME|MX|PTR|TXT) +")


def example(page, word):
    """The records of an example: (owner, type, line)."""
    block = re.search(rf"\n\*\*{word}\*\*\n\n((?:    .*\n|\n(?=    ))+)", page)[1]
    block = re.sub(r"\(([^()]*)\)", lambda match: match[1].replace("\n", " "), block)
    lines = [line.strip() for line in block.splitlines()]
    return [(*RECORD.match(line).groups(), line) for line in lines if line and not line.startswith(";")]


def absolute(zone, text):
    """The records of a zone that was written, with whole names: what a page replaces is found by them."""
    for line in text.splitlines():
        match = RECORD.match(line)
        if match:
            owner = zone if match[1] == "@" else f"{match[1]}.{zone}"
            yield owner + ".", match[2], f"{owner}. {line[len(match[1]):]}"


def mixed(zones, records, replaced):
    """The zones with these records, in place of those of the same owner and type; and the rest of the world."""
    out, world = {}, ""
    kept = [record for zone, text in zones.text.items() for record in absolute(zone, text)]
    aliases = {owner for owner, kind, _ in records if kind == "CNAME"}
    kept = [r for r in kept if r[:2] not in replaced and r[0] not in aliases]
    for zone, text in zones.text.items():
        out[zone] = "".join(line + "\n" for line in text.splitlines() if not RECORD.match(line))
    for owner, _, line in kept + records:
        zone = next((zone for zone in out if owner == f"{zone}." or owner.endswith(f".{zone}.")), None)
        if zone:
            out[zone] += line + "\n"
        else:
            world += line + "\n"
    return out, world


def main():
    enter_namespace()
    needs(("nsd", "nsd"))
    tests = Checks()
    played = 0
    with tempfile.TemporaryDirectory(prefix="postern-pages-") as folder:
        zones = Zones(folder, TOPOLOGY)
        os.unlink(f"{zones.keys}/example.com/mail.private")
        with open(f"{zones.keys}/example.com/mail.txt", "w", encoding="ascii") as file:
            file.write(f"mail._domainkey.example.com. IN {KEY}\n")
        zones.text["example.com"] = re.sub("(?m)^mail._domainkey TXT .*", f"mail._domainkey {KEY}", zones.text["example.com"])
        for path in sorted(glob.glob(os.environ["POSTERN_SOURCE"] + "/doc/rules/dns-*.md")):
            name = os.path.basename(path)[:-3]
            if name in OTHERS:
                continue
            played += 1
            with open(path, encoding="utf-8") as file:
                page = file.read()
            wrong, right = example(page, "Wrong"), example(page, "Right")
            replaced = {record[:2] for record in wrong + right}
            with Served(*mixed(zones, wrong, replaced)):
                found = zones.verify(status=1)
                tests.check(f"{name}: wrong", name in {f["rule"] for f in found}, found)
                severity = {f["severity"] for f in found if f["rule"] == name}
                tests.check(f"{name}: severity", any(f"\n*{word}*" in page for word in severity), found)
            with Served(*mixed(zones, right, replaced)):
                found = zones.verify(status=None)
                tests.check(f"{name}: right", found == [], found)
    tests.check("some were played", played > 10, played)
    print(f"{played} pages were played, {len(OTHERS)} are about something else")
    tests.end()


if __name__ == "__main__":
    main()
