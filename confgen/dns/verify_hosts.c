/* What names lead to: MX hosts, addresses that confirm each other, DNSSEC, wildcards. */
#include "confgen/dns/build.h"
#include "confgen/dns/verify_private.h"

#include <strings.h>

#define MOST_EXCHANGERS 20 /* of a domain; a stranger's answer may list more */
#define MOST_NAMES	10 /* PTR records of an address */
#define PROBE		"postern-probe-of-nothing"

/* --- MX --- */

static void verify_exchanger(struct verifier *verifier, const struct dns_record *mx,
			     const struct dns_found *found)
{
	const char *host = verify_quote(verifier, found->target, strlen(found->target));
	const struct dns_answer *v4 = verify_ask(verifier, found->target, DNS_A, mx->at);
	const struct dns_answer *v6 =
		v4 ? verify_ask(verifier, found->target, DNS_AAAA, mx->at) : NULL;

	if (!v4 || !v6)
		return;
	if (v4->alias || v6->alias) {
		dns_report(verifier->list, MX_ALIAS, mx->at,
			   "MX: %s points to %s, which is an alias (CNAME)", mx->owner, host);
		diagnostics_hint(verifier->list,
				 "RFC 5321 5.1 forbids it, and some senders do not "
				 "follow: give the host its own A and AAAA records");
	} else if (v4->count + v6->count == 0) {
		dns_report(verifier->list, MX_NOWHERE, mx->at,
			   "MX: %s points to %s, which has no address", mx->owner, host);
	}
}

void verify_exchangers(struct verifier *verifier, const struct dns_record *mx)
{
	const struct dns_answer *answer = verify_ask(verifier, mx->owner, DNS_MX, mx->at);
	size_t count = 0;

	for (size_t i = 0; answer && i < answer->count && count < MOST_EXCHANGERS; i++) {
		const struct dns_found *found = &answer->items[i];

		if (found->type != DNS_MX || !*found->target)
			continue;
		verify_exchanger(verifier, mx, found);
		count++;
	}
}

/* --- names and addresses that confirm each other --- */

static bool leads_to(struct verifier *verifier, const char *name, const struct ip_address *address,
		     struct position at)
{
	const struct dns_answer *answer =
		verify_ask(verifier, name, address->family == IP_V6 ? DNS_AAAA : DNS_A, at);

	for (size_t i = 0; answer && i < answer->count; i++)
		if (ip_equal(&answer->items[i].address, address))
			return true;
	return false;
}

static const char *reverse_of(const struct verifier *verifier, const struct ip_address *address)
{
	for (size_t i = 0; i < verifier->records->count; i++) {
		const struct dns_record *record = &verifier->records->items[i];

		if (record->purpose == PURPOSE_REVERSE && ip_equal(&record->address, address))
			return record->owner;
	}
	return NULL;
}

static void report_no_reverse(struct verifier *verifier, const struct dns_egress *egress,
			      const char *address)
{
	dns_report(verifier->list, NO_REVERSE, egress->at,
		   "%s, which mail of '%s' leaves from, has no name (PTR)", address,
		   egress->node->head.name.value);
	if (egress->address.family == IP_V6)
		diagnostics_hint(verifier->list,
				 "large receivers refuse mail over IPv6 from there: ask your "
				 "provider for %s, or have Postfix leave IPv6 alone (extra: "
				 "{inet_protocols: ipv4})",
				 egress->helo);
	else
		diagnostics_hint(verifier->list, "ask your provider for %s", egress->helo);
}

/* One of the names must be the one that it greets with, and each must lead back. */
static void verify_names(struct verifier *verifier, const struct dns_egress *egress,
			 const struct dns_answer *answer, const char *address)
{
	bool greets = false, confirmed = false;
	const char *name = "";
	size_t count = 0;

	for (size_t i = 0; i < answer->count && count < MOST_NAMES; i++) {
		const struct dns_found *found = &answer->items[i];

		if (found->type != DNS_PTR)
			continue;
		count++;
		name = found->target;
		greets |= strcasecmp(name, egress->helo) == 0;
		confirmed |= leads_to(verifier, name, &egress->address, egress->at);
	}
	if (!confirmed) {
		dns_report(verifier->list, FCRDNS, egress->at,
			   "the name of %s, %s, does not lead back to it: receivers take it for "
			   "forged",
			   address, verify_quote(verifier, name, strlen(name)));
		diagnostics_hint(verifier->list, "the PTR record should be %s", egress->helo);
	} else if (!greets) {
		diagnostics_add(verifier->list, SEVERITY_WARNING, dns_rules[DNS_RULE_FCRDNS].name,
				egress->at, "%s is called %s, but greets as %s", address,
				verify_quote(verifier, name, strlen(name)), egress->helo);
		diagnostics_hint(verifier->list, "the PTR record should be %s", egress->helo);
	}
}

void verify_egress(struct verifier *verifier, const struct dns_egress *egress)
{
	const char *owner = reverse_of(verifier, &egress->address);
	const struct dns_answer *answer;
	char address[IP_TEXT_SIZE];
	bool named = false;

	ip_format(&egress->address, address);
	answer = owner ? verify_ask(verifier, owner, DNS_PTR, egress->at) : NULL;
	for (size_t i = 0; answer && i < answer->count; i++)
		named |= answer->items[i].type == DNS_PTR;
	if (answer && !named)
		report_no_reverse(verifier, egress, address);
	if (named)
		verify_names(verifier, egress, answer, address);
	if (!leads_to(verifier, egress->helo, &egress->address, egress->at) && answer) {
		dns_report(verifier->list, FCRDNS, egress->at,
			   "'%s' greets as %s, which does not lead to %s, where its mail leaves "
			   "from",
			   egress->node->head.name.value, egress->helo, address);
		diagnostics_hint(verifier->list, "publish an %s record of it",
				 egress->address.family == IP_V6 ? "AAAA" : "A");
	}
}

