#!/usr/bin/python3
"""A TLS level a hop: with the right certificate mail passes, with a wrong one, or in clear, it waits.

For DANE the lab's zone is signed here, and a validating resolver (unbound) takes the place of nsd.
"""
import os
import re
import shutil
import subprocess
import tempfile

from lib.lab import (STRANGER, TOPOLOGIES, assert_accepted, check_requirements, compose, run, skip, wait)

SMARTHOST = ("/etc/postfix/lab.crt", "/etc/postfix/lab.key")
MX = "mx.elsewhere.test"
DANISH = "smtp.danish.example"
RESOLVER = """
server:
  interface: 198.18.53.53
  interface: 2001:2:0:53::53
  access-control: 0.0.0.0/0 allow
  access-control: ::/0 allow
  username: ""
  chroot: ""
  directory: "/etc/nsd"
  pidfile: "/run/unbound.pid"
  logfile: "/var/log/unbound.log"
  use-syslog: no
  do-not-query-localhost: no
  cache-max-ttl: 0
  cache-max-negative-ttl: 0
  unblock-lan-zones: yes
  local-zone: "test." nodefault
  trust-anchor-file: "/etc/nsd/root.ds"
remote-control:
  control-enable: no
stub-zone:
  name: "."
  stub-addr: 127.0.0.1@5353
"""
made = {}  # certificates that the lab has not: (certificate, key), in PEM


def self_signed(folder, name):
    paths = [os.path.join(folder, f"{name}.{suffix}") for suffix in ("crt", "key")]
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                    "-nodes", "-days", "30", "-subj", f"/CN={name}", "-addext",
                    f"subjectAltName=DNS:{name}", "-out", paths[0], "-keyout", paths[1]],
                   check=True, stderr=subprocess.DEVNULL)
    made[name] = [open(path, encoding="ascii").read() for path in paths]
    return paths[0]


def certificate(lab, node, paths=SMARTHOST):
    return [lab.run(node, "cat", path) for path in paths]


def install(lab, node, pair, paths=SMARTHOST):
    """Gives a node another certificate and key."""
    for text, path in zip(pair, paths):
        lab.run(node, "sh", "-c", f"cat >{path}", stdin=text)
    reload(lab, node)


def reload(lab, node, *parameters):
    """Sets parameters, and waits until Postfix has taken notice."""
    before = lab.log(node).count(": reload -- version")
    if parameters:
        lab.run(node, "postconf", "-e", *parameters)
    lab.run(node, "postfix", "reload")
    wait(lambda: lab.log(node).count(": reload -- version") > before, f"reload at {node}")


def send(lab, domain):
    """Mail from a sender that no other mail has."""
    token = lab.token()
    lab.sendmail("relay", f"{token}@{domain}", STRANGER, compose(f"{token}@{domain}", subject=token))
    return token


def passes(lab, domain):
    return lab.arrived("internet", STRANGER, send(lab, domain))


def in_tls(message, host):
    """Whether the message came to the host over TLS."""
    return re.search(rf"by {re.escape(host)} \(Postfix\) with (ESMTPS?A?)\s", message.decode())[1] in (
        "ESMTPS", "ESMTPSA")


def reason(lab, node, sender):
    return " ".join(recipient.get("delay_reason", "") for entry in lab.queue(node)
                    if entry["sender"] == sender and entry["queue_name"] == "deferred"
                    for recipient in entry["recipients"])


def await_reason(lab, node, sender):
    """
    Until mail is deferred. What qmgr(8) finds locked by a delivery that just ends ("still being delivered") goes
    back to incoming for five minutes, with no reason.
    """
    def deferred():
        if any(entry["sender"] == sender and entry["queue_name"] == "incoming" for entry in lab.queue(node)):
            lab.flush(node)
        return reason(lab, node, sender)
    wait(deferred, f"deferred mail of {sender} at {node}")


def waits(lab, domain, why):
    """Mail of the domain is deferred for that reason; then `release` lets it go."""
    token = send(lab, domain)
    sender = f"{token}@{domain}"
    await_reason(lab, "relay", sender)
    assert why in reason(lab, "relay", sender), reason(lab, "relay", sender)
    assert not lab.find("internet", STRANGER, token), "it went out"
    return token


def release(lab, token, sender="relay", node="internet", recipient=STRANGER):
    """The message that waited arrives. A flush may come too early, while Postfix reloads."""
    wait(lambda: lab.flush(sender) or lab.find(node, recipient, token), f"{token} at {node}")
    return lab.arrived(node, recipient, token)


