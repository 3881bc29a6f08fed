#!/usr/bin/python3
"""Hosts without IPv4: literal next hops, trust in one IPv6 address, names by PTR and HELO."""
import os

from lib.lab import (STRANGER, TOPOLOGIES, assert_accepted, assert_refused, assert_signed_once,
                     came_from, compose, hops, run)

HOME, BOTH, SIX = "fd00:2::3", "fd00:2::1", "fd00:2::2"
CLIENT4, CLIENT6 = "203.0.113.9", "2001:db8:ffff::25"


def no_ipv4(lab):
    """(to see that the hosts have none: neither address nor open port)"""
    for node in ("home", "six"):
        addresses = lab.run(node, "ip", "-4", "-o", "address", "show", "scope", "global")
        # the lab's own way to its DNS server
        assert [line.split()[1] for line in addresses.splitlines()] == ["dns"], addresses
    assert lab.run("six", "postconf", "-h", "inet_protocols").strip() == "ipv6"
    listening = lab.run("six", "cat", "/proc/net/tcp")
    assert not [line for line in listening.splitlines() if ":0019 00000000:0000 0A" in line]


def inbound(lab):
    """mail comes in from clients of either family, and goes on over IPv6"""
    for server, source, relay in (("11.22.33.44", CLIENT4, BOTH), ("2001:db8:11::44", CLIENT6, BOTH),
                                  ("2001:db8:11::55", CLIENT6, SIX)):
        token = lab.token()
        assert_accepted(lab.smtp("internet", server, STRANGER, "user@example.com",
                                 compose(STRANGER, "user@example.com", token), source=source))
        message = lab.arrived("home", "user@example.com", token)
        name = "mx1.example.net" if relay == BOTH else "mx2.example.net"
        assert came_from(message, "client.elsewhere.test", source), message
        assert came_from(message, name, relay), message


def mx_lookup(lab):
    """a sender that has both families finds the relay without IPv4 by its MX and AAAA records"""
    token = lab.token()
    lab.sendmail("internet", STRANGER, "user@example.com", compose(STRANGER, "user@example.com", token))
    assert hops(lab.arrived("home", "user@example.com", token))[-2] == "mx2.example.net"


def outbound(lab):
    """mail goes out signed; its last hop greets with the name that the PTR record gives"""
    lab.run("both", "postconf", "-e", "smtp_address_preference=ipv6")
    lab.run("both", "postfix", "reload")
    for domain, name, inner, outer in (
            ("example.com", "mx2.example.net", SIX, "2001:db8:11::55"),
            ("example.org", "mx1.example.net", BOTH, "2001:db8:11::44")):
        token = lab.token()
        assert_accepted(lab.submit("home", f"user@{domain}", STRANGER,
                                   compose(f"user@{domain}", subject=token)))
        message = lab.arrived("internet", STRANGER, token)
        assert f"from {name} ({name} [IPv6:{outer}])".encode() in message, message
        assert came_from(message, "home.example.com", HOME), message
        assert f"relay={inner}[{inner}]:25" in lab.log("home")
        assert_signed_once(lab, message, domain)


def one_address(lab):
    """that one address is trusted: not its neighbours, not the network, not another relay"""
    networks = lab.run("six", "postconf", "-h", "mynetworks").split()
    assert networks == ["127.0.0.0/8", "[::1]/128", f"[{HOME}]/128"], networks
    for other in ("fd00:2::4", "fd00:2::103"):
        lab.run("home", "ip", "address", "add", f"{other}/128", "dev", "vpn", "nodad")
        for relay in (BOTH, SIX):
            replies = lab.smtp("home", relay, "user@example.com", STRANGER, None, source=other)
            assert_refused(replies["recipients"], [554])
    replies = lab.smtp("home", SIX, "user@example.com", STRANGER, None, source=HOME)
    assert replies["recipients"][0][0] == 250, replies
    for node, server in (("both", SIX), ("six", BOTH)):
        assert_refused(lab.smtp(node, server, "user@example.com", STRANGER, None)["recipients"], [554])


def literals(lab):
    """address literals, in recipients and greetings, open nothing"""
    for recipient in ("user@[IPv6:fd00:2::3]", "user@[IPv6:2001:db8:ffff::25]",
                      "user@[IPv6:::ffff:198.51.100.25]", "user@[IPv6:fd00:2::2]", "user@[::1]"):
        replies = lab.smtp("internet", "2001:db8:11::55", STRANGER, recipient, None, source=CLIENT6,
                           helo="[IPv6:fd00:2::3]")
        assert_refused(replies["recipients"])


def senders_limited(lab):
    """over IPv6 as well a host may send for the domains of its routes only"""
    for sender, code in (("user@example.com", 250), ("", 250), ("user@example.org", 550),
                         (STRANGER, 550)):
        replies = lab.smtp("home", SIX, sender, STRANGER, None)
        assert replies["recipients"][0][0] == code, f"{sender}: {replies}"


run(os.path.join(TOPOLOGIES, "ipv6_only.yaml"), no_ipv4, inbound, mx_lookup, outbound, one_address,
    literals, senders_limited)