static bool greets_as(const struct verifier *verifier, const char *name)
{
	for (size_t i = 0; i < verifier->records->egress_count; i++)
		if (strcasecmp(verifier->records->egresses[i].helo, name) == 0)
			return true;
	return false;
}

static bool is_known(const struct verifier *verifier, const char *name, enum dns_type type)
{
	for (size_t i = 0; i < verifier->records->count; i++)
		if (verifier->records->items[i].type == type &&
		    strcasecmp(verifier->records->items[i].owner, name) == 0)
			return true;
	return false;
}

/* A host that has IPv6 although the topology does not say so may send over it, and is refused. */
static void verify_strange_address(struct verifier *verifier, const struct dns_record *host,
				   const struct ip_address *address)
{
	const char *reverse = build_reverse_name(verifier->asker->arena, address);
	const struct dns_answer *answer;
	char text[IP_TEXT_SIZE];

	ip_format(address, text);
	dns_report(verifier->list, DIFFERENT, host->at,
		   "address: %s leads to %s as well, of which the topology says nothing",
		   host->owner, text);
	diagnostics_hint(verifier->list, "remove the record, or give the node the address");
	answer = greets_as(verifier, host->owner) ? verify_ask(verifier, reverse, DNS_PTR, host->at)
						  : NULL;
	if (!answer || answer->count)
		return;
	dns_report(verifier->list, NO_REVERSE, host->at,
		   "%s, which %s leads to, has no name (PTR): if mail leaves from there, large "
		   "receivers refuse it",
		   text, host->owner);
	diagnostics_hint(verifier->list, "ask your provider for one, or have Postfix leave IPv6 "
					 "alone (extra: {inet_protocols: ipv4})");
}

void verify_other_family(struct verifier *verifier, const struct dns_record *address)
{
	enum dns_type other = address->type == DNS_A ? DNS_AAAA : DNS_A;
	const struct dns_answer *answer;

	if (is_known(verifier, address->owner, other))
		return;
	answer = verify_ask(verifier, address->owner, other, address->at);
	for (size_t i = 0; answer && i < answer->count && i < MOST_NAMES; i++)
		if (answer->items[i].type == other)
			verify_strange_address(verifier, address, &answer->items[i].address);
}

/* --- DNSSEC --- */

static bool is_secure(struct verifier *verifier, const char *name, enum dns_type type,
		      const struct dns_record *tlsa)
{
	const struct dns_answer *answer = verify_ask(verifier, name, type, tlsa->at);

	if (!answer || answer->authenticated || answer->count == 0)
		return true;
	if (answer->has_signature) {
		diagnostics_add(verifier->list, SEVERITY_WARNING, dns_rules[DNS_RULE_DNSSEC].name,
				tlsa->at,
				"DANE: %s %s is signed, but the name server that was asked does "
				"not vouch for it",
				name, dns_type_name(type));
		diagnostics_hint(verifier->list, "ask one that validates: --resolver ADDRESS");
		return false;
	}
	dns_report(verifier->list, DNSSEC, tlsa->at,
		   "DANE: %s %s is not signed (DNSSEC): senders take no notice of the TLSA record",
		   name, dns_type_name(type));
	diagnostics_hint(verifier->list, "sign the zone, and have its DS record published");
	return false;
}

/* RFC 7672 2.2: the MX, the addresses and the TLSA records must all be secure. */
void verify_dnssec(struct verifier *verifier, const struct dns_record *tlsa)
{
	const char *host = tlsa->node->hostname.value;

	if (!is_secure(verifier, tlsa->owner, DNS_TLSA, tlsa) ||
	    !is_secure(verifier, host, DNS_A, tlsa))
		return;
	for (size_t i = 0; i < verifier->records->count; i++) {
		const struct dns_record *mx = &verifier->records->items[i];

		if (mx->type == DNS_MX && mx->node == tlsa->node)
			is_secure(verifier, mx->owner, DNS_MX, tlsa);
	}
}

/* --- wildcards --- */

static bool answers(struct verifier *verifier, const char *name, enum dns_type type,
		    struct position at)
{
	const struct dns_answer *answer = verify_ask(verifier, name, type, at);

	return answer && answer->count > 0;
}

void verify_wildcards(struct verifier *verifier, const struct domain *domain)
{
	static const enum dns_type types[] = {DNS_MX, DNS_A, DNS_AAAA, DNS_TXT};
	struct arena *arena = verifier->asker->arena;
	const char *name = domain->head.name.value;
	const struct position at = domain->head.name.at;
	const char *key = arena_printf(arena, PROBE "._domainkey.%s", name);
	const char *below = arena_printf(arena, PROBE ".%s", name);
	const char *found = "";

	if (strlen(name) > 200)
		return;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (answers(verifier, below, types[i], at))
			found = arena_printf(arena, "%s%s%s", found, *found ? ", " : "",
					     dns_type_name(types[i]));
	if (*found) {
		dns_report(verifier->list, WILDCARD, at,
			   "*.%s has records (%s): names that nobody made seem to be there", name,
			   found);
		diagnostics_hint(verifier->list,
				 "mistyped hosts take mail, and a record that is missing looks "
				 "like one that is wrong: list names one by one");
	} else if (answers(verifier, key, DNS_TXT, at)) {
		dns_report(verifier->list, WILDCARD, at,
			   "*._domainkey.%s has TXT records: a selector that nobody made seems to "
			   "be there",
			   name);
		diagnostics_hint(verifier->list, "list the selectors one by one");
	}
}
