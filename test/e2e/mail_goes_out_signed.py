#!/usr/bin/python3
"""Mail from the private host leaves through the public relay, signed exactly once."""
from lib.lab import (EXAMPLE, STRANGER, assert_accepted, assert_refused, assert_signed_once,
                     compose, hops, run)


def submitted(lab):
    """mail of a logged-in user (port 587) is signed, and both verifiers accept it"""
    token = lab.token()
    assert_accepted(lab.submit("private", "user@example.com", STRANGER,
                               compose(subject=token)))
    message = lab.arrived("internet", STRANGER, token)
    assert hops(message) == ["internal-mail.example.com", "mail.example.com", "mx.elsewhere.test"]
    assert_signed_once(lab, message)


def submitted_with_tls_first(lab):
    """so is mail over port 465"""
    token = lab.token()
    assert_accepted(lab.smtp("private", "127.0.0.1", "user@example.com", STRANGER,
                             compose(subject=token), port=465, tls=True,
                             login=["user@example.com", "postern-lab"]))
    assert_signed_once(lab, lab.arrived("internet", STRANGER, token))


def local(lab):
    """so is mail of local programs (sendmail)"""
    token = lab.token()
    lab.sendmail("private", "user@example.com", STRANGER, compose(subject=token))
    assert_signed_once(lab, lab.arrived("internet", STRANGER, token))


def long_and_odd(lab):
    """so is a long message with folded fields, trailing blanks, dots and 8-bit text"""
    token = lab.token()
    body = "".join(f".line {i} \u00e9\u00df  \t\n..\n\n" for i in range(3000)) + "\n\n"
    message = compose(subject=f"{token}\n\tfolded  twice\n and again", body=body)
    assert_accepted(lab.submit("private", "user@example.com", STRANGER, message))
    assert_signed_once(lab, lab.arrived("internet", STRANGER, token))


def long_line(lab):
    """so is a line longer than RFC 5321 has them: no relay on the way folds it"""
    token = lab.token()
    line = "x" * 5000
    assert_accepted(lab.submit("private", "user@example.com", STRANGER,
                               compose(subject=token, body=line + "\n")))
    message = lab.arrived("internet", STRANGER, token)
    assert line.encode() in message, "the line was folded"
    assert_signed_once(lab, message)


def changed(lab):
    """the verifiers refuse the message when a word of it is changed"""
    token = lab.token()
    assert_accepted(lab.submit("private", "user@example.com", STRANGER, compose(subject=token)))
    message = lab.arrived("internet", STRANGER, token)
    verdicts = lab.verify(message.replace(b"A line.", b"A lie."))
    assert verdicts == ("False", "fail"), verdicts


def wrong_password(lab):
    """a wrong password opens nothing"""
    replies = lab.smtp("private", "127.0.0.1", "user@example.com", STRANGER, None, port=587,
                       starttls=True, login=["user@example.com", "wrong"])
    assert_refused(replies["login"])
    assert_refused(replies["recipients"])


run(EXAMPLE, submitted, submitted_with_tls_first, local, long_and_odd, long_line, changed, wrong_password)
