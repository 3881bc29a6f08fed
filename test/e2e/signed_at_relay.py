#!/usr/bin/python3
"""The public relay signs what the private host sends, and nothing that strangers send."""
import os

from lib.lab import (STRANGER, TOPOLOGIES, assert_accepted, assert_signed_once, compose, run,
                     signatures)


def outbound(lab):
    """mail of a user on the private host is signed once, at the relay"""
    token = lab.token()
    assert_accepted(lab.submit("private", "user@example.com", STRANGER, compose(subject=token)))
    assert_signed_once(lab, lab.arrived("internet", STRANGER, token), selector="relay")


def forged(lab):
    """strangers' mail with our From passes the same listener unsigned"""
    for sender in (STRANGER, "alice@example.com", ""):
        token = lab.token()
        assert_accepted(lab.smtp("internet", "mail.example.com", sender, "user@example.com",
                                 compose("alice@example.com", "user@example.com", token)))
        message = lab.arrived("private", "user@example.com", token)
        assert not signatures(message), signatures(message)


def milter_killed(lab):
    """while the milter is dead, what must be signed waits, and arrives signed"""
    token = lab.token()
    lab.lab("milter-stop", lab.name, "public")
    lab.submit("private", "user@example.com", STRANGER, compose(subject=token))
    assert lab.queue("private"), "the message does not wait at the private host"
    assert not lab.find("internet", STRANGER, token), "it left unsigned"
    lab.lab("milter-start", lab.name, "public")
    lab.flush("private")
    assert_signed_once(lab, lab.arrived("internet", STRANGER, token), selector="relay")


run(os.path.join(TOPOLOGIES, "sign_at_public.yaml"), outbound, forged, milter_killed)
