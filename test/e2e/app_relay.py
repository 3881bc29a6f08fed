#!/usr/bin/python3
"""A container beside an application: whose mail it takes, and how that leaves through a provider."""
import email
import os
import textwrap

from lib.lab import (SOURCE, STRANGER, assert_accepted, assert_refused, assert_signed_once, compose,
                     hops, run, wait)

os.environ["PROVIDER_PASSWORD"] = "s3cret:with colon#"
RELAY = "172.28.0.25"
PUBLIC = "11.22.33.44"


def submit(lab, sender, recipient=STRANGER, message=None, node="client", server=RELAY, **options):
    return lab.smtp(node, server, sender, recipient, message or compose(sender or "x@example.com"),
                    port=587, **options)


def sent(lab):
    """mail of the allowed domain leaves through the provider, logged in, verified and signed"""
    token = lab.token()
    assert_accepted(submit(lab, "app@example.com", message=compose("app@example.com", subject=token)))
    message = lab.arrived("internet", STRANGER, token)
    assert hops(message) == ["relay.example.com", "smtp.provider.example", "mx.elsewhere.test"]
    assert b"(Authenticated sender: apikey)" in message
    assert "Verified TLS connection established to smtp.provider.example" in lab.log("relay")
    assert_signed_once(lab, message)


def masqueraded(lab):
    """a host name is cut from envelope and header, and the result is signed"""
    token = lab.token()
    sender = "app@web1.example.com"
    assert_accepted(submit(lab, sender, message=compose(sender, subject=token)))
    message = lab.arrived("internet", STRANGER, token)
    fields = email.message_from_bytes(message)
    assert fields["Return-Path"] == "<app@example.com>", fields["Return-Path"]
    assert fields["From"] == "<app@example.com>", fields["From"]
    assert_signed_once(lab, message)


def foreign(lab):
    """other sender domains are refused, look-alikes and the null sender as well"""
    for sender in ("app@example.org", "app@xexample.com", "app@com", "app@example.com.evil.test", ""):
        assert_refused(submit(lab, sender)["recipients"])


def beside(lab):
    """a client on loopback, such as another container of the pod, is limited the same way"""
    assert_refused(submit(lab, "app@example.org", node="relay", server="127.0.0.1")["recipients"])
    assert_accepted(submit(lab, "app@example.com", node="relay", server="127.0.0.1"))


def outside(lab):
    """a client that is not in the networks of the clients is refused, whatever it sends"""
    for sender, recipient in (("app@example.com", STRANGER), (STRANGER, "user@example.com")):
        reply = submit(lab, sender, recipient, node="internet", server=PUBLIC)
        assert_refused(reply["recipients"])


def only_submission(lab):
    """nothing listens on port 25"""
    for node, server in (("client", RELAY), ("internet", PUBLIC)):
        reply = lab.smtp(node, server, "app@example.com", STRANGER, compose(), port=25)
        assert not reply["connect"], reply


def too_large(lab):
    """a message that the provider would not take is refused at once"""
    size = 26214400
    program = textwrap.dedent(f"""
        import smtplib
        client = smtplib.SMTP("{RELAY}", 587)
        client.ehlo()
        print(client.esmtp_features["size"], client.mail("app@example.com", ["SIZE={size + 1}"])[0],
              client.rset()[0], client.mail("app@example.com", ["SIZE={size}"])[0])
        """)
    got = lab.run("client", "/usr/bin/python3", "-c", program).split()
    assert got == [str(size), "552", "250", "250"], got


def restarted(lab):
    """what waits in the queue survives the container, which ends on SIGTERM and leaves no process"""
    token = lab.token()
    lab.lab("stop", lab.name, "provider")
    assert_accepted(submit(lab, "app@example.com", message=compose("app@example.com", subject=token)))
    wait(lambda: lab.queue("relay"), "mail in the queue")
    lab.lab("stop", lab.name, "relay")
    processes = lab.run("relay", "ps", "-e", "-o", "args=")
    assert "postfix" not in processes and "milter" not in processes, processes
    assert not submit(lab, "app@example.com")["connect"], "somebody still listens"
    lab.lab("start", lab.name, "provider")
    lab.lab("start", lab.name, "relay")
    lab.flush("relay")
    assert_signed_once(lab, lab.arrived("internet", STRANGER, token))


def status(lab, node, command):
    """The exit status of the container's entry point, which `command` makes end."""
    return lab.run(node, "bash", "-c", f"""
        PATH=/run/postern-lab:$PATH /etc/postern/entrypoint >>/var/log/mail.log 2>&1 &
        for round in {{1..250}}; do
            /etc/postern/entrypoint health 2>/dev/null && break
            sleep 0.02
        done
        {command}
        wait $!
        echo $?""").strip()


def ends(lab):
    """the entry point says how it ended: 0 when it was asked to, 1 when Postfix died"""
    lab.lab("stop", lab.name, "relay")
    assert status(lab, "relay", "kill -TERM $!") == "0"
    postfix = status(lab, "relay", "kill -KILL $(</var/spool/postfix/pid/master.pid)")
    assert postfix == "1", postfix
    processes = lab.run("relay", "ps", "-e", "-o", "args=")
    assert "milter" not in processes, processes
    lab.lab("start", lab.name, "relay")
    assert_accepted(submit(lab, "app@example.com"))


def milter_comes_again(lab):
    """a milter that dies is started again"""
    before = lab.run("relay", "pgrep", "-x", "postern-milter")
    lab.run("relay", "pkill", "-KILL", "-x", "postern-milter")
    wait(lambda: lab.run("relay", "pgrep", "-x", "postern-milter", check=False) not in ("", before)
         and lab.run("relay", "/etc/postern/entrypoint", "health", check=False) == "", "another milter")
    token = lab.token()
    wait(lambda: (submit(lab, "app@example.com", message=compose("app@example.com", subject=token))
                  ["data"] or [0])[0] == 250, "mail that is taken")
    assert_signed_once(lab, lab.arrived("internet", STRANGER, token))


if __name__ == "__main__":
    run(os.path.join(SOURCE, "examples", "app-relay", "topology.yaml"), sent, masqueraded, foreign,
        beside, outside, only_submission, too_large, restarted, ends, milter_comes_again)
