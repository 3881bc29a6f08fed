#!/usr/bin/python3
"""What postern-milter signs, how, and what it leaves alone; two independent verifiers judge.

The fake mail server hands the message over as Postfix does, and puts the signature where Postfix
puts it, so what is verified is the message as it would leave.
"""
import os
import shutil
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from fakemta import HDR_LEADSPC, NO_REPLY, POSTFIX_PROTOCOL, Milter, make_key, missing_tools, verify

ACCEPT, CONTINUE, REPLY = b"a", b"c", b"y"
FROM = (b"From", b" User <user@example.com>")
BODY = b"Hello,\r\n\r\nthis is a test.\r\n"
failures = []
checked = 0


def check(name, good, detail=""):
    global checked
    checked += 1
    if not good:
        failures.append(f"{name}: {detail}")
        print(f"FAILED {name}: {detail}", flush=True)


def expect_signed(name, connection, headers, body=BODY, selector="mail", domain="example.com",
                  key=None, **how):
    verdict, message = connection.message(headers, body, **how)
    check(name, verdict == CONTINUE, f"verdict {verdict!r} {connection.reply}")
    check(name, message.count(b"DKIM-Signature:") == 1, "not signed once")
    if message.count(b"DKIM-Signature:") == 1:
        complaint = verify(message, key or KEY, selector, domain)
        check(name, complaint is None, complaint)
        check(name, message.startswith(b"DKIM-Signature: v=1;"), message[:40])
    return message


def expect_untouched(name, connection, headers, body=BODY, **how):
    verdict, message = connection.message(headers, body, **how)
    check(name, verdict in (ACCEPT, CONTINUE), f"verdict {verdict!r} {connection.reply}")
    check(name, b"DKIM-Signature" not in message, "signed")


def expect_deferred(name, connection, headers, body=BODY, **how):
    verdict, message = connection.message(headers, body, **how)
    check(name, verdict == REPLY and (connection.reply or "").startswith("451 4.7.0 "),
          f"verdict {verdict!r} {connection.reply}")
    check(name, b"DKIM-Signature" not in message, "signed all the same")


def tags(message):
    """The tags of the signature."""
    field = message[:message.index(b"\r\n", message.index(b"b=", message.index(b"bh=") + 3))]
    text = field.split(b":", 1)[1].replace(b"\r\n", b"").replace(b"\t", b"").replace(b" ", b"")
    return dict(tag.split(b"=", 1) for tag in text.split(b";") if b"=" in tag)


def test_clients(milter):
    for name, hostname, address, port, user, signed in [
            ("loopback", "localhost", "127.0.0.1", 40000, None, True),
            ("loopback 6", "localhost", "::1", 40000, None, True),
            ("internal", "dms", "192.0.2.3", 40000, None, True),
            ("internal mapped", "dms", "::ffff:192.0.2.3", 40000, None, True),
            ("internal 6", "dms", "2001:db8:1::3", 40000, None, True),
            ("sendmail(1)", "localhost", "127.0.0.1", 0, None, True),
            ("sendmail -bs", "localhost", None, 0, None, True),
            ("authenticated", "unknown", "203.0.113.9", 40000, "user", True),
            ("authenticated 6", "unknown", "2001:db8:9::9", 40000, "user", True),
            ("stranger", "unknown", "203.0.113.9", 40000, None, False),
            ("stranger 6", "unknown", "2001:db8:9::9", 40000, None, False),
            ("neighbour", "unknown", "192.0.2.4", 40000, None, False),
            ("stranger, port 0", "unknown", "203.0.113.9", 0, None, False),
            ("stranger called localhost", "localhost", "203.0.113.9", 40000, None, False),
            ("stranger with an empty user", "unknown", "203.0.113.9", 40000, "", False),
            ("vanished client", "unknown", None, 0, None, False)]:
        connection = milter.connection()
        connection.connect(hostname, address, port)
        if signed:
            expect_signed(name, connection, [FROM], user=user)
        else:
            expect_untouched(name, connection, [FROM], user=user)
        connection.quit()


def test_relay_users(milter):
    """What a relay brings was written by strangers, though the relay logs in."""
    for address in ("203.0.113.9", "192.0.2.3"):
        connection = milter.connection()
        connection.connect("x", address)
        for user in ("relay", "RELAY", "other@relay.example"):
            expect_untouched(f"relay {user} at {address}", connection, [FROM], user=user)
        for user in ("relay2", "rela", "other"):
            expect_signed(f"user {user} at {address}", connection, [FROM], user=user)
        connection.quit()


