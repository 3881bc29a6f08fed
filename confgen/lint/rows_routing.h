/* Routing and binding: where mail goes next, and from which address. */
LINT_RULE(B01, WARNING, 0, "smtp_bind_address", "a client of loopback has a bind address")
LINT_RULE(B02, ERROR, 0, "smtp_bind_address", "a bind address that is no single IP address")
LINT_RULE(B03, WARNING, 307, "smtp_bind_address_enforce",
	  "mail leaves from another address where binding fails")
LINT_RULE(B04, ERROR, 0, "smtp_bind_address", "a bind address on a server, where it does nothing")
LINT_RULE(B05, WARNING, 0, "smtp_bind_address6", "bound for one of IPv4 and IPv6 alone")
LINT_RULE(B06, WARNING, 0, "relayhost", "a next hop without brackets: MX records are looked up")
LINT_RULE(B08, WARNING, 0, "sender_dependent_relayhost_maps", "bounces take another way than mail")
LINT_RULE(B09, INFO, 0, "inet_interfaces", "what is listened on binds outgoing mail as well")
LINT_RULE(B10, WARNING, 0, "master(5)", "a service sets what its program does not read")
LINT_RULE(B11, ERROR, 0, "relayhost", "a transport where only a next hop can stand")
LINT_RULE(B12, ERROR, 0, "relayhost", "the next hop is this host's own port 25: a mail loop")
LINT_RULE(B13, WARNING, 0, "disable_dns_lookups", "no DNS look-ups, and no relay that needs none")
