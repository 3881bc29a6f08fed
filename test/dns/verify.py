#!/usr/bin/python3
"""What `dns -o` writes is loaded by nsd as it is, and `dns --verify` finds nothing; then one defect
after another is put into the zones, and each must be found, by its rule, and nothing else."""
import os
import re
import subprocess
import tempfile

from served import NSD, UNBOUND, Checks, Served, Zones, confgen, enter_namespace, needs

TOPOLOGY = """postern: 1
dns: {nameservers: [ns1.example.net, ns2.example.net], hostmaster: "dns.admin@example.com", ttl: 600}
domains:
  example.com:
    mailboxes: box
    dkim: {sign_at: public, keys: [{selector: s1}, {selector: ed, type: ed25519}]}
    dns: {spf: fail, dmarc: reject, dmarc_rua: [dmarc@example.com, "a!b@example.org"], mta_sts: enforce,
          mta_sts_host: www.example.com, tls_rpt: tls@example.com}
  example.org:
    mailboxes: box
    dkim: {sign_at: public, selector: mail}
    dns: {spf_include: [news.provider.test]}
networks: {vpn: 10.8.0.0/24}
nodes:
  public:
    kind: postfix
    hostname: mail.example.com
    addresses: {internet: [203.0.113.5, "2001:db8:5::5"], vpn: 10.8.0.1}
    tls: {certificate: /etc/c.pem, key: /etc/k.pem}
  second:
    kind: postfix
    hostname: mx2.example.com
    addresses: {internet: 203.0.113.6, vpn: 10.8.0.2}
    tls: {certificate: /etc/c.pem, key: /etc/k.pem}
  box: {kind: dms, hostname: box.example.com, addresses: {vpn: 10.8.0.3, internet: 203.0.113.7}}
  provider: {kind: smarthost, host: smtp.provider.test, spf_include: spf.provider.test}
links:
  - {between: [public, box], over: vpn}
  - {between: [second, box], over: vpn}
routes:
  - {name: in-1, to: [example.com, example.org], path: [internet, public, box]}
  - {name: in-2, to: [example.com], path: [internet, second, box]}
  - {name: com, from: [example.com], path: [box, public, internet], egress: {ipv4: 203.0.113.5, ipv6: "2001:db8:5::5"}}
  - {name: org, from: [example.org], path: [box, public, provider]}
"""
WORLD = """spf.provider.test. TXT "v=spf1 include:a.provider.test ip4:198.51.100.0/24 -all"
a.provider.test. TXT "v=spf1 ip4:198.51.101.0/24 ~all"
news.provider.test. TXT "v=spf1 a:out.provider.test/28 -all"
out.provider.test. A 192.0.2.1
www.example.com. A 203.0.113.8
"""
ADDRESS = "5.113.0.203.in-addr.arpa"
ADDRESS6 = "5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.5.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"
REVERSE9 = "9.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.9.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa"
OTHER_KEY = ("v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=")
MX = ("@ MX 10 mail.example.com.\n", "@ MX 20 mx2.example.com.\n")
chain = "".join(f'l{i}.example.com. TXT "v=spf1 include:l{i + 1}.example.com ~all"\n' for i in range(11))
SPF = r'@ TXT "v=spf1 ip4:203.0.113.5[^"]*"'

