"""What each topology demands of its hosts, written down from the YAML by hand.

By topology and node:
  main    parameter -> value that Postfix must see (lists: as sets of words)
  trusted the clients in mynetworks, beyond loopback
  ask     where a table stands -> {key: value, or None: must not be found}
          "PARAMETER" is a table that is its value; "PARAMETER/ACTION" the first table after ACTION
  limits  client, by address or login -> sender domains it may use, None: it is not limited
  causes  parameter or (file, key) -> lines of the topology that the comment must name
  master  service -> parameters that it overrides
  modes   file -> mode
  milter  texts that postern-milter.conf must have; False: there must be no such file
"""

LOOPBACK = {"127.0.0.0/8", "[::1]/128"}

# Neither a sub-domain nor a look-alike of a relayed domain is relayed.
NOT_RELAYED = {"sub.example.com": None, "example.net": None, "xexample.com": None, "com": None}

DMS_RELAY = {
    "public": {
        "main": {
            "myhostname": "mail.example.com",
            "inet_protocols": "ipv4",
            "mydestination": "",
            "relayhost": "",
            "message_size_limit": "10240000",
            "smtpd_tls_security_level": "may",
            "smtpd_tls_cert_file": "/etc/postfix/certificates/mail.example.com.crt",
            "smtpd_tls_key_file": "/etc/postfix/certificates/mail.example.com.key",
            "smtpd_milters": "",
            "smtp_fallback_relay": "",
            "smtp_line_length_limit": "0",  # it relays what others have signed
            "sender_dependent_relayhost_maps": "",
            "smtp_sasl_auth_enable": "no",
        },
        "trusted": {"192.168.2.3/32"},
        "ask": {
            "transport_maps": {"example.com": "relay:[192.168.2.3]:25", "*": None,
                               **NOT_RELAYED},
            "relay_domains": {"example.com": "OK", **NOT_RELAYED},
            "relay_recipient_maps": {"@example.com": "OK", "@sub.example.com": None},
            "smtpd_recipient_restrictions/check_recipient_access": {
                "example.com": "reject_unverified_recipient", "sub.example.com": None},
            "virtual_alias_maps": {
                "postmaster@mail.example.com": "postmaster@example.com",
                "abuse@mail.example.com": "postmaster@example.com",
                "root@mail.example.com": "postmaster@example.com",
                "other@mail.example.com": None},
        },
        "limits": {
            "192.168.2.3": {
                "<>": "OK", "example.com": "OK",
                "internal-mail.example.com": "OK", "example.org": None},
            "192.168.2.2": None, "11.22.33.44": None, "203.0.113.9": None,
        },
        "causes": {
            "myhostname": {15}, "inet_protocols": {16}, "mynetworks": {26},
            "smtpd_tls_cert_file": {17, 18}, "smtpd_sender_restrictions": {26},
            ("transport", "example.com"): {29}, ("relay_domains", "example.com"): {29},
            ("verify_recipients", "example.com"): {29},
            ("senders_private", "internal-mail.example.com"): {22},
            ("senders_private", "example.com"): {30}, ("clients.cidr", "192.168.2.3/32"): {26},
        },
        "milter": False,
    },
    "private": {
        "main": {
            "relayhost": "[192.168.2.2]:25",
            "smtp_fallback_relay": "",
            "smtp_line_length_limit": "0",  # it signs
            "smtp_tls_policy_maps": "",
            "non_smtpd_milters": "{ inet:127.0.0.1:8894, default_action=tempfail }",
            "internal_mail_filter_classes": "bounce",
        },
        "trusted": {"192.168.2.2/32"},
        "ask": {"postfix-relaymap.cf": {"@example.com": "[192.168.2.2]:25",
                                        "<>": "[192.168.2.2]:25", "@example.org": None}},
        "causes": {"mynetworks": {26}, "relayhost": {30}, "postern_milter": {7},
                   ("postfix-relaymap.cf", "@example.com"): {30},
                   ("postfix-relaymap.cf", "<>"): {30}},
        "master": {
            "submission/inet": {"smtpd_milters": "$postern_milter"},
            "submissions/inet": {"smtpd_milters": "$postern_milter"},
        },
        "milter": ['domain "example.com"', 'selector = "mail"', '"internal-mail.example.com"',
                   'key = "/etc/postern/keys/example.com/mail.private"'],
    },
}

