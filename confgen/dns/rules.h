/*
 * What can be wrong with a topology's DNS: one row a rule, with its stable name, its severity and
 * one line on it. Names are never reused.
 */
#ifndef POSTERN_DNS_RULES_H
#define POSTERN_DNS_RULES_H

#include "common/diagnostics.h"

/* clang-format off */
#define DNS_RULES(X) \
	/* what the records lack before they are published */ \
	X(NO_KEY, "dns-no-key", WARNING, "a DKIM key that was not made, or cannot be read") \
	X(SPF_UNKNOWN, "dns-spf-unknown", WARNING, "mail that leaves from where the topology does not tell") \
	X(SPF_LOOKUPS, "dns-spf-lookups", ERROR, "an SPF record that needs more than 10 look-ups") \
	X(UNCONFIRMED, "dns-name-unconfirmed", WARNING, "a host that greets with a name that cannot lead back to it") \
	/* what is published */ \
	X(MISSING, "dns-missing", ERROR, "a record that is not published") \
	X(DIFFERENT, "dns-different", WARNING, "a record that says something else than it should") \
	X(SPF_INVALID, "dns-spf-invalid", ERROR, "an SPF record that receivers give up on") \
	X(SPF_FAILS, "dns-spf-fails", ERROR, "an address that mail leaves from and SPF does not allow") \
	X(DKIM, "dns-dkim", ERROR, "a DKIM record that does not fit the key") \
	X(SEVERAL, "dns-several", ERROR, "several records where there may be one") \
	X(NO_REVERSE, "dns-no-reverse", ERROR, "an address that mail leaves from, and that has no PTR record") \
	X(FCRDNS, "dns-fcrdns", ERROR, "an address whose PTR record and host name do not confirm each other") \
	X(MX_ALIAS, "dns-mx-alias", ERROR, "an MX record that points to an alias (CNAME)") \
	X(MX_NOWHERE, "dns-mx-nowhere", ERROR, "an MX record whose host has no address") \
	X(WILDCARD, "dns-wildcard", WARNING, "a wildcard that answers for names which are not there") \
	X(DNSSEC, "dns-dnssec", ERROR, "TLSA records that nobody can trust, for lack of DNSSEC") \
	X(UNANSWERED, "dns-unanswered", WARNING, "a question that no server answered, or that failed")
/* clang-format on */

enum dns_rule {
#define X(id, name, severity, summary) DNS_RULE_##id,
	DNS_RULES(X)
#undef X
		DNS_RULE_COUNT
};

struct dns_rule_row {
	const char *name;
	enum severity severity;
	const char *summary;
};

extern const struct dns_rule_row dns_rules[DNS_RULE_COUNT];

/* Adds a diagnostic of this rule. Follow with diagnostics_hint() on the same list. */
#define dns_report(list, rule, at, ...)                              \
	diagnostics_add((list), dns_rules[DNS_RULE_##rule].severity, \
			dns_rules[DNS_RULE_##rule].name, (at), __VA_ARGS__)

#endif
