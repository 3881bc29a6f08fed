/* The PROXY protocol: who says where a client comes from. */
LINT_RULE(P01, ERROR, 0, "smtpd_upstream_proxy_protocol",
	  "the PROXY protocol is set for a program that does not read it")
LINT_RULE(P02, ERROR, 0, "smtpd_upstream_proxy_protocol",
	  "a listener on loopback waits for a PROXY header")
LINT_RULE(P03, ERROR, 0, "postscreen_cache_map", "two postscreens cannot share this cache")
LINT_RULE(P04, WARNING, 0, "smtpd_upstream_proxy_protocol",
	  "who reaches a PROXY port may claim a trusted address")
LINT_RULE(P06, ERROR, 0, "smtpd_upstream_proxy_protocol", "no protocol of proxies that is known")
