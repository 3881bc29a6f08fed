#!/usr/bin/python3
"""The public relay verifies signatures of strangers' mail, and tells the private host what it saw."""
import email
import email.policy
import os
import re

from lib.lab import SOURCE, STRANGER, assert_accepted, compose, run

TOPOLOGY = os.path.join(SOURCE, "test", "golden", "topologies", "verifying.yaml")
OURS = "mail.example.com"


def results(message):
    """The results that fields in the relay's name have."""
    fields = email.message_from_bytes(message, policy=email.policy.compat32)
    return [re.sub(r"\s+", " ", field).split(";", 1)[1].strip()
            for field in fields.get_all("Authentication-Results", [])
            if field.split(";")[0].split()[0] == OURS]


def goes_out(lab):
    """what the private host sends is not a stranger's, and leaves without results"""
    token = lab.token()
    assert_accepted(lab.submit("private", "user@example.com", STRANGER, compose(subject=token)))
    message = lab.arrived("internet", STRANGER, token)
    assert b"Authentication-Results" not in message, message


def comes_back(lab, change=lambda text: text):
    """A signed message that left, sent back by a stranger's host; what arrives of it."""
    token, again = lab.token(), lab.token()
    assert_accepted(lab.submit("private", "user@example.com", STRANGER, compose(subject=token)))
    message = lab.arrived("internet", STRANGER, token)
    text = message.decode().replace("\r\n", "\n")
    text = f"X-Again: {again}\n" + change(text)
    assert_accepted(lab.smtp("internet", OURS, STRANGER, "user@example.com", text))
    return lab.arrived("private", "user@example.com", again)


def good(lab):
    """a good signature is told, with its domain"""
    found = results(comes_back(lab))
    assert len(found) == 1 and re.match(r"dkim=pass\b.*header\.d=example\.com\b", found[0]), found


def changed(lab):
    """a changed body is told"""
    found = results(comes_back(lab, lambda text: text + "and more\n"))
    assert len(found) == 1 and found[0].startswith("dkim=fail"), found


def unsigned(lab):
    """mail without a signature has that told, and a stranger's claim in the relay's name is gone"""
    token = lab.token()
    forged = f"Authentication-Results: {OURS}; dkim=pass header.d=elsewhere.test\n"
    foreign = "Authentication-Results: mx.elsewhere.test; dkim=pass\n"
    assert_accepted(lab.smtp("internet", OURS, STRANGER, "user@example.com",
                             forged + foreign + compose(STRANGER, "user@example.com", token)))
    message = lab.arrived("private", "user@example.com", token)
    assert results(message) == ["dkim=none"], results(message)
    assert b"\r\nAuthentication-Results: mx.elsewhere.test" in b"\r\n" + message, "others' fields stay"


run(TOPOLOGY, goes_out, good, changed, unsigned)
