#!/usr/bin/python3
"""Mail from strangers that claims to be ours is not signed on its way in."""
from lib.lab import EXAMPLE, STRANGER, assert_accepted, compose, run, signatures


def claims_us(lab, envelope_sender):
    token = lab.token()
    assert_accepted(lab.smtp("internet", "mail.example.com", envelope_sender, "user@example.com",
                             compose("alice@example.com", "user@example.com", token)))
    message = lab.arrived("private", "user@example.com", token)
    assert not signatures(message), signatures(message)


def header(lab):
    """our domain in From, a stranger's in the envelope"""
    claims_us(lab, STRANGER)


def both(lab):
    """our domain in From and in the envelope"""
    claims_us(lab, "alice@example.com")


def bounce(lab):
    """our domain in From, the null sender in the envelope"""
    claims_us(lab, "")


def forwarded(lab):
    """a bounce of forged mail does not sign the forged mail itself"""
    lab.run("private", "postconf", "-M",
            "broken/unix=broken unix - n n - - pipe user=nobody argv=/bin/false")
    lab.run("private", "postconf", "transport_maps=inline:{alice@example.com=broken:}")
    lab.run("private", "postfix", "reload")
    token = lab.token()
    assert_accepted(lab.smtp("internet", "mail.example.com", STRANGER, "alice@example.com",
                             compose("user@example.com", "alice@example.com", token)))
    message = lab.arrived("internet", STRANGER, token)
    top, returned = message.split(token.encode(), 1)[0].split(b"\r\n\r\n", 1)
    assert b"dkim-signature" not in returned.lower(), "the returned text carries a signature"
    assert b"MAILER-DAEMON@internal-mail.example.com" in top, top


run(EXAMPLE, header, both, bounce, forwarded)
