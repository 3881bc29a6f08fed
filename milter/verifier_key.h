/* The public key of one signature, as the verifier needs it: found in DNS, and read. */
#ifndef POSTERN_MILTER_VERIFIER_KEY_H
#define POSTERN_MILTER_VERIFIER_KEY_H

#include "common/dkim_record.h"
#include "milter/verifier.h"

struct verifier_key {
	EVP_PKEY *key;
	bool ed25519; /* otherwise RSA */
	unsigned bits;
	bool testing, strict;	 /* t=y, t=s */
	const char *wrong;	 /* why it cannot be used, a constant, or NULL ... */
	enum dkim_result result; /* ... and what that makes of the signature */
};

/*
 * Looks a key up and reads its record. `milliseconds` 0: there is no time left. verifier_key_done()
 * must follow, whatever was found. What DNS answers lives in `arena`.
 */
void verifier_key_find(struct verifier_key *key, const struct dns_resolver *resolver,
		       struct arena *arena, const char *domain, const char *selector,
		       unsigned milliseconds);
void verifier_key_done(struct verifier_key *key);

/* Whether base64 text stands for these octets. */
bool verifier_key_hash_is(const char *base64, const void *hash, size_t size);

/* Whether `base64` is the key's signature of a SHA-256 hash (RFC 6376 3.3, RFC 8463 3). */
bool verifier_key_check(const struct verifier_key *key, const char *base64, const void *hash,
			size_t size);

#endif
