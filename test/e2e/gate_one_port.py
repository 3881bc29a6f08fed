#!/usr/bin/python3
"""gate_one_port.py SOFTWARE VERSION [container]: one port for a real proxy and direct clients, by
postern-gate; with the word at the end, the mail host is a container.

The topology is the example proxy-gate, with the proxy's software and version of the PROXY header
exchanged.
"""
import os
import re
import shutil
import sys
import tempfile

from lib.forger import forge, transaction
from lib.lab import (SOURCE, STRANGER, assert_accepted, assert_refused, assert_signed_once,
                     check_requirements, compose, run, skip)

SOFTWARE, VERSION = sys.argv[1:3]
CONTAINER = sys.argv[3:] == ["container"]
CONFIG = "/run/postern/postfix" if CONTAINER else "/etc/postfix"  # where Postfix there reads its configuration
USER = "user@example.com"
EDGE = ["11.22.33.44", "2001:db8:11::44"]  # where the Internet finds the proxy
MAIL = ["10.20.0.3", "fd00:20::3"]         # the host behind it, seen from inside
PAST = "11.22.33.45"                       # the same, seen from the Internet past the proxy
PRIVATE = ["10.20.0.4", "fd00:20::4"]
CLIENTS = ["203.0.113.9", "2001:db8:ffff::25"]
LOOPBACK = ["127.0.0.1", "::1"]

def connections(lab, way):
    """The addresses of the clients that the service of this way has seen."""
    return re.findall(rf"postfix/smtp_{way}/smtpd\[\d+\]: connect from \S*\[([^]]+)\]",
                      lab.log("mail"))


def gate_alone_listens(lab):
    """postern-gate has the port, and Postfix has none"""
    word = "" if CONTAINER else "gate-"  # a container stops and starts as a whole
    lab.lab(f"{word}stop", lab.name, "mail")
    for server in MAIL:
        reply = lab.smtp("private", server, STRANGER, USER, timeout=5)
        assert not reply["connect"] and "refused" in reply["error"], reply
    lab.lab(f"{word}start", lab.name, "mail")
    assert lab.run("mail", "postconf", "-M").count(" inet ") == 0
    assert not lab.run("mail", "sh", "-c", "nft list ruleset 2>/dev/null || :")


def true_client(lab):
    """mail through the proxy reaches the mailbox, and Postfix knows the client, by IPv4 and IPv6"""
    for server, client in zip(EDGE, CLIENTS):
        token = lab.token()
        assert_accepted(lab.smtp("internet", server, STRANGER, USER, compose(STRANGER, USER, token),
                                 source=client))
        message = lab.arrived("private", USER, token).decode().replace("IPv6:", "")
        assert re.search(rf"\[{client}\]\)\r\n\tby mail.example.com", message), message
        assert client in connections(lab, "proxied")
        assert client not in connections(lab, "direct")
        assert_refused(lab.smtp("internet", server, STRANGER, STRANGER, None,
                                source=client)["recipients"], range(400, 560))


def direct_client(lab):
    """the same port takes what the mailbox host sends, which is signed and leaves"""
    token = lab.token()
    assert_accepted(lab.submit("private", USER, STRANGER, compose(USER, STRANGER, token)))
    assert_signed_once(lab, lab.arrived("internet", STRANGER, token))
    for server, client in zip(MAIL, PRIVATE):
        token = lab.token()
        assert_accepted(lab.smtp("private", server, USER, STRANGER,
                                 compose(USER, STRANGER, token)))
        assert_signed_once(lab, lab.arrived("internet", STRANGER, token))
        assert client in connections(lab, "direct")
        assert client not in connections(lab, "proxied")


def past_the_proxy(lab):
    """a stranger who goes past the proxy is served as the stranger he is"""
    token = lab.token()
    assert_accepted(lab.smtp("internet", PAST, STRANGER, USER, compose(STRANGER, USER, token),
                             source=CLIENTS[0]))
    lab.arrived("private", USER, token)
    assert CLIENTS[0] in connections(lab, "direct")
    assert_refused(lab.smtp("internet", PAST, STRANGER, STRANGER, None)["recipients"],
                   range(400, 560))


def proxy_is_a_stranger(lab):
    """the proxy without a header is not served"""
    for server in MAIL:
        reply = lab.smtp("edge", server, STRANGER, USER, None, timeout=20)
        assert not reply["sender"] or reply["sender"][0] >= 400, reply


def forged_by_strangers(lab):
    """a header from an address that is no proxy's gets nowhere: from outside, inside and the host"""
    before = len(lab.log("mail"))
    for node, server, claim in [("internet", PAST, LOOPBACK[0]), ("internet", PAST, PRIVATE[0]),
                                *(("private", s, c) for s, c in zip(MAIL, LOOPBACK))]:
        replies = forge(lab, node, server, claim, transaction(STRANGER, STRANGER), False)
        assert replies[0].startswith("220"), replies
        assert replies[1][:1] == "5", f"the header is no command: {replies}"
        assert replies[-1][:1] == "5", f"relays for {node}: {replies}"
    log = lab.log("mail")[before:]
    assert "smtp_direct/smtpd" in log and "smtp_proxied/smtpd" not in log, log
    assert not re.search(r"connect from \S*\[(127\.0\.0\.1|::1)\]", log), log


