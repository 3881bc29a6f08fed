#!/usr/bin/python3
"""What postern-milter serves besides the milter protocol, all in one daemon: the policy service gives the
verdicts of the milter, as a real Postfix hears both; forged results vanish on their way through Postfix; the
counters are judged by promtool, the keys by a real name server. The service manager is a socket here."""
import http.client
import json
import os
import re
import shutil
import signal
import smtplib
import socket
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "services")]
from name_server import NameServer, enter_namespace, skip, strings

enter_namespace()
if not shutil.which("postfix"):
    skip("needs postfix")
from fakemta import MILTER, Milter, dns_record, ed25519_record, make_ed25519_key, make_key

ID = "mx.example.org"
TESTER = "198.51.100.7"  # a stranger to all rules, whom Postfix lets speak for others
failures = []
checked = 0


def check(name, good, detail=""):
    global checked
    checked += 1
    if not good:
        failures.append(name)
        print(f"FAILED {name}: {detail}", flush=True)


# Two services of each name: one asks the milter, one the policy service.
LISTENERS = {"mx": 10000, "proxied": 10001, "lenient": 10002, "submission": 10003, "unheard-of": 10004}
MAIN = """compatibility_level = 3.6
queue_directory = /var/spool/postfix
data_directory = /var/lib/postfix
maillog_file = /var/lib/postfix/log
myhostname = mx.example.org
inet_interfaces = 127.0.0.1
inet_protocols = all
mynetworks =
mydestination =
local_recipient_maps =
alias_maps =
smtpd_peername_lookup = no
smtpd_authorized_xclient_hosts = 198.51.100.7
smtpd_relay_restrictions = reject_unauth_destination
smtpd_sasl_auth_enable = yes
virtual_mailbox_domains = example.org
virtual_mailbox_base = /var/lib/postfix/mail
virtual_mailbox_maps = static:box/
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
smtpd_error_sleep_time = 0
smtpd_soft_error_limit = 1000
smtpd_hard_error_limit = 1000
smtpd_client_connection_count_limit = 0
"""
MASTER = """rewrite unix - - n - - trivial-rewrite
cleanup unix n - n - 0 cleanup
anvil unix - - n - 1 anvil
qmgr unix n - n 300 1 qmgr
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
virtual unix - n n - - virtual
postlog unix-dgram n - n - 1 postlogd
"""
CONFIGURATION = f"""
policy_socket = "inet:8894@127.0.0.1"
http = "inet:8895@127.0.0.1"
log_format = "json"
authserv_id = "{ID}"
dns_servers = {{"127.0.0.1"}}
internal_networks = {{"127.0.0.0/8", "10.0.0.0/8", "2001:db8:1::/48"}}
relay_users = {{"relay"}}
listener "mx" {{ mode = verify }}
listener "proxied" {{ proxied = yes trusted_proxies = {{"192.0.2.10"}} }}
listener "lenient" {{ proxied = yes trusted_proxies = {{"192.0.2.10"}} claimed_loopback = "log" claimed_internal = "quarantine"
    claimed_multicast = "tempfail" reply = "Not from there" }}
listener "submission" {{ mode = sign }}
sender_binding "app" {{ networks = {{"10.0.0.1"}} domains = {{"example.com"}} }}
sender_binding "robot" {{ users = {{"robot"}} listeners = {{"submission"}} domains = {{"*.example.com"}} null_sender = yes }}
"""