def test_loopback_alone(milter):
    """internal_networks without loopback: SMTP from loopback is a stranger's, sendmail(1) is not."""
    connection = milter.connection()
    connection.connect("localhost", "127.0.0.1", 40000)
    expect_untouched("loopback not internal", connection, [FROM])
    connection.quit()
    for port, address in ((0, "127.0.0.1"), (0, "::1")):
        connection = milter.connection()
        connection.connect("localhost", address, port)
        expect_signed("local while loopback is not internal", connection, [FROM])
        connection.quit()


def test_domains(milter):
    connection = milter.connection()
    connection.connect()
    for sender, domain in [(b"user@example.com", "example.com"), (b"user@EXAMPLE.com", "example.com"),
                           (b"user@mail.example.com", "example.com"),
                           (b"user@example.net", "example.net"),
                           (b"(c) user@example.net (d)", "example.net"),
                           (b'"a@evil.test" <user@example.net>', "example.net"),
                           (b"u@example.com, v@mail.example.com", "example.com"),
                           (b"u@example.com, v@elsewhere.test", "example.com"),
                           (b"Group: u@example.com;", "example.com"),
                           (b"User\n <user@\n example.com>", "example.com")]:
        for blank in (b" ", b""):
            key, selector = (KEY, "mail") if domain == "example.com" else (OTHER, "2026.sel")
            message = expect_signed(f"From: {sender}", connection, [(b"From", blank + sender)],
                                    selector=selector, domain=domain, key=key)
            check("d=", tags(message).get(b"d") == domain.encode(), tags(message))
    for sender in [b"user@elsewhere.test", b"user@other.example.com", b"user@notexample.com",
                   b"user@example.com.evil.test", b'"u@example.com" <user@elsewhere.test>',
                   b"user", b"", b"undisclosed:;", b"(u@example.com) user@elsewhere.test"]:
        expect_untouched(f"From: {sender}", connection, [(b"From", b" " + sender)])
    expect_untouched("no From", connection, [(b"Subject", b" x")])
    for sender in [b"a@example.com, b@example.net", b"u@example.com <u@elsewhere.test>",
                   b'"open <u@example.com>', b"u@example.com@elsewhere.test", b"<u@example.com"]:
        expect_deferred(f"From: {sender}", connection, [(b"From", b" " + sender)])
    expect_deferred("two From", connection, [FROM, FROM])
    expect_deferred("two From, one foreign", connection, [(b"From", b" x@elsewhere.test"), FROM])
    expect_untouched("two foreign From", connection, [(b"From", b" x@elsewhere.test")] * 2)
    for name in (b"FROM", b"from", b"From ", b"From\t"):
        expect_signed(f"name {name}", connection, [(name, b" user@example.com")])
    connection.quit()


def test_fields(milter):
    connection = milter.connection()
    connection.connect()
    message = expect_signed("h=", connection, [
        (b"Received", b" from x by y; Sat, 1 Jan 2022 00:00:00 +0000"), FROM, (b"To", b" x@example.org"),
        (b"Sender", b" s@example.com"), (b"Reply-To", b" r@example.com"), (b"Subject", b" hi"),
        (b"Date", b" Sat, 1 Jan 2022 00:00:00 +0000"), (b"Message-ID", b" <a@b>"),
        (b"List-Id", b" <l>"), (b"X-Mailer", b" y"), (b"Return-Path", b" <z>")])
    names = tags(message)[b"h"].lower().split(b":")
    # what a reader sees is listed once more than it occurs, so that none can be added
    for name in (b"from", b"to", b"reply-to", b"subject", b"date", b"message-id"):
        check(f"h= has {name} twice", names.count(name) == 2, names)
    # but not what mailing lists add
    for name in (b"sender", b"list-id", b"cc", b"mime-version", b"content-type"):
        check(f"h= has {name} once", names.count(name) == 1, names)
    for name in (b"received", b"x-mailer", b"return-path", b"list-post"):
        check(f"h= lacks {name}", name not in names, names)
    wanted = {b"v": b"1", b"a": b"rsa-sha256", b"c": b"relaxed/relaxed", b"s": b"mail"}
    check("tags", wanted.items() <= tags(message).items(), tags(message))
    check("no l=", b"l" not in tags(message), tags(message))
    import dkim
    from fakemta import dns_record
    for name, extra in (("a From added", b"From: evil@evil.test\r\n"), ("a Subject added", b"Subject: y\r\n")):
        forged = message + b""
        first = forged.index(b"\r\nFrom:") + 2
        forged = forged[:first] + extra + forged[first:] if name == "a From added" else \
            forged.replace(b"Subject: hi", b"Subject: ho")
        check(f"the verifier refuses {name}",
              not dkim.verify(forged, dnsfunc=lambda name, timeout=5: dns_record(KEY)), "accepted")
    expect_signed("folds", connection, [FROM, (b"Subject", b" a\n\tb\n  c \n d"), (b"To", b"\n x@example.org")])
    expect_signed("CRLF folds", connection, [FROM, (b"Subject", b" a\r\n\tb")])
    expect_signed("empty values", connection, [FROM, (b"Subject", b""), (b"To", b" "), (b"Cc", b"\t")])
    expect_signed("8 bit", connection, [FROM, (b"Subject", " grüße".encode())], "körper\r\n".encode())
    expect_signed("repeated fields", connection, [
        (b"To", b" a@example.org"), FROM, (b"To", b" b@example.org"), (b"Subject", b" 1"),
        (b"Subject", b" 2"), (b"References", b" <1>"), (b"References", b" <2>")])
    expect_signed("signed before", connection, [
        (b"X-Note", b" y"), FROM, (b"Subject", b" x"), (b"Old-DKIM", b" v=1; d=example.com")])
    connection.quit()