# (what, zone, pattern, replacement, rules that must be found, a text that the finding has)
DEFECTS = [
    ("no MX", "example.com", "".join(re.escape(x) + r"(?:;.*\n)?" for x in MX), "", ["dns-missing", "dns-missing"], "MX"),
    ("one MX missing", "example.com", re.escape(MX[1]), "", ["dns-missing"], "mx2.example.com"),
    ("foreign MX", "example.com", re.escape(MX[0]), MX[0] + "@ MX 5 box\n", ["dns-different"], "another MX"),
    ("MX in another order", "example.com", "MX 10", "MX 30", ["dns-different"], "preference"),
    ("MX to an alias", "example.com", r"mx2 A 203\.0\.113\.6\n", "mx2 CNAME real\nreal A 203.0.113.6\n",
     ["dns-mx-alias"], "CNAME"),
    ("MX to nowhere", "example.com", r"mx2 A 203\.0\.113\.6\n", "", ["dns-missing", "dns-mx-nowhere"], "no address"),
    ("no address", "example.com", r"box A 203\.0\.113\.7\n", "", ["dns-missing"], "box.example.com"),
    ("another address", "example.com", r"mx2 A 203\.0\.113\.6\n", "mx2 A 203.0.113.66\n",
     ["dns-different", "dns-missing"], "203.0.113.66"),
    ("no SPF", "example.com", SPF, "", ["dns-missing"], "SPF"),
    ("two SPF", "example.com", SPF, r'\g<0>' + '\n@ TXT "v=spf1 -all"', ["dns-several"], "2 records"),
    ("SPF without IPv6", "example.com", r"(@ TXT .*) ip6:[^ ]* -all", r"\1 -all", ["dns-spf-fails"], "2001:db8:5::5"),
    ("SPF by other means", "example.com", SPF, '@ TXT "v=spf1 a:mail.example.com -all"', [], ""),
    ("SPF by a network", "example.com", SPF, '@ TXT "v=spf1 ip4:203.0.113.0/29 ip6:2001:db8:5::/48 -all"', [], ""),
    ("SPF by a redirect", "example.com", SPF, '@ TXT "v=spf1 redirect=_spf.example.com"\n_spf TXT "v=spf1 mx:example.com -all"', [], ""),
    ("SPF with another rest", "example.com", SPF, '@ TXT "v=spf1 mx ~all"', ["dns-different"], "softfail"),
    ("SPF for all", "example.com", SPF, '@ TXT "v=spf1 +all"', ["dns-spf-invalid"], "every host"),
    ("SPF misspelt", "example.com", SPF, '@ TXT "v=spf1 ipv4:203.0.113.5 -all"', ["dns-spf-invalid"], "unknown"),
    ("SPF loops", "example.com", SPF, '@ TXT "v=spf1 include:example.com -all"', ["dns-spf-invalid", "dns-spf-lookups"], "each other"),
    ("SPF with too many look-ups", "example.com", SPF, '@ TXT "v=spf1 mx include:l0.example.com -all"\n' + chain +
     'l11.example.com. TXT "v=spf1 ~all"', ["dns-spf-lookups"], "needs 13"),
    ("SPF asks for nothing thrice", "example.com", SPF, '@ TXT "v=spf1 mx a:x1.test a:x2.test a:x3.test -all"',
     ["dns-spf-invalid"], "3 times"),
    ("SPF includes what is not there", "example.com", SPF, '@ TXT "v=spf1 mx include:none.test -all"',
     ["dns-spf-invalid"], "not there"),
    ("SPF without the provider", "example.org", "include:spf.provider.test ", "", ["dns-spf-fails"], "spf.provider.test"),
    ("no DKIM", "example.com", r"s1\._domainkey TXT .*\n", "", ["dns-missing"], "s1._domainkey"),
    ("another DKIM key", "example.com", r"ed\._domainkey TXT .*", f'ed._domainkey TXT "{OTHER_KEY}"', ["dns-dkim"], "another key"),
    ("DKIM key of another type", "example.com", r"s1\._domainkey TXT .*", f's1._domainkey TXT "{OTHER_KEY}"', ["dns-dkim"], "type"),
    ("DKIM revoked", "example.com", r"s1\._domainkey TXT .*", 's1._domainkey TXT "v=DKIM1; p="', ["dns-dkim"], "revoked"),
    ("DKIM cut", "example.com", r'(s1\._domainkey TXT "[^"]*").*', r"\1", ["dns-dkim"], "no verifier"),
    ("DKIM in test mode", "example.com", r"(ed\._domainkey TXT .v=DKIM1;)", r"\1 t=y;", ["dns-different"], "t=y"),
    ("no DMARC", "example.com", r"_dmarc TXT .*", "", ["dns-missing"], "DMARC"),
    ("DMARC is weaker", "example.com", "p=reject", "p=none", ["dns-different"], "p=none"),
    ("two DMARC", "example.org", r"_dmarc TXT .*", '\\g<0>\n_dmarc TXT "v=DMARC1; p=none; x=y"', ["dns-several"], "several"),
    ("DMARC reports not allowed", "example.org", r"example\.com\._report\._dmarc TXT .*", "", ["dns-missing"], "DMARC reports"),
    ("no MTA-STS", "example.com", r"_mta-sts TXT .*", "", ["dns-missing"], "MTA-STS"),
    ("an old MTA-STS", "example.com", r"_mta-sts TXT .*", '_mta-sts TXT "v=STSv1; id=20200101;"', ["dns-different"], "20200101"),
    ("no host of the policy", "example.com", r"mta-sts CNAME .*\n", "", ["dns-missing"], "MTA-STS host"),
    ("no TLS-RPT", "example.com", r"_smtp\._tls TXT .*", "", ["dns-missing"], "TLS-RPT"),
    ("no SRV", "example.com", r"_imaps\._tcp SRV .*", "", ["dns-missing"], "autoconfig"),
    ("SRV elsewhere", "example.com", r"_imaps\._tcp SRV .*", "_imaps._tcp SRV 0 1 993 mail", ["dns-different", "dns-missing"], "mail.example.com"),
    ("no PTR", ADDRESS, r"@ PTR .*", "", ["dns-no-reverse"], "ask your provider"),
    ("no PTR of IPv6", ADDRESS6, r"@ PTR .*", "", ["dns-no-reverse"], "inet_protocols: ipv4"),
    ("PTR of the provider", ADDRESS, r"@ PTR .*", "@ PTR host5.provider.test.", ["dns-fcrdns"], "does not lead back"),
    ("PTR to another name of it", ADDRESS, r"@ PTR .*", "@ PTR ptr.example.com.", ["dns-fcrdns"], "greets as"),
    ("HELO does not lead back", "example.com", r"mail AAAA .*\n", "", ["dns-fcrdns", "dns-fcrdns", "dns-missing"], "AAAA"),
    ("wildcard", "example.com", "@ MX 10", "* MX 10 mail\n@ MX 10", ["dns-wildcard"], "*.example.com"),
    ("wildcard of keys", "example.com", "@ MX 10", '*._domainkey TXT "v=DKIM1; p="\n@ MX 10', ["dns-wildcard"], "selector"),
    ("escapes and markup", "example.com", r"_dmarc TXT .*", r'_dmarc TXT "v=DMARC1; p=\\\\027[31m<script>\\\\000"',
     ["dns-different"], "<script>"),
]


