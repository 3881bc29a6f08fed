#!/usr/bin/python3
"""Two public relays with different preference: whichever is down, mail arrives, once, and never loops."""
import os

from lib.lab import (SOURCE, STRANGER, assert_accepted, assert_signed_once, compose, hops, run,
                     wait)

USER = "user@example.com"  # its recipients are listed, so that the relays need not ask
FIRST, SECOND = "mx1.example.net", "mx2.example.net"


def send(lab):
    token = lab.token()
    lab.sendmail("internet", STRANGER, USER, compose(STRANGER, USER, token))
    return token


def deferred(lab, node, count):
    wait(lambda: [m["queue_name"] for m in lab.queue(node)] == ["deferred"] * count,
         f"{count} deferred messages at {node}")


def arrives(lab, token, relay):
    """The message arrives once, over that relay and no other."""
    names = hops(lab.arrived("home", USER, token))
    assert names[-2:] == [relay, "home.example.com"], names
    assert not {FIRST, SECOND} - {relay} & set(names), names


def preference(lab):
    """the relay with the lower preference gets the mail"""
    records = lab.run("internet", "/usr/bin/python3", "-c",
                      "import dns.resolver\nfor r in dns.resolver.resolve('example.com', 'MX'):\n"
                      "    print(r.preference, r.exchange)").split("\n")
    assert [r.split()[1] for r in sorted(records) if r] == [f"{FIRST}.", f"{SECOND}."], records
    arrives(lab, send(lab), FIRST)


def first_down(lab):
    """with the first down, the second takes it, and does not hand it to the first"""
    with lab.down("mx1"):
        arrives(lab, send(lab), SECOND)


def host_back_first(lab):
    """the mailbox host comes back before the first relay: what waits at the second goes straight in"""
    with lab.down("mx1"):
        with lab.down("home"):
            token = send(lab)
            deferred(lab, "mx2", 1)
            assert not lab.queue("internet")
        lab.flush("mx2")
        arrives(lab, token, SECOND)
    arrives(lab, send(lab), FIRST)


def relay_back_first(lab):
    """the first relay comes back before the mailbox host: it gets nothing of what the second has"""
    with lab.down("home"):
        with lab.down("mx1"):
            token = send(lab)
            deferred(lab, "mx2", 1)
        lab.flush("mx2")
        other = send(lab)
        deferred(lab, "mx1", 1)
        deferred(lab, "mx2", 1)
    for node in ("mx1", "mx2"):
        lab.flush(node)
    arrives(lab, token, SECOND)
    arrives(lab, other, FIRST)


def both_down(lab):
    """with both down it waits at its sender; the second alone is enough to bring it in"""
    with lab.down("mx1"):
        with lab.down("mx2"):
            token = send(lab)
            deferred(lab, "internet", 1)
        lab.flush("internet")
        arrives(lab, token, SECOND)


def leaves(lab, relay):
    token = lab.token()
    assert_accepted(lab.submit("home", USER, STRANGER, compose(USER, subject=token)))
    message = lab.arrived("internet", STRANGER, token)
    assert hops(message)[1] == relay, hops(message)
    assert_signed_once(lab, message)


def out_again(lab):
    """mail out falls back to the second, and is back at the first when that is"""
    with lab.down("mx1"):
        leaves(lab, SECOND)
    leaves(lab, FIRST)


def no_loop(lab):
    """no relay has seen itself, or the other, as a client, and nothing is left behind"""
    for node, others in (("mx1", ("10.8.0.2", "11.22.33.55")), ("mx2", ("10.8.0.1", "11.22.33.44"))):
        lab.idle(node)
        log = lab.log(node)
        assert "loops back" not in log and "too many hops" not in log
        for address in others:
            assert f"connect from unknown[{address}]" not in log and f"[{address}]:25" not in log
    lab.idle("internet")


run(os.path.join(SOURCE, "examples", "backup-mx", "topology.yaml"), preference, first_down,
    host_back_first, relay_back_first, both_down, out_again, no_loop)
