#!/usr/bin/python3
"""Mail from a sub-domain that no route names takes the way of the domain above it, and no other."""
import os

from lib.lab import SOURCE, STRANGER, assert_accepted, assert_refused, compose, hops, run

PUBLIC, WRAPPED = "192.168.2.2", "192.168.2.4"
FIRST, SECOND, THIRD = "smtp.first.example", "smtp.second.example", "smtp.third.example"


def leaves(lab, relay, sender, *smarthost):
    """What the mailbox host hands to the relay goes on by that smarthost, or by none."""
    token = lab.token()
    assert_accepted(lab.smtp("private", relay, sender, STRANGER, compose(sender, subject=token)))
    names = hops(lab.arrived("internet", STRANGER, token))
    assert names[1:] == [*smarthost, "mx.elsewhere.test"], f"{sender}: {names}"


def by_smarthost(lab):
    """past a domain that leaves directly, as everything else would"""
    for sender in ("user@example.com", "cron@host.example.com", "cron@A.B.Host.EXAMPLE.com",
                   '"a@lists.example.com"@host.example.com', "root@home.example.com"):
        leaves(lab, PUBLIC, sender, FIRST)


def listed_below(lab):
    """a domain of the topology below another one has its own way, and so has what is below that"""
    for sender in ("user@lists.example.com", "user@a.lists.example.com"):
        leaves(lab, PUBLIC, sender)
    for sender in ("user@invoices.lists.example.com", "user@a.invoices.lists.example.com"):
        leaves(lab, PUBLIC, sender, SECOND)


def inline(lab):
    """with patterns in main.cf itself"""
    leaves(lab, WRAPPED, "user@eu.example.org", THIRD)
    leaves(lab, WRAPPED, "user@a.eu.example.org", THIRD)
    for sender in ("user@example.org", "user@a.example.org", "user@neu.example.org"):
        leaves(lab, WRAPPED, sender, SECOND)


def foreign(lab):
    """neither look-alikes nor sub-domains of what goes through another relay are taken"""
    for relay, sender in ((PUBLIC, "user@xexample.com"), (PUBLIC, "user@a.example.org"),
                          (WRAPPED, "user@a.example.com"), (PUBLIC, "user@example.com.example.net")):
        assert_refused(lab.smtp("private", relay, sender, STRANGER, None)["recipients"], [550])


def of_the_host(lab):
    """mail of a relay itself leaves by its one way out, with TLS from the first octet"""
    token = lab.token()
    lab.sendmail("wrapped", "root@wrapped.example.com", STRANGER, compose(subject=token))
    assert SECOND in hops(lab.arrived("internet", STRANGER, token))


run(os.path.join(SOURCE, "test", "golden", "topologies", "subdomains.yaml"), by_smarthost,
    listed_below, inline, foreign, of_the_host)
