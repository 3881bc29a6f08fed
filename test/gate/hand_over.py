#!/usr/bin/python3
"""hand_over.py [ROOT]: real proxies, the gate and a real Postfix, by IPv4 and IPv6.

With ROOT, a folder with another system (mmdebstrap --variant=minbase --include=postfix ...), the
Postfix in there is tried.
"""
import os
import re
import subprocess
import sys

from harness import (CLIENT, INSIDE, PROXY, SERVER, STRANGER, Gate, Postfix, Session, drop_to,
                     isolate, listener, needs, proxy_header, run_checks, wait)

ROOT = sys.argv[1] if len(sys.argv) > 1 else ""
# What stands in front: port at the proxy, port at the gate, software, version of PROXY.
PROXIES = [(3001, 2501, "haproxy", 1), (3002, 2501, "haproxy", 2), (3003, 2501, "nginx", 1),
           (3004, 2502, "haproxy", 1), (3005, 2502, "haproxy", 2), (3006, 2502, "nginx", 1)]
SCREENED = 2502
counter = 0


def address(ip, port):
    return f"[{ip}]:{port}" if ":" in ip else f"{ip}:{port}"


def start_haproxy(folder):
    lines = ["global", "  maxconn 500", "defaults", "  mode tcp", "  timeout connect 5s",
             "  timeout client 60s", "  timeout server 60s"]
    for outer, inner, software, version in PROXIES:
        for proxy, server in zip(PROXY, SERVER):
            if software != "haproxy":
                continue
            lines += [f"listen l{outer}-{'v6' if ':' in proxy else 'v4'}",
                      f"  bind {address(proxy, outer)}", f"  source {address(proxy, 0)}",
                      f"  server s {address(server, inner)} send-proxy{'-v2' * (version == 2)}"]
    path = f"{folder}/haproxy.cfg"
    with open(path, "w", encoding="ascii") as file:
        file.write("\n".join(lines) + "\n")
    subprocess.Popen(["haproxy", "-db", "-f", path])  # pylint: disable=consider-using-with


def start_nginx(folder):
    servers = ""
    for outer, inner, software, _ in PROXIES:
        for proxy, server in zip(PROXY, SERVER):
            if software == "nginx":
                servers += (f"server {{ listen {address(proxy, outer)}; proxy_bind {proxy};"
                            f" proxy_pass {address(server, inner)}; proxy_protocol on; }}\n")
    path = f"{folder}/nginx.conf"
    with open(path, "w", encoding="ascii") as file:
        file.write("load_module modules/ngx_stream_module.so;\ndaemon off;\n"
                   f"pid {folder}/nginx.pid;\nerror_log stderr;\nuser root;\n"
                   f"events {{}}\nstream {{\n{servers}}}\n")
    # pylint: disable-next=consider-using-with
    subprocess.Popen(["nginx", "-p", "/usr/share/nginx", "-c", path])


def token():
    global counter
    counter += 1
    return f"token-{counter}-of-this-run"


def logged(pattern):
    """Postfix logs a moment after it acts."""
    wait(lambda: re.search(pattern, POSTFIX.log()), f"{pattern} in Postfix's log")


def message_with(text):
    return wait(lambda: next((m for m in POSTFIX.mail() if text in m), None), f"mail with {text}")


def received_from(message):
    """The address in the first Received field, as Postfix believes it."""
    return re.search(r"Received: from \S+ \(\S+ \[(?:IPv6:)?([0-9a-f.:]+)\]\)", message).group(1)


def true_client():
    """through haproxy and nginx, v1 and v2, smtpd and postscreen: Postfix knows the true client"""
    for outer, inner, software, version in PROXIES:
        for proxy, client in zip(PROXY, CLIENT):
            text = token()
            with Session(proxy, outer, client) as session:
                assert session.reply().startswith("220"), session.replies
                reply = session.send("a@elsewhere.test", "user@gate.test", f"X: {text}\n\nhello")
                assert reply.startswith("250"), (software, version, session.replies)
            found = received_from(message_with(text))
            assert found == client, f"{software} v{version} port {outer}: {found}, not {client}"
    for client in CLIENT:
        logged(rf"postfix/gated/smtpd\[\d+\]: connect from \S*\[{client}\]")
        logged(rf"postfix/screened/postscreen\[\d+\]: CONNECT from \[{client}\]")
        logged(rf"postfix/behind/smtpd\[\d+\]: connect from \S*\[{client}\]")


def direct_client():
    """the same port serves an internal client without a header, and lets it relay"""
    for server, client in zip(SERVER, INSIDE):
        text = token()
        with Session(server, 2501, client) as session:
            assert session.reply().startswith("220"), session.replies
            reply = session.send("a@gate.test", "user@gate.test", f"X: {text}\n\nhello")
            assert reply.startswith("250"), session.replies
            reply = session.send("a@gate.test", "x@elsewhere.test")
            assert reply.startswith("250"), session.replies
        assert received_from(message_with(text)) == client
    logged(r"postfix/direct/smtpd\[\d+\]: connect from")


