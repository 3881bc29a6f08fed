/*
 * The verifying engine: what the DKIM signatures of a message are worth.
 *
 * A verifier takes all header fields, then the body, then tells a result for each signature. It
 * asks DNS for the keys, at the end of the message. What a sender can make it do is bounded: the
 * number of signatures that are tried, the size of each, the number of header fields, and the time
 * that DNS may take for a message.
 *
 * Sources: RFC 6376, RFC 8301 (no SHA-1, RSA keys of 1024 bits or more), RFC 8463 (Ed25519), RFC
 * 8601 2.7.1 (results). A library is shared by all threads; a verifier belongs to one thread at a
 * time.
 */
#ifndef POSTERN_MILTER_VERIFIER_H
#define POSTERN_MILTER_VERIFIER_H

#include "common/dns_txt.h"

/*
 * Signatures that are tried: the first ones, which are the newest. An author's provider adds two
 * (RSA and Ed25519), a sending service two, a list two, a forwarder two; more are noise, or meant
 * to keep us busy.
 */
#define VERIFIER_SIGNATURES 10

/* Nobody may have more of them tried. */
#define VERIFIER_MOST_SIGNATURES 100

/* Seconds that DNS may take for a message. The mail server waits, with its client. */
#define VERIFIER_DNS_SECONDS	  5
#define VERIFIER_MOST_DNS_SECONDS 30

/*
 * Messages of a library that may wait for DNS at a time: each holds a thread. One more gets no
 * answer at once (temperror), so that a stranger's slow name servers cannot take all memory.
 */
#define VERIFIER_MOST_WAITING 64

/* The longest signature field, in octets: RSA with 16384 bits and 100 names take 5,000. */
#define VERIFIER_LONGEST_SIGNATURE 8192

/* The most header fields, and the most octets in them; Postfix has no limit of its own. */
#define VERIFIER_MOST_FIELDS ((size_t)4096)
#define VERIFIER_MOST_HEADER ((size_t)2 << 20)

/* RFC 8601 2.7.1 */
enum dkim_result {
	DKIM_RESULT_NONE,
	DKIM_RESULT_PASS,
	DKIM_RESULT_FAIL,
	DKIM_RESULT_POLICY,
	DKIM_RESULT_NEUTRAL,
	DKIM_RESULT_TEMPERROR,
	DKIM_RESULT_PERMERROR,
};

/* One signature. Texts are what the sender wrote, any octets but NUL, or NULL where it did not. */
struct verified_signature {
	enum dkim_result result;
	const char *reason;    /* a constant without quotes or brackets; NULL when it passed */
	const char *domain;    /* d= */
	const char *identity;  /* i=, or @ and d= */
	const char *selector;  /* s= */
	const char *algorithm; /* a= */
	const char *prefix;    /* of b=: tells it from the others, 8 octets at least (RFC 6008) */
	unsigned bits;	       /* of the key; 0 when it is not known */
	bool testing;	       /* the key's record has t=y */
	bool partial;	       /* l= limits what is signed of the body: */
	unsigned long long signed_octets; /* so many, canonicalized, ... */
	unsigned long long body_octets;	  /* ... of so many; blank lines at the end count here */
};

/* What is known of a message; lives as long as its verifier. No signature: `count` is 0. */
struct verification {
	const struct verified_signature *signatures;
	size_t count;
	size_t skipped; /* signatures that were not tried: there are too many */
};

struct verifier_library;
struct verifier;

/*
 * A library with a resolver, which must outlive it; DNS may take `seconds` for a message. NULL when
 * memory is short.
 */
struct verifier_library *verifier_library_new(const struct dns_resolver *resolver,
					      unsigned seconds);
void verifier_library_free(struct verifier_library *library);

/*
 * Begins a message, of which at most `most` signatures are tried. `id` names it to the engine, and
 * must outlive the verifier. NULL: memory is short.
 */
struct verifier *verifier_begin(struct verifier_library *library, const char *id, size_t most);
void verifier_free(struct verifier *verifier);

/* The following return 0 or -ENOMEM; what is wrong with the message shows in the results. */

/* Adds a header field: "Name:value" with CRLF in the folds and none at the end. All are wanted. */
int verifier_header(struct verifier *verifier, const char *text, size_t length);

int verifier_headers_done(struct verifier *verifier);

/* Whether the body matters: false when there is no signature that could pass. */
bool verifier_needs_body(const struct verifier *verifier);

/* Adds a piece of the body, in which every line ends in CRLF. */
int verifier_body(struct verifier *verifier, const void *data, size_t size);

/* Ends the message and asks DNS. */
int verifier_finish(struct verifier *verifier, struct verification *out);

/* none, pass, fail, policy, neutral, temperror, permerror */
const char *dkim_result_name(enum dkim_result result);

#endif
