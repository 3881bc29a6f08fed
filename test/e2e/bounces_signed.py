#!/usr/bin/python3
"""Bounces that the private host makes take the same way out, and are signed."""
from lib.lab import (EXAMPLE, STRANGER, assert_accepted, assert_signed_once, compose, hops, run)


def to_own_user(lab):
    """a refusal from outside comes back to the user who wrote"""
    token = lab.token()
    assert_accepted(lab.submit("private", "user@example.com", "reject@elsewhere.test",
                               compose(recipient="reject@elsewhere.test", subject=token)))
    bounce = lab.arrived("private", "user@example.com", token)
    assert b"Return-Path: <>" in bounce and b"multipart/report" in bounce


def leaving(lab):
    """a bounce to a stranger leaves through the relay, signed once, and is accepted"""
    # An address that the host takes mail for, and whose delivery then fails.
    lab.run("private", "postconf", "-M",
            "broken/unix=broken unix - n n - - pipe user=nobody argv=/bin/false")
    lab.run("private", "postconf", "transport_maps=inline:{alice@example.com=broken:}")
    lab.run("private", "postfix", "reload")
    token = lab.token()
    assert_accepted(lab.smtp("internet", "mail.example.com", STRANGER, "alice@example.com",
                             compose(STRANGER, "alice@example.com", token)))
    bounce = lab.arrived("internet", STRANGER, token)
    assert b"Return-Path: <>" in bounce and b"multipart/report" in bounce
    assert hops(bounce)[-2:] == ["mail.example.com", "mx.elsewhere.test"], hops(bounce)
    assert b"by internal-mail.example.com (Postfix)" in bounce
    assert_signed_once(lab, bounce)


run(EXAMPLE, to_own_user, leaving)
