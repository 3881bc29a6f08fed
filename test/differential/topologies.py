"""Random topologies and messages for them, from a seed: the same seed gives the same texts."""
import random
import re

STRANGERS = ["198.51.100.25", "203.0.113.9", "203.0.113.77", "2001:db8:ffff::25", "2001:db8:ffff::99"]
FOREIGN = ["elsewhere.test", "other.example.org", "third.test"]
USERS = ["user", "alice", "bob"]


class Topology:
    """The parts of a topology, as they are put together."""

    def __init__(self, number):
        self.random = random.Random(number)
        self.domains, self.nodes, self.links, self.routes = {}, {}, [], []
        self.networks = {}
        self.six = self.chance(0.5)

    def chance(self, probability):
        return self.random.random() < probability

    def pick(self, *items):
        return self.random.choice(items)

    def network(self, name, number):
        self.networks[name] = [f"10.{number}.0.0/24"] + (
            [f"\"fd00:{number}::/64\""] if self.six else [])

    def inside(self, number, host):
        return f"[10.{number}.0.{host}" + (f", \"fd00:{number}::{host}\"" if self.six else "") + "]"

    def outside(self, host):
        return f"[192.88.1.{host}" + (f", \"2001:db8:1::{host}\"" if self.six else "") + "]"

    def relay(self, name, host, addresses):
        """A node of kind postfix."""
        node = {"kind": "postfix", "hostname": f"{name}.example.net",
                "addresses": "{" + ", ".join(f"{n}: {a}" for n, a in addresses.items()) + "}",
                "map_type": self.pick("texthash", "texthash", "lmdb", "hash", "inline")}
        if self.chance(0.7):
            node["tls"] = (f"{{certificate: /etc/postfix/certificates/{host}.crt, "
                           f"key: /etc/postfix/certificates/{host}.key}}")
        if self.chance(0.2):
            node["message_size_limit"] = "60000"
        self.nodes[name] = node

    def mailboxes(self, name, addresses):
        """A node of kind dms."""
        self.nodes[name] = {
            "kind": "dms", "hostname": f"{name}.example.net",
            "addresses": "{" + ", ".join(f"{n}: {a}" for n, a in addresses.items()) + "}"}
        if self.chance(0.2):
            self.nodes[name]["message_size_limit"] = "60000"

    def domain(self, name, home, signers):
        parts = [f"mailboxes: {home}"]
        if self.chance(0.5):
            users = self.random.sample(USERS, self.random.randint(1, 3))
            parts.append("recipients: [" + ", ".join(f"{u}@{name}" for u in users) + "]")
        if self.chance(0.8):
            parts.append(f"dkim: {{sign_at: {self.pick(*signers)}, selector: s1}}")
        self.domains[name] = parts

    def text(self):
        lines = ["postern: 1", "domains:"]
        lines += [f"  {name}: {{{', '.join(parts)}}}" for name, parts in self.domains.items()]
        lines.append("networks:")
        lines += [f"  {name}: [{', '.join(cidrs)}]" for name, cidrs in self.networks.items()]
        lines.append("nodes:")
        for name, node in self.nodes.items():
            lines.append(f"  {name}:")
            lines += [f"    {key}: {value}" for key, value in node.items()]
        if self.links:
            lines.append("links:")
            lines += [f"  - {link}" for link in self.links]
        lines.append("routes:")
        lines += [f"  - {route}" for route in self.routes]
        return "\n".join(lines) + "\n"


def some_domains(topology):
    names = ["example.com", "shop.example", "lists.example.com", "news.test"]
    return topology.random.sample(names, topology.random.randint(1, 3))


def link(topology, a, b, receivers):
    trust = topology.pick("address", "address", "network", "sasl")
    if trust == "sasl" and any("tls" not in topology.nodes[r] and
                               topology.nodes[r]["kind"] == "postfix" for r in receivers):
        trust = "address"
    text = f"between: [{a}, {b}], over: vpn"
    if trust == "network":
        text += ", trust: network"
    if trust == "sasl":
        logins = ", ".join(
            f"{r}: {{username: {u}, password: {{env: NONE}}}}" for r, u in
            [(r, f"peer@{sorted(topology.domains)[0]}" if topology.nodes[r]["kind"] == "dms"
              else f"login-{r}") for r in receivers])
        text += f", trust: sasl, credentials: {{{logins}}}"
    elif topology.chance(0.3) and all("tls" in topology.nodes[r] or
                                      topology.nodes[r]["kind"] == "dms" for r in receivers):
        text += ", tls: encrypt"
    topology.links.append("{" + text + "}")


