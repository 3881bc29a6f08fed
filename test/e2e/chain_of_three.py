#!/usr/bin/python3
"""Three hosts in a row: mail passes all of them, and each trusts its neighbours and nobody else."""
import os

from lib.lab import (SOURCE, STRANGER, assert_accepted, assert_refused, assert_signed_once,
                     came_from, compose, hops, run, signatures, wait)

DOMAINS = ("example.com", "example.org", "example.net")  # signed at home, middle, edge
EDGE, MIDDLE = {"dmz": "10.1.0.1"}, {"dmz": "10.1.0.2", "lan": "10.2.0.2"}
HOME = {"dmz": "10.1.0.3", "lan": "10.2.0.3"}


def inbound(lab):
    """mail comes in over all three, from the address that each of them trusts, and unsigned"""
    lab.ask_often("edge", "middle")
    for domain in DOMAINS:
        token = lab.token()
        assert_accepted(lab.smtp("internet", "mx.example.com", f"alice@{domain}", "user@example.com",
                                 compose(f"alice@{domain}", "user@example.com", token)))
        message = lab.arrived("home", "user@example.com", token)
        assert hops(message) == ["mx.example.com", "middle.example.com", "home.example.com"]
        assert came_from(message, "mx.example.com", EDGE["dmz"]), message
        assert came_from(message, "middle.example.com", MIDDLE["lan"]), message
        assert not signatures(message), signatures(message)


def outbound(lab):
    """mail goes out over all three, and whichever of them signs does so once"""
    for domain in DOMAINS:
        token = lab.token()
        assert_accepted(lab.submit("home", f"user@{domain}", STRANGER,
                                   compose(f"user@{domain}", subject=token)))
        message = lab.arrived("internet", STRANGER, token)
        assert hops(message) == ["home.example.com", "middle.example.com", "mx.example.com",
                                 "mx.elsewhere.test"], hops(message)
        assert came_from(message, "home.example.com", HOME["lan"]), message
        assert came_from(message, "middle.example.com", MIDDLE["dmz"]), message
        assert_signed_once(lab, message, domain)


def unknown(lab):
    """an unknown recipient is refused at the edge, which asks through the host in the middle"""
    replies = lab.smtp("internet", "mx.example.com", "sender@elsewhere.test",
                       ["nobody@example.com", "user@example.com"],
                       compose("sender@elsewhere.test", "nobody@example.com"))
    assert_refused(replies["recipients"][0], [550])
    assert "unverified" in replies["recipients"][0][1] or "not known" in replies["recipients"][0][1]
    assert replies["recipients"][1][0] == 250, replies
    for node in ("edge", "middle", "home"):
        lab.idle(node)
    assert not lab.mail("internet", "sender@elsewhere.test"), "a bounce went out"


def no_hop_left_out(lab):
    """the mailbox host is a stranger to the edge, and the edge to it, though they share a network"""
    for node, server in (("home", EDGE["dmz"]), ("edge", HOME["dmz"])):
        for sender in ("user@example.com", "root@home.example.com", "root@mx.example.com", ""):
            replies = lab.smtp(node, server, sender, STRANGER, None)
            # the mailbox host says "try again" (defer_unauth_destination)
            assert_refused(replies["recipients"], [454, 554])


def one_address_each(lab):
    """each host trusts its neighbour's address on the link, and no other address of it"""
    for node, server, source in (
            ("home", MIDDLE["dmz"], HOME["dmz"]),      # the link is over the other network
            ("middle", EDGE["dmz"], "10.1.0.77"),      # same network, other address
            ("home", MIDDLE["lan"], "10.2.0.77")):
        device = "lan" if server == MIDDLE["lan"] else "dmz"
        if source.endswith(".77"):
            lab.run(node, "ip", "address", "add", f"{source}/32", "dev", device)
        replies = lab.smtp(node, server, "user@example.com", STRANGER, None, source=source)
        assert_refused(replies["recipients"])
    for node, server, source in (("home", MIDDLE["lan"], HOME["lan"]),
                                 ("middle", EDGE["dmz"], MIDDLE["dmz"])):
        replies = lab.smtp(node, server, "user@example.com", STRANGER, None, source=source)
        assert replies["recipients"][0][0] == 250, replies


def edge_is_no_sender(lab):
    """the edge may pass mail for the domains to the middle, and may not send mail out through it"""
    replies = lab.smtp("edge", MIDDLE["dmz"], STRANGER, "user@example.com", None)
    assert replies["recipients"][0][0] == 250, replies
    for sender in ("user@example.com", "root@mx.example.com", STRANGER, ""):
        assert_refused(lab.smtp("edge", MIDDLE["dmz"], sender, STRANGER, None)["recipients"])


def bounce(lab):
    """a bounce of the mailbox host leaves over all three, signed once"""
    lab.run("home", "postconf", "-M",
            "broken/unix=broken unix - n n - - pipe user=nobody argv=/bin/false")
    lab.run("home", "postconf", "transport_maps=inline:{alice@example.com=broken:}")
    lab.run("home", "postfix", "reload")
    token = lab.token()
    assert_accepted(lab.smtp("internet", "mx.example.com", STRANGER, "alice@example.com",
                             compose(STRANGER, "alice@example.com", token)))
    message = lab.arrived("internet", STRANGER, token)
    assert b"Return-Path: <>" in message and b"multipart/report" in message
    assert hops(message)[-3:] == ["middle.example.com", "mx.example.com", "mx.elsewhere.test"]
    assert_signed_once(lab, message)


def middle_down(lab):
    """while the middle is down mail waits on both sides of it, and then arrives once"""
    with lab.down("middle"):
        out, into = lab.token(), lab.token()
        assert_accepted(lab.submit("home", "user@example.org", STRANGER,
                                   compose("user@example.org", subject=out)))
        assert_accepted(lab.smtp("internet", "mx.example.com", STRANGER, "user@example.com",
                                 compose(STRANGER, "user@example.com", into)))
        for node in ("home", "edge"):
            wait(lambda n=node: [m["queue_name"] for m in lab.queue(n)] == ["deferred"],
                 f"a deferred message at {node}")
    for node in ("home", "edge"):
        lab.flush(node)
    assert_signed_once(lab, lab.arrived("internet", STRANGER, out), "example.org")
    lab.arrived("home", "user@example.com", into)


run(os.path.join(SOURCE, "examples", "relay-chain", "topology.yaml"), inbound, outbound,
    unknown, no_hop_left_out, one_address_each, edge_is_no_sender, bounce, middle_down)
