/* Relay and trust: who may send through this host. */
LINT_RULE(R01, ERROR, 0, "mynetworks", "a public network is trusted: an open relay")