SASL = {
    "public": {
        "main": {
            "myhostname": "mail.example.com",
            "inet_protocols": "all",
            "relayhost": "",
            "smtp_sasl_auth_enable": "yes",
            "smtp_sasl_security_options": "noanonymous",
            "smtpd_sasl_type": "dovecot",
            "smtpd_sasl_auth_enable": "no",  # on port 25; submission turns it on
            "smtpd_tls_auth_only": "yes",
            "internal_mail_filter_classes": "bounce",
        },
        "trusted": set(),
        "ask": {
            "transport_maps": {"example.com": "relay:[192.168.2.3]:587", **NOT_RELAYED},
            "relay_domains": {"example.com": "OK", **NOT_RELAYED},
            "smtp_tls_policy_maps": {"[192.168.2.3]:587": "encrypt", "[192.168.2.3]:25": None},
            "smtp_sasl_password_maps": {"[192.168.2.3]:587": "relay@example.com:pässwort",
                                        "example.com": None, "192.168.2.3": None},
        },
        "limits": {
            "private-host": {
                "<>": "OK", "example.com": "OK", "internal-mail.example.com": "OK",
                "example.org": None},
            "other": None,
        },
        "causes": {"smtpd_sender_restrictions": {21}, "smtpd_sasl_type": {21},
                   "smtpd_milters": {5}, ("sasl_passwd", "[192.168.2.3]:587"): {24},
                   ("sasl_limits", "private-host"): {21}, ("transport", "example.com"): {26},
                   ("tls_policy", "[192.168.2.3]:587"): {19, 20, 21}},
        "master": {"submission/inet": {
            "smtpd_tls_security_level": "encrypt", "smtpd_sasl_auth_enable": "yes",
            "smtpd_client_restrictions": "permit_sasl_authenticated,reject",
            "smtpd_relay_restrictions": "permit_sasl_authenticated,reject"}},
        "modes": {"sasl_passwd": 0o600, "sasl_users": 0o600},
        "milter": ['domain "example.com"', 'selector = "s2026"', '"internal-mail.example.com"',
                   '"mail.example.com"', 'socket = "unix:/var/spool/postfix/postern/milter.sock"'],
    },
    "private": {
        # its mail is signed behind it: what is folded by then is folded for good
        "main": {"relayhost": "[192.168.2.2]:587", "smtp_line_length_limit": "998"},
        "trusted": set(),
        "ask": {
            "postfix-relaymap.cf": {"@example.com": "[192.168.2.2]:587",
                                    "<>": "[192.168.2.2]:587"},
            "postfix-sasl-password.cf": {
                "[192.168.2.2]:587": "private-host:correct horse battery"},
            "smtp_tls_policy_maps": {"[192.168.2.2]:587": "encrypt"},
        },
        "causes": {"relayhost": {27}, ("postfix-sasl-password.cf", "[192.168.2.2]:587"): {23}},
        "master": {},
        "modes": {"postfix-sasl-password.cf": 0o600},
        "milter": False,
    },
}

SMARTHOST = {
    "public": {
        "main": {
            "myhostname": "mail.example.com",
            "relayhost": "",  # mail from example.org goes straight out
            "smtp_sasl_auth_enable": "yes",
            "non_smtpd_milters":
                "{ unix:postern/milter.sock, default_action=tempfail }",
        },
        "trusted": {"192.168.2.0/24"},
        "ask": {
            "transport_maps": {"example.com": "relay:[192.168.2.3]:25",
                               "example.org": "relay:[192.168.2.3]:25", **NOT_RELAYED},
            "relay_domains": {"example.com": "OK", "example.org": "OK", **NOT_RELAYED},
            "relay_recipient_maps": {"@example.com": "OK", "@example.org": "OK"},
            "sender_dependent_relayhost_maps": {
                "@example.com": "[smtp.provider.example]:587", "@example.org": None,
                "<>": "[smtp.provider.example]:587"},
            "smtp_tls_policy_maps": {
                "[smtp.provider.example]:587": "secure match=smtp.provider.example",
                "[192.168.2.3]:25": "encrypt"},
            "smtp_sasl_password_maps": {
                "[smtp.provider.example]:587": "apikey:correct horse battery"},
            "virtual_alias_maps": {"postmaster@mail.example.com": "postmaster@example.com"},
        },
        "limits": {
            "192.168.2.3": {"<>": "OK", "example.com": "OK", "example.org": "OK",
                            "example.net": None},
            "192.168.2.200": {"example.com": "OK", "example.net": None},
            "192.168.3.1": None,
        },
        "causes": {"myhostname": {12}, "mynetworks": {27}, "smtpd_milters": {5},
                   ("sasl_passwd", "[smtp.provider.example]:587"): {25}},
        "modes": {"sasl_passwd": 0o600},
        "milter": ['domain "example.com"', '"192.168.2.0/24"'],
        "milter_lacks": ['domain "example.org"'],
    },
    "private": {
        "main": {"relayhost": "[192.168.2.2]:25"},
        "trusted": {"192.168.2.0/24"},
        "ask": {
            "postfix-relaymap.cf": {"@example.com": "[192.168.2.2]:25",
                                    "@example.org": "[192.168.2.2]:25",
                                    "<>": "[192.168.2.2]:25"},
            "smtp_tls_policy_maps": {"[192.168.2.2]:25": "encrypt"},
        },
        "causes": {"mynetworks": {27}, "relayhost": {30},
                   ("postfix-relaymap.cf", "@example.org"): {31}},
        "master": {},
        "milter": False,
    },
}


