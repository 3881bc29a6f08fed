#!/usr/bin/python3
"""postern-confgen render --from-env: environments, and the topology that each amounts to, or a refusal.

What is expected is written from the README of the image (boky/postfix), and from its start-up script
where the README says nothing. Postfix itself is then asked what the rendered files mean.
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import yaml

CONFGEN = os.environ["POSTERN_CONFGEN"]
SENTINEL = 's3nt"inel: #\\x'  # a password that neither YAML nor a shell leaves alone
DOMAIN = {"ALLOWED_SENDER_DOMAINS": "example.com", "HOSTNAME": "mail.example.com"}
HOST = {**DOMAIN, "RELAYHOST": "smtp.provider.example"}
LOGIN = {**HOST, "RELAYHOST_USERNAME": "user", "RELAYHOST_PASSWORD": SENTINEL}
PRIVATE = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"]

failures = []


def expect(what, got, wanted):
    if got != wanted:
        failures.append(f"{what}: {got!r}, wanted {wanted!r}")


def confgen(environment, *arguments, cwd=None):
    return subprocess.run([CONFGEN, *arguments], check=False, text=True, cwd=cwd, env=environment,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)


# Environment -> what the topology says, at a path of keys. None: there is no such key.
MEANINGS = {
    "the domains alone": (DOMAIN, {
        "domains": {"example.com": {}},
        "networks/clients": PRIVATE,
        "nodes/relay/hostname": "mail.example.com",
        "nodes/relay/deployment": "container",
        "nodes/relay/allowed_sender_domains": ["example.com"],
        "nodes/relay/message_size_limit": 0,
        "nodes/relay/extra": None,
        "nodes/relay/masquerade": None,
        "nodes/smarthost": None,
        "routes": [{"name": "outbound", "from": ["example.com"], "path": ["relay", "internet"]}],
    }),
    "several domains, one of them twice": (
        {**DOMAIN, "ALLOWED_SENDER_DOMAINS": " example.com\texample.org  Example.com "},
        {"nodes/relay/allowed_sender_domains": ["example.com", "example.org"]}),
    "a name without a dot": ({**DOMAIN, "HOSTNAME": "postfix-docker"}, {
        "nodes/relay/hostname": "postfix-docker.example.com",
        "nodes/relay/extra": {"myhostname": "postfix-docker"}}),
    "a relay host by address": ({**DOMAIN, "RELAYHOST": "192.168.115.215"}, {
        "nodes/smarthost/host": "192.168.115.215", "nodes/smarthost/port": 25,
        "nodes/smarthost/lookup": None, "nodes/smarthost/tls_level": "may",
        "routes": [{"name": "outbound", "from": ["example.com"], "path": ["relay", "smarthost"]}]}),
    "a relay host with a port": ({**DOMAIN, "RELAYHOST": "192.168.115.215:587"}, {
        "nodes/smarthost/host": "192.168.115.215", "nodes/smarthost/port": 587}),
    "a relay host in IPv6": ({**DOMAIN, "RELAYHOST": "[2001:db8::1]:587"}, {
        "nodes/smarthost/host": "2001:db8::1", "nodes/smarthost/port": 587}),
    "a relay host by name, which may have MX records": (HOST, {
        "nodes/smarthost/host": "smtp.provider.example", "nodes/smarthost/lookup": "mx"}),
    "a relay host in brackets, which has none": (
        {**DOMAIN, "RELAYHOST": "[smtp.provider.example]:submission"},
        {"nodes/smarthost/lookup": None, "nodes/smarthost/port": 587}),
    "a neighbour as the relay host": ({**DOMAIN, "RELAYHOST": "[mailhog]:1025"}, {
        "nodes/smarthost/host": "mailhog", "nodes/smarthost/port": 1025}),
    "a login": (LOGIN, {
        "nodes/smarthost/credentials": {"username": "user", "password": {"env": "RELAYHOST_PASSWORD"}},
        "nodes/smarthost/tls_level": "encrypt"}),
    "a login with a level": ({**LOGIN, "RELAYHOST_TLS_LEVEL": "secure"}, {
        "nodes/smarthost/tls_level": "secure"}),
    "a password in a file": (
        {**HOST, "RELAYHOST_USERNAME": "user", "RELAYHOST_PASSWORD_FILE": "password"},
        {"nodes/smarthost/credentials": {"username": "user", "password": {"file": "password"}}}),
    "a user name without a password": ({**HOST, "RELAYHOST_USERNAME": "user"}, {
        "nodes/smarthost/credentials": None, "nodes/smarthost/tls_level": "may"}),
    "a password without a user name": ({**HOST, "RELAYHOST_PASSWORD": SENTINEL}, {
        "nodes/smarthost/credentials": None}),
    "a level": ({**HOST, "RELAYHOST_TLS_LEVEL": "none"}, {"nodes/smarthost/tls_level": "none"}),
    "a level without a relay host": ({**DOMAIN, "RELAYHOST_TLS_LEVEL": "dane"}, {
        "nodes/relay/extra": {"smtp_tls_security_level": "dane"}}),
    "the level as a parameter": ({**HOST, "POSTFIX_smtp_tls_security_level": "verify"}, {
        "nodes/smarthost/tls_level": "verify", "nodes/relay/extra": None}),
    "networks": ({**DOMAIN, "MYNETWORKS": "127.0.0.0/8, 10.1.2.0/24 10.9.8.7,[fd00:1::]/64,10.1.2.0/24"}, {
        "networks/clients": ["10.1.2.0/24", "10.9.8.7/32", "fd00:1::/64"]}),
    "networks: the old variable counts, as in the image": (
        {**DOMAIN, "MYNETWORKS": "10.1.0.0/16", "POSTFIX_mynetworks": "10.2.0.0/16"},
        {"networks/clients": ["10.1.0.0/16"], "nodes/relay/extra": None}),
    "networks as a parameter": ({**DOMAIN, "POSTFIX_mynetworks": "10.2.0.0/16"}, {
        "networks/clients": ["10.2.0.0/16"], "nodes/relay/extra": None}),
    "a network on loopback, for a pod": ({**DOMAIN, "MYNETWORKS": "127.0.0.0/8"}, {
        "networks/clients": ["127.0.0.0/8"]}),
    "a size": ({**DOMAIN, "MESSAGE_SIZE_LIMIT": "26214400"}, {
        "nodes/relay/message_size_limit": 26214400}),
    "a size as a parameter": ({**DOMAIN, "POSTFIX_message_size_limit": "2048"}, {
        "nodes/relay/message_size_limit": 2048, "nodes/relay/extra": None}),
    "debugging": ({**DOMAIN, "INBOUND_DEBUGGING": "yes"}, {
        "nodes/relay/extra": {"debug_peer_list": "$mynetworks"}}),
    "masquerading": ({**DOMAIN, "MASQUERADED_DOMAINS": "!a.example.com example.com"}, {
        "nodes/relay/masquerade": ["!a.example.com", "example.com"]}),
    "parameters": ({**DOMAIN, "POSTFIX_maximal_queue_lifetime": "1d", "POSTFIX_always_bcc": "",
                    "POSTFIX_header_checks": 'inline:{ {a = "b" \\ c} }'}, {
        "nodes/relay/extra": {"always_bcc": "", "header_checks": 'inline:{ {a = "b" \\ c} }',
                              "maximal_queue_lifetime": "1d"}}),
    "an empty variable is one that is not set": (
        {**DOMAIN, "RELAYHOST": "", "MYNETWORKS": "", "MESSAGE_SIZE_LIMIT": "", "INBOUND_DEBUGGING": "",
         "RELAYHOST_TLS_LEVEL": "", "MASQUERADED_DOMAINS": ""},
        {"nodes/smarthost": None, "networks/clients": PRIVATE, "nodes/relay/extra": None}),
}

# Environment -> what must be said of it.
REFUSALS = {
    "no domains": ({"HOSTNAME": "mail.example.com"}, "ALLOWED_SENDER_DOMAINS"),
    "empty domains": ({**DOMAIN, "ALLOWED_SENDER_DOMAINS": "  "}, "ALLOWED_SENDER_DOMAINS"),
    "a domain that is none": ({**DOMAIN, "ALLOWED_SENDER_DOMAINS": "example.com a@b.org"},
                              "ALLOWED_SENDER_DOMAINS: 'a@b.org'"),
    "a host name that is none": ({**DOMAIN, "HOSTNAME": "a b"}, "HOSTNAME: 'a b'"),
    "octets that are no text": ({**DOMAIN, "RELAYHOST": "[relay\udcff.example.net]:587"}, "RELAYHOST is not UTF-8"),
    "a line end of Unicode": ({**DOMAIN, "POSTFIX_myorigin": "a\u2028b"}, "holds a control character"),
    "public networks": ({**DOMAIN, "MYNETWORKS": "10.0.0.0/8 8.8.0.0/16"}, "[open-relay]"),
    "all networks": ({**DOMAIN, "MYNETWORKS": "0.0.0.0/0"}, "[open-relay]"),
    "host bits": ({**DOMAIN, "MYNETWORKS": "10.1.2.3/8"}, "MYNETWORKS: '10.1.2.3/8'"),
    "a table of networks": ({**DOMAIN, "MYNETWORKS": "cidr:/etc/networks"}, "MYNETWORKS:"),
    "an exception": ({**DOMAIN, "MYNETWORKS": "!10.1.2.3 10.0.0.0/8"}, "MYNETWORKS: '!10.1.2.3'"),
    "a size in words": ({**DOMAIN, "MESSAGE_SIZE_LIMIT": "10M"}, "MESSAGE_SIZE_LIMIT: '10M'"),
    "a tiny size": ({**DOMAIN, "MESSAGE_SIZE_LIMIT": "10"}, "[bad-value]"),
    "a level that is none": ({**HOST, "RELAYHOST_TLS_LEVEL": "yes"}, "RELAYHOST_TLS_LEVEL: 'yes'"),
    "a level that needs fingerprints": ({**HOST, "RELAYHOST_TLS_LEVEL": "fingerprint"},
                                        "[missing-key]"),
    "a login in clear": ({**LOGIN, "RELAYHOST_TLS_LEVEL": "may"}, "[credentials-in-clear]"),
    "two passwords": ({**LOGIN, "RELAYHOST_PASSWORD_FILE": "password"}, "RELAYHOST_PASSWORD_FILE"),
    "a password file that is not there": (
        {**HOST, "RELAYHOST_USERNAME": "user", "RELAYHOST_PASSWORD_FILE": "missing"}, "[credentials]"),
    "several relay hosts": ({**DOMAIN, "RELAYHOST": "a.example, b.example"}, "RELAYHOST:"),
    "a relay host that is none": ({**DOMAIN, "RELAYHOST": "[a.example"}, "RELAYHOST: '[a.example'"),
    "a relay host in bare IPv6": ({**DOMAIN, "RELAYHOST": "2001:db8::1"}, "RELAYHOST:"),
    "a port that is none": ({**DOMAIN, "RELAYHOST": "a.example:0"}, "RELAYHOST: 'a.example:0'"),
    "a port too far": ({**DOMAIN, "RELAYHOST": "a.example:65536"}, "RELAYHOST:"),
    "a masqueraded domain that is none": ({**DOMAIN, "MASQUERADED_DOMAINS": "$x"}, "[bad-value]"),
    "a parameter that is none": ({**DOMAIN, "POSTFIX_a b": "c"}, "POSTFIX_a b"),
    "a value of two lines": ({**DOMAIN, "POSTFIX_biff": "a\nmynetworks = 0.0.0.0/0"}, "POSTFIX_biff"),
    "a user name of two lines": ({**LOGIN, "RELAYHOST_USERNAME": "a\nb"}, "RELAYHOST_USERNAME"),
    "a password in a parameter": (
        {**HOST, "POSTFIX_smtp_sasl_password_maps": f"inline:{{a={SENTINEL}}}"}, "[credentials]"),
}

# Environment -> a warning that must come with its topology.
WARNINGS = {
    "later variables": ({**DOMAIN, "SMTPD_SASL_USERS": "a:b"}, "SMTPD_SASL_USERS has no meaning"),
    "half a login": ({**HOST, "RELAYHOST_USERNAME": "user"}, "nobody logs in"),
    "a login without a relay host": ({**DOMAIN, "RELAYHOST_USERNAME": "user",
                                      "RELAYHOST_PASSWORD": SENTINEL}, "RELAYHOST, which is not set"),
    "a name without a dot": ({**DOMAIN, "HOSTNAME": "f73792d540a5"}, "not fully qualified"),
    "a parameter that undoes": ({**DOMAIN, "POSTFIX_mydestination": "example.com"}, "[extra-overrides]"),
}


def at(topology, path):
    for key in path.split("/"):
        topology = topology.get(key) if isinstance(topology, dict) else None
    return topology


def secrets_in(text):
    """Whether the password, or a part that quoting would leave, is there."""
    return SENTINEL in text or "s3nt" in text


def tree(folder):
    return {str(path.relative_to(folder)): (path.stat().st_mode & 0o777, path.read_bytes())
            for path in sorted(folder.rglob("*")) if path.is_file()}


def check_meaning(name, environment, demands, folder):
    printed = confgen(environment, "render", "--from-env", "--print-topology", cwd=folder)
    expect(f"{name}: exit status", printed.returncode, 0)
    if printed.returncode:
        failures.append(printed.stderr)
        return
    topology = yaml.safe_load(printed.stdout)
    for path, wanted in demands.items():
        expect(f"{name}: {path}", at(topology, path), wanted)
    if secrets_in(printed.stdout + printed.stderr):
        failures.append(f"{name}: the password is printed")

    # the environment and the topology that it amounts to give the same files
    (folder / "environment.yaml").write_text(printed.stdout)
    trees = []
    for out, arguments in (("a", ["--from-env"]), ("b", ["environment.yaml"])):
        result = confgen(environment, "render", "-o", out, *arguments, cwd=folder)
        expect(f"{name}: {arguments[0]}: exit status", result.returncode, 0)
        if secrets_in(result.stdout + result.stderr):
            failures.append(f"{name}: the password is printed by render")
        trees.append(tree(folder / out))
    if not trees[0] or trees[0] != trees[1]:
        failures.append(f"{name}: the environment and its topology give different files")
    for path, (mode, text) in trees[0].items():
        if secrets_in(text.decode()) and (mode != 0o600 or not path.endswith("/sasl_passwd")):
            failures.append(f"{name}: {path} with mode {mode:o} holds the password")


def check_refusal(name, environment, said, folder):
    for arguments in (["--print-topology"], ["-o", "out"]):
        result = confgen(environment, "render", "--from-env", *arguments, cwd=folder)
        # only reading it shows that a file is not there for good
        if (name, arguments[0]) != ("a password file that is not there", "--print-topology"):
            expect(f"{name}: exit status of {arguments[0]}", result.returncode, 1)
            expect(f"{name}: standard output", result.stdout, "")
            expect(f"{name}: says {said}", said in result.stderr, True)
        if secrets_in(result.stdout + result.stderr):
            failures.append(f"{name}: the password is printed: {result.stderr}")
    expect(f"{name}: a tree is written", (folder / "out").exists(), False)


def check_warning(name, environment, said, folder):
    result = confgen(environment, "render", "--from-env", "-o", "out", cwd=folder)
    expect(f"{name}: exit status", result.returncode, 0)
    expect(f"{name}: warns of {said}", said in result.stderr, True)


def check_keys(folder):
    """DOMAIN.private in the folder of keys: that domain is signed, with the selector `mail`."""
    keys = folder / "keys"
    keys.mkdir()
    (keys / "example.org.private").write_text("")
    environment = {**DOMAIN, "ALLOWED_SENDER_DOMAINS": "example.com example.org"}
    result = confgen(environment, "render", "--from-env", "--print-topology", f"--keys={keys}")
    expect("keys: domains", at(yaml.safe_load(result.stdout), "domains"), {
        "example.com": {},
        "example.org": {"dkim": {"sign_at": "relay", "selector": "mail",
                                 "key": f"{keys}/example.org.private"}}})
    expect("keys: warns", f"there is no {keys}/example.com.private" in result.stderr, True)
    result = confgen(environment, "render", "--from-env", "--print-topology", "--keys=keys", cwd=folder)
    expect("keys: a relative folder", result.returncode, 1)


# Environment -> what Postfix makes of the rendered main.cf.
POSTFIX = {
    "the image's own settings": ({**DOMAIN}, {
        "myhostname": "mail.example.com", "mydestination": "", "relay_domains": "", "relayhost": "",
        "smtp_tls_security_level": "may", "message_size_limit": "0", "mailbox_size_limit": "0",
        "inet_protocols": "ipv4", "smtpd_helo_required": "yes", "maillog_file": "/dev/stdout",
        "masquerade_domains": "", "smtp_sasl_auth_enable": "no", "smtpd_milters": "",
        "smtpd_recipient_restrictions": "permit_mynetworks reject_unauth_destination",
    }),
    "the image's own networks": (DOMAIN, {
        "mynetworks": "127.0.0.0/8 [::1]/128 10.0.0.0/8 172.16.0.0/12 192.168.0.0/16"}),
    "a relay host that has MX records": (HOST, {"relayhost": "smtp.provider.example:25"}),
    "a relay host that has none": ({**DOMAIN, "RELAYHOST": "[smtp.provider.example]:587"}, {
        "relayhost": "[smtp.provider.example]:587"}),
    "clients with IPv6": ({**DOMAIN, "MYNETWORKS": "10.0.0.0/8 [fd00::]/8"}, {"inet_protocols": "all"}),
    "parameters, and one left at its default": (
        {**DOMAIN, "POSTFIX_smtp_tls_loglevel": "", "POSTFIX_mydestination": "localhost"},
        {"smtp_tls_loglevel": "0", "mydestination": "localhost"}),
    "a name without a dot": ({**DOMAIN, "HOSTNAME": "pf"}, {"myhostname": "pf"}),
}


def check_postfix(name, environment, demands, folder):
    confgen(environment, "render", "--from-env", "-o", "out", cwd=folder)
    for parameter, wanted in demands.items():
        got = subprocess.run(["postconf", "-c", folder / "out" / "relay", "-h", parameter], check=False,
                             text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        expect(f"{name}: {parameter}", (" ".join(got.stdout.split()), got.stderr), (wanted, ""))


def main():
    os.environ["PATH"] += ":/usr/sbin"
    if not shutil.which("postconf"):
        print("Postfix is not installed")
        return 77
    checks = [(check_meaning, MEANINGS), (check_refusal, REFUSALS), (check_warning, WARNINGS),
              (check_postfix, POSTFIX)]
    for check, table in checks:
        for name, (environment, wanted) in table.items():
            with tempfile.TemporaryDirectory() as folder:
                path = pathlib.Path(folder)
                (path / "password").write_text(SENTINEL + "\n")
                (path / "password").chmod(0o600)
                check(name, environment, wanted, path)
    with tempfile.TemporaryDirectory() as folder:
        check_keys(pathlib.Path(folder))
    for line in failures:
        print(line)
    print(sum(len(table) for _, table in checks), "environments,", len(failures), "failures")
    return bool(failures)


sys.exit(main())
