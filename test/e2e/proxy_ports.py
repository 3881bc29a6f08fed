#!/usr/bin/python3
"""Behind HAProxy: postscreen and submission with PROXY at the port itself, and IMAP by a real Dovecot."""
import json
import os
import re
import shutil

from lib.lab import (PASSWORD, STRANGER, TOPOLOGIES, assert_accepted, assert_refused,
                     assert_signed_once, came_from, compose, run, skip)

EDGE = ("11.22.33.44", "2001:db8:11::44")
CLIENTS = ("203.0.113.9", "2001:db8:ffff::25")
USER = "user@example.com"

# What docker-mailserver has of Dovecot, as far as a login and a mailbox need it; dovecot.cf is its
# local.conf.
DOVECOT = """
log_path = /var/log/dovecot.log
protocols = imap
mail_location = maildir:/var/mail/%d/%n
ssl = required
ssl_cert = </etc/postfix/lab.crt
ssl_key = </etc/postfix/lab.key
auth_username_format =
passdb {
  driver = passwd-file
  args = /etc/dovecot/users
}
userdb {
  driver = static
  args = uid=64991 gid=64991 home=/var/mail/%d/%n
}
service auth {
  unix_listener /dev/shm/sasl-auth.sock {
    mode = 0660
    user = postfix
    group = postfix
  }
}
!include /tmp/docker-mailserver/dovecot.cf
"""

# Logs in by IMAP, and prints the subjects in INBOX, or what went wrong.
IMAP = r"""
import imaplib, json, socket, ssl, sys
request = json.load(sys.stdin)
class Client(imaplib.IMAP4_SSL):
    def _create_socket(self, timeout):
        plain = socket.create_connection((self.host, self.port), 10, (request["source"], 0))
        plain.sendall(request["header"].encode())
        return self.ssl_context.wrap_socket(plain)
try:
    context = ssl._create_unverified_context()
    client = Client(request["server"], request["port"], ssl_context=context)
    client.login(request["user"], request["password"])
    client.select("INBOX", readonly=True)
    found = client.fetch("1:*", "(BODY[HEADER.FIELDS (SUBJECT)])")[1]
    print(" ".join(part[1].decode().strip() for part in found if isinstance(part, tuple)))
except Exception as error:
    print(type(error).__name__)
"""


def imap(lab, node, server, source, port=993, password=PASSWORD, header=""):
    request = {"server": server, "source": source, "port": port, "user": USER, "password": password,
               "header": header}
    return lab.run(node, "/usr/bin/python3", "-c", IMAP, stdin=json.dumps(request))


def incoming(lab):
    """mail comes in by postscreen at port 25, which knows the client by both families"""
    for server, client in zip(EDGE, CLIENTS):
        token = lab.token()
        assert_accepted(lab.smtp("internet", server, STRANGER, USER, compose(STRANGER, USER, token),
                                 source=client))
        message = lab.arrived("mail", USER, token)
        assert came_from(message, "client.elsewhere.test", client), message
        assert re.search(rf"postfix/postscreen\[\d+\]: CONNECT from \[{client}\]", lab.log("mail"))
        assert_refused(lab.smtp("internet", server, USER, "x@elsewhere.test", None,
                                source=client)["recipients"], [454, 554])


def submitted(lab):
    """users log in at 587 and 465 through the proxy; what they send is signed"""
    for port, tls, name in ((587, {"starttls": True}, "submission"),
                            (465, {"tls": True}, "wrapped_proxied")):
        for server, client in zip(EDGE, CLIENTS):
            token = lab.token()
            assert_accepted(lab.smtp("internet", server, USER, STRANGER, compose(subject=token),
                                     port=port, login=[USER, PASSWORD], source=client, **tls))
            assert_signed_once(lab, lab.arrived("internet", STRANGER, token))
            assert re.search(rf"postfix/{name}/smtpd\[\d+\]: \w+: client=\S*\[{client}\], sasl",
                             lab.log("mail")), name