def way_out(topology, relay):
    """The end of the way out: the Internet, or a provider."""
    if topology.chance(0.6):
        return "internet"
    topology.nodes["provider"] = {"kind": "smarthost", "host": "smtp.provider.example"}
    provider = topology.nodes["provider"]
    if topology.chance(0.3):
        provider["port"] = "465"
    if topology.chance(0.6):
        provider["credentials"] = "{username: apikey, password: {env: NONE}}"
        if topology.chance(0.5):
            name = sorted(topology.domains)[0]
            provider["sender_credentials"] = (
                f"{{user@{name}: {{username: special, password: {{env: NONE}}}}}}")
    return "provider"


def pair(topology):
    """A relay or two before one or two hosts with mailboxes."""
    topology.network("vpn", 20)
    relays = ["mx1", "mx2"][:topology.pick(1, 1, 2)]
    homes = ["home", "office"][:topology.pick(1, 1, 2)]
    for number, name in enumerate(relays, 1):
        topology.relay(name, name, {"internet": topology.outside(number),
                                    "vpn": topology.inside(20, number)})
        if topology.chance(0.3):
            topology.nodes[name]["egress"] = f"{{ipv4: 192.88.1.{number}" + (
                f", ipv6: \"2001:db8:1::{number}\"}}" if topology.six else "}")
    for number, name in enumerate(homes, 11):
        topology.mailboxes(name, {"vpn": topology.inside(20, number)})
    for name in some_domains(topology):
        topology.domain(name, topology.pick(*homes), [relays[0]] if len(relays) == 1 else [])\
            if len(relays) == 1 and topology.chance(0.5) else \
            topology.domain(name, home := topology.pick(*homes), [home])
    used = {parts[0].split()[-1] for parts in topology.domains.values()}
    for name in [h for h in homes if h not in used]:
        del topology.nodes[name]
    homes = [h for h in homes if h in used]
    for relay in relays:
        for home in homes:
            link(topology, relay, home, [home, relay])
    end = way_out(topology, relays[0])
    if end == "internet" and len(relays) == 1 and topology.chance(0.3):
        topology.nodes["special"] = {"kind": "smarthost", "host": "smtp.special.example"}
        domain = next(d for d, parts in topology.domains.items() if parts[0].endswith(homes[0]))
        topology.routes.append(f"{{name: one, from: [alice@{domain}], "
                               f"path: [{homes[0]}, {relays[0]}, special]}}")
    for home in homes:
        own = [d for d, parts in topology.domains.items() if parts[0].endswith(home)]
        for relay in relays:
            topology.routes.append(f"{{name: in-{relay}-{home}, to: [{', '.join(own)}], "
                                   f"path: [internet, {relay}, {home}]}}")
            topology.routes.append(f"{{name: out-{relay}-{home}, from: [{', '.join(own)}], "
                                   f"path: [{home}, {relay}, {end}]}}")


def chain(topology):
    """A relay behind the relay."""
    topology.network("vpn", 20)
    topology.network("lan", 30)
    topology.relay("edge", "edge", {"internet": topology.outside(1), "vpn": topology.inside(20, 1)})
    topology.relay("middle", "middle", {"vpn": topology.inside(20, 2), "lan": topology.inside(30, 2)})
    topology.mailboxes("home", {"lan": topology.inside(30, 3)})
    for name in some_domains(topology):
        topology.domain(name, "home", ["home", "middle", "edge"])
    link(topology, "edge", "middle", ["middle", "edge"])
    topology.links.append("{between: [middle, home], over: lan}")
    own = ", ".join(topology.domains)
    topology.routes += [f"{{name: in, to: [{own}], path: [internet, edge, middle, home]}}",
                        f"{{name: out, from: [{own}], path: [home, middle, edge, internet]}}"]