def forged_by_the_proxy_no_relay(lab):
    """what a proxy that was broken into claims gains no relaying"""
    # a busy machine may need more than the 5 seconds that Postfix waits for a header
    lab.run("mail", "postconf", "-c", CONFIG, "-e", "smtpd_upstream_proxy_timeout=30s")
    lab.run("mail", "postfix", "reload")
    for server, claim in [*zip(MAIL, LOOPBACK), *zip(MAIL, PRIVATE)]:
        replies = forge(lab, "edge", server, claim, transaction(USER, STRANGER), True)
        assert replies[-1][:1] == "5", f"relays: {replies}"


def forge_message(lab, claim, server):
    """A message that says it is a user's own, by a client that the proxy says is at `claim`."""
    token = lab.token()
    replies = forge(lab, "edge", server, claim,
                    transaction(USER, USER, compose(USER, USER, token)), True)
    return token, replies


def forged_by_the_proxy_no_signature(lab):
    """nor a signature where postern-milter has rules for the listener; without them it would"""
    path = "/etc/postern/postern-milter.conf"
    rendered = lab.run("mail", "cat", path)
    plain = re.sub(r"^listener .*?^}$", "", rendered, flags=re.M | re.S)
    if plain == rendered:
        print("# the rendered configuration has no listeners: only what that costs is shown")
    for server, claim in zip(MAIL * 2, LOOPBACK + PRIVATE):
        if plain == rendered:
            break
        _, replies = forge_message(lab, claim, server)
        assert not any("queued" in reply for reply in replies), replies
        assert any(reply.startswith("550 5.7.1") and claim in reply for reply in replies), replies
    milter_reads(lab, path, plain)
    try:
        token, replies = forge_message(lab, LOOPBACK[0], MAIL[0])
        assert "queued" in replies[-1], replies
        assert_signed_once(lab, lab.arrived("private", USER, token))
    finally:
        milter_reads(lab, path, rendered)


def forged_loopback_is_refused_by_the_milter(lab):
    """where the proxied service trusts loopback, as Postfix does by default, the forged message is relayed;
    the milter alone refuses it, and so does the policy service alone"""
    service, claim = "smtp-proxied/pass", LOOPBACK[0]
    before = lab.run("mail", "cat", f"{CONFIG}/master.cf")

    def attempt(milters, restrictions):
        for setting in ("mynetworks=127.0.0.0/8", f"smtpd_milters={milters}",
                        f"smtpd_recipient_restrictions={restrictions},permit_mynetworks,reject"):
            lab.run("mail", "postconf", "-c", CONFIG, "-P", f"{service}/{setting}")
        lab.run("mail", "postfix", "reload")
        token = lab.token()
        return token, forge(lab, "edge", MAIL[0], claim,
                            transaction(USER, STRANGER, compose(USER, STRANGER, token)), True)

    milter, policy = "unix:postern/milter.sock", "check_policy_service,unix:postern/policy.sock"
    try:
        for milters, restrictions, refused in ((milter, "reject_unlisted_sender", 0),
                                               ("", policy, 3)):
            token, replies = attempt(milters, restrictions)
            assert not any("queued" in reply for reply in replies), replies
            assert any(reply.startswith("550 5.7.1 ") and f"address {claim}: " in reply and
                       "loopback" in reply for reply in replies[refused:]), replies
        token, replies = attempt("", "reject_unlisted_sender")
        assert "queued" in replies[-1], replies
        lab.arrived("internet", STRANGER, token)
    finally:
        lab.run("mail", "tee", f"{CONFIG}/master.cf", stdin=before)
        lab.run("mail", "postfix", "reload")


def milter_reads(lab, path, text):
    lab.run("mail", "tee", path, stdin=text)
    if CONTAINER:
        lab.lab("stop", lab.name, "mail")
        lab.lab("start", lab.name, "mail")
        return
    lab.lab("milter-stop", lab.name, "mail")
    lab.lab("milter-start", lab.name, "mail")


def main():
    check_requirements()
    if not os.access(os.environ.get("POSTERN_GATE", ""), os.X_OK):
        skip("POSTERN_GATE names no program")
    if not shutil.which(SOFTWARE):
        skip(f"needs {SOFTWARE}")
    with open(os.path.join(SOURCE, "examples", "proxy-gate", "topology.yaml"),
              encoding="utf-8") as file:
        text, count = re.subn("software: .*",
                              f"software: {SOFTWARE}\n    proxy_protocol: {VERSION}", file.read())
    assert count == 1, "one proxy in the example"
    if CONTAINER:
        text, count = re.subn("kind: postfix", "kind: postfix\n    deployment: container", text)
        assert count == 1, "one mail host in the example"
    with tempfile.TemporaryDirectory() as folder:
        topology = os.path.join(folder, "topology.yaml")
        with open(topology, "w", encoding="utf-8") as file:
            file.write(text)
        run(topology, gate_alone_listens, true_client, direct_client, past_the_proxy,
            proxy_is_a_stranger, forged_by_strangers, forged_by_the_proxy_no_relay,
            forged_by_the_proxy_no_signature, forged_loopback_is_refused_by_the_milter)


main()
