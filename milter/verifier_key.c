/* The public key of one signature; see verifier_key.h. */
#include "milter/verifier_key.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/rsa.h>

#define LONGEST_VALUE 2048 /* octets: an RSA signature with 16384 bits */

/* The record among several texts: only one may look like one. */
static const char *choose(const struct dns_texts *texts, struct verifier_key *key)
{
	const char *wrong = "no key record";
	struct dkim_record record;
	size_t records = 0;

	for (size_t i = 0; i < texts->count; i++) {
		const struct dns_text *text = &texts->items[i];

		if (dkim_record_parse(text->text, text->length, &record) != NULL) {
			wrong = "key record unusable";
			continue;
		}
		if (records++ > 0) {
			dkim_record_done(&record);
			return "several key records";
		}
		key->key = record.key;
		key->testing = record.testing;
		key->strict = record.strict;
		wrong = record.revoked ? "key revoked" : NULL;
	}
	return records ? (key->key ? NULL : "key revoked") : wrong;
}

void verifier_key_find(struct verifier_key *key, const struct dns_resolver *resolver,
		       struct arena *arena, const char *domain, const char *selector,
		       unsigned milliseconds)
{
	char *name = dkim_record_name(arena, domain, selector);
	struct dns_texts texts = {.count = 0};
	int error = -ENOMEM;

	*key = (struct verifier_key){.result = DKIM_RESULT_PERMERROR};
	if (name)
		error = milliseconds ? dns_lookup_txt(resolver, arena, name, milliseconds, &texts)
				     : -EAGAIN;
	if (error == -ENOENT || error == -EINVAL) {
		key->wrong = "no key for signature";
	} else if (error) {
		key->wrong = "key unavailable";
		key->result = DKIM_RESULT_TEMPERROR;
	} else {
		key->wrong = choose(&texts, key);
	}
	if (!key->wrong) {
		key->ed25519 = EVP_PKEY_get_base_id(key->key) == EVP_PKEY_ED25519;
		key->bits = (unsigned)EVP_PKEY_get_bits(key->key);
	}
}

void verifier_key_done(struct verifier_key *key)
{
	EVP_PKEY_free(key->key);
	*key = (struct verifier_key){.key = NULL};
}

/* Returns the number of octets, or 0 when it is no base64 or too much of it. */
static size_t decode(const char *base64, unsigned char *out)
{
	size_t length = strlen(base64), padding = 0;

	while (padding < 2 && padding < length && base64[length - 1 - padding] == '=')
		padding++;
	if (length == 0 || length % 4 != 0 || length / 4 * 3 > LONGEST_VALUE + 2 ||
	    memchr(base64, '=', length - padding) ||
	    EVP_DecodeBlock(out, (const unsigned char *)base64, (int)length) < 0)
		return 0;
	return length / 4 * 3 - padding;
}

bool verifier_key_hash_is(const char *base64, const void *hash, size_t size)
{
	unsigned char octets[LONGEST_VALUE + 2];

	return decode(base64, octets) == size && size > 0 && memcmp(octets, hash, size) == 0;
}

static bool check_ed25519(EVP_PKEY *key, const unsigned char *signature, size_t length,
			  const void *hash, size_t size)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	bool good = context && EVP_DigestVerifyInit(context, NULL, NULL, NULL, key) == 1 &&
		    EVP_DigestVerify(context, signature, length, hash, size) == 1;

	EVP_MD_CTX_free(context);
	return good;
}

static bool check_rsa(EVP_PKEY *key, const unsigned char *signature, size_t length,
		      const void *hash, size_t size)
{
	EVP_PKEY_CTX *context = EVP_PKEY_CTX_new(key, NULL);
	bool good = context && EVP_PKEY_verify_init(context) == 1 &&
		    EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1 &&
		    EVP_PKEY_CTX_set_signature_md(context, EVP_sha256()) == 1 &&
		    EVP_PKEY_verify(context, signature, length, hash, size) == 1;

	EVP_PKEY_CTX_free(context);
	return good;
}

bool verifier_key_check(const struct verifier_key *key, const char *base64, const void *hash,
			size_t size)
{
	unsigned char octets[LONGEST_VALUE + 2];
	size_t length = decode(base64, octets);
	bool good = length > 0 && (key->ed25519 ? check_ed25519 : check_rsa)(key->key, octets,
									     length, hash, size);

	ERR_clear_error();
	return good;
}
