#!/usr/bin/python3
"""The environment of the relay image, as a topology that runs: it behaves as the image's README says.

Each case is an environment; the topology that it amounts to is given addresses, which a container
gets when it runs, and booted.
"""
import email
import os
import shutil
import subprocess
import sys
import tempfile

from lib.lab import (CONFGEN, STRANGER, Lab, account, assert_accepted, assert_refused,
                     assert_signed_once, call, check_requirements, compose, hops, report, wait)

RELAY, CLIENTS = "172.28.0.25", "172.28.0.0/24"
COMMON = {"HOSTNAME": "relay.example.com", "ALLOWED_SENDER_DOMAINS": "example.com example.org",
          "MYNETWORKS": CLIENTS}
PROVIDER = {"RELAYHOST": "[smtp.provider.example]:587"}
FILE_PASSWORD = "from a file: p#ss"
LOGIN = {"RELAYHOST_USERNAME": "apikey", "RELAYHOST_PASSWORD": "s3cret:with colon#"}


def topology(folder, environment):
    """The topology of an environment, with addresses and with keys where the image has them."""
    keys = os.path.join(folder, "keys")
    os.makedirs(keys)
    with open(os.path.join(keys, "example.com.private"), "w", encoding="ascii"):
        pass  # the lab makes the keys themselves
    text = subprocess.run([CONFGEN, "render", "--from-env", "--print-topology", "--keys", keys],
                          check=True, text=True, stdout=subprocess.PIPE, env=environment).stdout
    addresses = f"    addresses: {{clients: {RELAY}, internet: 11.22.33.44}}\n"
    text = text.replace("    clients: clients\n", "    clients: clients\n" + addresses)
    path = os.path.join(folder, "environment.yaml")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text.replace(keys, "/etc/opendkim/keys"))
    return path


def submit(lab, sender, subject="hello", **options):
    return lab.smtp("client", RELAY, sender, STRANGER, compose(sender or "x@example.com", subject=subject),
                    port=587, **options)


def arrives(lab, sender):
    token = lab.token()
    assert_accepted(submit(lab, sender, token))
    return lab.arrived("internet", STRANGER, token)


def waits(lab, sender, reason):
    """The message is taken, and waits for that reason."""
    token = lab.token()
    assert_accepted(submit(lab, sender, token))
    wait(lambda: any(reason in recipient.get("delay_reason", "") for entry in lab.queue("relay")
                     for recipient in entry["recipients"]), f"mail that waits: {reason}")
    assert not lab.find("internet", STRANGER, token)


def no_tls(lab):
    """Takes TLS away from the provider."""
    lab.run("smarthost", "postconf", "-e", "smtpd_tls_security_level=none")
    lab.run("smarthost", "postfix", "reload")
    wait(lambda: "STARTTLS" not in lab.smtp("relay", "smtp.provider.example", STRANGER, STRANGER, None,
                                            port=587)["ehlo"][1], "a provider without TLS")


def direct(lab):
    """the domains alone: mail goes straight out; where there is a key it is signed"""
    assert_signed_once(lab, arrives(lab, "app@example.com"))
    assert b"DKIM-Signature" not in arrives(lab, "app@example.org")
    assert hops(arrives(lab, "app@web1.example.com")) == ["relay.example.com", "mx.elsewhere.test"]
    for sender in ("app@example.net", "app@xexample.com", ""):
        assert_refused(submit(lab, sender)["recipients"])


def masqueraded(lab):
    """MASQUERADED_DOMAINS: host names are cut, but for those that are kept"""
    for sender, result in (("app@web1.example.com", "app@example.com"),
                           ("app@keep.example.com", "app@keep.example.com"),
                           ("app@web1.example.org", "app@web1.example.org")):
        fields = email.message_from_bytes(arrives(lab, sender))
        assert fields["From"] == f"<{result}>" and fields["Return-Path"] == f"<{result}>", result


def limited(lab):
    """MESSAGE_SIZE_LIMIT and POSTFIX_ parameters are what the server says and does"""
    reply = submit(lab, "app@example.com")
    assert "SIZE 20000" in reply["ehlo"][1].splitlines(), reply["ehlo"]
    large = compose("app@example.com", body=("x" * 75 + "\n") * 300)
    reply = lab.smtp("client", RELAY, "app@example.com", STRANGER, large, port=587)
    assert reply["data"] and reply["data"][0] == 552, reply
    greeting = lab.run("client", "bash", "-c",
                       f"exec 3<>/dev/tcp/{RELAY}/587; head -n 1 <&3; echo QUIT >&3")
    assert greeting.startswith("220 parameters are heard"), greeting
    assert lab.run("relay", "postconf", "-h", "biff").strip() == "yes"  # Postfix's own default


def debugged(lab):
    """INBOUND_DEBUGGING: what clients say is logged word by word"""
    arrives(lab, "app@example.com")
    assert "< unknown[172.28.0.254]: MAIL FROM:<app@example.com>" in lab.log("relay"), lab.log("relay")


def login(lab):
    """RELAYHOST with a login: over TLS, with the name and password of the environment"""
    message = arrives(lab, "app@example.com")
    assert b"(Authenticated sender: apikey)" in message
    assert hops(message) == ["relay.example.com", "smtp.provider.example", "mx.elsewhere.test"]
    no_tls(lab)
    waits(lab, "app@example.com", "TLS is required")