def extra(zones, name):
    """What a defect needs beside the zone."""
    return 'ptr A 203.0.113.5\n' if name == "PTR to another name of it" else ""


def defects(zones, tests):
    for name, zone, pattern, replacement, rules, words in DEFECTS:
        text, count = re.subn(pattern, replacement, zones.text[zone], count=1)
        tests.check(f"{name}: the zone changes", count == 1, zones.text[zone])
        changed = dict(zones.text, **{zone: text})
        changed["example.com"] += extra(zones, name)
        with Served(changed, WORLD):
            found = zones.verify(status=1 if rules else 0)
            got = sorted(finding["rule"] for finding in found)
            tests.check(name, got == sorted(rules), found)
            tests.check(f"{name}: words", words in str(found), found)
            tests.check(f"{name}: place", all(f["line"] > 0 for f in found), found)
            if name == "escapes and markup":
                for form in ("text", "gcc", "json", "sarif", "github", "gitlab", "junit"):
                    out = confgen("dns", "--verify", "-r", NSD, "-k", zones.keys, "-f", form, zones.topology,
                                  status=1).stdout
                    tests.check(f"no escape in {form}", "\x1b" not in out and "\0" not in out, out)
                    tests.check(f"no markup in {form}", form != "junit" or "<script>" not in out, out)


