#!/usr/bin/python3
"""Unknown recipients are refused at the public relay while the sender is there: no backscatter."""
from lib.lab import EXAMPLE, STRANGER, assert_accepted, assert_refused, compose, run


def refused(lab):
    """the relay answers 550, and has nothing to bounce"""
    replies = lab.smtp("internet", "mail.example.com", STRANGER, "nobody@example.com",
                       compose(STRANGER, "nobody@example.com", lab.token()))
    assert_refused(replies["recipients"], [550])
    lab.idle("public")
    assert not lab.mail("internet", STRANGER), "a bounce went out"


def known_beside_unknown(lab):
    """of two recipients, the known one still gets the message"""
    token = lab.token()
    replies = lab.smtp("internet", "mail.example.com", STRANGER,
                       ["nobody@example.com", "user@example.com"],
                       compose(STRANGER, "user@example.com", token))
    assert_refused(replies["recipients"][0], [550])
    replies["recipients"].pop(0)
    assert_accepted(replies)
    lab.arrived("private", "user@example.com", token)


def unknown_at_relay(lab):
    """so are unknown recipients at the relay's own name, and at a sub-domain"""
    replies = lab.smtp("internet", "mail.example.com", STRANGER,
                       ["user@mail.example.com", "user@sub.example.com"], None)
    assert_refused(replies["recipients"])


run(EXAMPLE, refused, known_beside_unknown, unknown_at_relay)
