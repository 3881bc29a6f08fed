/*
 * What can be wrong with a topology: one row a rule, with its stable name, its severity, and one
 * line on it. Names are never reused.
 */
#ifndef POSTERN_TOPOLOGY_RULES_H
#define POSTERN_TOPOLOGY_RULES_H

#include "common/diagnostics.h"

/* clang-format off */
#define TOPOLOGY_RULES(X) \
	X(UNKNOWN_KEY, "unknown-key", ERROR, "a key that the language does not have") \
	X(MISSING_KEY, "missing-key", ERROR, "a key that must be given is not") \
	X(WRONG_TYPE, "wrong-type", ERROR, "a list where a text is wanted, and the like") \
	X(BAD_VALUE, "bad-value", ERROR, "a value that cannot be what its key asks for") \
	X(VERSION, "language-version", ERROR, "the topology is written in another version of the language") \
	X(UNKNOWN_NAME, "unknown-name", ERROR, "a name that nothing in the topology bears") \
	X(RESERVED_NAME, "reserved-name", ERROR, "a name that the language keeps for itself") \
	X(NAME_TWICE, "listed-twice", ERROR, "the same thing listed twice") \
	X(MISPLACED_KEY, "misplaced-key", ERROR, "a key that has no meaning for this kind of thing") \
	X(LINK_ENDS, "link-ends", ERROR, "a link that does not join two different mail nodes") \
	X(LINK_TWICE, "link-twice", ERROR, "two links between the same nodes") \
	X(NO_LINK, "no-link", ERROR, "a path between nodes that no link joins") \
	X(NO_SHARED_NETWORK, "no-shared-network", ERROR, "two ends of a hop that share no network") \
	X(OUTSIDE_NETWORK, "outside-network", ERROR, "an address outside the network it is said to be in") \
	X(ADDRESS_TWICE, "address-twice", ERROR, "two nodes with the same address") \
	X(NETWORKS_OVERLAP, "networks-overlap", ERROR, "two networks that share addresses") \
	X(HOSTNAME_TWICE, "hostname-twice", ERROR, "two nodes that greet with the same host name") \
	X(HOSTNAME_IS_DOMAIN, "hostname-is-domain", ERROR, "a relay's host name that is also a mail domain") \
	X(ROUTE_SHAPE, "route-shape", ERROR, "a path that starts or ends where its route cannot") \
	X(ROUTE_LOOP, "route-loop", ERROR, "mail that comes back to a node it has passed") \
	X(ROUTE_CONFLICT, "route-conflict", ERROR, "two routes that send the same mail different ways") \
	X(UNDELIVERED, "domain-undelivered", ERROR, "a domain whose mail reaches no mailbox") \
	X(DELIVERED_TWICE, "domain-delivered-twice", ERROR, "a domain whose mail ends at two nodes") \
	X(UNSIGNED_PATH, "unsigned-path", ERROR, "mail that leaves without passing its signer") \
	X(OPEN_RELAY, "open-relay", ERROR, "trust that strangers could use") \
	X(TRUST_OVERLAP, "overlapping-trust", ERROR, "trust that also covers another node or grant") \
	X(CREDENTIALS, "credentials", ERROR, "logins that are missing, unused or not to be had") \
	X(CREDENTIALS_CLEAR, "credentials-in-clear", ERROR, "a login that would cross the network unencrypted") \
	X(SECRET_OPEN, "secret-readable", WARNING, "a secret file that others can read") \
	X(SENDER_UNROUTED, "sender-unrouted", ERROR, "a sender domain whose mail no route takes out") \
	X(PORT_TWICE, "port-twice", ERROR, "two listeners of a node on one port") \
	X(EXTRA_OVERRIDES, "extra-overrides", WARNING, "a parameter that undoes what was derived") \
	X(NO_CERTIFICATE, "no-certificate", ERROR, "TLS asked of a node that has no certificate") \
	X(LIST_FILE, "list-file", ERROR, "a list that cannot be read, or a line in it that is wrong") \
	X(EGRESS, "egress", ERROR, "mail bound to an address that it cannot leave from") \
	X(EGRESS_HALF, "egress-one-family", WARNING, "mail bound in one address family only") \
	X(UNUSED, "unused", WARNING, "something declared that no route uses") \
	X(SIZE_FALLS, "size-limit-falls", WARNING, "a host that takes less than the one before it on a path") \
	X(NO_WAY_OUT, "no-way-out", WARNING, "a domain with mailboxes whose mail has no way out") \
	X(SUBDOMAIN_WAY, "subdomain-way", WARNING, "sub-domains whose mail leaves another way than that of the domain") \
	X(EGRESS_LOOSE, "egress-not-enforced", WARNING, "mail bound by a Postfix that sends it unbound when it cannot bind") \
	X(PROXY_PATH, "proxy-path", ERROR, "a proxy on a path where it cannot stand") \
	X(PROXY_PORT, "proxy-port-direct-client", ERROR, "a direct client of a port that wants the PROXY header") \
	X(LISTENER, "listener", ERROR, "a listener that its node or its proxy cannot have") \
	X(TEST, "test", ERROR, "a test that asks for what cannot be, or contradicts itself") \
	X(RENDERED, "postfix-rejects", ERROR, "Postfix does not accept what was rendered")
/* clang-format on */

enum topology_rule {
#define X(id, name, severity, summary) RULE_##id,
	TOPOLOGY_RULES(X)
#undef X
		RULE_COUNT
};

struct topology_rule_row {
	const char *name;
	enum severity severity;
	const char *summary;
};

extern const struct topology_rule_row topology_rules[RULE_COUNT];

/*
 * After so many errors nobody reads what each name may have meant, and to look for it takes time: a
 * topology may be a stranger's.
 */
#define MOST_SUGGESTIONS 100

/* Adds a diagnostic of this rule. Follow with diagnostics_hint() on the same list. */
#define report(list, rule, at, ...)                                   \
	diagnostics_add((list), topology_rules[RULE_##rule].severity, \
			topology_rules[RULE_##rule].name, (at), __VA_ARGS__)

#endif
