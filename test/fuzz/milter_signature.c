/*
 * Fuzz target: signatures that a message came with, as any client may write them. None of them can
 * be good without our key, and reading them must be bounded.
 */
#include "milter/already_signed.h"

#include <assert.h>
#include <openssl/evp.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct key key;
	static const struct message_field fields[] = {{"From", "From: u@example.com", 19},
						      {"Subject", "Subject: x", 10}};
	const unsigned char digest[32] = {0};
	struct arena *arena = arena_new(0);
	char *text = arena_printf(arena, "DKIM-Signature:%.*s", (int)size, (const char *)data);
	struct message_field own = {"DKIM-Signature", text, strlen(text)};
	struct signature_tags tags;

	if (!key.pkey) {
		key.type = KEY_ED25519;
		key.pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	}
	if (signature_tags_read(arena, text + strlen("DKIM-Signature:"), 1000, &tags)) {
		assert(*tags.algorithm && *tags.domain && *tags.selector && *tags.fields);
		assert(!strpbrk(tags.signature, " \t\r\n;"));
		assert(!signature_is_good(arena, &tags, &own, fields, 2, digest, &key));
	}
	arena_free(arena);
	return 0;
}
