#!/usr/bin/python3
"""While the public relay is down, mail waits on both sides; it arrives when the relay is back."""
from lib.lab import (EXAMPLE, STRANGER, assert_accepted, assert_signed_once, compose, run, wait)

sent = {}


def waits(lab):
    """mail out waits at the private host, mail in at its sender"""
    lab.lab("stop", lab.name, "public")
    sent["out"], sent["in"], sent["local"] = lab.token(), lab.token(), lab.token()
    assert_accepted(lab.submit("private", "user@example.com", STRANGER,
                               compose(subject=sent["out"])))
    lab.sendmail("private", "user@example.com", STRANGER, compose(subject=sent["local"]))
    lab.sendmail("internet", STRANGER, "user@example.com",
                 compose(STRANGER, "user@example.com", sent["in"]))
    for node, count in (("private", 2), ("internet", 1)):
        wait(lambda n=node, c=count: [m["queue_name"] for m in lab.queue(n)] == ["deferred"] * c,
             f"{count} deferred messages at {node}")
    assert not lab.mail("internet", STRANGER) and not lab.mail("private", "user@example.com")


def arrives(lab):
    """all of it arrives after the relay's start, signed"""
    lab.lab("start", lab.name, "public")
    lab.flush("private")
    lab.flush("internet")
    for token in (sent["out"], sent["local"]):
        assert_signed_once(lab, lab.arrived("internet", STRANGER, token))
    lab.arrived("private", "user@example.com", sent["in"])


def private_down(lab):
    """while the private host is down, mail for a known recipient waits at the relay"""
    lab.lab("stop", lab.name, "private")
    token = lab.token()
    assert_accepted(lab.smtp("internet", "mail.example.com", STRANGER, "user@example.com",
                             compose(STRANGER, "user@example.com", token)))
    wait(lambda: [m["queue_name"] for m in lab.queue("public")] == ["deferred"],
         "deferred message at public")
    lab.lab("start", lab.name, "private")
    lab.flush("public")
    lab.arrived("private", "user@example.com", token)


run(EXAMPLE, waits, arrives, private_down)