def test_large_headers(milter):
    connection = milter.connection()
    connection.connect()
    for size in (65000, 66000, 70000, 102400, 300000):
        value = b" " + b",\n ".join(b"recipient%06d@example.org" % i for i in range(size // 28))
        expect_signed(f"To of {size}", connection, [(b"To", value), FROM, (b"Subject", b" x")])
        expect_signed(f"X-Other of {size}", connection, [(b"X-Other", value), FROM])
    expect_signed("many fields", connection, [FROM] + [(b"X-%d" % i, b" " + b"x" * 900) for i in range(2000)])
    for length in (997, 998, 999, 4097, 4105, 5000, 60000):
        expect_signed(f"name of {length}", connection, [(b"X" * length, b" y"), FROM])
    expect_signed("name that begins with From", connection, [(b"Fromage", b" x@elsewhere.test"), FROM])
    part = (b"To", b" " + b"x" * 99990)
    expect_signed("just below 1 MiB", connection, [FROM] + [part] * 10)
    expect_deferred("above 1 MiB", connection, [FROM] + [part] * 11)
    expect_deferred("above 1 MiB, From last", connection, [part] * 11 + [FROM])
    expect_untouched("above 1 MiB, not ours", connection, [part] * 11 + [(b"From", b" x@elsewhere.test")])
    expect_signed("after all that", connection, [FROM])
    expect_signed("900 To fields", connection, [FROM] + [(b"To", b" x@example.org")] * 900)
    expect_deferred("2000 To fields", connection, [FROM] + [(b"To", b" x@example.org")] * 2000)
    expect_deferred("From of 1 MiB", connection, [(b"From", b" " + b"a" * 1040000 + b"@example.com")] * 2)
    connection.quit()


def test_bodies(milter):
    connection = milter.connection()
    connection.connect()
    for name, body in [
            ("empty body", b""), ("only CRLF", b"\r\n"), ("many CRLF", b"\r\n" * 50),
            ("no end", b"last line"), ("no end after lines", b"one\r\ntwo"),
            ("trailing blank lines", b"x\r\n\r\n\r\n"), ("blanks", b" a  b \t c \r\n \r\n\t\r\n"),
            ("LF", b"one\ntwo\n"), ("LF without end", b"one\ntwo"), ("mixed", b"one\r\ntwo\nthree\r\n\nfour"),
            ("NUL", b"a\0b\r\n\0"), ("dots", b".\r\n..\r\n.x\r\n"), ("all octets", bytes(
                octet for octet in range(256) if octet not in (10, 13)) + b"\r\n")]:
        for chunk in (1, 2, 3, 65535):
            expect_signed(f"{name} by {chunk}", connection, [FROM], body, chunk=chunk)
    large = b"".join(b"line %07d of a large body, with some text\r\n" % i for i in range(30000))
    for chunk in (65535, 4096, 65534):
        expect_signed(f"1.4 MB by {chunk}", connection, [FROM], large, chunk=chunk)
    connection.quit()


def test_sessions(milter):
    connection = milter.connection()
    connection.connect()
    for i in range(20):
        expect_signed(f"message {i}", connection, [FROM, (b"Subject", b" %d" % i)])
        expect_untouched(f"foreign message {i}", connection, [(b"From", b" x@elsewhere.test")])
    # given up in each state; what was begun must not leak into the next message
    for depth in range(6):
        steps = [lambda: connection.mail(), lambda: connection.header(b"From", b" other@example.net"),
                 lambda: connection.header(b"To", b" ghost@example.org"), connection.end_of_header,
                 lambda: connection.body(b"ghost"), lambda: connection.body(b"\n")]
        for step in steps[:depth + 1]:
            step()
        connection.abort()
        message = expect_signed(f"after giving up in state {depth}", connection, [FROM])
        check("no ghost", tags(message)[b"h"].lower().split(b":").count(b"to") == 1, tags(message))
    # another MAIL without ABORT
    connection.mail()
    connection.header(b"From", b" other@example.net")
    expect_signed("MAIL after MAIL", connection, [FROM])
    # authentication belongs to a message
    connection.quit()
    connection = milter.connection()
    connection.connect("x", "203.0.113.9")
    expect_signed("user", connection, [FROM], user="user")
    expect_untouched("user no more", connection, [FROM])
    connection.quit()
    # closed in the middle of a message, without QUIT
    for depth in range(4):
        connection = milter.connection()
        connection.connect()
        connection.mail()
        if depth > 0:
            connection.header(*FROM)
        if depth > 1:
            connection.end_of_header()
        if depth > 2:
            connection.body(b"x" * 1000)
        connection.socket.close()
    # many at once
    connections = [milter.connection() for _ in range(40)]
    for connection in connections:
        connection.connect()
        connection.mail()
        connection.header(*FROM)
    for connection in connections:
        connection.end_of_header()
    for connection in connections:
        check("many at once", connection.end() == CONTINUE, "")
        check("many at once", len(connection.modifications) == 1, "not signed")
        connection.quit()


def test_quit_nc(milter):
    """A client must not inherit what the one before it on this connection was allowed."""
    for name, headers in (("signed", [FROM]), ("passed", [(b"From", b" x@elsewhere.test")]),
                          ("deferred", [FROM, FROM])):
        connection = milter.connection()
        connection.connect("localhost", "127.0.0.1")
        connection.message(headers, BODY)
        connection.send("K")
        connection.connect("stranger", "203.0.113.9")
        expect_untouched(f"stranger after {name}", connection, [FROM])
        connection.quit()


def test_other_servers(milter):
    """Mail servers that can do less than Postfix."""
    for name, protocol in (("no LEADSPC", POSTFIX_PROTOCOL & ~HDR_LEADSPC),
                           ("no NR", POSTFIX_PROTOCOL & ~sum(NO_REPLY.values())), ("V2", 0x7F)):
        connection = milter.connection(protocol=protocol, actions=0xFF if name == "V2" else 0x1FF)
        if not connection.protocol & HDR_LEADSPC:
            # such a server strips one blank, and adds one
            connection.connect()
            verdict, _ = connection.message([(b"From", b"user@example.com"), (b"Subject", b"hi")], BODY)
            check(name, verdict == CONTINUE, verdict)
            (kind, data), = connection.modifications
            value = data[4:].rstrip(b"\0").split(b"\0")[1]
            check(name, not value.startswith(b" "), value[:20])
            message = (b"DKIM-Signature: " + value.replace(b"\n", b"\r\n") +
                       b"\r\nFrom: user@example.com\r\nSubject: hi\r\n\r\n" + BODY)
            complaint = verify(message, KEY)
            check(name, complaint is None, complaint)
        else:
            connection.connect()
            expect_signed(name, connection, [FROM])
        connection.quit()


def main():
    global KEY, OTHER
    missing_tools()
    scratch = tempfile.mkdtemp(prefix="postern-signing-")
    KEY, OTHER = make_key(scratch), make_key(scratch, "other.pem")
    domains = {"example.com": ['selector = "mail"', f'key = "{KEY}"',
                               'subdomains = {"mail.example.com"}'],
               "example.net": ['selector = "2026.sel"', f'key = "{OTHER}"']}
    wide = ('internal_networks = {"127.0.0.0/8", "::1", "192.0.2.3", "2001:db8:1::/48"}\n'
            'relay_users = {"relay", "Other@relay.example"}')
    milter = Milter(domains, wide)
    narrow = Milter(domains, 'internal_networks = {"192.0.2.3"}')
    try:
        for test in (test_clients, test_relay_users, test_domains, test_fields, test_large_headers, test_bodies,
                     test_sessions, test_quit_nc, test_other_servers):
            test(milter)
        test_loopback_alone(narrow)
    finally:
        for one in (milter, narrow):
            status = one.stop()
            check("exit status", status == 0, f"{status}\n{one.log()[-3000:]}")
            shutil.rmtree(one.folder)
        shutil.rmtree(scratch)
    print(f"{checked} checks, {len(failures)} failed")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
