/*
 * Fuzz target: From fields, as any client may write them. Whatever is read must be bounded, and a
 * value that is read without complaint must not mention a domain that the parser missed, outside of
 * quotes and comments.
 */
#include "milter/from.h"

#include <assert.h>
#include <ctype.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(0);
	char *value = arena_strndup(arena, (const char *)data, size);
	bool plain = !strpbrk(value, "\"(\\<[");
	struct from from;
	size_t ats = 0;

	assert(from_parse(arena, value, &from) == 0);
	assert(from.count <= FROM_MOST_ADDRESSES);
	for (size_t i = 0; i < from.count; i++) {
		const char *domain = from.domains[i];
		size_t length = strlen(domain);

		assert(length > 0 && length <= 255 && domain[length - 1] != '.');
		for (const char *p = domain; *p; p++)
			assert(!isspace((unsigned char)*p) && *p != '@' && *p != '(' &&
			       !isupper((unsigned char)*p));
	}
	for (const char *p = value; plain && *p; p++)
		ats += *p == '@';
	if (plain && !from.malformed)
		assert(ats == from.count);
	arena_free(arena);
	return 0;
}
