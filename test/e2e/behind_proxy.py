#!/usr/bin/python3
"""behind_proxy.py EXAMPLE SOFTWARE VERSION [ipv4]: mail through a real proxy, and past it.

The topology is that of the example, with the proxy's software and version of the PROXY header
exchanged. In proxy-haproxy PROXY meets smtpd, in proxy-nginx postscreen. With ipv4 the host behind
the proxy has no IPv6, though its clients do.
"""
import json
import os
import re
import shutil
import sys
import tempfile

from lib.lab import (SOURCE, STRANGER, assert_accepted, assert_refused, check_requirements, compose,
                     run, skip, wait)

EXAMPLE, SOFTWARE, VERSION = sys.argv[1:4]
IPV4_ONLY = sys.argv[4:] == ["ipv4"]
POSTSCREEN = EXAMPLE == "proxy-nginx"
PORT = 12525 if POSTSCREEN else 10025
EDGE = ["11.22.33.44", "2001:db8:11::44"]        # where the Internet finds the proxy
MAIL = ["10.20.0.3"] + ["fd00:20::3"] * (not IPV4_ONLY)  # the host behind it, seen from inside
CLIENTS = ["203.0.113.9", "2001:db8:ffff::25"]
HOME = "mail" if POSTSCREEN else "private"       # where the mailboxes are

# Speaks PROXY, says what it is told, and prints the replies; "reset" when nobody lets it.
FORGER = r"""
import json, socket, sys
request = json.load(sys.stdin)
replies = []
try:
    connection = socket.create_connection((request["server"], request["port"]), timeout=20)
    connection.sendall(request["header"].encode())
    lines = connection.makefile("r", newline="\r\n")
    def reply():
        line = lines.readline()
        while line[3:4] == "-":
            line = lines.readline()
        replies.append(line.strip())
    reply()
    for command in request["commands"]:
        connection.sendall(command.encode() + b"\r\n")
        reply()
except ConnectionRefusedError:
    replies = "refused"
except ConnectionResetError:
    replies.append("reset")
print(json.dumps(replies))
"""


def forge(lab, node, server, header, recipient):
    request = {"server": server, "port": PORT, "header": header,
               "commands": ["EHLO forger.test", f"MAIL FROM:<{STRANGER}>", f"RCPT TO:<{recipient}>",
                            "QUIT"]}
    return json.loads(lab.run(node, "/usr/bin/python3", "-c", FORGER, stdin=json.dumps(request)))


def forged(address, server):
    family = "TCP6" if ":" in server else "TCP4"
    return f"PROXY {family} {address} {server} 12345 25\r\n"


def true_client(lab):
    """mail reaches the mailbox through the proxy, and Postfix knows the client, by IPv4 and IPv6"""
    for server, client in zip(EDGE, CLIENTS):
        token = lab.token()
        assert_accepted(lab.smtp("internet", server, STRANGER, "user@example.com",
                                 compose(STRANGER, "user@example.com", token), source=client))
        message = lab.arrived(HOME, "user@example.com", token)
        assert f"[{client}]" in received(message), message
        log = lab.log("mail")
        assert re.search(rf"postfix/smtp_proxied/smtpd\[\d+\]: \w+: client=\S*\[{client}\]", log)
        if POSTSCREEN:
            assert re.search(rf"smtp_proxied/postscreen\[\d+\]: CONNECT from \[{client}\]", log)


def received(message):
    """The Received field of the host behind the proxy, with "IPv6:" taken out."""
    fields = re.findall(r"Received: from .*?(?=\r\n\S)", message.decode(), re.S)
    return next(f for f in fields if "by mail.example.com" in f).replace("IPv6:", "")


def dns_finds_the_proxy(lab):
    """a sender that looks the MX up arrives through the proxy"""
    token = lab.token()
    lab.sendmail("internet", STRANGER, "user@example.com",
                 compose(STRANGER, "user@example.com", token))
    message = lab.arrived(HOME, "user@example.com", token)
    assert "mx.elsewhere.test" in received(message), message
    wait(lambda: not lab.queue("internet"), "an empty queue")


def plain_port(lab):
    """a host inside uses the plain port without a header"""
    for server in MAIL:
        token = lab.token()
        assert_accepted(lab.smtp("edge", server, STRANGER, "user@example.com",
                                 compose(STRANGER, "user@example.com", token)))
        lab.arrived(HOME, "user@example.com", token)
    if not POSTSCREEN:
        token = lab.token()
        assert_accepted(lab.submit("private", "user@example.com", STRANGER,
                                   compose("user@example.com", STRANGER, token)))
        lab.arrived("internet", STRANGER, token)


