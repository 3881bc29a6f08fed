#!/usr/bin/python3
"""Two relays in a row, which know each other by logins over verified TLS and IPv6, on a release."""
import os
import sys

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
from lib.lab import (SOURCE, STRANGER, assert_accepted, assert_refused,  # noqa: E402
                     assert_signed_once, compose, hops, run)

os.environ["POSTERN_TEST_PASSWORD"] = "s3cret:with colon#"
PATH = ["mx.example.com", "inner.example.com", "home.example.com"]


def inward(lab):
    """mail comes in through both relays"""
    token = lab.token()
    assert_accepted(lab.smtp("internet", PATH[0], STRANGER, "user@example.com",
                             compose(STRANGER, "user@example.com", token)))
    assert hops(lab.arrived("home", "user@example.com", token)) == PATH
    assert "Verified TLS connection established to" in lab.log("outer")


def outward(lab):
    """mail goes out through both, signed once by the inner one"""
    token = lab.token()
    assert_accepted(lab.submit("home", "user@example.com", STRANGER, compose(subject=token)))
    message = lab.arrived("internet", STRANGER, token)
    assert hops(message) == [*reversed(PATH), "mx.elsewhere.test"], hops(message)
    assert_signed_once(lab, message)
    assert "sasl_username=from-inner" in lab.log("outer")


def stranger(lab):
    """strangers cannot relay, and recipients that are not in the list are refused at the door"""
    for recipient in (STRANGER, "other@example.com"):
        assert_refused(lab.smtp("internet", PATH[0], STRANGER, recipient, None)["recipients"])


run(os.path.join(SOURCE, "test", "golden", "topologies", "chain.yaml"), inward, outward, stranger)
