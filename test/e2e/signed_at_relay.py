#!/usr/bin/python3
"""The public relay signs what the private host sends, and nothing that strangers send."""
import json
import os

from lib.lab import (STRANGER, TOPOLOGIES, assert_accepted, assert_signed_once, compose, run,
                     signatures)


def outbound(lab):
    """mail of a user on the private host is signed once, at the relay"""
    token = lab.token()
    assert_accepted(lab.submit("private", "user@example.com", STRANGER, compose(subject=token)))
    assert_signed_once(lab, lab.arrived("internet", STRANGER, token), selector="relay")


def forged(lab):
    """strangers' mail with our From passes the same listener unsigned"""
    for sender in (STRANGER, "alice@example.com", ""):
        token = lab.token()
        assert_accepted(lab.smtp("internet", "mail.example.com", sender, "user@example.com",
                                 compose("alice@example.com", "user@example.com", token)))
        message = lab.arrived("private", "user@example.com", token)
        assert not signatures(message), signatures(message)


# Sends octets as they are, and prints the last reply.
RAW = r"""
import json, socket, sys
request = json.load(sys.stdin)
connection = socket.create_connection((request["server"], 25), timeout=60)
lines = connection.makefile("rb")
def reply():
    line = lines.readline()
    while line[3:4] == b"-":
        line = lines.readline()
    return line.decode().strip()
reply()
for command in request["commands"]:
    connection.sendall(command.encode("latin-1") + b"\r\n")
    last = reply()
print(last)
"""


def odd_octets(lab):
    """stray octets in a user's message: Postfix mends them before the milter signs, or it is signed as it is"""
    head = f"From: <user@example.com>\r\nTo: <{STRANGER}>\r\n"
    for name, header, body in (
            ("NUL in a field", "Comments: a\0b\r\nX-A: a\0b\r\n", "A line.\r\n"),
            ("NUL in a signed field", "References: <a\0b@example.com>\r\n", "A line.\r\n"),
            ("CR in a field", "References: <a\rb@example.com>\r\n", "A line.\r\n"),
            ("CR in the body", "", "a\rb\r\nc\r\r\n\r\r\n"),
            ("control and 8 bit", "References: \x01\x7f\xc3\xa4\r\n", "\x01\x1b[2J\xc3\xa4\r\n"),
            ("no end of the header", "X-Last: 1", None),
            ("empty body", "", ""),
            ("blank lines", "", " \t \r\n\r\n\r\n")):
        token = lab.token()
        text = f"{head}Subject: {token}\r\n{header}" + ("" if body is None else f"\r\n{body}")
        text += "" if text.endswith("\r\n") else "\r\n"
        request = {"server": "192.168.2.2", "commands": ["EHLO private.test", "MAIL FROM:<user@example.com>", f"RCPT TO:<{STRANGER}>", "DATA",
                                text + "."]}
        answer = lab.run("private", "/usr/bin/python3", "-c", RAW, stdin=json.dumps(request))
        assert answer.startswith("250 "), f"{name}: {answer}"
        message = lab.arrived("internet", STRANGER, token)
        assert lab.verify(message) == ("True", "pass"), f"{name}: {lab.verify(message)} {message!r}"


def milter_killed(lab):
    """while the milter is dead, what must be signed waits, and arrives signed"""
    token = lab.token()
    lab.lab("milter-stop", lab.name, "public")
    lab.submit("private", "user@example.com", STRANGER, compose(subject=token))
    assert lab.queue("private"), "the message does not wait at the private host"
    assert not lab.find("internet", STRANGER, token), "it left unsigned"
    lab.lab("milter-start", lab.name, "public")
    lab.flush("private")
    assert_signed_once(lab, lab.arrived("internet", STRANGER, token), selector="relay")


run(os.path.join(TOPOLOGIES, "sign_at_public.yaml"), outbound, forged, odd_octets, milter_killed)