def proxy_is_a_stranger(lab):
    """the proxy itself may not relay: not on the plain port, not with PROXY LOCAL or UNKNOWN"""
    for server in MAIL:
        assert_refused(lab.smtp("edge", server, STRANGER, STRANGER, None)["recipients"],
                       range(400, 560))
    replies = forge(lab, "edge", MAIL[0], "PROXY UNKNOWN\r\n", STRANGER)
    assert replies[0][:1] != "2", replies


def through_proxy_no_relay(lab):
    """strangers cannot relay through the proxy"""
    for server, client in zip(EDGE, CLIENTS):
        assert_refused(lab.smtp("internet", server, STRANGER, "x@elsewhere.test", None,
                                source=client)["recipients"], range(400, 560))


def strangers_stopped(lab):
    """who goes past the proxy to the PROXY port is refused, from the Internet and from inside"""
    assert forge(lab, "internet", "11.22.33.45", forged("127.0.0.1", "11.22.33.45"),
                 STRANGER) == "refused"
    assert forge(lab, "mail", "127.0.0.1", forged("127.0.0.1", "127.0.0.1"), STRANGER) == "refused"
    if not POSTSCREEN:
        for server, claim in zip(MAIL, ("127.0.0.1", "::1")):
            assert forge(lab, "private", server, forged(claim, server), STRANGER) == "refused"


def firewall_is_why(lab):
    """without the firewall they are believed; they cannot relay for all that"""
    lab.run("mail", "nft", "delete", "table", "inet", "postern_proxy")
    try:
        for server, claim in zip(MAIL, ("127.0.0.1", "::1")):
            node = "edge" if POSTSCREEN else "private"
            replies = forge(lab, node, server, forged(claim, server), STRANGER)
            assert replies[0].startswith("220") and replies[1].startswith("250"), replies
            assert replies[3][:1] in "45" and "250" not in replies[3][:3], replies
            assert f"connect from localhost[{claim}]" in lab.log("mail")
    finally:
        where = "/tmp/docker-mailserver" if POSTSCREEN else "/etc/postern"
        lab.run("mail", "nft", "--file", f"{where}/postern.nft")
    strangers_stopped(lab)


def patches_twice(lab):
    """user-patches.sh gives the same master.cf again, and postconf has nothing to say about it"""
    before = lab.run("mail", "cat", "/etc/postfix/master.cf")
    for _ in range(2):
        lab.run("mail", "/tmp/docker-mailserver/user-patches.sh")
        after = lab.run("mail", "cat", "/etc/postfix/master.cf")
        assert after == before, f"{before}\n--- became ---\n{after}"
    assert before.count("postscreen_upstream_proxy_protocol=haproxy") == 1, before
    assert lab.run("mail", "sh", "-c", "postconf -n 2>&1 >/dev/null; postconf -M 2>&1 >/dev/null"
                   ) == ""


def login_through_proxy(lab):
    """users log in through the proxy, with STARTTLS and with TLS at once, known by their address"""
    for port, tls in ((587, {"starttls": True}), (465, {"tls": True})):
        token = lab.token()
        replies = lab.smtp("internet", EDGE[0], "user@example.com", STRANGER,
                           compose("user@example.com", STRANGER, token), port=port,
                           login=["user@example.com", "postern-lab"], source=CLIENTS[0], **tls)
        assert_accepted(replies)
        lab.arrived("internet", STRANGER, token)
    log = lab.log("mail")
    for name in ("submission", "submissions"):
        assert re.search(rf"postfix/{name}_proxied/smtpd\[\d+\]: \w+: client=\S*\[{CLIENTS[0]}\], "
                         "sasl_method=PLAIN", log), name


def main():
    check_requirements()
    for program in (SOFTWARE, "nft"):
        if not shutil.which(program):
            skip(f"needs {program}")
    with open(os.path.join(SOURCE, "examples", EXAMPLE, "topology.yaml"), encoding="utf-8") as file:
        text = file.read()
    text, count = re.subn("software: .*", f"software: {SOFTWARE}\n    proxy_protocol: {VERSION}",
                          text)
    assert count == 1, "one proxy in the example"
    if IPV4_ONLY:
        text, count = re.subn(r'\[10.20.0.3, "fd00:20::3"\]', "10.20.0.3", text)
        assert count == 1, "one host behind it"
    checks = [true_client, dns_finds_the_proxy, plain_port, proxy_is_a_stranger,
              through_proxy_no_relay, strangers_stopped, firewall_is_why]
    if POSTSCREEN:
        checks += [login_through_proxy, patches_twice]
    with tempfile.TemporaryDirectory() as folder:
        topology = os.path.join(folder, "topology.yaml")
        with open(topology, "w", encoding="utf-8") as file:
            file.write(text)
        run(topology, *checks)


main()
