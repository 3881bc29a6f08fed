#!/usr/bin/python3
"""A host with three public addresses of each family: every route's mail leaves from its own."""
import os
import re

from lib.lab import (RELEASE, SOURCE, STRANGER, assert_accepted, assert_signed_once, compose, run)

ROUTES = {  # sender domain: what the topology binds its mail to, and greets with
    "example.com": ("198.51.100.41", "2001:db8:41::41", "mail.example.com"),
    "shop.example": ("198.51.100.42", "2001:db8:41::42", "mail.shop.example"),
    "news.example": ("198.51.100.43", "2001:db8:41::43", "mail.news.example"),
}


def last_client(message):
    """The greeting and address of the client that the last hop names."""
    found = re.search(rb"^Received: from (\S+) \([^\[]*\[(?:IPv6:)?([0-9a-f.:]+)\]\)", message, re.M)
    assert found, message
    return found[1].decode(), found[2].decode()


def leaves_from(lab, family, index):
    lab.run("public", "postconf", "-e", f"smtp_address_preference={family}")
    lab.run("public", "postfix", "reload")
    for domain, expected in ROUTES.items():
        token = lab.token()
        assert_accepted(lab.submit("private", f"user@{domain}", STRANGER,
                                   compose(f"user@{domain}", subject=token)))
        message = lab.arrived("internet", STRANGER, token)
        assert last_client(message) == (expected[2], expected[index]), last_client(message)
        assert_signed_once(lab, message, domain)


def ipv4(lab):
    """over IPv4"""
    leaves_from(lab, "ipv4", 0)


def ipv6(lab):
    """over IPv6"""
    leaves_from(lab, "ipv6", 1)


def inbound(lab):
    """mail inward is bound to the address in the VPN"""
    for recipient in ("user@example.com", "user@news.example"):
        token = lab.token()
        assert_accepted(lab.smtp("internet", "mail.example.com", STRANGER, recipient,
                                 compose(STRANGER, recipient, token)))
        message = lab.arrived("private", recipient, token)
        assert last_client(message)[1] in ("192.168.2.2", "fd00:2::2"), last_client(message)


def address_gone(lab):
    """when the address is not there, mail waits and does not leave from another"""
    lab.run("public", "postconf", "-e", "smtp_address_preference=ipv4", "inet_protocols=ipv4")
    device = lab.run("public", "sh", "-c",
                     "ip -o addr show to 198.51.100.42 | cut -d' ' -f2").strip()
    lab.run("public", "ip", "address", "del", "198.51.100.42/32", "dev", device)
    lab.lab("stop", lab.name, "public")
    lab.lab("start", lab.name, "public")
    token = lab.token()
    assert_accepted(lab.submit("private", "user@shop.example", STRANGER,
                               compose("user@shop.example", subject=token)))
    lab.idle("private")
    lab.flush("public")
    assert lab.queue("public"), "nothing waits"
    assert not lab.find("internet", STRANGER, token)
    lab.run("public", "ip", "address", "add", "198.51.100.42/32", "dev", device)
    lab.flush("public")
    message = lab.arrived("internet", STRANGER, token)
    assert last_client(message)[1] == "198.51.100.42"


# smtp_bind_address_enforce came with 3.7: before, mail leaves from another address
run(os.path.join(SOURCE, "examples", "bound-egress", "topology.yaml"), ipv4, ipv6, inbound,
    *[address_gone] * (RELEASE != "3.5"))