def mx(host, reader, size, com_line, org_line, com_out, org_out):
    return {
        "main": {"myhostname": host, "message_size_limit": size, "relayhost": "",
                 "recipient_delimiter": "+",
                 "smtpd_tls_security_level": "none", "smtp_fallback_relay": ""},
        "trusted": {"10.8.0.11/32", "10.8.0.12/32"},
        "ask": {
            "transport_maps": {"example.com": "relay:[10.8.0.11]:25",
                               "example.org": "relay:[10.8.0.12]:25", **NOT_RELAYED},
            "relay_domains": {"example.com": "OK", "example.org": "OK", **NOT_RELAYED},
            "relay_recipient_maps": {
                "user@example.com": "OK", "postmaster@example.com": "OK",
                "other@example.com": None, "@example.com": None, "@example.org": "OK"},
            "smtpd_recipient_restrictions/check_recipient_access": {
                "example.org": "reject_unverified_recipient", "example.com": None},
            "virtual_alias_maps": {"abuse@" + host: reader},
        },
        "limits": {
            "10.8.0.11": {
                "<>": "OK", "example.com": "OK", "home.example.com": "OK", "example.org": None},
            "10.8.0.12": {
                "<>": "OK", "example.org": "OK", "office.example.org": "OK",
                "example.com": None},
            "10.8.0.13": None,
        },
        "causes": {("transport", "example.com"): {com_line},
                   ("transport", "example.org"): {org_line},
                   ("relay_recipients", "user@example.com"): {7},
                   ("senders_home", "example.com"): {com_out},
                   ("senders_office", "example.org"): {org_out}},
        "milter": False,
    }


def home(domain, hostname, first, second, out, fallback, links, size):
    return {
        "main": {"relayhost": first, "smtp_fallback_relay": second,
                 "message_size_limit": size,
                 "non_smtpd_milters": "{ inet:127.0.0.1:8894, default_action=tempfail }"},
        "trusted": {"10.8.0.1/32", "10.8.0.2/32"},
        "ask": {"postfix-relaymap.cf": {"@" + domain: first, "<>": first}},
        "causes": {"mynetworks": links, "relayhost": {out}, "smtp_fallback_relay": {fallback}},
        "master": {"submission/inet": {"smtpd_milters": "$postern_milter"},
                   "submissions/inet": {"smtpd_milters": "$postern_milter"}},
        "milter": ['domain "%s"' % domain, '"%s"' % hostname],
    }


TWO_OF_EACH = {
    "mx1": mx("mx1.example.net", "hostmaster@example.org", "52428800", 43, 45, 47, 50),
    "mx2": mx("mx2.example.net", "postmaster@example.com", "52428800", 44, 46, 48, 49),
    "home": home("example.com", "home.example.com", "[10.8.0.1]:25", "[10.8.0.2]:25", 47, 48,
                 {38, 39}, "52428800"),
    "office": home("example.org", "office.example.org", "[10.8.0.2]:25", "[10.8.0.1]:25", 49, 50,
                   {40, 41}, "52428800"),
}
TWO_OF_EACH["mx1"]["main"]["compatibility_level"] = "3.6"
TWO_OF_EACH["mx1"]["main"]["default_database_type"] = "hash"
TWO_OF_EACH["mx2"]["main"]["compatibility_level"] = "2"  # 3.5 knows no MAJOR.MINOR
TWO_OF_EACH["home"]["milter"].append('"news.example.com"')
TWO_OF_EACH["office"]["milter"].append('key = "/etc/postern/keys/org.pem"')

