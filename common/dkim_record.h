/*
 * The DNS record that publishes a DKIM key: written, read, and compared with what DNS has.
 *
 * Sources: RFC 6376 3.6.1 (the record), 3.2 (tag lists), RFC 8463 (Ed25519), RFC 8301 (key sizes,
 * no SHA-1). Nothing here is secret: of a private key only the public half is used. Thread-safe.
 */
#ifndef POSTERN_DKIM_RECORD_H
#define POSTERN_DKIM_RECORD_H

#include "common/dns_txt.h"

#include <openssl/evp.h>
#include <stdio.h>

/* A record as it was read. */
struct dkim_record {
	EVP_PKEY *key; /* NULL: revoked, or unusable */
	bool revoked;  /* p= is empty: the key must not be used any more */
	bool testing;  /* t=y: verifiers treat the mail as if it were not signed */
	bool strict;   /* t=s: the domain of i= must be that of d= */
};

/*
 * Reads the text of a record. Returns NULL and fills `out`, which dkim_record_done() must free; or
 * returns what makes the record useless, a constant, and leaves `out` untouched. A record that is
 * revoked is not useless in this sense.
 */
const char *dkim_record_parse(const char *text, size_t length, struct dkim_record *out);
void dkim_record_done(struct dkim_record *record);

/*
 * The record's text for a key, RSA or Ed25519, of which the public half suffices. NULL for a key of
 * another type, or when memory is short.
 */
char *dkim_record_text(struct arena *arena, EVP_PKEY *key);

/* The public or private key in PEM text, or NULL; an encrypted one is not asked about. */
EVP_PKEY *dkim_record_key(const char *pem, size_t length);

/* The name that holds the record: SELECTOR._domainkey.DOMAIN. */
char *dkim_record_name(struct arena *arena, const char *domain, const char *selector);

/*
 * The record as a line of a zone file (RFC 1035 5.1), in strings of at most 255 octets:
 * `mail._domainkey.example.com. IN TXT ( "v=DKIM1; ..." "..." )`.
 */
char *dkim_record_zone_line(struct arena *arena, const char *domain, const char *selector,
			    const char *text);

/*
 * The text of the TXT record that a zone file's line holds, which may go on over several lines, as
 * opendkim-genkey writes it; NULL when there is none.
 */
char *dkim_record_read_line(struct arena *arena, const char *text, size_t size);

enum dkim_record_state {
	DKIM_RECORD_GOOD,
	DKIM_RECORD_MISSING,
	DKIM_RECORD_DIFFERENT, /* another key */
	DKIM_RECORD_REVOKED,
	DKIM_RECORD_UNUSABLE, /* no verifier takes it */
	DKIM_RECORD_SEVERAL,  /* records of one name: what verifiers do then is undefined */
	DKIM_RECORD_UNKNOWN,  /* DNS did not answer, or the name cannot be asked for */
};

struct dkim_record_finding {
	enum dkim_record_state state;
	bool testing;
	const char *detail; /* a constant, or NULL: more about it */
};

/* What DNS has, which may be nothing, against a key. */
struct dkim_record_finding dkim_record_compare(EVP_PKEY *key, const struct dns_texts *published);

/* Looks the record up, and compares. Memory comes from `arena`. */
struct dkim_record_finding dkim_record_check(const struct dns_resolver *resolver,
					     struct arena *arena, const char *domain,
					     const char *selector, EVP_PKEY *key);

/* In one word, for programs: good, missing, different, ... */
const char *dkim_record_state_name(enum dkim_record_state state);

/* A key to be shown. */
struct dkim_record_row {
	const char *domain, *selector;
	EVP_PKEY *key;
};

/*
 * Prints the keys as lines of a zone file, or, with a resolver, one line a key of what DNS has.
 * Returns how many are not good; without a resolver, how many have no record.
 */
size_t dkim_record_print(const struct dkim_record_row *rows, size_t count,
			 const struct dns_resolver *resolver, FILE *out);

#endif
