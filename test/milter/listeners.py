#!/usr/bin/python3
"""Listeners, what a PROXY header may claim on them, and sender bindings, at the milter protocol."""
import os
import shutil
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from fakemta import NO_REPLY, POSTFIX_PROTOCOL, Milter, make_key, missing_tools

ACCEPT, CONTINUE, REPLY = b"a", b"c", b"y"
FROM = (b"From", b" User <user@example.com>")
BODY = b"Hello\r\n"
PROXY, PROXY6 = "192.0.2.10", "2001:db8:10::10"
failures = []
checked = 0


def check(name, good, detail=""):
    global checked
    checked += 1
    if not good:
        failures.append(name)
        print(f"FAILED {name}: {detail}", flush=True)


def run(milter, listener, address, hostname="x", port=40000, user=None, sender=b"user@example.com",
        headers=(FROM,), protocol=POSTFIX_PROTOCOL):
    """Where and how a message of this client ends: ("CONNECT" | "MAIL" | "EOH" | "END", reply or what became of it)."""
    connection = milter.connection(protocol=protocol)
    try:
        if connection.connect(hostname, address, port, listener) != CONTINUE:
            return "CONNECT", connection.reply
        if connection.mail(user, sender) != CONTINUE:
            return "MAIL", connection.reply
        for name, value in headers:
            connection.header(name, value)
        answer = connection.end_of_header()
        if answer == REPLY:
            return "EOH", connection.reply
        if answer == ACCEPT:
            return "END", "passed"
        connection.body(BODY)
        answer = connection.end()
        if answer == REPLY:
            return "END", connection.reply
        kinds = [kind for kind, _ in connection.modifications]
        outcome = "signed" if b"i" in kinds else "passed"
        return "END", outcome + (" quarantined" if b"q" in kinds else "")
    finally:
        connection.quit()


def expect(name, got, stage, text):
    check(name, got[0] == stage and (got[1] or "").startswith(text), got)


def domain():
    return {"example.com": [f'key "mail" {{ file = "{KEY}" }}']}


LISTENERS = f'''
internal_networks = {{"127.0.0.0/8", "::1", "10.0.0.0/8", "2001:db8:1::/48"}}
listener "proxied" {{
    proxied = true
    trusted_proxies = {{"{PROXY}", "{PROXY6}", "127.0.0.9"}}
}}
listener "trusting" {{
    proxied = yes
    trusted_proxies = {{"{PROXY}"}}
    internal_networks = {{"10.1.0.0/16", "127.0.0.0/8"}}
}}
listener "lenient" {{
    proxied = true
    trusted_proxies = {{"{PROXY}"}}
    claimed_loopback = "log"
    claimed_internal = "quarantine"
    claimed_multicast = "tempfail"
    claimed_link_local = "reject"
    claimed_proxy = "log"
    reply = "Not from there, thank you"
}}
listener "submission" {{ mode = sign }}
listener "inbound" {{ mode = verify }}
listener "off" {{ mode = none }}
'''


