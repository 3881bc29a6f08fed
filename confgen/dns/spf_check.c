/* What SPF records say of an address; see spf.h. */
#include "confgen/dns/spf.h"

#include <errno.h>
#include <strings.h>

#define DEEPEST	      20 /* records within records: far beyond what receivers bear */
#define MOST_INCLUDED 100
#define MOST_COUNTED  100 /* look-ups, after which counting is pointless */

struct check {
	struct asker *asker;
	const struct ip_address *address;
	struct spf_result result;
	unsigned depth;
};

static enum spf_verdict check_domain(struct check *check, const char *domain);

const char *spf_verdict_name(enum spf_verdict verdict)
{
	static const char *const names[] = {
		[SPF_VERDICT_NONE] = "none",	     [SPF_VERDICT_PASS] = "pass",
		[SPF_VERDICT_FAIL] = "fail",	     [SPF_VERDICT_SOFTFAIL] = "softfail",
		[SPF_VERDICT_NEUTRAL] = "neutral",   [SPF_VERDICT_INVALID] = "permerror",
		[SPF_VERDICT_UNKNOWN] = "temperror",
	};

	return names[verdict];
}

static enum spf_verdict invalid(struct check *check, const char *domain, const char *error)
{
	if (!check->result.error) {
		check->result.error = error;
		check->result.domain = domain;
	}
	return SPF_VERDICT_INVALID;
}

static enum spf_verdict of_qualifier(char qualifier)
{
	return qualifier == '-'	  ? SPF_VERDICT_FAIL
	       : qualifier == '~' ? SPF_VERDICT_SOFTFAIL
	       : qualifier == '?' ? SPF_VERDICT_NEUTRAL
				  : SPF_VERDICT_PASS;
}

/* Counts a look-up that found nothing. */
static void note_void(struct check *check, const struct asked *asked)
{
	check->result.voids += asked->error == 0 && asked->answer.count == 0;
}

static bool is_within(const struct ip_address *address, const struct ip_address *base,
		      unsigned prefix)
{
	unsigned whole = prefix / 8, rest = prefix % 8;

	return address->family == base->family && address->family != IP_NONE &&
	       memcmp(address->octets, base->octets, whole) == 0 &&
	       (rest == 0 || (address->octets[whole] ^ base->octets[whole]) >> (8 - rest) == 0);
}

/* Whether one of the host's addresses matches: 1, 0, or -1 when DNS failed. */
static int match_host(struct check *check, const char *host, const struct spf_term *term,
		      bool counts)
{
	bool v6 = check->address->family == IP_V6;
	const struct asked *asked = asker_ask(check->asker, host, v6 ? DNS_AAAA : DNS_A);

	if (asked->error == -EAGAIN || asked->error == -EREMOTEIO)
		return -1;
	if (counts)
		note_void(check, asked);
	for (size_t i = 0; i < asked->answer.count; i++)
		if (is_within(check->address, &asked->answer.items[i].address,
			      v6 ? term->prefix6 : term->prefix4))
			return 1;
	return 0;
}

static int match_mx(struct check *check, const char *domain, const struct spf_term *term)
{
	const struct asked *asked = asker_ask(check->asker, domain, DNS_MX);
	size_t hosts = 0;

	if (asked->error == -EAGAIN || asked->error == -EREMOTEIO)
		return -1;
	note_void(check, asked);
	for (size_t i = 0; i < asked->answer.count; i++) {
		const struct dns_found *found = &asked->answer.items[i];
		int match;

		if (found->type != DNS_MX || !*found->target)
			continue;
		if (++hosts > SPF_MOST_LOOKUPS) {
			invalid(check, domain, "an mx in it stands for more than 10 hosts");
			return 0;
		}
		match = match_host(check, found->target, term, false);
		if (match)
			return match;
	}
	return 0;
}

static bool exists(struct check *check, const char *domain)
{
	const struct asked *asked = asker_ask(check->asker, domain, DNS_A);

	note_void(check, asked);
	return asked->answer.count > 0;
}

static void note_included(struct check *check, const char *domain)
{
	struct spf_result *result = &check->result;

	if (result->included_count == MOST_INCLUDED)
		return;
	result->included = arena_grow(check->asker->arena, result->included, result->included_count,
				      sizeof(*result->included));
	result->included[result->included_count++] = domain;
}