def proxied(topology):
    """A relay, or a host with mailboxes, behind a proxy."""
    topology.network("vpn", 20)
    software = topology.pick("haproxy", "nginx")
    dms = topology.chance(0.4)
    topology.nodes["edge"] = {
        "kind": "proxy", "software": software,
        "addresses": f"{{internet: {topology.outside(1)}, vpn: {topology.inside(20, 1)}}}"}
    addresses = {"internet": topology.outside(2), "vpn": topology.inside(20, 2)}
    through = topology.pick("same_port", "second_port") if dms else \
        topology.pick("same_port", "second_port", "gate")
    if dms:
        topology.mailboxes("mail", addresses)
        topology.nodes["mail"]["listeners"] = (
            f"{{smtp: {{service: smtp, proxied_by: edge, through: {through}}}, "
            f"users: {{service: submission, proxied_by: edge, through: {through}}}}}")
        home, path = "mail", "mail"
    else:
        topology.relay("mail", "mail", addresses)
        topology.nodes["mail"]["listeners"] = (
            f"{{smtp: {{service: smtp, proxied_by: edge, through: {through}}}}}")
        topology.mailboxes("home", {"vpn": topology.inside(20, 3)})
        home, path = "home", "mail, home"
    for name in some_domains(topology):
        topology.domain(name, home, ["mail"] if dms else ["mail", "home"])
    if not dms:
        topology.links.append("{between: [mail, home], over: vpn"
                              + (", port: 25" if through != "same_port" else "") + "}")
    own = ", ".join(topology.domains)
    out = "mail, internet" if dms else "home, mail, internet"
    topology.routes += [f"{{name: in, to: [{own}], path: [internet, edge, {path}]}}",
                        f"{{name: out, from: [{own}], path: [{out}]}}"]


def sidecar(topology):
    """A relay for the hosts of a network."""
    topology.network("vpn", 20)
    topology.relay("relay", "relay", {"internet": topology.outside(1),
                                      "vpn": topology.inside(20, 25)})
    node = topology.nodes["relay"]
    node["clients"] = "vpn"
    node.pop("message_size_limit", None)
    for name in some_domains(topology):
        topology.domains[name] = [f"dkim: {{sign_at: relay, selector: s1}}"] \
            if topology.chance(0.8) else []
    own = list(topology.domains)
    if topology.chance(0.5):
        node["masquerade"] = own[0]
    if topology.chance(0.4):
        node["allowed_sender_domains"] = own[0]
    end = way_out(topology, "relay")
    topology.routes.append(f"{{name: out, from: [{', '.join(own)}], path: [relay, {end}]}}")


def own_parameters(topology):
    """Parameters that the topology sets itself on its relays."""
    for name, node in topology.nodes.items():
        if node["kind"] != "postfix" or not topology.chance(0.3):
            continue
        domain = ours(topology)
        node["extra"] = topology.pick(
            "{smtpd_helo_restrictions: reject_non_fqdn_helo_hostname}",
            f"{{canonical_maps: \"inline:{{bob@{domain}=alice@{domain}}}\"}}",
            f"{{sender_canonical_maps: \"inline:{{@host.{domain}=@{domain}}}\"}}",
            "{smtpd_client_restrictions: \"check_client_access cidr:{{203.0.113.0/24 REJECT}}\"}",
            f"{{smtpd_sender_restrictions: \"check_sender_access inline:{{third.test=REJECT, "
            f"alice@{domain}=DEFER}}\"}}",
            f"{{smtpd_recipient_restrictions: \"check_recipient_access inline:{{alice@={{554 5.7.9 no}}}}, "
            f"permit_mynetworks, permit_sasl_authenticated, reject_unauth_destination\"}}",
            "{smtpd_data_restrictions: \"check_sender_access regexp:{{/^bob@/ 451 later}}\"}",
            f"{{transport_maps: \"inline:{{bob@{domain}=retry:, alice@{domain}={{error:5.7.0 gone}}}}\"}}",
            f"{{virtual_alias_maps: \"inline:{{nobody@{domain}=user@{domain}}}\"}}",
            "{smtpd_tls_security_level: encrypt}" if "tls" in node else "{disable_vrfy_command: no}")


SHAPES = [pair, pair, chain, proxied, proxied, sidecar]


def make(seed):
    topology = Topology(seed)
    SHAPES[topology.random.randrange(len(SHAPES))](topology)
    own_parameters(topology)
    return topology


# --- messages ---

def addresses_of(topology, name):
    text = topology.nodes[name].get("addresses", "{}")
    return [a.strip("[]{} \"") for part in text.split("[")[1:]
            for a in part.split("]")[0].split(",")]


