/*
 * Fuzz target: headers as strangers write them, through the verifier into libopendkim. No name
 * server is there: keys are unavailable, so nothing may pass.
 */
#include "milter/authentication_results.h"

#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void feed(struct verifier *verifier, const char *text, size_t size)
{
	const char *end = text + size;

	while (text < end) {
		const char *stop = memchr(text, '\n', (size_t)(end - text));
		size_t length = (size_t)((stop ? stop : end) - text);

		assert(verifier_header(verifier, text, length) == 0);
		text += length + (stop != NULL);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct dns_resolver *resolver;
	static struct verifier_library *library;
	const char *server = "127.0.0.1:1";
	struct verification verification;
	struct verifier *verifier;
	struct arena *arena = arena_new(0);

	if (!library) {
		assert(dns_resolver_new(&server, 1, 10, &resolver) == 0);
		library = verifier_library_new(resolver, 1);
		assert(library);
	}
	verifier = verifier_begin(library, "fuzz", VERIFIER_SIGNATURES);
	assert(verifier);
	feed(verifier, (const char *)data, size);
	assert(verifier_headers_done(verifier) == 0);
	assert(verifier_body(verifier, "body\r\n", 6) == 0);
	assert(verifier_finish(verifier, &verification) == 0);
	assert(verification.count <= VERIFIER_SIGNATURES);
	for (size_t i = 0; i < verification.count; i++) {
		assert(verification.signatures[i].result != DKIM_RESULT_PASS);
		assert(verification.signatures[i].result != DKIM_RESULT_NONE);
		assert(verification.signatures[i].reason);
	}
	assert(authentication_results_compose(arena, "x", &verification));
	verifier_free(verifier);
	arena_free(arena);
	return 0;
}