def test_claims(milter):
    for address, text in (("127.0.0.1", "550 5.7.1 Client address 127.0.0.1: the proxy's header claims a loopback"),
                          ("127.255.1.1", "550 5.7.1 "), ("::1", "550 5.7.1 Client address ::1"),
                          ("::ffff:127.0.0.1", "550 5.7.1 Client address 127.0.0.1"),
                          ("0.0.0.0", "550 5.7.1 Client address 0.0.0.0: the proxy's header claims no address"),
                          ("::", "550 5.7.1 "), ("::ffff:0.0.0.0", "550 5.7.1 "),
                          ("169.254.1.1", "550 5.7.1 Client address 169.254.1.1: the proxy's header claims a link-local"),
                          ("fe80::1", "550 5.7.1 "), ("::ffff:169.254.0.1", "550 5.7.1 "),
                          ("224.0.0.1", "550 5.7.1 Client address 224.0.0.1: the proxy's header claims a multicast"),
                          ("ff02::1", "550 5.7.1 "), ("10.2.3.4", "550 5.7.1 Client address 10.2.3.4: the proxy's "
                                                      "header claims an internal"),
                          ("::ffff:10.2.3.4", "550 5.7.1 "), ("2001:db8:1::5", "550 5.7.1 ")):
        expect(f"claimed {address}", run(milter, "proxied", address), "CONNECT", text)
        # a login does not make an address true
        expect(f"claimed {address}, user", run(milter, "proxied", address, user="u"), "CONNECT", text)
        # port 0 is how sendmail(1) looks: not here
        expect(f"claimed {address}, port 0", run(milter, "proxied", address, "localhost", 0), "CONNECT", text)
    for address in (PROXY, PROXY6, f"::ffff:{PROXY}", "127.0.0.9"):
        # health checks connect as the proxy itself (v2 LOCAL); mail must not come so
        expect(f"LOCAL {address}", run(milter, "proxied", address), "MAIL", "550 5.7.1 ")
        expect(f"LOCAL {address}, user", run(milter, "proxied", address, user="u"), "MAIL", "550 5.7.1 ")
    expect("a stranger", run(milter, "proxied", "203.0.113.9"), "END", "passed")
    expect("a user", run(milter, "proxied", "203.0.113.9", user="u"), "END", "signed")
    expect("vanished", run(milter, "proxied", None, "unknown"), "END", "passed")
    expect("called localhost", run(milter, "proxied", None, "localhost"), "END", "passed")
    expect("neighbour of the proxy", run(milter, "proxied", "192.0.2.11"), "END", "passed")


def test_trusting(milter):
    expect("internal by the listener", run(milter, "trusting", "10.1.2.3"), "END", "signed")
    expect("not by the others", run(milter, "trusting", "10.2.2.3"), "END", "passed")
    expect("loopback never", run(milter, "trusting", "127.0.0.1"), "CONNECT", "550 ")


def test_lenient(milter):
    reply = " Not from there, thank you"
    expect("log", run(milter, "lenient", "127.0.0.1"), "END", "passed")
    expect("log, port 0", run(milter, "lenient", "127.0.0.1", "localhost", 0), "END", "passed")
    expect("log, user", run(milter, "lenient", "127.0.0.1", user="u"), "END", "signed")
    expect("log, the proxy", run(milter, "lenient", PROXY), "END", "passed")
    check("the log tells", 'cause="claimed address is loopback"' in milter.log() or
          "claimed address is loopback" in milter.log(), milter.log()[-2000:])
    expect("quarantine", run(milter, "lenient", "10.1.2.3"), "END", "passed quarantined")
    expect("quarantine, user", run(milter, "lenient", "10.1.2.3", user="u"), "END", "signed quarantined")
    check("the log tells", "verdict=quarantined" in milter.log(), milter.log()[-2000:])
    expect("tempfail", run(milter, "lenient", "224.0.0.1"), "CONNECT", "451 4.7.1" + reply)
    expect("reject", run(milter, "lenient", "fe80::1"), "CONNECT", "550 5.7.1" + reply)


def test_lost_header(milter):
    for listener in ("submission", "unheard-of", ""):
        for address in (PROXY, PROXY6, f"::ffff:{PROXY}"):
            expect(f"lost at {listener!r} {address}", run(milter, listener, address), "CONNECT",
                   f"451 4.7.1 Client address {address.replace('::ffff:', '')}: the proxy's header got lost")
        expect(f"internal at {listener!r}", run(milter, listener, "10.1.2.3"), "END", "signed")
        expect(f"loopback at {listener!r}", run(milter, listener, "127.0.0.9"), "END", "signed")
        expect(f"sendmail at {listener!r}", run(milter, listener, "127.0.0.1", "localhost", 0), "END", "signed")
        expect(f"stranger at {listener!r}", run(milter, listener, "203.0.113.9"), "END", "passed")
    count = milter.log().count("no listener section is named 'unheard-of'")
    check("unknown names are told once", count == 1, count)
    for number in range(200):
        run(milter, f"name-{number}", "203.0.113.9")
    count = milter.log().count("no listener section is named")
    check("and not for ever", count <= 64, count)


