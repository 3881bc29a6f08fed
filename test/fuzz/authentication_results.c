/*
 * Fuzz target: Authentication-Results from outside, and texts of a signature that go into our own.
 * What we write is one field, printable, and recognised as ours.
 */
#include "milter/authentication_results.h"

#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(0);
	char *value = arena_strndup(arena, (const char *)data, size);
	struct verified_signature item = {
		.result = DKIM_RESULT_FAIL, .domain = value, .identity = value, .prefix = value};
	struct verification verification = {.signatures = &item, .count = 1};
	char *field = authentication_results_compose(arena, "mx.example.org", &verification);
	char *forged = arena_printf(arena, "mx.example.org; %s", value);
	bool quoted = false;

	authentication_results_is_ours(value, "mx.example.org");
	assert(authentication_results_is_ours(forged, "mx.example.org"));
	assert(authentication_results_is_ours(field, "mx.example.org"));
	for (char *p = field; *p; p++) {
		unsigned char c = (unsigned char)*p;

		assert(c >= ' ' || (c == '\n' && p[1] == '\t') || (c == '\t' && p[-1] == '\n'));
		assert(!(quoted && c == '\n'));
		if (quoted && c == '\\')
			p++;
		else if (c == '"')
			quoted = !quoted;
		/* one result only, whatever the sender writes */
		if (!quoted && c == ';')
			assert(p == field + strlen("mx.example.org"));
	}
	assert(!quoted);
	arena_free(arena);
	return 0;
}
