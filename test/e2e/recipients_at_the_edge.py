#!/usr/bin/python3
"""Who is a recipient is decided at the relay, domain by domain: listed, all, or asked for."""
import os
import shutil
import tempfile

from lib.lab import STRANGER, TOPOLOGIES, assert_accepted, assert_refused, compose, run

MANY = [f"d{number}.many.example" for number in range(300)]


def try_all(lab, *recipients):
    """The replies to recipients, as text."""
    replies = lab.smtp("internet", "mail.example.com", STRANGER, list(recipients), None)
    return [f"{code} {text}" for code, text in replies["recipients"]]


def without_the_host(lab):
    """while the mailbox host is down, lists and catch-alls are known, with 550 5.1.1 for the rest"""
    with lab.down("home"):
        for recipient in ("user@listed.example", "USER@Listed.Example", "user+tag@listed.example",
                          "from-file@listed.example", "anyone@open.example", "x+y@open.example"):
            assert try_all(lab, recipient)[0].startswith("250 2.1.5"), recipient
        for recipient in ("nobody@listed.example", "user@sub.listed.example", "# comment@listed.example",
                          "userx@listed.example", "x@sub.open.example"):
            reply = try_all(lab, recipient)[0]
            assert reply.startswith(("550 5.1.1", "554 5.7.1", "501 5.1.3")), f"{recipient}: {reply}"
        assert try_all(lab, "nobody@listed.example")[0].startswith("550 5.1.1")


def side_by_side(lab):
    """in one transaction: what one domain refuses, the other takes"""
    lab.ask_often("relay")
    codes = [reply[:9] for reply in try_all(
        lab, "alice@listed.example", "alice@open.example", "alice@asked.example",
        "nobody@asked.example", "from-file@listed.example", "nobody@d7.many.example")]
    assert codes == ["550 5.1.1", "250 2.1.5", "250 2.1.5", "550 5.1.1", "250 2.1.5", "550 5.1.1"], codes


def listed_arrives(lab):
    """what is listed arrives, with its tag"""
    for recipient in ("user@listed.example", "from-file@listed.example"):
        token = lab.token()
        assert_accepted(lab.smtp("internet", "mail.example.com", STRANGER, recipient,
                                 compose(STRANGER, recipient, token)))
        lab.arrived("home", recipient, token)


def catch_all(lab):
    """what a catch-all takes and the mailbox host refuses comes back to its sender"""
    token = lab.token()
    assert_accepted(lab.smtp("internet", "mail.example.com", STRANGER, "whoever@open.example",
                             compose(STRANGER, "whoever@open.example", token)))
    assert b"multipart/report" in lab.arrived("internet", STRANGER, token)


def many_domains(lab):
    """each of 300 domains of a set gets its mail; a domain beside them is refused"""
    token = lab.token()
    lab.run("relay", "/usr/sbin/sendmail", "-i", "-f", STRANGER, *[f"user@{d}" for d in MANY],
            stdin=compose(STRANGER, "undisclosed@many.example", token))
    lab.idle("relay")
    lab.idle("home")
    found = lab.run("home", "sh", "-c", f"grep -l {token} /var/mail/*.many.example/user/new/*").split()
    assert sorted(path.split("/")[3] for path in found) == sorted(MANY), len(found)
    for domain in ("d300.many.example", "many.example", "x.d1.many.example"):
        assert_refused(lab.smtp("internet", "mail.example.com", STRANGER, f"user@{domain}",
                                None)["recipients"], [554])


def many_from_outside(lab):
    """strangers reach them as well, and they may send"""
    for domain in (MANY[0], MANY[299]):
        token, out = lab.token(), lab.token()
        assert_accepted(lab.smtp("internet", "mail.example.com", STRANGER, f"user@{domain}",
                                 compose(STRANGER, f"user@{domain}", token)))
        lab.arrived("home", f"user@{domain}", token)
        assert_accepted(lab.submit("home", f"user@{domain}", STRANGER,
                                   compose(f"user@{domain}", subject=out)))
        lab.arrived("internet", STRANGER, out)


def main():
    with tempfile.TemporaryDirectory() as folder:
        topology = os.path.join(folder, "recipients.yaml")
        shutil.copy(os.path.join(TOPOLOGIES, "recipients.yaml"), topology)
        with open(os.path.join(folder, "recipients.txt"), "w", encoding="ascii") as file:
            file.write("# comment\n\nfrom-file@listed.example\n")
        with open(os.path.join(folder, "many.txt"), "w", encoding="ascii") as file:
            file.write("".join(f"{domain}\n" for domain in MANY))
        run(topology, without_the_host, side_by_side, listed_arrives, catch_all, many_domains,
            many_from_outside)


main()
