#!/usr/bin/python3
"""What a node, a link and a route say of egress: address and greeting of each hop, by both families."""
import os

from lib.lab import (STRANGER, TOPOLOGIES, assert_accepted, assert_signed_once, came_from, compose,
                     run)

FAMILIES = ("ipv4", "ipv6")
PRIVATE = {"ipv4": "192.168.2.13", "ipv6": "fd00:2::13"}
LINK = {"ipv4": "192.168.2.12", "ipv6": "fd00:2::12"}
OUTER = {  # sender domain: greeting and addresses of the last hop
    "example.com": ("node.example.com", {"ipv4": "198.51.100.42", "ipv6": "2001:db8:41::42"}),
    "shop.example": ("route.example.com", {"ipv4": "198.51.100.43", "ipv6": "2001:db8:41::43"}),
}


def prefer(lab, family):
    lab.run("public", "postconf", "-e", f"smtp_address_preference={family}")
    lab.run("public", "postfix", "reload")


def send(lab, domain):
    token = lab.token()
    assert_accepted(lab.submit("private", f"user@{domain}", STRANGER,
                               compose(f"user@{domain}", subject=token)))
    return lab.arrived("internet", STRANGER, token)


def route_or_node(lab):
    """out to the Internet: the route's egress, or else the node's"""
    for family in FAMILIES:
        prefer(lab, family)
        for domain, (greeting, addresses) in OUTER.items():
            message = send(lab, domain)
            assert came_from(message, greeting, addresses[family]), message
            assert_signed_once(lab, message, domain)


def outward_hop(lab):
    """out to the relay: what the mailbox host says of itself"""
    assert came_from(send(lab, "shop.example"), "bound.example.com", PRIVATE["ipv4"])
    # the topology's next hops are IPv4: the same host by IPv6
    lab.run("private", "postconf", "relayhost=[fd00:2::2]:25", "sender_dependent_relayhost_maps=")
    lab.run("private", "postfix", "reload")
    assert came_from(send(lab, "shop.example"), "bound.example.com", PRIVATE["ipv6"])


def link(lab):
    """in to the mailbox host: the link's egress, for both of the domains"""
    for domain in OUTER:
        token = lab.token()
        assert_accepted(lab.smtp("internet", "mail.example.com", STRANGER, f"user@{domain}",
                                 compose(STRANGER, f"user@{domain}", token)))
        message = lab.arrived("private", f"user@{domain}", token)
        assert came_from(message, "link.example.com", LINK["ipv4"]), message
    # the topology's next hops are IPv4: the same host by IPv6
    lab.run("public", "sed", "-i", r"s/\[192\.168\.2\.3\]/[fd00:2::3]/", "/etc/postfix/transport")
    lab.run("public", "postfix", "reload")
    token = lab.token()
    assert_accepted(lab.smtp("internet", "mail.example.com", STRANGER, "user@example.com",
                             compose(STRANGER, "user@example.com", token)))
    message = lab.arrived("private", "user@example.com", token)
    assert came_from(message, "link.example.com", LINK["ipv6"]), message


def loopback(lab):
    """a content filter on loopback is reached from loopback, for all that mail out is bound"""
    lab.run("private", "postconf", "-M", "smtp-amavis/unix=smtp-amavis unix - - n - 2 smtp",
            "127.0.0.1:10025/inet=127.0.0.1:10025 inet n - n - - smtpd")
    lab.run("private", "postconf", "-P", "127.0.0.1:10025/inet/content_filter=",
            "127.0.0.1:10025/inet/mynetworks=127.0.0.0/8",
            "127.0.0.1:10025/inet/syslog_name=postfix/reinject",
            "submission/inet/content_filter=smtp-amavis:[127.0.0.1]:10025")
    lab.run("private", "postfix", "reload")
    message = send(lab, "example.com")
    assert_signed_once(lab, message)
    assert came_from(message, "bound.example.com", PRIVATE["ipv6"]), message
    clients = [line.split("client=")[1] for line in lab.log("private").splitlines()
               if "reinject/smtpd" in line and "client=" in line]
    assert clients == ["localhost[127.0.0.1]"], clients


run(os.path.join(TOPOLOGIES, "egress.yaml"), route_or_node, link, outward_hop, loopback)
