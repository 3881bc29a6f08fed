/* Sets of records against what is published; see verify.h. */
#include "confgen/dns/verify.h"
#include "confgen/dns/build.h"
#include "confgen/dns/verify_private.h"

#include <errno.h>
#include <strings.h>

#define MOST_QUOTED 120 /* octets */

const struct dns_answer *verify_ask(struct verifier *verifier, const char *name, enum dns_type type,
				    struct position at)
{
	struct asked *asked = asker_ask(verifier->asker, name, type);

	if (!asked->error)
		return &asked->answer;
	if (!asked->told && !verifier->asker->dead && !verifier->asker->late) {
		dns_report(
			verifier->list, UNANSWERED, at, "%s for %s: %s", dns_type_name(type),
			verify_quote(verifier, name, strlen(name)),
			asked->error == -EINVAL ? "that is no name that can be asked for"
			: asked->error == -EREMOTEIO
				? "the name server failed (SERVFAIL, or an answer that is broken)"
				: "no name server answered in time");
	}
	asked->told = true;
	return NULL;
}

const char *verify_quote(struct verifier *verifier, const char *text, size_t length)
{
	bool cut = length > MOST_QUOTED;
	char *copy = arena_strndup(verifier->asker->arena, text, cut ? MOST_QUOTED : length);

	for (size_t i = 0; i < (cut ? MOST_QUOTED : length); i++)
		if (copy[i] == '\0')
			copy[i] = '?';
	return cut ? arena_printf(verifier->asker->arena, "%s...", copy) : copy;
}

/* Without these, mail still comes and goes. */
static bool is_minor(const struct dns_record *record)
{
	return record->purpose == PURPOSE_AUTOCONFIG || record->purpose == PURPOSE_SPF_HELO ||
	       record->purpose == PURPOSE_DMARC_REPORT || record->purpose == PURPOSE_TLS_RPT;
}

void verify_missing(struct verifier *verifier, const struct dns_record *record)
{
	diagnostics_add(verifier->list, is_minor(record) ? SEVERITY_WARNING : SEVERITY_ERROR,
			dns_rules[DNS_RULE_MISSING].name, record->at,
			"%s: no %s record of %s is published", dns_purpose_name(record->purpose),
			dns_type_name(record->type), record->owner);
	diagnostics_hint(verifier->list, "%s. %s %s", record->owner, dns_type_name(record->type),
			 verify_quote(verifier, record->data, strlen(record->data)));
}

/* --- sets of records that are compared one by one --- */

static bool is_target(const char *target, const char *wanted)
{
	size_t length = strlen(target);

	/* what is wanted ends with a dot */
	return strncasecmp(target, wanted, length) == 0 && strcmp(wanted + length, ".") == 0;
}

static const char *target_of(const struct dns_record *record)
{
	const char *blank = strrchr(record->data, ' ');

	return blank ? blank + 1 : record->data;
}

static bool is_same(const struct dns_record *record, const struct dns_found *found)
{
	if (record->type != found->type)
		return false;
	switch (record->type) {
	case DNS_A:
	case DNS_AAAA:
		return ip_equal(&record->address, &found->address);
	case DNS_SRV:
		if (found->port != record->number)
			return false;
		return is_target(found->target, target_of(record));
	case DNS_MX:
	case DNS_CNAME:
		return is_target(found->target, target_of(record));
	default:
		return strcasecmp(record->data, found->data) == 0;
	}
}

static bool is_found(const struct dns_record *record, const struct dns_answer *answer)
{
	for (size_t i = 0; i < answer->count; i++)
		if (is_same(record, &answer->items[i]))
			return true;
	return false;
}

static bool is_wanted(const struct dns_record *set, size_t count, const struct dns_found *found)
{
	for (size_t i = 0; i < count; i++)
		if (is_same(&set[i], found))
			return true;
	return false;
}

static void report_strange(struct verifier *verifier, const struct dns_record *record,
			   const struct dns_found *found)
{
	dns_report(verifier->list, DIFFERENT, record->at, "%s: %s has another %s record: %s",
		   dns_purpose_name(record->purpose), record->owner, dns_type_name(record->type),
		   verify_quote(verifier, found->data, strlen(found->data)));
	diagnostics_hint(verifier->list, "remove it, or tell the topology of it");
}

static const struct dns_found *find_wanted(const struct dns_record *record,
					   const struct dns_answer *answer)
{
	for (size_t i = 0; i < answer->count; i++)
		if (is_same(record, &answer->items[i]))
			return &answer->items[i];
	return NULL;
}

/* The first host must be tried before the second, and so on. */
static void verify_order(struct verifier *verifier, const struct dns_record *set, size_t count,
			 const struct dns_answer *answer)
{
	for (size_t i = 1; i < count && set->type == DNS_MX; i++) {
		const struct dns_found *first = find_wanted(&set[i - 1], answer);
		const struct dns_found *second = find_wanted(&set[i], answer);

		if (!first || !second || first->number < second->number)
			continue;
		dns_report(verifier->list, DIFFERENT, set[i].at,
			   "MX: %s is to come after %s, but has preference %u, not above %u",
			   target_of(&set[i]), target_of(&set[i - 1]), second->number,
			   first->number);
	}
}

static void verify_set(struct verifier *verifier, const struct dns_record *set, size_t count)
{
	const struct dns_answer *answer = verify_ask(verifier, set->owner, set->type, set->at);

	if (!answer)
		return;
	for (size_t i = 0; i < count; i++)
		if (!is_found(&set[i], answer))
			verify_missing(verifier, &set[i]);
	for (size_t i = 0; i < answer->count; i++)
		if (answer->items[i].type == set->type && !is_wanted(set, count, &answer->items[i]))
			report_strange(verifier, set, &answer->items[i]);
	verify_order(verifier, set, count, answer);
	if (set->type == DNS_MX)
		verify_exchangers(verifier, set);
	if (set->type == DNS_TLSA)
		verify_dnssec(verifier, set);
	if (set->purpose == PURPOSE_ADDRESS)
		verify_other_family(verifier, set);
}

/* --- all of it --- */

static void verify_records(struct verifier *verifier, const struct dns_record *set, size_t count)
{
	if (set->purpose == PURPOSE_REVERSE)
		return; /* with the egresses */
	if (set->type != DNS_TXT) {
		verify_set(verifier, set, count);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		if (set[i].purpose == PURPOSE_SPF || set[i].purpose == PURPOSE_SPF_HELO)
			verify_spf(verifier, &set[i]);
		else
			verify_text(verifier, &set[i]);
	}
}

static bool goes_on(const struct verifier *verifier)
{
	return !verifier->asker->dead && !verifier->asker->late;
}

void dns_verify(struct asker *asker, const struct topology *topology,
		const struct dns_records *records, struct diagnostics *list)
{
	struct verifier verifier = {asker, topology, records, list};
	const struct domain *last = NULL;
	size_t next;

	for (size_t i = 0; i < records->count && goes_on(&verifier); i = next) {
		const struct dns_record *set = &records->items[i];

		for (next = i + 1; next < records->count; next++)
			if (records->items[next].type != set->type ||
			    strcasecmp(records->items[next].owner, set->owner) != 0)
				break;
		verify_records(&verifier, set, next - i);
		if (set->domain && set->domain != last && set->purpose <= PURPOSE_SPF)
			verify_wildcards(&verifier, set->domain);
		if (set->domain && set->purpose <= PURPOSE_SPF)
			last = set->domain;
	}
	for (size_t i = 0; i < records->egress_count && goes_on(&verifier); i++)
		verify_egress(&verifier, &records->egresses[i]);
}
