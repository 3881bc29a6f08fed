#!/usr/bin/python3
"""Each domain leaves through its own provider, and one address with an account of its own."""
import os

from lib.lab import (SOURCE, STRANGER, assert_accepted, assert_signed_once, compose, hops, run)

os.environ.update(SES_PASSWORD="ses secret", MAILGUN_PASSWORD="mailgun:secret",
                  INVOICES_PASSWORD="invoices#secret")
SES = "email-smtp.eu-west-1.amazonaws.com"
MAILGUN = "smtp.eu.mailgun.org"


def leaves(lab, sender, smarthost, account):
    token = lab.token()
    assert_accepted(lab.submit("private", f"user@{sender.split('@')[1]}", STRANGER,
                               compose(sender, subject=token), sender=sender))
    message = lab.arrived("internet", STRANGER, token)
    assert hops(message)[-3:] == ["mail.example.com", smarthost, "mx.elsewhere.test"], hops(message)
    assert f"(Authenticated sender: {account})".encode() in message, message
    assert_signed_once(lab, message, sender.split("@")[1])


def office(lab):
    """port 587, with STARTTLS and a verified certificate"""
    leaves(lab, "user@example.com", SES, "AKIAEXAMPLE")
    assert f"Verified TLS connection established to {SES}" in lab.log("public")


def shop(lab):
    """port 465, with TLS from the first octet"""
    leaves(lab, "user@shop.example", MAILGUN, "postmaster@shop.example")
    assert f"TLS connection established to {MAILGUN}[" in lab.log("public")


def invoices(lab):
    """an address with a login of its own"""
    leaves(lab, "invoices@shop.example", MAILGUN, "invoices@shop.example")


def bounces(lab):
    """the null sender takes the first route"""
    token = lab.token()
    lab.sendmail("private", "", STRANGER, compose(subject=token))
    message = lab.arrived("internet", STRANGER, token)
    assert SES in hops(message), hops(message)


run(os.path.join(SOURCE, "examples", "smarthosts", "topology.yaml"), office, shop, invoices, bounces)