def may(lab):
    """RELAYHOST without a level: TLS where it is offered, clear text where it is not"""
    arrives(lab, "app@example.com")
    assert "TLS connection established to smtp.provider.example" in lab.log("relay")
    no_tls(lab)
    arrives(lab, "app@example.com")


def encrypt(lab):
    """RELAYHOST_TLS_LEVEL=encrypt: without TLS mail waits"""
    arrives(lab, "app@example.com")
    no_tls(lab)
    waits(lab, "app@example.com", "TLS is required")


def none(lab):
    """RELAYHOST_TLS_LEVEL=none: clear text, though TLS is offered"""
    arrives(lab, "app@example.com")
    assert "TLS connection established" not in lab.log("relay")


def wrong_certificate(lab):
    """Gives the provider a certificate that the lab's CA made out to another name."""
    for path in ("/etc/postfix/lab.crt", "/etc/postfix/lab.key"):
        lab.run("smarthost", "sh", "-c", f"cat >{path}", stdin=lab.run("internet", "cat", path))
    lab.run("smarthost", "postfix", "reload")


def named(lab):
    """The provider's name is verified, and mail waits when it is another's."""
    message = arrives(lab, "app@example.com")
    assert hops(message) == ["relay.example.com", "smtp.provider.example", "mx.elsewhere.test"]
    assert "Verified TLS connection established to smtp.provider.example" in lab.log("relay")
    wrong_certificate(lab)
    waits(lab, "app@example.com", "Server certificate not verified")
    return message


def verify(lab):
    """RELAYHOST_TLS_LEVEL=verify: another's certificate will not do"""
    named(lab)


def secure(lab):
    """RELAYHOST_TLS_LEVEL=secure, with a login from a file: nor here, and the password is the file's"""
    message = named(lab)
    assert b"(Authenticated sender: apikey)" in message
    accounts = lab.run("smarthost", "cat", "/etc/dovecot/users")  # from the rendered files
    assert account("apikey", FILE_PASSWORD) == accounts, accounts


def wrapped(lab):
    """RELAYHOST at port 465, with a login: TLS from the first octet"""
    assert lab.smtp("relay", "smtp.provider.example", STRANGER, STRANGER, None, port=465,
                    tls=True)["connect"]
    assert not lab.smtp("relay", "smtp.provider.example", STRANGER, STRANGER, None, port=465,
                        timeout=0.5)["connect"], "the provider speaks in clear there"
    message = arrives(lab, "app@example.com")
    assert b"(Authenticated sender: apikey)" in message
    assert "TLS connection established to smtp.provider.example[" in lab.log("relay")
    assert ":465: TLS" in lab.log("relay")


def by_mx(lab):
    """RELAYHOST without brackets: its MX host, not its address, takes the mail"""
    message = arrives(lab, "app@example.com")
    assert hops(message) == ["relay.example.com", "mx.elsewhere.test"], hops(message)
    assert "relay=mx.elsewhere.test[" in lab.log("relay")


CASES = [
    ({}, direct),
    ({"MASQUERADED_DOMAINS": "!keep.example.com example.com"}, masqueraded),
    ({"MESSAGE_SIZE_LIMIT": "20000", "POSTFIX_smtpd_banner": "parameters are heard ESMTP",
      "POSTFIX_biff": ""}, limited),
    ({"INBOUND_DEBUGGING": "1"}, debugged),
    ({**PROVIDER, **LOGIN}, login),
    (PROVIDER, may),
    ({**PROVIDER, "RELAYHOST_TLS_LEVEL": "encrypt"}, encrypt),
    ({**PROVIDER, "RELAYHOST_TLS_LEVEL": "none"}, none),
    ({**PROVIDER, "RELAYHOST_TLS_LEVEL": "verify"}, verify),
    ({**PROVIDER, "RELAYHOST_TLS_LEVEL": "secure", "RELAYHOST_USERNAME": "apikey",
      "RELAYHOST_PASSWORD_FILE": "FILE"}, secure),
    ({"RELAYHOST": "[smtp.provider.example]:465", **LOGIN}, wrapped),
    ({"RELAYHOST": "elsewhere.test"}, by_mx),
]


def boot(number, environment, check):
    """Boots an environment and runs its check."""
    folder = tempfile.mkdtemp(prefix="postern-env-")
    try:
        if "RELAYHOST_PASSWORD_FILE" in environment:
            path = os.path.join(folder, "password")
            with open(path, "w", encoding="ascii", opener=lambda p, f: os.open(p, f, 0o600)) as file:
                file.write(FILE_PASSWORD + "\n")
            environment = {**environment, "RELAYHOST_PASSWORD_FILE": path}
        with Lab(topology(folder, {**COMMON, **environment}), f"e2e-env-{os.getpid()}-{number}") as lab:
            try:
                check(lab)
            except Exception:
                print("".join(f"# {line}\n" for line in lab.log("relay").splitlines()[-40:]))
                raise
    finally:
        shutil.rmtree(folder)


def main():
    check_requirements()
    os.environ.update(LOGIN)  # for the topologies that refer to it
    print(f"1..{len(CASES)}", flush=True)
    failed = 0
    for number, (environment, check) in enumerate(CASES, 1):
        error = call(boot, number, environment, check)
        report(number, check, error)
        failed += bool(error)
    sys.exit(bool(failed))


main()
