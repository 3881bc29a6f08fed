#!/usr/bin/python3
"""A container beside an application that sends straight to the recipients' servers."""
import email
import os

from lib.lab import (SOURCE, STRANGER, assert_accepted, assert_refused, assert_signed_once, compose,
                     hops, run)

RELAY = "172.28.0.25"


def submit(lab, sender, message):
    return lab.smtp("client", RELAY, sender, STRANGER, message, port=587)


def sent(lab):
    """mail goes straight to the recipient's server, under the container's name, and is signed"""
    token = lab.token()
    assert_accepted(submit(lab, "app@example.com", compose("app@example.com", subject=token)))
    message = lab.arrived("internet", STRANGER, token)
    assert hops(message) == ["relay.example.com", "mx.elsewhere.test"], hops(message)
    assert b"from relay.example.com (relay.example.com [11.22.33.44])" in message
    assert_signed_once(lab, message)


def not_masqueraded(lab):
    """a sub-domain of an allowed one may send, and stays what it is"""
    token = lab.token()
    sender = "app@web1.example.com"
    assert_accepted(submit(lab, sender, compose(sender, subject=token)))
    fields = email.message_from_bytes(lab.arrived("internet", STRANGER, token))
    assert (fields["Return-Path"], fields["From"]) == (f"<{sender}>", f"<{sender}>")


def foreign(lab):
    """other sender domains are refused"""
    assert_refused(submit(lab, "app@example.org", compose())["recipients"])


def unlimited(lab):
    """a message above Postfix's default limit is taken"""
    reply = submit(lab, "app@example.com", compose("app@example.com", body="x" * 70 + "\n"))
    assert not any(word.isdigit() and word != "0"
                   for line in reply["ehlo"][1].splitlines() if line.startswith("SIZE")
                   for word in line.split()), reply["ehlo"]
    large = compose("app@example.com", body=("x" * 75 + "\n") * 140_000)
    assert len(large) > 10_240_000
    assert_accepted(submit(lab, "app@example.com", large))


run(os.path.join(SOURCE, "examples", "app-relay-direct", "topology.yaml"), sent, not_masqueraded,
    foreign, unlimited)