class Postfix:
    """A real one, in folders of its own that only this mount namespace has."""

    def __init__(self, folder):
        copy = os.path.join(folder, "etc")
        shutil.copytree("/etc/postfix", copy, symlinks=True)
        master = MASTER
        for name, port in LISTENERS.items():
            master += (f"127.0.0.1:{port} inet n - n - - smtpd\n -o milter_macro_daemon_name={name}\n"
                       " -o smtpd_milters=inet:127.0.0.1:8893\n"
                       f"127.0.0.1:{port + 1000} inet n - n - - smtpd\n -o smtpd_policy_service_policy_context={name}\n"
                       " -o smtpd_recipient_restrictions=check_policy_service,inet:127.0.0.1:8894\n")
        for file, text in (("main.cf", MAIN), ("master.cf", master)):
            with open(os.path.join(copy, file), "w", encoding="ascii") as out:
                out.write(text)
        subprocess.run(["mount", "--bind", copy, "/etc/postfix"], check=True)
        for mount in ("/var/spool/postfix", "/var/lib/postfix"):
            subprocess.run(["mount", "-t", "tmpfs", "tmpfs", mount], check=True)
        shutil.chown("/var/lib/postfix", "postfix")
        os.mkdir("/var/lib/postfix/mail")
        shutil.chown("/var/lib/postfix/mail", 65534, 65534)
        subprocess.run(["ip", "address", "add", TESTER, "dev", "lo"], check=True)
        subprocess.run(["postfix", "start"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def stop(self):
        subprocess.run(["postfix", "stop"], check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        subprocess.run(["umount", "/etc/postfix"], check=False)


def connect(port):
    for _ in range(100):
        try:
            return smtplib.SMTP("127.0.0.1", port, "client.example", timeout=30, source_address=(TESTER, 0))
        except OSError:
            time.sleep(0.1)
    raise RuntimeError("Postfix does not start")


def become(smtp, address, login=None):
    """Makes Postfix take the client for another."""
    smtp.ehlo()
    claimed = f"IPV6:{address}" if ":" in address else address
    reply = smtp.docmd(f"XCLIENT NAME=[UNAVAILABLE] ADDR={claimed} PORT=40000" + (f" LOGIN={login}" if login else ""))
    if reply[0] == 220:
        reply = smtp.ehlo()
    return reply


def ask(port, address, login, sender):
    """The first refusal that a client hears up to RCPT, or None."""
    smtp = connect(port)
    try:
        reply = become(smtp, address, login)
        for command in (f"MAIL FROM:<{sender}>", "RCPT TO:<user@example.org>"):
            if reply[0] >= 400:
                break
            reply = smtp.docmd(command)
        return (reply[0], reply[1].decode()) if reply[0] >= 400 else None
    finally:
        smtp.close()


def test_verdicts(milter):
    """The milter and the policy service agree, for every client and sender."""
    seen = {}
    for listener, port in LISTENERS.items():
        for address in ("203.0.113.9", "127.0.0.9", "10.0.0.1", "10.9.9.9", "192.0.2.10", "169.254.1.1", "224.0.0.1",
                        "2001:db8:9::1", "2001:db8:1::1"):
            for login in ((None, "robot") if address in ("203.0.113.9", "10.0.0.1") else (None,)):
                for sender in ("u@example.com", "u@sub.example.com", "u@elsewhere.test", ""):
                    if sender != "u@example.com" and address not in ("203.0.113.9", "10.0.0.1", "10.9.9.9"):
                        continue
                    name = f"{listener} {address} {login} <{sender}>"
                    by_milter = ask(port, address, login, sender)
                    by_policy = ask(port + 1000, address, login, sender)
                    good = (by_milter is None) == (by_policy is None)
                    if by_milter and by_policy and by_milter[1].endswith("not accepting connections"):
                        # what Postfix makes of any 5xx that a milter gives when a client connects
                        good = by_milter[0] == 554 and by_policy[0] == 550
                    elif by_milter and by_policy:
                        text = by_milter[1].split(" ", 1)
                        good = (by_milter[0] == by_policy[0] and by_policy[1].startswith(text[0] + " ") and
                                text[1] in by_policy[1])
                    check(name, good, (by_milter, by_policy))
                    verdict = by_policy[0] if by_policy else 250
                    seen[verdict] = seen.get(verdict, 0) + 1
    check("each verdict was there", all(seen.get(code, 0) >= 5 for code in (250, 550)) and seen.get(451, 0) >= 2, seen)
    print(f"# verdicts of {sum(seen.values())} pairs of client and sender, twice each: {seen}")
    lines = [json.loads(line.split("postern-milter: ", 1)[1].removeprefix("warning: ")) for line in milter.log().splitlines()
             if '"service":"policy"' in line]
    check("policy decisions in the log, as JSON", lines and all(
        line["verdict"] in ("rejected", "deferred", "quarantined", "passed") and line["cause"] for line in lines), lines[:2])
    check("with the sender", any(line.get("sender") == "elsewhere.test" and line["listener"] == "submission" for line in lines))


def mails():
    """The messages that were delivered, all of them, which are removed."""
    found = []
    folder = "/var/lib/postfix/mail/box/new"
    for name in os.listdir(folder) if os.path.isdir(folder) else []:
        with open(os.path.join(folder, name), "rb") as text:
            found.append(text.read())
        os.unlink(os.path.join(folder, name))
    return found


def deliver(port, address, message):
    smtp = connect(port)
    become(smtp, address)
    smtp.sendmail("someone@elsewhere.test", ["user@example.org"], message)
    smtp.quit()
    for _ in range(200):
        found = mails()
        if found:
            return found[0].decode()
        time.sleep(0.05)
    raise RuntimeError("not delivered")


def test_forged(_):
    """Through a real Postfix: ours go, whatever their form; others stay, in their order."""
    message = ("Received: from x\r\nAuthentication-Results: one.example.net; spf=pass\r\n"
               f"Authentication-Results: {ID}; dkim=pass header.d=bank.test\r\n"
               f"AUTHENTICATION-RESULTS:{ID.upper()} ; spf=pass\r\n"
               "Authentication-Results: two.example.net;\r\n\tdkim=fail\r\n"
               f"Authentication-Results : {ID}; dmarc=pass\r\n"
               f"Authentication-Results:\r\n (comment) {ID} 1;\r\n\tarc=pass\r\n"
               f"X-Authentication-Results: {ID}; none\r\n"
               "Authentication-Results : three.example.net; none\r\n"
               "From: u@elsewhere.test\r\nSubject: forged\r\n\r\nHello\r\n")
    text = deliver(LISTENERS["mx"], "203.0.113.9", message)
    header = text.split("\n\n")[0]
    found = re.findall(r"^authentication-results\s*:\s*([^\s;]+)", header, re.IGNORECASE | re.MULTILINE)
    check("what is left", found == [ID, "one.example.net", "two.example.net", "three.example.net"], header)
    check("nothing forged", not re.search("bank.test|dmarc=pass|arc=pass|spf=pass$(?<!net; spf=pass)", header), header)
    check("ours is on top", f"Authentication-Results: {ID};\n\tdkim=none\nReceived: " in header or
          header.index(f"Authentication-Results: {ID};\n\tdkim=none") < header.index("Received: from"), header)
    check("another field stays", f"X-Authentication-Results: {ID}; none" in header, header)
    inside = deliver(LISTENERS["mx"], "10.9.9.9", message)
    check("mail of internal clients stays as it is", inside.count("dkim=pass header.d=bank.test") == 1, inside)


def get(path):
    connection = http.client.HTTPConnection("127.0.0.1", 8895, timeout=20)
    connection.request("GET", path)
    response = connection.getresponse()
    return response.status, response.read().decode()


def sample(text, name):
    found = re.search(r"^postern_milter_" + re.escape(name) + r" (\S+)$", text, re.MULTILINE)
    return float(found.group(1)) if found else None


def test_pages(milter):
    check("healthz", get("/healthz") == (200, "ok\n"))
    check("readyz", get("/readyz") == (200, "ready\n"))
    before = get("/metrics")[1]
    # one is signed, for a subdomain; one is given up; one refused; a connection stays open
    open_one = milter_connection()
    open_one.connect("x", "10.9.9.9", listener="submission")
    open_one.message([(b"From", b" u@sub.example.com")], b"x\r\n")
    open_one.mail()
    open_one.header(b"From", b" u@example.com")
    open_one.abort()
    refused = milter_connection()
    refused.connect("x", "127.0.0.1", listener="proxied")
    refused.quit()
    time.sleep(0.3)
    text = get("/metrics")[1]
    for name, step in (('messages_total{listener="submission",verdict="signed"}', 1),
                       ('messages_total{listener="submission",verdict="aborted"}', 1),
                       ('messages_total{listener="proxied",verdict="rejected"}', 1),
                       ('signatures_total{domain="subdomain",algorithm="rsa-sha256"}', 1),
                       ('signatures_total{domain="subdomain",algorithm="ed25519-sha256"}', 1),
                       ('signatures_total{domain="own",algorithm="rsa-sha256"}', 0), ("sign_seconds_count", 2),
                       ('claimed_address_refusals_total{rule="claimed_loopback"}', 1), ("sessions_total", 2)):
        got = (sample(text, name), sample(before, name))
        check(name, None not in got and got[0] - got[1] == step, got)
    check("a session is open", sample(text, "sessions") >= 1, sample(text, "sessions"))
    for name in ('messages_total{listener="mx",verdict="verified"}', 'policy_answers_total{answer="pass"}',
                 'policy_answers_total{answer="reject"}', 'policy_answers_total{answer="defer"}',
                 'policy_answers_total{answer="hold"}', 'claimed_address_refusals_total{rule="lost_header"}'):
        check(name, (sample(text, name) or 0) > 0, sample(text, name))
    for selector in ("rsa", "ed"):
        age = sample(text, f'key_age_seconds{{domain="example.com",selector="{selector}"}}')
        check(f"age of {selector}", age is not None and 0 <= age < 3600, age)
    open_one.quit()
    if shutil.which("promtool"):
        judged = subprocess.run(["promtool", "check", "metrics"], input=text, text=True, capture_output=True, check=False)
        check("promtool", judged.returncode == 0 and not judged.stdout + judged.stderr, judged)
    else:
        print("# promtool is not installed (Debian package prometheus): its judgement is left out")


def milter_connection():
    from fakemta import Connection
    return Connection(("127.0.0.1", 8893))


def test_reload(milter):
    with open(milter.config, encoding="utf-8") as text:
        good = text.read()
    for text, result in ((good + "nonsense = 1\n", "failed"), (good.replace('"ed"', '"ed2"'), "ok")):
        with open(milter.config, "w", encoding="utf-8") as out:
            out.write(text)
        milter.process.send_signal(signal.SIGHUP)
        end = time.time() + 20
        while sample(get("/metrics")[1], f'reloads_total{{result="{result}"}}') != 1 and time.time() < end:
            time.sleep(0.05)
        check(f"reload {result}", sample(get("/metrics")[1], f'reloads_total{{result="{result}"}}') == 1)
    text = get("/metrics")[1]
    check("new key", 'selector="ed2"' in text and 'selector="ed"' not in text, text)
    check("ready still", get("/readyz")[0] == 200)
    with open(milter.config, "w", encoding="utf-8") as out:
        out.write(good.replace("8894", "8896").replace("8895", "8897"))
    milter.process.send_signal(signal.SIGHUP)
    for name in ("policy_socket", "http"):
        milter.wait_for(f"a reload does not change {name}: restart for it")


def test_end(milter):
    """While the last message is in work, the pages say that no more is taken."""
    connection = milter_connection()
    connection.connect("x", "10.9.9.9", listener="submission")
    connection.mail()
    connection.header(b"From", b" u@example.com")
    milter.process.send_signal(signal.SIGTERM)
    milter.wait_for("stopping, messages in work: 1")
    check("not ready", get("/readyz") == (503, "not ready\n"))
    check("alive", get("/healthz")[0] == 200)
    connection.end_of_header()
    check("the last message", connection.end() == b"c" and len(connection.modifications) == 2)
    connection.quit()
    began = time.time()
    check("exit status", milter.stop() == 0, milter.log()[-1000:])
    check("no long wait", time.time() - began < 10)


def show(config, *options):
    done = subprocess.run([MILTER, "-c", config, *options], check=False, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True)
    return done.returncode, done.stdout, done.stderr


def test_show_keys(folder):
    """The records as lines of a zone file are what a real name server serves, and then all is well."""
    path = os.path.join(folder, "show.conf")
    keys = os.path.join(folder, "keys")
    os.mkdir(keys)
    shutil.copy(KEYS["rsa"], os.path.join(keys, "example.net.private"))
    with open(path, "w", encoding="ascii") as out:
        out.write(f'user = "nobody"\nsocket_group = "nogroup"\ndns_servers = {{"127.0.0.5"}}\n'
                  f'key_folder = "{keys}"\ndomain "*" {{}}\n'
                  f'domain "example.com" {{ key "rsa" {{ file = "{KEYS["rsa"]}" }} key "ed" {{ file = "{KEYS["ed"]}" '
                  'active_from = "2035-01-01" } }\n'
                  f'domain "*.example.com" {{ key "rsa" {{ file = "{KEYS["rsa"]}" }} }}\n')
    status, zone, errors = show(path, "--show-keys")
    check("zone", status == 0 and not errors.replace("warning", "") or status == 0, (status, errors))
    check("each record once", len(zone.splitlines()) == 3 and [line.split(" ")[0] for line in zone.splitlines()] ==
          ["rsa._domainkey.example.com.", "ed._domainkey.example.com.", "mail._domainkey.example.net."], zone)
    status, text, _ = show(path, "--show-keys", "--dns")
    check("no server", status == 1 and text.count("unknown") == 3, (status, text))
    for lines, wanted, words in ((zone.splitlines(), 0, ["good"] * 3), (zone.splitlines()[:1], 1, ["good", "missing", "missing"])):
        server = NameServer(lines, address="127.0.0.5")
        status, text, _ = show(path, "--show-keys", "--dns")
        server.stop()
        check(f"{words}", status == wanted and [line.split(": ")[1] for line in text.splitlines()] == words, (status, text))
    check("records of the keys themselves", strings(dns_record(KEYS["rsa"]).decode()).replace('" "', "")[-100:] in
          zone.replace('" "', ""), zone)
    for options in (["--dns"], ["--show-keys", "-t"]):
        status, text, errors = show(path, *options)
        check(f"usage {options}", status == 2 and errors and not text, (status, errors))
    status, text, _ = show(os.path.join(folder, "missing"), "--show-keys")
    check("no file", status == 3 and not text, status)


def test_manager(folder):
    """READY, WATCHDOG while it serves, RELOADING, STOPPING."""
    told = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    path = os.path.join(folder, "notify")
    told.bind(path)
    os.chmod(path, 0o777)
    told.settimeout(10)
    os.environ["NOTIFY_SOCKET"], os.environ["WATCHDOG_USEC"] = path, "400000"
    milter = Milter({"example.com": [f'key "rsa" {{ file = "{KEYS["rsa"]}" }}']})
    del os.environ["NOTIFY_SOCKET"], os.environ["WATCHDOG_USEC"]
    try:
        check("ready", told.recv(4096) == b"READY=1")
    except socket.timeout:
        print("# built without libsystemd: nothing is told")
        milter.stop()
        return
    check("status", told.recv(4096) == b"STATUS=serving, domains: 1")
    check("watchdog", [told.recv(4096) for _ in range(3)] == [b"WATCHDOG=1"] * 3)
    # nothing but the milter's own socket listens when nothing else is configured
    listening = subprocess.run(["ss", "-Hlnp"], check=True, stdout=subprocess.PIPE, text=True).stdout
    own = [line for line in listening.splitlines() if f"pid={milter.process.pid}," in line]
    check("one socket", len(own) == 1 and "milter.sock" in own[0], own)
    milter.process.send_signal(signal.SIGHUP)
    heard = [told.recv(4096) for _ in range(5)]
    heard = [word for word in heard if word != b"WATCHDOG=1"]
    check("reload", len(heard) >= 2 and heard[0].startswith(b"RELOADING=1\nMONOTONIC_USEC=") and heard[1] == b"READY=1", heard)
    milter.process.send_signal(signal.SIGTERM)
    while True:
        word = told.recv(4096)
        if not word.startswith((b"WATCHDOG", b"STATUS")):
            break
    check("stopping", word == b"STOPPING=1", word)
    check("stop", milter.stop() == 0)
    shutil.rmtree(milter.folder)


def test_sockets(folder):
    """UNIX sockets: their mode, group and end; a start that fails leaves nothing behind."""
    policy, pages = (os.path.join(folder, "sock", name) for name in ("policy", "http"))
    os.mkdir(os.path.join(folder, "sock"))
    extra = f'policy_socket = "unix:{policy}"\nhttp = "unix:{pages}"\nsocket_mode = "0640"\n'
    domain = {"example.com": [f'key "rsa" {{ file = "{KEYS["rsa"]}" }}']}
    shutil.chown(os.path.join(folder, "sock"), "nobody")  # who may remove them at the end
    milter = Milter(domain, extra)
    for path in (policy, pages):
        status = os.stat(path)
        check(f"mode of {path}", status.st_mode & 0o777 == 0o640, oct(status.st_mode))
    client = socket.socket(socket.AF_UNIX)
    client.connect(policy)
    client.sendall(b"request=smtpd_access_policy\nprotocol_state=RCPT\nclient_address=unknown\nsender=\n\n")
    check("policy", client.recv(100) == b"action=DUNNO\n\n")
    second = Milter(domain, extra, expect_start=False)
    check("in use", second.process.wait(20) == 3 and f"unix:{policy}: another program listens there" in second.log(), second.log())
    check("nothing left", not os.path.exists(second.path))
    check("stop", milter.stop() == 0)
    check("removed", not os.path.exists(policy) and not os.path.exists(pages))
    shutil.rmtree(milter.folder)


def main():
    global KEYS
    folder = tempfile.mkdtemp(prefix="postern-beside-")
    os.chmod(folder, 0o755)
    KEYS = {"rsa": make_key(folder, "rsa"), "ed": make_ed25519_key(folder, "ed")}
    server = NameServer([])
    postfix = None
    try:
        milter = Milter({"example.com": ['subdomains = {"*"}', f'key "rsa" {{ file = "{KEYS["rsa"]}" }}',
                                         f'key "ed" {{ file = "{KEYS["ed"]}" }}']}, CONFIGURATION,
                        socket_line='socket = "inet:8893@127.0.0.1"')
        postfix = Postfix(folder)
        for test, argument in ((test_verdicts, milter), (test_forged, milter), (test_pages, milter), (test_reload, milter),
                               (test_end, milter), (test_show_keys, folder), (test_manager, folder), (test_sockets, folder)):
            before, began = len(failures), time.time()
            try:
                test(argument)
            except Exception as error:  # a broken test must not hide the others
                check(test.__name__, False, repr(error))
            print(f"{test.__name__}: {'ok' if len(failures) == before else 'FAILED'} {time.time() - began:.1f} s", flush=True)
        shutil.rmtree(milter.folder)
    finally:
        if postfix:
            postfix.stop()
        server.stop()
        shutil.rmtree(folder)
    print(f"{checked} checks, {len(failures)} failed")
    sys.exit(1 if failures else 0)


main()