def unknown_ipv6(folder, tests):
    """The topology knows IPv4 only, and DNS has an IPv6 address without a name."""
    with open(os.path.join(os.environ["POSTERN_SOURCE"], "examples/dms-relay/topology.yaml"), encoding="utf-8") as file:
        zones = Zones(folder, file.read())
    zone = zones.text["example.com"]
    with Served(dict(zones.text, **{"example.com": zone + "mail AAAA 2001:db8:9::9\n"})):
        found = zones.verify(status=1)
        tests.check("IPv6 that nobody knows", sorted(f["rule"] for f in found) == ["dns-different", "dns-no-reverse"] and
                    "inet_protocols: ipv4" in str(found), found)
    with Served(dict(zones.text, **{"example.com": zone + "mail AAAA 2001:db8:9::9\n"}), f"{REVERSE9}. PTR mail.example.com.\n"):
        found = zones.verify(status=1)
        tests.check("IPv6 with a name", [f["rule"] for f in found] == ["dns-different"], found)
    # an include that fails, so that nothing can be said of what comes behind it
    text = zone.replace("v=spf1 ip4:11.22.33.44 ~all", "v=spf1 include:x.broken.test ip4:11.22.33.44 ~all", 1)
    with Served(dict(zones.text, **{"example.com": text}), "broken.test. NS ns.broken.test.\n", broken="broken.test"):
        found = zones.verify(status=1)
        tests.check("SPF with an include that fails", [f["rule"] for f in found] == ["dns-unanswered"], found)


def signed(folder, zones, name):
    """The zone, signed by ldns, and a file with its anchor."""
    path = os.path.join(folder, "signing")
    os.makedirs(path)
    with open(f"{path}/zone", "w", encoding="ascii") as file:
        file.write(zones.text[name])
    key = subprocess.run(["ldns-keygen", "-a", "ECDSAP256SHA256", "-k", name], check=True, cwd=path,
                         stdout=subprocess.PIPE, text=True).stdout.strip()
    subprocess.run(["ldns-signzone", "-f", "signed", "zone", key], check=True, cwd=path)
    with open(f"{path}/signed", encoding="ascii") as file:
        return file.read(), f"{path}/{key}.key"


def dane(folder, tests):
    topology = TOPOLOGY.replace("hostname: mail.example.com", "hostname: mail.example.com\n    tlsa: " + ":".join(["AB"] * 32))
    zones = Zones(folder, topology)
    tests.check("TLSA", f"_25._tcp.mail TLSA 3 1 1 {'ab' * 32}" in zones.text["example.com"], zones.text)
    one, anchor = signed(folder, zones, "example.com")
    other, second = signed(os.path.join(folder, "other"), zones, "example.org")
    whole = dict(zones.text, **{"example.com": one, "example.org": other})
    with Served(whole, WORLD, [anchor, second]):
        tests.check("DANE clean", zones.verify(status=0, server=UNBOUND) == [])
        found = zones.verify(status=1)
        tests.check("server that does not validate", {f["rule"] for f in found} == {"dns-dnssec"} and
                    "vouch" in str(found), found)
    with Served(dict(whole, **{"example.org": zones.text["example.org"]}), WORLD, [anchor]):
        found = zones.verify(status=1, server=UNBOUND)
        tests.check("MX that is not signed", [f["rule"] for f in found] == ["dns-dnssec"] and
                    "example.org MX" in str(found), found)
    with Served(zones.text, WORLD, [second]):
        found = zones.verify(status=1, server=UNBOUND)
        tests.check("zone that is not signed", "dns-dnssec" in [f["rule"] for f in found], found)
    # the signatures do not fit any more: a validating server gives SERVFAIL
    with Served(dict(whole, **{"example.com": one.replace("203.0.113.5", "203.0.113.99")}), WORLD, [anchor, second]):
        found = zones.verify(status=1, server=UNBOUND)
        tests.check("bogus", any(f["rule"] == "dns-unanswered" and "SERVFAIL" in str(f) for f in found), found)
    changed = dict(zones.text, **{"example.com": zones.text["example.com"].replace("ab" * 32, "cd" * 32)})
    with Served(changed, WORLD):
        found = zones.verify(status=1)
        tests.check("another TLSA", {"dns-missing", "dns-different"} <= {f["rule"] for f in found}, found)


def main():
    enter_namespace()
    needs(("unbound", "unbound"), ("ldns-signzone", "ldnsutils"))
    tests = Checks()
    with tempfile.TemporaryDirectory() as folder:
        zones = Zones(folder, TOPOLOGY)
        with Served(zones.text, WORLD):
            tests.check("clean", zones.verify(status=0) == [])
            text = confgen("dns", "--verify", "-r", NSD, "-k", zones.keys, zones.topology)
            tests.check("clean in text", text.stdout.endswith("0 errors, 0 warnings\n"), text)
        defects(zones, tests)
        unknown_ipv6(folder, tests)
        dane(folder, tests)
    tests.end()


main()
