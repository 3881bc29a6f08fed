#!/usr/bin/python3
"""Two hosts that trust each other by login (port 587), in both directions."""
import os

from lib.lab import (STRANGER, TOPOLOGIES, account, assert_accepted, assert_refused,
                     assert_signed_once, compose, hops, run, signatures)

os.environ["POSTERN_E2E_AT_PUBLIC"] = "to the relay: it's me"
os.environ["POSTERN_E2E_AT_PRIVATE"] = "to/the+home=%1"


def inbound(lab):
    """mail comes in over an authenticated connection, and is not signed"""
    assert account("relay@example.com", os.environ["POSTERN_E2E_AT_PRIVATE"]) in lab.run(
        "private", "cat", "/etc/dovecot/users"), "another password was rendered"
    for sender in ("stranger@elsewhere.test", "alice@example.com"):
        token = lab.token()
        assert_accepted(lab.smtp("internet", "mail.example.com", STRANGER, "user@example.com",
                                 compose(sender, "user@example.com", token)))
        message = lab.arrived("private", "user@example.com", token)
        assert b"(Authenticated sender: relay@example.com)" in message, message
        assert b"with ESMTPSA id" in message
        assert not signatures(message), signatures(message)


def outbound(lab):
    """mail goes out over an authenticated connection, signed"""
    token = lab.token()
    assert_accepted(lab.submit("private", "user@example.com", STRANGER, compose(subject=token)))
    message = lab.arrived("internet", STRANGER, token)
    assert hops(message)[-2:] == ["mail.example.com", "mx.elsewhere.test"]
    assert "sasl_username=Private-Host" in lab.log("public")
    assert_signed_once(lab, message)


def without_login(lab):
    """the address alone gives no right to relay"""
    for port in (25, 587):
        replies = lab.smtp("private", "192.168.2.2", "user@example.com", STRANGER, None, port=port,
                           starttls=True)
        assert_refused(replies["recipients"])


def wrong_password(lab):
    """nor does a wrong password"""
    replies = lab.smtp("private", "192.168.2.2", "user@example.com", STRANGER, None, port=587,
                       starttls=True, login=["Private-Host", "guess"])
    assert_refused(replies["login"])
    assert_refused(replies["recipients"])


def foreign_sender(lab):
    """a login may send for its own domains only"""
    replies = lab.smtp("private", "192.168.2.2", "someone@elsewhere.test", STRANGER, None, port=587,
                       starttls=True, login=["Private-Host", os.environ["POSTERN_E2E_AT_PUBLIC"]])
    assert replies["login"][0] == 235, replies
    assert_refused(replies["recipients"])


def plaintext(lab):
    """no login without TLS"""
    replies = lab.smtp("private", "192.168.2.2", "user@example.com", STRANGER, None, port=587,
                       login=["Private-Host", os.environ["POSTERN_E2E_AT_PUBLIC"]])
    assert replies["login"][0] != 235, replies
    assert replies["sender"][0] != 250 or replies["recipients"][0][0] >= 500, replies


run(os.path.join(TOPOLOGIES, "logins.yaml"), inbound, outbound, without_login, wrong_password,
    foreign_sender, plaintext)
