"""What each topology demands, written down from the YAML by hand.

  forwards  proxy -> {public port: (address of the node, PROXY port)}
  version   proxy -> version of the PROXY header
  guarded   node -> {PROXY port: addresses that may connect}
  dovecot   node -> (version, trusted addresses, {listener: (port, haproxy, ssl)})
  patched   node -> {service in master.cf: parameters that it must have}, after user-patches.sh
  absent    node -> parameters that no service may have
"""

DMZ = {"10.20.0.2", "fd00:20::2"}
NO_TRUST = {"mynetworks": ""}


def smtpd(listener, syslog):
    return {"smtpd_upstream_proxy_protocol": "haproxy", "milter_macro_daemon_name": listener,
            "syslog_name": f"postfix/{syslog}_proxied", **NO_TRUST}


def second_postscreen():
    return {
        "12525/inet": {"postscreen_upstream_proxy_protocol": "haproxy",
                       "smtpd_service_name": "smtp-proxied", "syslog_name": "postfix/smtp_proxied",
                       "postscreen_cache_cleanup_interval": "0", **NO_TRUST},
        "smtp-proxied/pass": {"milter_macro_daemon_name": "smtp",
                              "syslog_name": "postfix/smtp_proxied", **NO_TRUST},
        # the plain ones stay as they are
        "smtp/inet": {"postscreen_upstream_proxy_protocol": None, "mynetworks": None},
        "smtpd/pass": {"milter_macro_daemon_name": None, "mynetworks": None},
    }


def second_submissions():
    return {
        # what docker-mailserver has for the plain port holds for the copy, too
        "10587/inet": {**smtpd("submission", "submission"), "smtpd_sasl_auth_enable": "yes",
                       "smtpd_tls_security_level": "encrypt",
                       "smtpd_client_restrictions": "permit_sasl_authenticated,reject",
                       "cleanup_service_name": "sender-cleanup"},
        "10465/inet": {**smtpd("submissions", "submissions"), "smtpd_tls_wrappermode": "yes",
                       "smtpd_sasl_auth_enable": "yes"},
        "submission/inet": {"smtpd_upstream_proxy_protocol": None, "mynetworks": None,
                            "syslog_name": "postfix/submission"},
        "submissions/inet": {"smtpd_upstream_proxy_protocol": None},
    }


