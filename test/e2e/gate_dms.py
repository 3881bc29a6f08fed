#!/usr/bin/python3
"""gate_dms.py: postern-gate in docker-mailserver, set up by the rendered user-patches.sh.

docker-mailserver itself cannot run here. Its main.cf and master.cf, its way to apply overrides, and its
supervisor, which is to run the gate, are real: see lab/dms.sh.
"""
import os
import re
import shutil

from lib.forger import forge, transaction
from lib.lab import (PASSWORD, STRANGER, TOPOLOGIES, assert_accepted, assert_refused,
                     assert_signed_once, compose, run, skip, wait)

USER = "user@example.com"
EDGE = ["11.22.33.44", "2001:db8:11::44"]  # where the Internet finds the proxy
MAIL = ["10.20.0.3", "fd00:20::3"]         # the host behind it, seen from inside
PAST = "11.22.33.45"                       # the same, seen from the Internet past the proxy
CLIENTS = ["203.0.113.9", "2001:db8:ffff::25"]
PORTS = [25, 465, 587]
FOLDER = "/tmp/docker-mailserver"
PATCHES = f"{FOLDER}/user-patches.sh"


def connections(lab, service, daemon="smtpd"):
    """The addresses of the clients that the service with this name in the log has seen."""
    return re.findall(rf"postfix/{service}/{daemon}\[\d+\]: (?:connect|CONNECT) from \S*?\[([^]]+)\]",
                      lab.log("mail"))


def listeners(lab):
    """Who listens at which port: {port: program}."""
    found = lab.run("mail", "ss", "-ltnpH")
    return {int(port): program for port, program in
            re.findall(r"[\d.*\]]:(\d+) .*?\(\(\"([^\"]+)\"", found)}


def gate_alone_listens(lab):
    """the gate has the ports, by docker-mailserver's supervisor, and Postfix has none"""
    found = listeners(lab)
    assert {port: found.get(port) for port in PORTS} == dict.fromkeys(PORTS, "postern-gate"), found
    assert " inet " not in lab.run("mail", "postconf", "-M")
    process = lab.run("mail", "supervisorctl", "pid", "postern-gate").strip()
    status = lab.run("mail", "cat", f"/proc/{process}/status")
    user = lab.run("mail", "id", "-u", "postfix").strip()
    assert re.search(rf"Uid:\t{user}\t{user}\t", status) and "CapEff:\t0000000000000000" in status
    # what docker-mailserver's own health check looks for
    lab.run("mail", "sh", "-c", "ss --listening --ipv4 --tcp | grep --silent ':smtp'")


def each_run_the_same(lab):
    """user-patches.sh gives the same master.cf when it runs again, as after a restart"""
    before = lab.run("mail", "cat", "/etc/postfix/master.cf")
    lab.run("mail", PATCHES)
    assert lab.run("mail", "cat", "/etc/postfix/master.cf") == before
    wait(lambda: 25 in listeners(lab), "the gate again")
    # new clients need not wait six seconds, which is all that postscreen is told otherwise
    lab.run("mail", "postconf", "-e", "postscreen_greet_wait=1s")
    lab.run("mail", "postfix", "reload")


def true_client(lab):
    """mail through the proxy and postscreen reaches the mailbox, and Postfix knows the client"""
    for server, client in zip(EDGE, CLIENTS):
        token = lab.token()
        assert_accepted(lab.smtp("internet", server, STRANGER, USER, compose(STRANGER, USER, token),
                                 source=client, timeout=60))
        message = lab.arrived("mail", USER, token).decode().replace("IPv6:", "")
        assert re.search(rf"\[{client}\]\)\r\n\tby mail.example.com", message), message
        assert client in connections(lab, "smtp_proxied", "postscreen")
        assert client in connections(lab, "smtp_proxied")
        assert client not in connections(lab, "smtp_direct", "postscreen")
        assert_refused(lab.smtp("internet", server, STRANGER, STRANGER, None, source=client,
                                timeout=60)["recipients"], range(400, 560))


