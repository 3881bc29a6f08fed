#!/usr/bin/python3
"""Strangers cannot relay through the public host, over IPv4 or IPv6, nor reach the private one."""
import os

from lib.lab import STRANGER, TOPOLOGIES, assert_accepted, assert_refused, compose, run

# (server, client address)
WAYS = [("11.22.33.44", "203.0.113.9"), ("11.22.33.44", "198.51.100.25"),
        ("2001:db8:11::44", "2001:db8:ffff::25")]

MOST_ERRORS = 9  # in one session; Postfix answers slowly after ten (smtpd_soft_error_limit)

SENDERS = ["stranger@elsewhere.test", "user@example.com", "user@example.org", "",
           "postmaster@mail.example.com", "root@internal-mail.example.com", "root",
           "root@localhost", "double-bounce@mail.example.com"]

RECIPIENTS = [
    "victim@elsewhere.test", "victim@[198.51.100.25]", "victim@[IPv6:2001:db8:ffff::25]",
    # sender-specified routing
    "victim%elsewhere.test@example.com", "victim%elsewhere.test@mail.example.com",
    "victim%elsewhere.test", "elsewhere.test!victim@example.com", "elsewhere.test!victim",
    "@example.com:victim@elsewhere.test", "@mail.example.com,@example.com:victim@elsewhere.test",
    "victim@elsewhere.test@example.com", "\"victim@elsewhere.test\"@example.com",
    "\"victim@elsewhere.test\"", "victim@elsewhere.test@",
    "victim%elsewhere.test@[11.22.33.44]", "victim%elsewhere.test@[192.168.2.2]",
    "victim%elsewhere.test@[IPv6:2001:db8:11::44]", "victim%elsewhere.test@localhost",
    # naming the private host
    "user@[192.168.2.3]", "user@[IPv6:fd00:2::3]", "user@internal-mail.example.com",
    "user%example.com@[192.168.2.3]", "user%[192.168.2.3]@example.com",
    "@[192.168.2.3]:victim@elsewhere.test",
    # naming nobody
    "user@[11.22.33.44]", "user@localhost", "user@sub.example.com", "user@com",
]


def accepted(lab):
    """(to see that the client works: mail for our own users is accepted, on every way)"""
    for server, source in WAYS:
        token = lab.token()
        assert_accepted(lab.smtp("internet", server, STRANGER, "user@example.com",
                                 compose(STRANGER, "user@example.com", token), source=source))
        lab.arrived("private", "user@example.com", token)


def relay(lab):
    """every form of a foreign recipient is refused, whatever the sender"""
    for server, source in WAYS:
        for sender in SENDERS:
            for start in range(0, len(RECIPIENTS), MOST_ERRORS):
                refuse(lab, server, source, sender, RECIPIENTS[start:start + MOST_ERRORS])


def refuse(lab, server, source, sender, recipients):
    replies = lab.smtp("internet", server, sender, recipients, None, source=source)
    assert not replies["error"], replies
    if replies["sender"][0] != 250:
        assert_refused(replies["sender"])
        return
    assert len(replies["recipients"]) == len(recipients), replies
    for recipient, reply in zip(recipients, replies["recipients"]):
        assert reply[0] in range(500, 560), f"{sender} to {recipient}: {reply}"


def nothing_left(lab):
    """nothing of that is in the queue, and nothing arrived"""
    lab.idle("public")
    assert not lab.mail("internet", "victim@elsewhere.test")


def login(lab):
    """the relay offers no login to strangers"""
    for server, source in WAYS:
        replies = lab.smtp("internet", server, "user@example.com", "victim@elsewhere.test", None,
                           source=source, starttls=True, login=["user@example.com", "postern-lab"])
        assert replies["login"][0] == 0, replies
        assert_refused(replies["recipients"])


def private_host(lab):
    """the private host cannot be reached from the Internet, nor the relay's inner address"""
    for server in ("192.168.2.3", "fd00:2::3", "192.168.2.2", "fd00:2::2"):
        for port in (25, 587, 465):
            replies = lab.smtp("internet", server, STRANGER, "user@example.com", None, port=port,
                               timeout=0.5)
            assert not replies["connect"] and replies["error"], f"{server}:{port}: {replies}"


run(os.path.join(TOPOLOGIES, "dual_stack.yaml"), accepted, relay, nothing_left, login, private_host)
