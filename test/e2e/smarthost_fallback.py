#!/usr/bin/python3
"""What stands in when the first way out fails differs by sender domain: a relay, another, or nothing."""
import os

from lib.lab import SOURCE, STRANGER, assert_accepted, assert_signed_once, compose, hops, run, wait

os.environ.update(SES_PASSWORD="ses secret", MAILGUN_PASSWORD="mailgun:secret")
SES = "email-smtp.eu-west-1.amazonaws.com"
MAILGUN = "smtp.eu.mailgun.org"
DIRECT = ["mail.example.com", "mx.elsewhere.test"]


def routes(lab, action, host):
    """Adds or deletes routes that lead nowhere to all addresses of the host: public has IPv4 only."""
    lines = lab.run("public", "getent", "ahostsv4", host).splitlines()
    for address in {line.split()[0] for line in lines}:
        lab.run("public", "ip", "route", action, "unreachable", address)


def cut(lab, host):
    """From now on the host cannot be reached from public; others still reach it."""
    routes(lab, "add", host)


def mend(lab, host):
    routes(lab, "del", host)


def send(lab, domain):
    token = lab.token()
    assert_accepted(lab.submit("private", f"user@{domain}", STRANGER,
                               compose(f"user@{domain}", subject=token)))
    return token


def leaves(lab, domain, *way):
    message = lab.arrived("internet", STRANGER, send(lab, domain))
    assert hops(message)[-len(way):] == list(way), hops(message)
    assert_signed_once(lab, message, domain)
    return message


def first_ways(lab):
    """nothing is down: each domain takes its first way"""
    leaves(lab, "example.com", *DIRECT)
    leaves(lab, "lists.example", *DIRECT)
    leaves(lab, "shop.example", "mail.example.com", SES, "mx.elsewhere.test")


def mx_down(lab):
    """the recipient's host is out of reach: one domain takes the relay, with its login; one waits"""
    cut(lab, "mx.elsewhere.test")
    message = leaves(lab, "example.com", "mail.example.com", SES, "mx.elsewhere.test")
    assert b"(Authenticated sender: AKIAEXAMPLE)" in message, message
    token = send(lab, "lists.example")
    wait(lambda: [m["queue_name"] for m in lab.queue("public")] == ["deferred"],
         "deferred message at public")
    mend(lab, "mx.elsewhere.test")
    lab.flush("public")
    assert hops(lab.arrived("internet", STRANGER, token))[-2:] == DIRECT


def bounces(lab):
    """the null sender falls back as the first route's domain does"""
    cut(lab, "mx.elsewhere.test")
    token = lab.token()
    lab.sendmail("private", "", STRANGER, compose(subject=token))
    assert SES in hops(lab.arrived("internet", STRANGER, token))
    mend(lab, "mx.elsewhere.test")


def relay_down(lab):
    """the first relay is out of reach: its domain takes the second, with the second's login"""
    cut(lab, SES)
    message = leaves(lab, "shop.example", "mail.example.com", MAILGUN, "mx.elsewhere.test")
    assert b"(Authenticated sender: postmaster@shop.example)" in message, message
    mend(lab, SES)


run(os.path.join(SOURCE, "examples", "smarthost-fallback", "topology.yaml"),
    first_ways, mx_down, bounces, relay_down)
