#!/usr/bin/python3
"""The private host may send for its own domains only."""
from lib.lab import EXAMPLE, STRANGER, assert_accepted, assert_refused, compose, run


def at_relay(lab):
    """the relay refuses foreign sender domains from the private host"""
    for sender in ("someone@elsewhere.test", "someone@example.net", "someone@notexample.com",
                   "user@example.com.elsewhere.test"):
        replies = lab.smtp("private", "192.168.2.2", sender, STRANGER, None)
        assert_refused(replies["recipients"], [550])


def own(lab):
    """its own domain, its host name and the null sender are accepted"""
    for sender in ("user@example.com", "root@internal-mail.example.com", ""):
        replies = lab.smtp("private", "192.168.2.2", sender, STRANGER, None)
        assert replies["recipients"][0][0] == 250, f"{sender}: {replies}"


def from_user(lab):
    """a user who writes with a foreign envelope sender gets nothing out"""
    token = lab.token()
    replies = lab.submit("private", "user@example.com", "victim@elsewhere.test",
                         compose(recipient="victim@elsewhere.test", subject=token), sender=STRANGER)
    assert_accepted(replies)  # docker-mailserver itself allows it, the relay does not
    lab.idle("private")
    assert "status=bounced" in lab.log("private") and "may not send" in lab.log("private")
    assert not lab.mail("internet", "victim@elsewhere.test")


run(EXAMPLE, at_relay, own, from_user)