def ours(topology):
    return topology.random.choice(list(topology.domains))


def sender(topology):
    user = topology.pick(*USERS)
    return topology.pick(
        f"{user}@{ours(topology)}", f"{user}@{ours(topology)}", f"{user}@{ours(topology)}",
        f"{user}@{topology.pick(*FOREIGN)}", f"{user}@{topology.pick(*FOREIGN)}",
        f"{user}@host.{ours(topology)}", "<>", f"{user}@{topology.pick(*topology.nodes)}.example.net")


def recipient(topology):
    user = topology.pick(*USERS, "user+tag", "postmaster", "nobody")
    return topology.pick(
        f"{user}@{ours(topology)}", f"{user}@{ours(topology)}", f"{user}@{ours(topology)}",
        f"x@{topology.pick(*FOREIGN)}", f"x@{topology.pick(*FOREIGN)}",
        f"{user}@host.{ours(topology)}",
        f"{topology.pick('postmaster', 'user')}@{topology.pick(*topology.nodes)}.example.net")


def network_of(address):
    for number, name in ((20, "vpn"), (30, "lan")):
        if address.startswith((f"10.{number}.", f"fd00:{number}:")):
            return name
    return "internet"


def client(topology, node):
    """Who connects to a node: strangers, peers, hosts of its networks, the node itself."""
    here = re.findall(r"(\w+): \[", topology.nodes[node]["addresses"])
    peers = [a for name in topology.nodes if name != node and
             topology.nodes[name]["kind"] != "smarthost" for a in addresses_of(topology, name)
             if network_of(a) in here]
    choices = ["local", "127.0.0.1"] + (["::1"] if topology.six else [])
    if "internet" in here:
        choices += [topology.pick(*[s for s in STRANGERS if topology.six or ":" not in s])] * 5
    if peers:
        choices += [topology.pick(*peers)] * 3
    if "vpn" in here:
        choices += ["10.20.0.200", "10.20.0.201"] + (["fd00:20::200"] if topology.six else [])
    return topology.pick(*choices)


def message(topology, number):
    """A test whose outcome the lab tells."""
    own = [name for name, node in topology.nodes.items() if node["kind"] != "smarthost"]
    node = topology.pick(*own)
    where = topology.pick("", "", "", ":25", *([":587", ":465"] if topology.nodes[node]["kind"] == "dms"
                                              else []))
    kind = topology.nodes[node]["kind"]
    if topology.nodes[node].get("listeners") and topology.chance(0.3):
        where = topology.pick(":smtp", ":smtp", ":10025", ":12525")
    who = client(topology, node)
    if kind == "proxy":
        who = topology.pick(*[s for s in STRANGERS if topology.six or ":" not in s])
    parts = [f"name: m{number}"]
    if who == "local" and kind == "proxy":
        who = STRANGERS[0]
    parts += [f"at: \"{node}{'' if who == 'local' else where}\"", f"client: \"{who}\""]
    if who != "local":
        if topology.chance(0.2):
            user = topology.pick(f"{topology.pick(*USERS)}@{ours(topology)}", "nobody@nowhere.test",
                                 f"login-{node}")
            parts.append(f"auth: {user}")
        if topology.chance(0.1):
            parts.append(f"tls: {topology.pick('yes', 'no')}")
        if topology.chance(0.1):
            parts.append(f"helo: {topology.pick('host', 'a.b.c.example', '[203.0.113.9]')}".replace(
                "[203.0.113.9]", "\"[203.0.113.9]\""))
        if topology.chance(0.07):
            claims = "::1" if ":" in who else topology.pick("127.0.0.1", "10.20.0.11", "203.0.113.50")
            parts.append(f"claims: \"{claims}\"")
    parts.append(f"from: \"{sender(topology)}\"")
    if topology.chance(0.15):
        parts.append(f"author: user@{topology.pick(ours(topology), *FOREIGN)}")
    parts.append(f"to: {recipient(topology)}")
    if "nobody@" in parts[-1]:
        parts.append("mailbox: absent")
    if topology.chance(0.05):
        parts.append(f"size: {topology.pick('50000', '70000', '11000000')}")
    return "  - {" + ", ".join(parts) + ", expect: any}\n"


def with_messages(seed, count):
    topology = make(seed)
    return topology.text() + "tests:\n" + "".join(
        message(topology, number) for number in range(count))