CHAIN = {
    "outer": {
        "main": {"inet_protocols": "all", "relayhost": "", "recipient_delimiter": "+",
                 "smtpd_sasl_auth_enable": "no", "smtp_sasl_auth_enable": "yes"},
        "trusted": set(),
        "ask": {
            "transport_maps": {"example.com": "relay:[fd00:1::2]:2587", **NOT_RELAYED},
            "relay_recipient_maps": {"user@example.com": "OK", "other@example.com": None,
                                     "PostMaster@example.com": "OK", "@example.com": None},
            "smtp_tls_policy_maps": {"[fd00:1::2]:2587": "verify match=inner.example.com"},
            "smtp_sasl_password_maps": {"[fd00:1::2]:2587": "from-outer:pässwort"},
        },
        "limits": {"from-inner": {"example.com": "OK", "inner.example.com": "OK", "<>": "OK",
                                  "example.org": None}},
        "causes": {"smtpd_sender_restrictions": {30}, ("transport", "example.com"): {38},
                   ("sasl_passwd", "[fd00:1::2]:2587"): {35}},
        "master": {"2587/inet": {"smtpd_tls_security_level": "encrypt",
                                 "smtpd_sasl_auth_enable": "yes"}},
        "modes": {"sasl_passwd": 0o600, "sasl_users": 0o600},
        "milter": False,
    },
    "inner": {
        "main": {"inet_protocols": "ipv6", "relayhost": "[fd00:1::1]:2587"},
        "trusted": {"[fd00:2::3]/128"},
        "ask": {
            "transport_maps": {"example.com": "relay:[fd00:2::3]:25", **NOT_RELAYED},
            "sender_dependent_relayhost_maps": {"@example.com": "[fd00:1::1]:2587",
                                                "<>": "[fd00:1::1]:2587"},
            "smtp_tls_policy_maps": {"[fd00:1::1]:2587": "verify match=mx.example.com",
                                     "[fd00:2::3]:25": "none"},
            "smtp_sasl_password_maps": {"[fd00:1::1]:2587": "from-inner:pässwort"},
            # it brings mail from strangers, which goes to the relayed domains or nowhere
            "smtpd_sender_restrictions/check_sasl_access": {
                "from-outer": "reject_unauth_destination", "other": None},
        },
        "limits": {"fd00:2::3": {"example.com": "OK", "home.example.com": "OK", "<>": "OK",
                                 "mx.example.com": None},
                   "fd00:2::4": None, "fd00:1::1": None},
        "causes": {"mynetworks": {36}, "smtpd_milters": {8}, "relayhost": {39}},
        "milter": ['domain "example.com"', 'relay_users = {"from-outer"}', '"fd00:2::3/128"'],
    },
    "home": {
        "main": {"relayhost": "[fd00:2::2]:25"},
        "trusted": {"[fd00:2::2]/128"},
        "ask": {"postfix-relaymap.cf": {"@example.com": "[fd00:2::2]:25",
                                        "<>": "[fd00:2::2]:25"},
                "smtp_tls_policy_maps": {"[fd00:2::2]:25": "none"}},
        "causes": {"mynetworks": {36}, "relayhost": {39}},
        "milter": False,
    },
}

# What the type of a node's tables must be.
TABLE_TYPES = {
    ("dms-relay", "public"): "texthash", ("sasl", "public"): "texthash",
    ("smarthost", "public"): "inline", ("two-of-each", "mx1"): "lmdb",
    ("two-of-each", "mx2"): "hash",
}