def test_modes(milter):
    expect("verify does not sign", run(milter, "inbound", "10.1.2.3"), "END", "passed")
    expect("none does not sign", run(milter, "off", "10.1.2.3", user="u"), "END", "passed")


def test_no_early_answers(milter):
    """A mail server that waits for no answer to CONNECT and MAIL gets it with the header."""
    before = milter.connection()
    check("answers are wanted", not before.protocol & (NO_REPLY["C"] | NO_REPLY["M"]), hex(before.protocol))
    before.quit()
    plain = Milter(domain())
    connection = plain.connection()
    check("no rules, no answers", connection.protocol & NO_REPLY["C"] and connection.protocol & NO_REPLY["M"],
          hex(connection.protocol))
    connection.quit()
    check("stop", plain.stop() == 0)
    shutil.rmtree(plain.folder)
    got = run(milter, "proxied", "127.0.0.1", protocol=POSTFIX_PROTOCOL & ~sum(NO_REPLY.values()))
    expect("a mail server without NR", got, "CONNECT", "550 ")


BINDINGS = '''
internal_networks = {"127.0.0.0/8", "10.0.0.0/8"}
listener "a" {}
listener "b" {}
sender_binding "app" { networks = {"10.0.0.1"} domains = {"example.com"} }
sender_binding "app-extra" { networks = {"10.0.0.0/31"} users = {"Robot"} domains = {"*.example.com"} null_sender = yes }
sender_binding "b" { networks = {"10.0.0.4"} listeners = {"b"} domains = {"example.com", "xn--exmple-cua.com"} }
sender_binding "foreign" { networks = {"10.0.0.5"} domains = {"elsewhere.test"} }
sender_binding "forwarder" { networks = {"10.0.0.6"} domains = {"elsewhere.test"} from = "ours" }
'''


