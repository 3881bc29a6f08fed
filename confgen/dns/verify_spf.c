/*
 * SPF is not compared as text, because many texts mean the same: it is asked of each address that
 * mail leaves from, as receivers do, and its cost is counted.
 */
#include "confgen/dns/spf.h"
#include "confgen/dns/verify_private.h"

#include <strings.h>

/* How many texts of the name are SPF records; one of them in `*found`. */
static size_t count_records(const struct dns_answer *answer, const struct dns_found **found)
{
	size_t count = 0;

	for (size_t i = 0; i < answer->count; i++) {
		if (answer->items[i].type != DNS_TXT || !spf_is_record(&answer->items[i].text))
			continue;
		*found = &answer->items[i];
		count++;
	}
	return count;
}

static bool includes(const struct spf_result *result, const char *domain)
{
	for (size_t i = 0; i < result->included_count; i++)
		if (strcasecmp(result->included[i], domain) == 0)
			return true;
	return false;
}

static void verify_allowed(struct verifier *verifier, const struct dns_record *record,
			   const struct ip_address *address)
{
	struct spf_result result = spf_check(verifier->asker, record->owner, address);
	char text[IP_TEXT_SIZE];

	if (result.verdict == SPF_VERDICT_PASS || result.verdict >= SPF_VERDICT_INVALID)
		return;
	dns_report(verifier->list, SPF_FAILS, record->at,
		   "SPF of %s does not allow %s, which its mail leaves from (%s)", record->owner,
		   ip_format(address, text), spf_verdict_name(result.verdict));
	diagnostics_hint(verifier->list, "it should say: %s", record->text);
}

/* Each thing that our own record lists must be allowed by the one that is published. */
static void verify_terms(struct verifier *verifier, const struct dns_record *record,
			 const struct spf_record *wanted, const struct spf_result *published)
{
	for (size_t i = 0; i < wanted->count; i++) {
		const struct spf_term *term = &wanted->items[i];

		if (term->mechanism == SPF_IP4 || term->mechanism == SPF_IP6)
			verify_allowed(verifier, record, &term->network.address);
		if (term->mechanism != SPF_INCLUDE || includes(published, term->domain))
			continue;
		dns_report(verifier->list, SPF_FAILS, record->at,
			   "SPF of %s does not include %s, whose hosts send its mail",
			   record->owner, term->domain);
		diagnostics_hint(verifier->list, "it should say: %s", record->text);
	}
}

static enum spf_verdict rest_of(const struct spf_record *record)
{
	const struct spf_term *last = &record->items[record->count - 1];

	return last->qualifier == '-'	? SPF_VERDICT_FAIL
	       : last->qualifier == '~' ? SPF_VERDICT_SOFTFAIL
					: SPF_VERDICT_NEUTRAL;
}

static void verify_cost(struct verifier *verifier, const struct dns_record *record,
			const struct spf_result *result)
{
	if (result->lookups > SPF_MOST_LOOKUPS) {
		dns_report(verifier->list, SPF_LOOKUPS, record->at,
			   "SPF of %s needs %s%u DNS look-ups: receivers make no more than 10, and "
			   "then refuse the record",
			   record->owner, result->lookups >= 100 ? "more than " : "",
			   result->lookups);
		diagnostics_hint(verifier->list, "list addresses (ip4:, ip6:) in place of names");
	}
	if (result->voids > SPF_MOST_VOIDS)
		dns_report(
			verifier->list, SPF_INVALID, record->at,
			"SPF of %s asks %u times for what is not there: receivers stand it twice",
			record->owner, result->voids);
}

static void verify_rest(struct verifier *verifier, const struct dns_record *record,
			enum spf_verdict wanted, enum spf_verdict published)
{
	if (published == wanted || published == SPF_VERDICT_UNKNOWN)
		return;
	if (published == SPF_VERDICT_PASS)
		dns_report(verifier->list, SPF_INVALID, record->at,
			   "SPF of %s allows every host of the Internet", record->owner);
	else
		dns_report(verifier->list, DIFFERENT, record->at,
			   "SPF of %s says %s of all other hosts, and should say %s", record->owner,
			   spf_verdict_name(published), spf_verdict_name(wanted));
	diagnostics_hint(verifier->list, "it should say: %s", record->text);
}

void verify_spf(struct verifier *verifier, const struct dns_record *record)
{
	const struct ip_address nobody = {.family = IP_NONE};
	const struct dns_text own = {record->text, strlen(record->text)};
	const struct dns_answer *answer = verify_ask(verifier, record->owner, DNS_TXT, record->at);
	const struct dns_found *found = NULL;
	struct spf_record wanted;
	struct spf_result result;
	size_t count = answer ? count_records(answer, &found) : 0;

	if (!answer)
		return;
	if (count == 0) {
		verify_missing(verifier, record);
		return;
	}
	if (count > 1) {
		dns_report(verifier->list, SEVERAL, record->at,
			   "SPF: %zu records of %s: receivers give up on them", count,
			   record->owner);
		return;
	}
	result = spf_check(verifier->asker, record->owner, &nobody);
	if (result.verdict == SPF_VERDICT_INVALID) {
		dns_report(verifier->list, SPF_INVALID, record->at,
			   "SPF of %s is void: the record of %s: %s", record->owner,
			   verify_quote(verifier, result.domain, strlen(result.domain)),
			   result.error);
		diagnostics_hint(verifier->list, "it should say: %s", record->text);
		verify_cost(verifier, record, &result);
		return;
	}
	verify_cost(verifier, record, &result);
	if (result.verdict == SPF_VERDICT_UNKNOWN) {
		dns_report(
			verifier->list, UNANSWERED, record->at,
			"SPF of %s cannot be judged: a name that it refers to cannot be looked up",
			record->owner);
		return;
	}
	if (spf_parse(verifier->asker->arena, &own, &wanted) || wanted.count == 0)
		return;
	verify_terms(verifier, record, &wanted, &result);
	verify_rest(verifier, record, rest_of(&wanted), result.verdict);
}