def direct_client(lab):
    """who comes past the proxy is served by the same port, as who it is"""
    token = lab.token()
    assert_accepted(lab.smtp("internet", PAST, STRANGER, USER, compose(STRANGER, USER, token),
                             source=CLIENTS[0], timeout=60))
    lab.arrived("mail", USER, token)
    assert CLIENTS[0] in connections(lab, "smtp_direct", "postscreen")
    assert CLIENTS[0] in connections(lab, "smtp_direct")
    assert_refused(lab.smtp("internet", PAST, STRANGER, STRANGER, None,
                            timeout=60)["recipients"], range(400, 560))


def users_submit(lab):
    """users log in at ports 465 and 587, through the proxy and past it; their mail is signed"""
    for port, service, options in ((587, "submission", {"starttls": True}),
                                   (465, "submissions", {"tls": True})):
        for server, way in ((EDGE[0], "proxied"), (PAST, "direct")):
            token = lab.token()
            assert_accepted(lab.smtp("internet", server, USER, STRANGER,
                                     compose(USER, STRANGER, token), port=port, source=CLIENTS[0],
                                     login=[USER, PASSWORD], timeout=60, **options))
            assert_signed_once(lab, lab.arrived("internet", STRANGER, token))
            assert CLIENTS[0] in connections(lab, f"{service}_{way}"), (service, way)


def forged_by_strangers(lab):
    """a header from an address that is no proxy's gets nowhere"""
    before = len(lab.log("mail"))
    for claim in ("127.0.0.1", "10.20.0.2"):
        for port in (25, 587):
            replies = forge(lab, "internet", PAST, claim, transaction(STRANGER, STRANGER), False,
                            port)
            assert not any("queued" in reply or reply.startswith("354") for reply in replies)
            assert replies[-1][:1] in ("5", "r", ""), f"relays at {port}: {replies}"
    log = lab.log("mail")[before:]
    assert "_proxied" not in log and "[127.0.0.1]" not in log, log


def forged_by_the_proxy(lab):
    """what a proxy that was broken into claims gains no relaying"""
    for server, claim in zip(MAIL, ("127.0.0.1", "::1")):
        replies = forge(lab, "edge", server, claim, transaction(USER, STRANGER), True)
        assert replies[-1][:1] in ("4", "5"), f"relays: {replies}"
        assert claim in connections(lab, "smtp_proxied", "postscreen"), replies


def comes_back(lab):
    """the supervisor starts a gate that was killed, and what the topology sets is set"""
    before = lab.run("mail", "supervisorctl", "pid", "postern-gate").strip()
    lab.run("mail", "kill", "-KILL", before)
    wait(lambda: lab.run("mail", "supervisorctl", "pid", "postern-gate").strip() not in
         (before, "0") and 25 in listeners(lab), "another gate")
    assert "= 7\n" in lab.run("mail", "postconf", "-P", "smtp-proxied-smtpd/pass/smtpd_hard_error_limit")


def closed_without(lab):
    """without the program, or with a configuration of mistakes, the ports stay closed, and it says why"""
    for spoil, mend, words in (
            (f"mv {FOLDER}/postern-gate {FOLDER}/away", f"mv {FOLDER}/away {FOLDER}/postern-gate",
             "there is no postern-gate"),
            (f"echo nonsense >>{FOLDER}/postern-gate.conf",
             f"sed -i /nonsense/d {FOLDER}/postern-gate.conf", "does not take")):
        lab.run("mail", "supervisorctl", "stop", "postern-gate")
        lab.run("mail", "sh", "-c", spoil)
        said = lab.run("mail", "sh", "-c", f"PATH=/usr/sbin:/usr/bin:/bin; {PATCHES} 2>&1", check=False)
        assert words in said, said
        assert not set(PORTS) & set(listeners(lab)), listeners(lab)
        lab.run("mail", "sh", "-c", mend)
    lab.run("mail", PATCHES)
    wait(lambda: 25 in listeners(lab), "the gate again")


def main():
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    if not os.access(os.environ.get("POSTERN_GATE", ""), os.X_OK):
        skip("POSTERN_GATE names no program")
    for program in ("haproxy", "supervisord", "ss"):
        if not shutil.which(program):
            skip(f"needs {program}")
    run(os.path.join(TOPOLOGIES, "gate-dms.yaml"), gate_alone_listens, each_run_the_same, true_client,
        direct_client, users_submit, forged_by_strangers, forged_by_the_proxy, comes_back,
        closed_without, kinds=("dms",))


main()