def log_of(lab, host):
    """What the relay logged of certificates of a host."""
    return "\n".join(line for line in lab.log("relay").splitlines()
                     if f"certificate verification failed for {host}[" in line)


def by_name(lab, node, domain):
    """A level that wants a name which the lab's CA vouches for."""
    right = certificate(lab, node)
    host = f"smtp.{node}.example"
    passes(lab, domain)
    assert f"Verified TLS connection established to {host}" in lab.log("relay")
    install(lab, node, certificate(lab, "internet"))  # vouched for, with another name
    first = waits(lab, domain, "Server certificate not verified")
    assert "self-signed" not in log_of(lab, host), log_of(lab, host)
    install(lab, node, made[host])                    # for that name, and nobody vouches for it
    second = waits(lab, domain, "Server certificate not verified")
    assert "self-signed certificate" in log_of(lab, host), log_of(lab, host)
    install(lab, node, right)
    for token in (first, second):
        release(lab, token)


def verify(lab):
    """verify: the name must be right, and vouched for"""
    by_name(lab, "verified", "verify.example")


def secure(lab):
    """secure, on port 465: the same"""
    by_name(lab, "secured", "secure.example")


def fingerprint(lab):
    """fingerprint: one certificate alone will do, and needs nobody to vouch for it"""
    token = waits(lab, "pinned.example", "Server certificate not verified")
    install(lab, "pinned", made["smtp.pinned.example"])
    release(lab, token)


def may(lab):
    """may: TLS where it is offered, clear text where it is not"""
    assert in_tls(passes(lab, "may.example"), "smtp.lax.example")
    reload(lab, "lax", "smtpd_tls_security_level=none")
    assert not in_tls(passes(lab, "may.example"), "smtp.lax.example")


def between(lab, node, user):
    """Mail from a mailbox host to the relay, without TLS there: it must wait."""
    token = lab.token()
    assert_accepted(lab.submit(node, user, STRANGER, compose(user, subject=token)))
    await_reason(lab, node, user)
    assert not lab.find("internet", STRANGER, token), "it went out"
    return token


def encrypt_outward(lab):
    """links with encrypt and verify: while the relay has no TLS, or a broken one, mail out waits"""
    waiting = []
    for parameters in (["smtpd_tls_security_level=none"],
                       ["smtpd_tls_security_level=may", "smtpd_tls_key_file=/nonexistent"]):
        reload(lab, "relay", *parameters)
        for node, user in (("home", "user@example.com"), ("office", "user@example.org")):
            waiting.append((node, between(lab, node, user)))
            assert "TLS" in reason(lab, node, user), reason(lab, node, user)
    reload(lab, "relay", "smtpd_tls_key_file=/etc/postfix/certificates/mail.key")
    for node, token in waiting:
        assert in_tls(release(lab, token, node), "mail.example.com")


def encrypt_inward(lab):
    """and so does mail in, while the mailbox host has none, or at verify a wrong certificate"""
    right = certificate(lab, "office")
    reload(lab, "home", "smtpd_tls_security_level=none")
    install(lab, "office", certificate(lab, "home"))
    waiting = []
    for node, user in (("home", "user@example.com"), ("office", "user@example.org")):
        token = lab.token()
        assert_accepted(lab.smtp("internet", "mail.example.com", "x@elsewhere.test", user,
                                 compose(STRANGER, user, token)))
        wait(lambda u=user: [e for e in lab.queue("relay") if e["queue_name"] == "deferred"
                             and e["recipients"][0]["address"] == u], f"deferred mail for {user}")
        assert not lab.find(node, user, token), "it went in"
        waiting.append((node, user, token))
    log = lab.log("relay")
    assert "TLS is required, but was not offered by host 192.168.2.3" in log
    assert "Server certificate not verified" in log.split("to=<user@example.org>")[1].split("\n")[0]
    reload(lab, "home", "smtpd_tls_security_level=may")
    install(lab, "office", right)
    for (node, user, token), name in zip(waiting, ("home.example.com", "office.example.org")):
        assert in_tls(release(lab, token, "relay", node, user), name)


def sign_zone(lab, *records):
    """Signs the lab's zone with those records added, and lets nsd serve it to the resolver."""
    lab.run("dns", "sh", "-c", "cd /etc/nsd && cat lab.zone - >/tmp/zone && set -- K*.private && "
            "ldns-signzone -o . -f signed.zone /tmp/zone \"${1%.private}\"",
            stdin="".join(f"{record}\n" for record in records))
    lab.run("dns", "sh", "-c", "kill $(cat /run/nsd.pid)")
    wait(lambda: not lab.run("dns", "pgrep", "nsd", check=False), "end of nsd")
    lab.run("dns", "nsd", "-c", "/etc/nsd/nsd.conf")
    wait(lambda: lab.run("dns", "cat", "/run/nsd.pid", check=False), "start of nsd")
    for verb in ("stop", "start"):  # smtp(8) remembers TLSA records
        lab.lab(verb, lab.name, "relay")