/* 5.2: only that the record passes counts as a match; one that is not there is an error. */
static enum spf_verdict include(struct check *check, const struct spf_term *term)
{
	enum spf_verdict verdict;

	note_included(check, term->domain);
	verdict = check_domain(check, term->domain);
	if (verdict == SPF_VERDICT_NONE)
		return invalid(check, term->domain, "it is included, and not there");
	return verdict;
}

/* Whether the term costs receivers a look-up. */
static bool costs(enum spf_mechanism mechanism)
{
	return mechanism != SPF_ALL && mechanism != SPF_IP4 && mechanism != SPF_IP6;
}

/* 1: it matches, 0: not, -1: `*verdict` is the end. */
static int match_term(struct check *check, const char *domain, const struct spf_term *term,
		      enum spf_verdict *verdict)
{
	const char *name = term->domain ? term->domain : domain;
	int match = 0;

	if (costs(term->mechanism))
		check->result.lookups++;
	if (check->result.lookups > MOST_COUNTED) {
		*verdict = invalid(check, domain, "it needs look-ups without end");
		return -1;
	}
	if (term->macro)
		return 0;
	switch (term->mechanism) {
	case SPF_ALL:
		return 1;
	case SPF_IP4:
	case SPF_IP6:
		return is_within(check->address, &term->network.address, term->network.prefix);
	case SPF_A:
		match = match_host(check, name, term, true);
		break;
	case SPF_MX:
		match = match_mx(check, name, term);
		break;
	case SPF_EXISTS:
		return check->address->family != IP_NONE && exists(check, name);
	case SPF_INCLUDE:
		*verdict = include(check, term);
		return *verdict == SPF_VERDICT_PASS ? 1 : *verdict >= SPF_VERDICT_INVALID ? -1 : 0;
	case SPF_REDIRECT:
		*verdict = include(check, term);
		return -1;
	case SPF_PTR:
		break; /* 5.5: not to be used; it names no address of its own */
	}
	*verdict = SPF_VERDICT_UNKNOWN;
	return match;
}

static enum spf_verdict check_terms(struct check *check, const char *domain,
				    const struct spf_record *record)
{
	for (size_t i = 0; i < record->count; i++) {
		enum spf_verdict verdict = SPF_VERDICT_NEUTRAL;
		int match = match_term(check, domain, &record->items[i], &verdict);

		if (match < 0)
			return verdict;
		/* "+all" of an included record matches whoever asks, IP_NONE as well */
		if (match)
			return of_qualifier(record->items[i].qualifier);
	}
	return SPF_VERDICT_NEUTRAL;
}

static enum spf_verdict check_domain(struct check *check, const char *domain)
{
	const struct asked *asked = asker_ask(check->asker, domain, DNS_TXT);
	const struct dns_text *text = NULL;
	struct spf_record record;
	enum spf_verdict verdict;
	const char *wrong;

	if (check->depth >= DEEPEST)
		return invalid(check, domain, "records include each other without end");
	if (asked->error == -EINVAL)
		return invalid(check, domain, "a domain in it is none");
	if (asked->error)
		return SPF_VERDICT_UNKNOWN;
	for (size_t i = 0; i < asked->answer.count; i++) {
		const struct dns_found *found = &asked->answer.items[i];

		if (found->type != DNS_TXT || !spf_is_record(&found->text))
			continue;
		if (text)
			return invalid(check, domain, "there are several");
		text = &found->text;
	}
	if (!text) {
		check->result.voids += asked->answer.count == 0;
		return SPF_VERDICT_NONE;
	}
	wrong = spf_parse(check->asker->arena, text, &record);
	if (wrong)
		return invalid(check, domain, wrong);
	check->depth++;
	verdict = check_terms(check, domain, &record);
	check->depth--;
	return verdict;
}

struct spf_result spf_check(struct asker *asker, const char *domain,
			    const struct ip_address *address)
{
	struct check check = {.asker = asker, .address = address};

	check.result.verdict = check_domain(&check, domain);
	/* what failed on the way makes receivers give up, even if something matched before */
	if (check.result.error && address->family == IP_NONE)
		check.result.verdict = SPF_VERDICT_INVALID;
	return check.result;
}
