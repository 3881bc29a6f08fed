#!/usr/bin/python3
"""Mail from the Internet reaches the private mailbox through the public relay."""
from lib.lab import EXAMPLE, STRANGER, assert_accepted, compose, hops, run


def by_mx_lookup(lab):
    """a real sender finds the relay by DNS, and the mail passes both hosts in order"""
    token = lab.token()
    lab.sendmail("internet", STRANGER, "user@example.com",
                 compose(STRANGER, "user@example.com", token))
    message = lab.arrived("private", "user@example.com", token)
    path = hops(message)
    print("# Received by:", *path)
    assert path[-2:] == ["mail.example.com", "internal-mail.example.com"], path
    assert b"\r\nReceived: from mail.example.com (" in message, "the relay greets with its name"


def to_two_recipients(lab):
    """a message for two mailboxes arrives in both"""
    token = lab.token()
    assert_accepted(lab.smtp("internet", "mail.example.com", STRANGER,
                             ["user@example.com", "alice@example.com"],
                             compose(STRANGER, "user@example.com", token), source="203.0.113.9"))
    lab.arrived("private", "user@example.com", token)
    lab.arrived("private", "alice@example.com", token)


def with_detail(lab):
    """user+detail is the user's mailbox"""
    token = lab.token()
    assert_accepted(lab.smtp("internet", "mail.example.com", STRANGER, "user+news@example.com",
                             compose(STRANGER, "user+news@example.com", token)))
    lab.arrived("private", "user@example.com", token)


def bounces(lab):
    """mail from the null sender comes in"""
    token = lab.token()
    assert_accepted(lab.smtp("internet", "mail.example.com", "", "user@example.com",
                             compose("MAILER-DAEMON@elsewhere.test", "user@example.com", token)))
    lab.arrived("private", "user@example.com", token)


def postmaster_of_relay(lab):
    """mail to postmaster at the relay's own name is read by postmaster of the domain"""
    token = lab.token()
    assert_accepted(lab.smtp("internet", "mail.example.com", STRANGER,
                             "postmaster@mail.example.com",
                             compose(STRANGER, "postmaster@mail.example.com", token)))
    lab.arrived("private", "postmaster@example.com", token)


run(EXAMPLE, by_mx_lookup, to_two_recipients, with_detail, bounces, postmaster_of_relay)