DEMANDS = {
    "proxy-haproxy": {
        "forwards": {"edge": {25: ("10.20.0.3", 10025)}},
        "version": {"edge": 2},
        "guarded": {"mail": {10025: DMZ}},
        "dovecot": {}, "patched": {}, "absent": {},
    },
    "proxy-nginx": {
        "forwards": {"edge": {25: ("10.20.0.3", 12525), 587: ("10.20.0.3", 10587),
                              465: ("10.20.0.3", 10465), 993: ("10.20.0.3", 10993)}},
        "version": {"edge": 1},
        "guarded": {"mail": {12525: DMZ, 10587: DMZ, 10465: DMZ, 10993: DMZ}},
        "dovecot": {"mail": ("2.3", DMZ, {"imaps-proxied": (10993, True, True)})},
        "patched": {"mail": {**second_postscreen(), **second_submissions()}},
        "absent": {},
    },
    "proxy-traefik-dms": {
        "forwards": {"reverse-proxy": {
            25: ("172.16.42.3", 12525), 587: ("172.16.42.3", 10587), 465: ("172.16.42.3", 10465),
            143: ("172.16.42.3", 10143), 993: ("172.16.42.3", 10993), 110: ("172.16.42.3", 10110),
            995: ("172.16.42.3", 10995), 4190: ("172.16.42.3", 14190)}},
        "version": {"reverse-proxy": 2},
        "guarded": {"dms": dict.fromkeys((12525, 10587, 10465, 10143, 10993, 10110, 10995, 14190),
                                         {"172.16.42.2"})},
        "dovecot": {"dms": ("2.3", {"172.16.42.2"}, {
            "imap-proxied": (10143, True, False), "imaps-proxied": (10993, True, True),
            "pop3-proxied": (10110, True, False), "pop3s-proxied": (10995, True, True),
            "sieve-proxied": (14190, True, False)})},
        "patched": {"dms": {**second_postscreen(), **second_submissions()}},
        "absent": {},
    },
    "proxy-caddy": {
        "forwards": {"caddy": {25: ("172.16.42.3", 25), 465: ("172.16.42.3", 465),
                               993: ("172.16.42.3", 993)}},
        "version": {"caddy": 2},
        "guarded": {"dms": dict.fromkeys((25, 465, 993), {"172.16.42.2", "fd00:42::2"})},
        "dovecot": {"dms": ("2.4", {"172.16.42.2", "fd00:42::2"}, {"imaps": (None, True, None)})},
        "patched": {"dms": {
            "smtp/inet": {"postscreen_upstream_proxy_protocol": "haproxy", **NO_TRUST},
            "smtpd/pass": {"milter_macro_daemon_name": "smtp", **NO_TRUST},
            "submissions/inet": {"smtpd_upstream_proxy_protocol": "haproxy",
                                 "milter_macro_daemon_name": "submissions", **NO_TRUST,
                                 "smtpd_tls_wrappermode": "yes"},
            "submission/inet": {"smtpd_upstream_proxy_protocol": None}}},
        "absent": {"dms": ["postscreen_cache_cleanup_interval"]},
    },
    "proxies": {
        "forwards": {
            "front": {25: ("10.20.0.3", 10025), 2587: ("10.20.0.3", 12587),
                      465: ("10.20.0.3", 465)},
            "spare": {25: ("10.20.0.3", 10026)},
            "inner": {465: ("10.30.0.4", 465), 993: ("10.30.0.4", 993),
                      4190: ("10.30.0.4", 14190)}},
        "version": {"front": 1, "spare": 1, "inner": 1},
        "guarded": {
            "mail": {10025: DMZ, 10026: {"10.20.0.12", "10.20.0.13"}, 12587: DMZ, 465: DMZ},
            "home": dict.fromkeys((465, 993, 14190), {"10.30.0.2"})},
        "dovecot": {"home": ("2.3", {"10.30.0.2"}, {"imaps": (None, True, None),
                                                    "sieve-proxied": (14190, True, False)})},
        "patched": {"home": {"submissions/inet": {"smtpd_upstream_proxy_protocol": "haproxy",
                                                  "milter_macro_daemon_name": "submissions",
                                                  **NO_TRUST}}},
        "absent": {"home": ["postscreen_upstream_proxy_protocol"]},
    },
}

# Postfix's own services behind proxies, by topology, node and service.
MASTER = {
    ("proxy-haproxy", "mail"): {
        "10025/inet": {**smtpd("smtp", "smtp"), "inet_protocols": None},
        "smtp/inet": {"smtpd_upstream_proxy_protocol": None, "mynetworks": None}},
    ("proxies", "mail"): {
        # the proxy's clients may have IPv6 addresses, the host has none
        "10025/inet": {**smtpd("smtp", "smtp"), "inet_protocols": "all"},
        "10026/inet": {**smtpd("smtp-spare", "smtp_spare"), "inet_protocols": None},
        "12587/inet": {**smtpd("relays", "relays"), "smtpd_tls_wrappermode": None,
                       "smtpd_relay_restrictions": "permit_sasl_authenticated,reject",
                       "smtpd_sasl_auth_enable": "yes"},
        "465/inet": {**smtpd("relays-tls", "relays_tls"), "smtpd_tls_wrappermode": "yes",
                     "smtpd_relay_restrictions": "permit_sasl_authenticated,reject"},
        "smtp/inet": {"smtpd_upstream_proxy_protocol": None},
        "submission/inet": {"smtpd_upstream_proxy_protocol": None}},
}
