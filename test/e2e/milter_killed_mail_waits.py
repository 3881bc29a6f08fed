#!/usr/bin/python3
"""While the milter is dead, nothing leaves unsigned; what waited arrives signed."""
from lib.lab import EXAMPLE, STRANGER, assert_accepted, assert_signed_once, compose, run

sent = {}


def refused_for_now(lab):
    """a user's mail gets a temporary refusal"""
    lab.lab("milter-stop", lab.name, "private")
    sent["user"] = lab.token()
    replies = lab.submit("private", "user@example.com", STRANGER, compose(subject=sent["user"]))
    answers = [replies["error"], replies["sender"], *replies["recipients"], replies["data"]]
    assert any(400 <= answer[0] < 500 for answer in answers if answer), replies
    assert not replies["data"] or replies["data"][0] >= 400, replies


def waits(lab):
    """mail of local programs and a bounce wait"""
    sent["local"], sent["bounce"] = lab.token(), lab.token()
    lab.sendmail("private", "user@example.com", STRANGER, compose(subject=sent["local"]))
    lab.run("private", "postconf", "-M",
            "broken/unix=broken unix - n n - - pipe user=nobody argv=/bin/false")
    lab.run("private", "postconf", "transport_maps=inline:{alice@example.com=broken:}")
    lab.run("private", "postfix", "reload")
    assert_accepted(lab.smtp("internet", "mail.example.com", STRANGER, "alice@example.com",
                             compose(STRANGER, "alice@example.com", sent["bounce"])))
    lab.idle("public")
    lab.flush("private")
    lab.flush("public")
    assert not lab.mail("internet", STRANGER), "something left"


def comes_in(lab):
    """mail for users still comes in: it needs no signature"""
    token = lab.token()
    assert_accepted(lab.smtp("internet", "mail.example.com", STRANGER, "user@example.com",
                             compose(STRANGER, "user@example.com", token)))
    lab.arrived("private", "user@example.com", token)


def arrives(lab):
    """after its restart all of it arrives, signed once"""
    lab.lab("milter-start", lab.name, "private")
    replies = lab.submit("private", "user@example.com", STRANGER, compose(subject=sent["user"]))
    assert_accepted(replies)
    lab.run("private", "postkick", "public", "pickup", "W")
    lab.flush("private")
    for token in sent.values():
        assert_signed_once(lab, lab.arrived("internet", STRANGER, token))
    lab.idle("private")


run(EXAMPLE, refused_for_now, waits, comes_in, arrives)
