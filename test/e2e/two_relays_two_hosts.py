#!/usr/bin/python3
"""Two public relays (lmdb and hash tables) and two private hosts for a domain each."""
import os

from lib.lab import (STRANGER, TOPOLOGIES, assert_accepted, assert_refused, assert_signed_once,
                     compose, hops, run)

HOMES = [("example.com", "home"), ("example.org", "office")]


def inbound(lab):
    """either relay brings mail to the right host"""
    for relay in ("mx1.example.net", "mx2.example.net"):
        for domain, home in HOMES:
            token = lab.token()
            assert_accepted(lab.smtp("internet", relay, STRANGER, f"user@{domain}",
                                     compose(STRANGER, f"user@{domain}", token)))
            message = lab.arrived(home, f"user@{domain}", token)
            assert hops(message)[0] == relay, hops(message)


def listed_recipients(lab):
    """where recipients are listed, the relay knows the unknown ones by itself"""
    lab.lab("stop", lab.name, "home")
    for relay in ("mx1.example.net", "mx2.example.net"):
        replies = lab.smtp("internet", relay, STRANGER, ["nobody@example.com", "user@example.com"],
                           None)
        assert_refused(replies["recipients"][0], [550])
        assert replies["recipients"][1][0] == 250, replies
    lab.lab("start", lab.name, "home")


def outbound(lab):
    """either host's mail leaves, signed with its own domain's key"""
    for domain, home in HOMES:
        token = lab.token()
        assert_accepted(lab.submit(home, f"user@{domain}", STRANGER,
                                   compose(f"user@{domain}", subject=token)))
        message = lab.arrived("internet", STRANGER, token)
        assert hops(message)[1] == "mx1.example.net", hops(message)
        assert_signed_once(lab, message, domain)


def one_relay_down(lab):
    """with the first relay down, mail comes in and goes out through the second"""
    lab.lab("stop", lab.name, "mx1")
    for domain, home in HOMES:
        out, into = lab.token(), lab.token()
        assert_accepted(lab.submit(home, f"user@{domain}", STRANGER,
                                   compose(f"user@{domain}", subject=out)))
        message = lab.arrived("internet", STRANGER, out)
        assert hops(message)[1] == "mx2.example.net", hops(message)
        assert_signed_once(lab, message, domain)
        lab.sendmail("internet", STRANGER, f"user@{domain}",
                     compose(STRANGER, f"user@{domain}", into))
        assert hops(lab.arrived(home, f"user@{domain}", into))[-2] == "mx2.example.net"
    lab.lab("start", lab.name, "mx1")


def other_hosts_domain(lab):
    """neither host may send for the other's domain"""
    for sender, node in (("user@example.org", "home"), ("user@example.com", "office")):
        for relay in ("10.8.0.1", "10.8.0.2"):
            replies = lab.smtp(node, relay, sender, STRANGER, None)
            assert_refused(replies["recipients"])


run(os.path.join(TOPOLOGIES, "two_of_each.yaml"), inbound, listed_recipients, outbound,
    one_relay_down, other_hosts_domain)