def app_relay(main, ask, causes, milter_line, **more):
    """A container whose clients are the hosts of 172.28.0.0/24, and which nothing is sent to."""
    senders = {"example.com": "OK", "xexample.com": None, "example.org": None,
               "<>": None}
    return {
        "main": {"myhostname": "relay.example.com", "inet_protocols": "ipv4", "mydestination": "",
                 "relay_domains": "", "maillog_file": "/dev/stdout", "smtpd_tls_security_level": "none",
                 "virtual_alias_maps": "",
                 "smtpd_milters": "{ unix:postern/milter.sock, default_action=tempfail }",
                 "internal_mail_filter_classes": "bounce", **main},
        "trusted": {"172.28.0.0/24"},
        "ask": ask,
        "limits": {"172.28.0.7": senders, "172.28.0.255": senders, "127.0.0.1": senders,
                   "172.28.1.1": None, "203.0.113.9": None},
        "causes": {"myhostname": {causes["hostname"]}, "mynetworks": {causes["clients"]},
                   "smtpd_sender_restrictions": {causes["clients"]}, "smtpd_milters": {milter_line},
                   "message_size_limit": {causes["size"]}, "maillog_file": {causes["container"]},
                   ("network_senders_app", "example.com"): {causes["allowed"]},
                   ("clients.cidr", "172.28.0.0/24"): {causes["clients"]}},
        "master": {"submission/inet": {"smtpd_client_restrictions": "permit_mynetworks,reject"}},
        "milter": ['domain "example.com"', 'selector = "mail"', '"relay.example.com"', 'log = "stderr"',
                   '"172.28.0.0/24"', 'key = "/etc/postern/keys/example.com/mail.private"'],
        **more,
    }


APP_RELAY = {"relay": app_relay(
    {"relayhost": "[smtp.provider.example]:587", "message_size_limit": "26214400",
     "masquerade_domains": "example.com", "smtp_sasl_auth_enable": "yes",
     "local_header_rewrite_clients": "permit_inet_interfaces permit_mynetworks"},
    {"smtp_tls_policy_maps": {
        "[smtp.provider.example]:587": "secure match=smtp.provider.example"},
     "smtp_sasl_password_maps": {"[smtp.provider.example]:587": "apikey:correct horse battery",
                                 "smtp.provider.example": None}},
    {"hostname": 15, "clients": 17, "size": 20, "container": 14, "allowed": 18}, 6,
    modes={"sasl_passwd": 0o600, "entrypoint": 0o755})}

APP_RELAY_DIRECT = {"relay": app_relay(
    {"relayhost": "", "message_size_limit": "0", "mailbox_size_limit": "0", "virtual_mailbox_limit": "0",
     "masquerade_domains": "", "smtp_sasl_auth_enable": "no", "sender_dependent_relayhost_maps": ""},
    {}, {"hostname": 17, "clients": 19, "size": 21, "container": 15, "allowed": 20}, 6,
    modes={"entrypoint": 0o755})}

SES = "[email-smtp.eu-west-1.amazonaws.com]:587"
MAILGUN = "[smtp.eu.mailgun.org]:587"

SMARTHOST_FALLBACK = {
    "public": {
        "main": {"relayhost": "", "smtp_fallback_relay": SES, "smtp_sasl_auth_enable": "yes"},
        "trusted": {"192.168.2.3/32"},
        "ask": {
            "sender_dependent_relayhost_maps": {"@example.com": None, "@lists.example": None, "<>": None,
                                                "@shop.example": SES},
            "sender_dependent_default_transport_maps": {
                "@example.com": None, "<>": None, "@shop.example": "fallback-shop:",
                "@lists.example": "fallback-direct:"},
            "smtp_tls_policy_maps": {SES: "secure match=" + SES[1:-5],
                                     MAILGUN: "secure match=" + MAILGUN[1:-5]},
            "smtp_sasl_password_maps": {SES: "AKIAEXAMPLE:ses-secret",
                                        MAILGUN: "postmaster@shop.example:mailgun-secret"},
        },
        "master": {"fallback-shop/unix": {"smtp_fallback_relay": MAILGUN},
                   "fallback-direct/unix": {"smtp_fallback_relay": ""},
                   "relay/unix": {"smtp_fallback_relay": ""}},
        "causes": {"smtp_fallback_relay": {50}, ("relayhosts", "@shop.example"): {51},
                   ("sender_services", "@shop.example"): {51},
                   ("sender_services", "@lists.example"): {49}},
        "modes": {"sasl_passwd": 0o600},
        "milter": ['domain "lists.example"'],
    },
    "private": {
        "main": {"relayhost": "[192.168.2.2]:25", "smtp_fallback_relay": ""},
        "trusted": {"192.168.2.2/32"},
        "ask": {"postfix-relaymap.cf": {"@lists.example": "[192.168.2.2]:25"}},
        "causes": {"relayhost": {49}},
        "milter": False,
    },
}

DEMANDS = {"smarthost-fallback": SMARTHOST_FALLBACK, "dms-relay": DMS_RELAY, "app-relay": APP_RELAY,
           "app-relay-direct": APP_RELAY_DIRECT, "sasl": SASL, "smarthost": SMARTHOST,
           "two-of-each": TWO_OF_EACH, "chain": CHAIN}