def strangers_header(server, port, source, claim, version):
    """What a stranger gets who claims an address: the replies to a relay attempt."""
    with Session(server, port, source, proxy_header(claim, server, version)) as session:
        if session.reply().startswith("220"):
            session.send("spam@elsewhere.test", "victim@elsewhere.test")
        return session.replies


def forged_header():
    """a stranger's forged header relays on a plain PROXY port, and gets nowhere behind the gate"""
    for version in (1, 2):
        replies = strangers_header(SERVER[0], 2600, STRANGER[0], "127.0.0.1", version)
        assert replies[-1].startswith("250") and "queued" in replies[-1], replies
    for port in (2501, 2502, 2503):
        for server, source, claim in zip(SERVER, STRANGER, ("127.0.0.1", "::1")):
            for version in (1, 2):
                replies = strangers_header(server, port, source, claim, version)
                assert not any(r.startswith("250") and "queued" in r for r in replies), replies
                if port == 2501:  # served as who it is: the header is no SMTP command
                    logged(rf"direct/smtpd\[\d+\]: connect from \S*\[{source}\]")
                else:
                    assert replies[0].startswith("421" if port == 2502 else "554"), replies
    assert not re.search(r"(gated|screened|direct)/\w+\[\d+\]: connect from \S*\[(127|::1)",
                         POSTFIX.log(), re.I)


def proxy_itself():
    """the trusted proxy without a header is not served"""
    with Session(SERVER[0], 2501, PROXY[0], b"EHLO proxy.test\r\n") as session:
        assert session.reply()[:3] in ("421", ""), session.replies


def mapped_peer():
    """on a dual-stack socket an IPv4 proxy is still the IPv4 proxy"""
    with Session(SERVER[0], 2504, PROXY[0], proxy_header(CLIENT[0], SERVER[0])) as session:
        assert session.reply().startswith("220"), session.replies
    with Session(SERVER[1], 2504, PROXY[1], proxy_header(CLIENT[1], SERVER[1])) as session:
        assert session.reply().startswith("220"), session.replies
    with Session(SERVER[0], 2504, STRANGER[0]) as session:
        assert session.reply().startswith("421"), session.replies


def silent_close():
    """refuse = close: no octet is sent"""
    with Session(SERVER[0], 2505, STRANGER[0]) as session:
        assert session.reply() == "", session.replies


def no_warnings():
    """Postfix has nothing to complain of, and the gate nothing but refusals"""
    # the proxy without a header is Postfix's to judge
    odd = [line for line in POSTFIX.log().splitlines()
           if re.search("warning|fatal|panic|error:", line) and
           not re.search("haproxy|non-SMTP command|improper command pipelining|"
                         "hostname \\S+ does not resolve", line)]
    assert not odd, "\n".join(odd)
    odd = [line for line in GATE.log().splitlines() if re.search("warning|error", line)]
    assert not odd, "\n".join(odd)
    for name in ("smtp", "screened", "other", "dual", "silent"):
        counts = GATE.counts(name)
        assert counts["accepted"] == sum(counts[v] for v in (
            "proxied", "direct", "refused", "busy", "gone", "unanswered")), counts
        assert counts["busy"] == counts["gone"] == counts["unanswered"] == 0, counts


def configuration():
    def both(port):
        return [f"{SERVER[0]}:{port}", f"[{SERVER[1]}]:{port}"]
    gated, direct = POSTFIX.service("gated"), POSTFIX.service("direct")
    return (listener(both(2501), gated, direct) +
            listener(both(2502), POSTFIX.service("screened"), name="screened") +
            listener(both(2503), gated, name="other", refuse="554") +
            listener(["*:2504"], gated, name="dual") +
            listener(both(2505), gated, name="silent", refuse="close"))


needs("haproxy", "nginx", *(() if ROOT else ("postfix",)))
isolate()
if ROOT and not os.path.exists(f"{ROOT}/usr/sbin/postfix"):
    print(f"skipped: there is no Postfix in {ROOT}")
    sys.exit(77)
with Postfix(ROOT) as POSTFIX:
    print(f"# Postfix {POSTFIX.version()}")
    with Gate(configuration(), prefix=drop_to(POSTFIX)) as GATE:
        start_haproxy(GATE.folder)
        start_nginx(GATE.folder)
        for port in [p[0] for p in PROXIES]:
            for proxy in PROXY:
                def accepts(place=(proxy, port)):
                    try:
                        with Session(*place):
                            return True
                    except ConnectionRefusedError:
                        return False
                wait(accepts, f"the proxy at {proxy} port {port}")
        STATUS = run_checks(true_client, direct_client, forged_header, proxy_itself, mapped_peer,
                            silent_close, no_warnings)
        if STATUS:
            print(GATE.log(), POSTFIX.log()[-6000:])
sys.exit(STATUS)