def test_bindings(milter):
    def case(name, stage, text, address="10.0.0.1", listener="a", user=None, sender=b"u@example.com",
             author=b"u@example.com", headers=None):
        headers = headers if headers is not None else [(b"From", b" " + author)]
        expect(name, run(milter, listener, address, user=user, sender=sender, headers=headers), stage, text)

    refused = "550 5.7.1 Sender domain "
    case("own domain", "END", "signed")
    case("own domain, case", "END", "signed", sender=b"U@EXAMPLE.com")
    case("own domain, dot", "END", "signed", sender=b"u@example.com.")
    case("other envelope", "MAIL", refused + "elsewhere.test is not", sender=b"u@elsewhere.test")
    case("subdomain", "MAIL", refused + "a.example.com", sender=b"u@a.example.com")
    case("suffix", "MAIL", refused + "notexample.com", sender=b"u@notexample.com")
    case("quoted", "MAIL", refused + "evil.test", sender=b'"u@example.com"@evil.test')
    case("route", "MAIL", refused + "evil.test", sender=b"@example.com:u@evil.test")
    case("no domain", "MAIL", "550 5.7.1 A sender without a domain", sender=b"user")
    case("null sender", "MAIL", "550 5.7.1 The null sender", sender=b"")
    case("odd", "MAIL", refused + "??x? is", sender=b"u@\x01%x'")
    case("long", "MAIL", "550 5.7.1 A sender without a domain", sender=b"u@" + b"x" * 3000)
    case("other From", "EOH", refused + "elsewhere.test", author=b"u@elsewhere.test")
    case("one of two", "EOH", refused + "elsewhere.test", author=b"u@example.com, v@elsewhere.test")
    case("a second From", "EOH", refused + "elsewhere.test",
         headers=[(b"From", b" u@example.com"), (b"From", b" u@elsewhere.test")])
    case("malformed From", "EOH", "550 5.7.1 A sender without a domain", author=b'"open <u@example.com>')
    case("From without a domain", "EOH", "550 5.7.1 A sender without a domain", author=b"user")
    case("no From", "END", "passed", headers=[])
    # two bindings match: what either allows
    case("more with a login", "END", "passed", user="robot", sender=b"u@a.example.com", author=b"u@x.example.com")
    case("the first still", "END", "signed", user="ROBOT")
    case("null sender with a login", "END", "signed", user="robot", sender=b"")
    case("not all", "MAIL", refused + "elsewhere.test", user="robot", sender=b"u@elsewhere.test")
    case("login from elsewhere", "END", "passed", address="10.0.0.2", user="robot", author=b"u@elsewhere.test")
    # a criterion that does not match binds nobody
    case("other listener", "END", "passed", address="10.0.0.4", sender=b"x@elsewhere.test", author=b"x@elsewhere.test")
    case("its listener", "MAIL", refused, address="10.0.0.4", listener="b", sender=b"x@elsewhere.test")
    case("EAI", "END", "passed", address="10.0.0.4", listener="b", sender="u@exämple.com".encode(),
         author="u@exämple.com".encode())
    # a Sender field of ours would have the message signed: it is bound as well
    def with_sender(name, stage, text, address, author, field):
        case(name, stage, text, address=address, sender=b"u@elsewhere.test",
             headers=[(b"From", b" " + author), (b"Sender", b" " + field)])

    with_sender("Sender of ours", "EOH", refused + "example.com", "10.0.0.5", b"u@elsewhere.test", b"boss@example.com")
    with_sender("Sender of ours, forwarded", "EOH", refused + "example.com", "10.0.0.6", b"x@third.test",
                b"boss@EXAMPLE.com")
    with_sender("foreign Sender", "END", "passed", "10.0.0.6", b"x@third.test", b"list@third.test")
    with_sender("unbound Sender", "END", "signed", "10.0.0.9", b"x@third.test", b"boss@example.com")
    # nobody else is bound
    case("stranger", "END", "passed", address="203.0.113.9", sender=b"x@elsewhere.test", author=b"x@elsewhere.test")
    case("mapped is bound", "MAIL", refused, address="::ffff:10.0.0.1", sender=b"u@elsewhere.test")


def test_binding_default(milter):
    expect("deny", run(milter, "a", "203.0.113.9", sender=b"x@elsewhere.test"), "MAIL", "550 5.7.1 ")
    expect("deny null", run(milter, "a", "203.0.113.9", sender=b""), "MAIL", "550 5.7.1 ")
    expect("bound", run(milter, "a", "10.0.0.1", sender=b"u@example.com"), "END", "signed")
    expect("local", run(milter, "a", "127.0.0.1", "localhost", 0, sender=b""), "END", "signed")
    expect("loopback", run(milter, "a", "127.0.0.1", sender=b"x@elsewhere.test"), "MAIL", "550 5.7.1 ")


def main():
    global KEY
    missing_tools()
    scratch = tempfile.mkdtemp(prefix="postern-listeners-")
    os.chmod(scratch, 0o755)
    KEY = make_key(scratch)
    for configuration, tests in (
            (LISTENERS, (test_claims, test_trusting, test_lenient, test_lost_header, test_modes,
                         test_no_early_answers)),
            (BINDINGS, (test_bindings,)),
            (BINDINGS + 'sender_binding_default = "deny"\n', (test_binding_default,))):
        milter = Milter(domain(), configuration)
        for test in tests:
            before = len(failures)
            try:
                test(milter)
            except Exception as error:  # a broken test must not hide the others
                check(test.__name__, False, repr(error))
            print(f"{test.__name__}: {'ok' if len(failures) == before else 'FAILED'}", flush=True)
        check("exit status", milter.stop() == 0, milter.log()[-2000:])
        shutil.rmtree(milter.folder)
    shutil.rmtree(scratch)
    print(f"{checked} checks, {len(failures)} failed")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
