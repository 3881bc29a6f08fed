/*
 * SPF records: read, and asked whether they allow an address. Records are strangers' texts: terms,
 * look-ups and depth are bounded. What depends on a single message (macros, the sender's local
 * part) matches nothing here, but its look-up counts.
 *
 * Source: RFC 7208.
 */
#ifndef POSTERN_DNS_SPF_H
#define POSTERN_DNS_SPF_H

#include "confgen/dns/ask.h"

#define SPF_MOST_LOOKUPS 10 /* 4.6.4 */
#define SPF_MOST_VOIDS	 2

enum spf_mechanism {
	SPF_ALL,
	SPF_INCLUDE,
	SPF_A,
	SPF_MX,
	SPF_PTR,
	SPF_IP4,
	SPF_IP6,
	SPF_EXISTS,
	SPF_REDIRECT, /* a modifier: what comes last when nothing matched */
};

struct spf_term {
	enum spf_mechanism mechanism;
	char qualifier;		   /* '+', '-', '~' or '?' */
	const char *domain;	   /* NULL: the record's own; with macros as it stands */
	bool macro;		   /* it holds macros */
	struct ip_network network; /* of SPF_IP4, SPF_IP6 */
	unsigned prefix4, prefix6; /* of SPF_A, SPF_MX */
};

struct spf_record {
	struct spf_term *items; /* a redirect last, if it counts */
	size_t count;
};

/* Whether the text claims to be an SPF record: version 1, and nothing or a blank behind that. */
bool spf_is_record(const struct dns_text *text);

/* Reads a record. Returns NULL, or what makes it void: a constant. `out` is untouched then. */
const char *spf_parse(struct arena *arena, const struct dns_text *text, struct spf_record *out);

enum spf_verdict {
	SPF_VERDICT_NONE, /* there is no record */
	SPF_VERDICT_PASS,
	SPF_VERDICT_FAIL,
	SPF_VERDICT_SOFTFAIL,
	SPF_VERDICT_NEUTRAL,
	SPF_VERDICT_INVALID, /* receivers give up: permerror */
	SPF_VERDICT_UNKNOWN, /* DNS failed: temperror */
};

struct spf_result {
	enum spf_verdict verdict;
	unsigned lookups;   /* that receivers would make; the count goes on beyond what they bear */
	unsigned voids;	    /* of these, look-ups that find nothing */
	const char *error;  /* of SPF_VERDICT_INVALID: a constant */
	const char *domain; /* whose record that is */
	const char **included; /* domains that were included, deep ones too */
	size_t included_count;
};

/*
 * What the records of `domain` say of `address`; with IP_NONE, of an address that no term names,
 * for which every term is looked at. Look-ups beyond the limit do not end it: that is for the
 * caller to judge.
 */
struct spf_result spf_check(struct asker *asker, const char *domain,
			    const struct ip_address *address);

/* "fail", "softfail", ... */
const char *spf_verdict_name(enum spf_verdict verdict);

#endif