def tlsa(lab, node, host, port):
    """The record of the certificate's key: usage DANE-EE."""
    digest = lab.run(node, "sh", "-c", f"openssl x509 -in {SMARTHOST[0]} -noout -pubkey | "
                     "openssl pkey -pubin -outform DER | sha256sum").split()[0]
    return f"_{port}._tcp.{host}. 0 IN TLSA 3 1 1 {digest}"


def resolver(lab):
    """(to see that the resolver validates: signed data is authentic, forged data is an error)"""
    lab.run("dns", "sh", "-c", "cd /etc/nsd && ldns-keygen -k -a ECDSAP256SHA256 . >/dev/null && "
            "cat K*.key >root.ds && sed -i -e '/ip-address/d' -e 's/lab.zone/signed.zone/' "
            "-e 's/^server:/server:\\n\\tip-address: 127.0.0.1@5353/' nsd.conf")
    sign_zone(lab)
    lab.run("dns", "sh", "-c", "cat >/etc/unbound.conf", stdin=RESOLVER)
    lab.run("dns", "unbound", "-c", "/etc/unbound.conf")
    program = ("import dns.resolver, dns.flags\nr = dns.resolver.Resolver()\n"
               "r.use_edns(0, dns.flags.DO, 1232)\nr.flags = dns.flags.RD | dns.flags.AD\n"
               f"print(dns.flags.to_text(r.resolve('{MX}', 'A').response.flags))")
    assert "AD" in lab.run("relay", "/usr/bin/python3", "-c", program)


def dane_only(lab):
    """dane-only: without a TLSA record mail waits; with the right one it passes, with a wrong one not"""
    first = waits(lab, "dane.example", "TLSA")
    sign_zone(lab, tlsa(lab, "danish", DANISH, 587))
    release(lab, first)
    assert f"Verified TLS connection established to {DANISH}" in lab.log("relay")
    sign_zone(lab, tlsa(lab, "lax", DANISH, 587))
    second = waits(lab, "dane.example", "Server certificate not verified")
    sign_zone(lab, tlsa(lab, "danish", DANISH, 587))
    release(lab, second)


def dane(lab):
    """outbound_tls: dane: a host of the Internet with a TLSA record must match it, one without need not"""
    def established():
        return [line.split(": ")[1].split(" TLS")[0] for line in lab.log("relay").splitlines()
                if f"TLS connection established to {MX}[" in line]

    domain = "mail.example.com"
    sign_zone(lab)
    passes(lab, domain)
    assert "Verified" not in established()[-1:], established()
    sign_zone(lab, tlsa(lab, "internet", MX, 25))
    passes(lab, domain)
    assert established()[-1] == "Verified", established()
    sign_zone(lab, tlsa(lab, "lax", MX, 25))
    token = waits(lab, domain, "Server certificate not verified")
    reload(lab, "internet", "smtpd_tls_security_level=none")
    other = waits(lab, domain, "")
    reload(lab, "internet", "smtpd_tls_security_level=may")
    sign_zone(lab, tlsa(lab, "internet", MX, 25))
    for one in (token, other):
        release(lab, one)


def main():
    check_requirements()
    for program, package in (("unbound", "unbound"), ("ldns-signzone", "ldnsutils")):
        if not shutil.which(program):
            skip(f"needs {program} (Debian package {package})")
    with tempfile.TemporaryDirectory() as folder:
        for name in ("smtp.verified.example", "smtp.secured.example", "smtp.pinned.example"):
            path = self_signed(folder, name)
        digest = subprocess.run(["openssl", "x509", "-in", path, "-noout", "-fingerprint", "-sha256"],
                                check=True, text=True, stdout=subprocess.PIPE).stdout
        with open(os.path.join(TOPOLOGIES, "tls_levels.yaml"), encoding="utf-8") as file:
            text = file.read().replace("FINGERPRINT", digest.split("=")[1].strip())
        topology = os.path.join(folder, "topology.yaml")
        with open(topology, "w", encoding="utf-8") as file:
            file.write(text)
        run(topology, verify, secure, fingerprint, may, encrypt_outward, encrypt_inward, resolver,
            dane_only, dane)


main()
