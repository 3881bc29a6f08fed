#!/usr/bin/python3
"""One domain leaves through a smarthost with login, the other directly; tables are inline."""
import os

from lib.lab import (STRANGER, TOPOLOGIES, account, assert_accepted, assert_signed_once, compose,
                     hops, run, wait)

os.environ["POSTERN_E2E_AT_PROVIDER"] = "s3cret:with colon#"


def paid(lab):
    """the domain with a smarthost leaves through it, logged in, over verified TLS, signed once"""
    token = lab.token()
    assert_accepted(lab.submit("private", "user@example.com", STRANGER, compose(subject=token)))
    message = lab.arrived("internet", STRANGER, token)
    assert hops(message)[-3:] == ["mail.example.com", "smtp.provider.example", "mx.elsewhere.test"]
    assert b"(Authenticated sender: apikey)" in message
    assert "Verified TLS connection established to smtp.provider.example" in lab.log("public")
    assert_signed_once(lab, message)


def password(lab):
    """the password that reaches the smarthost is the one given, whatever its characters"""
    accounts = lab.run("provider", "cat", "/etc/dovecot/users")  # taken from the rendered files
    assert account("apikey", os.environ["POSTERN_E2E_AT_PROVIDER"]) == accounts, accounts


def direct(lab):
    """the other domain leaves without it"""
    token = lab.token()
    assert_accepted(lab.submit("private", "user@example.org", STRANGER,
                               compose("user@example.org", subject=token)))
    message = lab.arrived("internet", STRANGER, token)
    assert hops(message)[-2:] == ["mail.example.com", "mx.elsewhere.test"], hops(message)
    assert "smtp.provider.example" not in message.decode()
    assert_signed_once(lab, message, "example.org")


def inbound(lab):
    """mail for both domains comes in"""
    for recipient in ("user@example.com", "user@example.org"):
        token = lab.token()
        assert_accepted(lab.smtp("internet", "mail.example.com", STRANGER, recipient,
                                 compose(STRANGER, recipient, token)))
        lab.arrived("private", recipient, token)


def smarthost_down(lab):
    """while the smarthost is down, its domain's mail waits and does not leave another way"""
    lab.lab("stop", lab.name, "provider")
    token = lab.token()
    assert_accepted(lab.submit("private", "user@example.com", STRANGER, compose(subject=token)))
    lab.idle("private")
    assert lab.queue("public"), "nothing waits"
    assert not lab.find("internet", STRANGER, token)
    lab.lab("start", lab.name, "provider")
    lab.flush("public")
    message = lab.arrived("internet", STRANGER, token)
    assert "smtp.provider.example" in hops(message)


def certificate_of_another(lab):
    """to a smarthost with a wrong certificate nothing goes, not even if a header allows it (RFC 8689)"""
    lab.run("provider", "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
            "ec_paramgen_curve:P-256", "-nodes", "-days", "3", "-subj", "/CN=smtp.provider.example",
            "-keyout", "/etc/postfix/lab.key", "-out", "/etc/postfix/lab.crt")
    lab.run("provider", "postfix", "reload")
    for header in ("", "TLS-Required: no\n"):
        token = lab.token()
        assert_accepted(lab.submit("private", "user@example.com", STRANGER,
                                   header + compose(subject=token)))
        lab.idle("private")
        wait(lambda: any("Server certificate not " in recipient.get("delay_reason", "")
                         for message in lab.queue("public")
                         for recipient in message["recipients"]), "mail that waits for the certificate")
        assert not lab.find("internet", STRANGER, token)
        lab.run("public", "postsuper", "-d", "ALL")


run(os.path.join(TOPOLOGIES, "smarthost.yaml"), paid, password, direct, inbound, smarthost_down,
    certificate_of_another)