def daemon_names(lab):
    """milters (here OpenDKIM, which asks for the name) know each service by its listener's name"""
    lab.run("mail", "sh", "-c", "opendkim -b v -u root -P /run/opendkim.pid -p inet:8899@127.0.0.1 "
            "</dev/null >/dev/null 2>&1")
    lab.run("mail", "postconf", f"debug_peer_list={CLIENTS[0]}")
    for service in ("smtpd/pass", "submission/inet", "10465/inet"):
        lab.run("mail", "postconf", "-P", f"{service}/smtpd_milters=inet:127.0.0.1:8899")
    lab.run("mail", "postfix", "reload")
    for port, options, name in ((25, {}, "incoming"), (587, {"starttls": True}, "starttls"),
                                (465, {"tls": True}, "wrapped")):
        before = len(lab.log("mail"))
        lab.smtp("internet", EDGE[0], STRANGER, USER, None, port=port, source=CLIENTS[0], **options)
        names = set(re.findall(r"\{daemon_name\}=([^\s;]+)", lab.log("mail")[before:]))
        assert names == {name}, f"port {port}: {names}"
    lab.run("mail", "postconf", "debug_peer_list=")
    lab.run("mail", "postfix", "reload")


def no_way_past(lab):
    """who does not come from the proxy is refused at each of the ports, whatever it claims"""
    for port in (25, 587, 10465, 10993):
        reply = lab.smtp("internet", "11.22.33.45", STRANGER, USER, None, port=port, timeout=2)
        assert not reply["connect"] and "refused" in reply["error"], f"{port}: {reply}"
        for server in ("127.0.0.1", "10.20.0.3", "::1"):
            reply = lab.smtp("mail", server, STRANGER, USER, None, port=port, timeout=2)
            assert not reply["connect"] and "refused" in reply["error"], f"{server}:{port}: {reply}"


def mailbox(lab):
    """a user reads mail by IMAP through the proxy, and Dovecot knows the client by both families"""
    if not os.access("/usr/lib/dovecot/imap-login", os.X_OK):
        raise RuntimeError("needs Dovecot's IMAP server (Debian package dovecot-imapd)")
    lab.run("mail", "sh", "-c", "cat >/etc/dovecot/imap.conf; doveadm -c /etc/dovecot/lab.conf stop; "
            "dovecot -c /etc/dovecot/imap.conf >/dev/null 2>&1 </dev/null", stdin=DOVECOT)
    token = lab.token()
    assert_accepted(lab.smtp("internet", EDGE[0], STRANGER, USER, compose(STRANGER, USER, token),
                             source=CLIENTS[0]))
    lab.arrived("mail", USER, token)
    for server, client in zip(EDGE, CLIENTS):
        assert token in imap(lab, "internet", server, client), lab.log("mail", "dovecot")
        assert re.search(rf"imap-login: Info: Login: user=<{USER}>.* rip={client},",
                         lab.log("mail", "dovecot"))
    assert imap(lab, "internet", EDGE[0], CLIENTS[0], password="guess").strip() == "error"
    assert token in imap(lab, "edge", "10.20.0.3", "10.20.0.2")  # the plain port, from inside
    assert "rip=10.20.0.2," in lab.log("mail", "dovecot")


def imap_forged(lab):
    """without the firewall, Dovecot believes the header of nobody but the proxy"""
    header = "PROXY TCP4 192.0.2.66 11.22.33.45 12345 993\r\n"
    lab.run("mail", "nft", "delete", "table", "inet", "postern_proxy")
    result = imap(lab, "internet", "11.22.33.45", CLIENTS[0], 10993, header=header)
    assert "Subject" not in result and "rip=192.0.2.66" not in lab.log("mail", "dovecot"), result
    assert "Client not trusted" in lab.log("mail", "dovecot"), lab.log("mail", "dovecot")
    assert "Subject" in imap(lab, "edge", "10.20.0.3", "10.20.0.2", 10993, header=header)
    assert "rip=192.0.2.66," in lab.log("mail", "dovecot")  # (to see that the header was right)
    lab.run("mail", "nft", "--file", "/tmp/docker-mailserver/postern.nft")


os.environ["PATH"] += ":/usr/sbin:/sbin"
for program in ("haproxy", "nft", "opendkim"):
    if not shutil.which(program):
        skip(f"needs {program}")
run(os.path.join(TOPOLOGIES, "proxy_ports.yaml"), incoming, submitted, daemon_names, no_way_past,
    mailbox, imap_forged)
