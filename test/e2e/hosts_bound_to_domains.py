#!/usr/bin/python3
"""A host behind the relay uses no domain of another, though the relay signs for both."""
import os

from lib.lab import (STRANGER, TOPOLOGIES, assert_accepted, assert_signed_once, compose, run,
                     signatures)

RELAY = "192.168.2.2"
OTHERS = ("user@example.org", "user@below.example.org", "user@lists.example.com",
          "user@below.lists.example.com")
VICTIM = "victim@elsewhere.test"


def send(lab, node, sender, author=None, token=None):
    """Mail from the host itself, past whatever docker-mailserver would refuse."""
    return lab.smtp(node, RELAY, sender, VICTIM,
                    compose(author or sender, VICTIM, token or lab.token()))


def assert_unbound(reply, domain):
    assert reply[0] == 550 and reply[1].startswith("5.7.1 ") and domain in reply[1], reply


def own(lab):
    """each host's own mail is signed, that from below its domain passes"""
    token = lab.token()
    assert_accepted(send(lab, "home", "user@example.com", token=token))
    assert_signed_once(lab, lab.arrived("internet", VICTIM, token))
    token = lab.token()
    assert_accepted(send(lab, "office", "user@lists.example.com", token=token))
    assert_signed_once(lab, lab.arrived("internet", VICTIM, token), domain="lists.example.com")
    assert_accepted(send(lab, "home", "user@below.example.com"))


def every_active_key(lab):
    """both active keys of a domain sign, the retired one does not"""
    token = lab.token()
    assert_accepted(send(lab, "office", "user@example.org", token=token))
    message = lab.arrived("internet", VICTIM, token)
    found = signatures(message)
    assert len(found) == 2 and all("d=example.org;" in field for field in found), found
    assert {word for field in found for word in field.split() if word.startswith("s=")} == {
        "s=new;", "s=old;"}, found
    assert lab.verify(message) == ("True", "pass"), lab.verify(message)


def envelope(lab):
    """the envelope names no domain of another"""
    for sender in OTHERS:
        replies = send(lab, "home", sender, "user@example.com")
        refusal = next(r for r in [replies["sender"], *replies["recipients"]] if r[0] != 250)
        assert refusal[0] == 550 and refusal[1].startswith("5.7.1 "), replies
        assert sender.split("@")[1] in refusal[1], replies
        assert replies["data"] is None, replies


def author(lab):
    """nor does From, alone or beside an own address, whatever the envelope says"""
    for sender in ("user@example.com", ""):
        for other in OTHERS[0::2]:
            for field in (other, f"user@example.com>, <{other}", f"{STRANGER}>, <{other}"):
                replies = send(lab, "home", sender, field)
                assert_unbound(replies["data"], other.split("@")[1])
    replies = send(lab, "office", "user@example.org", "user@example.com")
    assert_unbound(replies["data"], "example.com")


def forwarded(lab):
    """mail that a host forwards has a stranger's From, and passes unsigned"""
    token = lab.token()
    assert_accepted(send(lab, "home", "SRS0=abcd=EF=elsewhere.test=stranger@example.com", STRANGER,
                         token))
    assert not signatures(lab.arrived("internet", VICTIM, token))


def bounces(lab):
    """bounces of the host pass"""
    token = lab.token()
    assert_accepted(send(lab, "home", "", "MAILER-DAEMON@home.example.com", token))
    assert_signed_once(lab, lab.arrived("internet", VICTIM, token))


def strangers(lab):
    """what strangers send inward is not bound, with our From either"""
    for sender in (STRANGER, "user@example.com"):
        assert_accepted(lab.smtp("internet", "11.22.33.44", sender, "user@example.org",
                                 compose("user@example.com", "user@example.org", lab.token())))


run(os.path.join(TOPOLOGIES, "two_owners.yaml"), own, every_active_key, envelope, author, forwarded,
    bounces, strangers)
