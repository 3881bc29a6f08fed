#!/usr/bin/python3
"""Peers with /32 and /128 addresses, which no subnet joins, and a hub with several networks."""
import os

from lib.lab import (STRANGER, TOPOLOGIES, assert_accepted, assert_refused, assert_signed_once,
                     came_from, compose, run)

PEERS = {  # mail domain: node, its greeting and addresses, the hub's addresses that it knows
    "example.com": ("home", "home.example.com", ("10.9.0.2", "fd09::2"), ("10.9.0.1", "fd09::1")),
    "example.org": ("office", "office.example.org", ("10.77.3.9", "fd77:3::9"),
                    ("10.9.0.1", "fd09::1")),
    "example.net": ("far", "far.example.net", ("100.101.2.3",), ("100.64.7.1",)),
}


def devices(lab):
    """(to see that there is no subnet: each address stands alone, and routes name the device)"""
    addresses = lab.run("hub", "ip", "-o", "address", "show", "dev", "wg0").splitlines()
    assert sorted(line.split()[3] for line in addresses) == ["10.9.0.1/32", "fd09::1/128"], addresses
    for address, device in (("10.77.3.9", "wg0"), ("fd77:3::9", "wg0"), ("100.101.2.3", "mesh")):
        route = lab.run("hub", "ip", "route", "get", address)
        assert f" dev {device} " in route and " via " not in route, route


def inbound(lab):
    """mail for each domain reaches its peer, from the hub's address in the peer's network"""
    for domain, (node, _, _, hub) in PEERS.items():
        token = lab.token()
        assert_accepted(lab.smtp("internet", "mail.example.com", STRANGER, f"user@{domain}",
                                 compose(STRANGER, f"user@{domain}", token)))
        message = lab.arrived(node, f"user@{domain}", token)
        assert any(came_from(message, "mail.example.com", address) for address in hub), message


def outbound(lab):
    """mail of each peer leaves through the hub, from the peer's own address, signed"""
    for domain, (node, name, addresses, _) in PEERS.items():
        token = lab.token()
        assert_accepted(lab.submit(node, f"user@{domain}", STRANGER,
                                   compose(f"user@{domain}", subject=token)))
        message = lab.arrived("internet", STRANGER, token)
        assert any(came_from(message, name, address) for address in addresses), message
        assert_signed_once(lab, message, domain)


def own_domain_only(lab):
    """by either family, a peer may send for its own domain and for no other peer's"""
    for domain, (node, _, addresses, hub) in PEERS.items():
        for source, server in zip(addresses, hub):
            for other in PEERS:
                replies = lab.smtp(node, server, f"user@{other}", STRANGER, None, source=source)
                code = replies["recipients"][0][0]
                assert code == (250 if other == domain else 550), f"{node} for {other}: {replies}"


def peers_are_strangers(lab):
    """peers of one network trust the hub, not each other"""
    for node, server in (("home", "10.77.3.9"), ("home", "fd77:3::9"), ("office", "10.9.0.2"),
                         ("office", "fd09::2")):
        replies = lab.smtp(node, server, "user@example.com", STRANGER, None)
        assert_refused(replies["recipients"], [454, 554])
    replies = lab.smtp("home", "100.101.2.3", STRANGER, "user@example.net", None, timeout=0.5)
    assert not replies["connect"], replies  # the hub does not route between its networks


def neighbours(lab):
    """the addresses beside a peer's own are not trusted"""
    for node, device, server, others in (
            ("home", "wg0", "10.9.0.1", ("10.9.0.3", "10.77.3.8")),
            ("far", "mesh", "100.64.7.1", ("100.101.2.2", "100.64.7.2"))):
        for other in others:
            lab.run(node, "ip", "address", "add", f"{other}/32", "dev", device)
            lab.run("hub", "ip", "route", "replace", f"{other}/32", "dev", device)
            replies = lab.smtp(node, server, "user@example.com", STRANGER, None, source=other)
            assert_refused(replies["recipients"], [554])


run(os.path.join(TOPOLOGIES, "wireguard.yaml"), devices, inbound, outbound, own_domain_only,
    peers_are_strangers, neighbours)
