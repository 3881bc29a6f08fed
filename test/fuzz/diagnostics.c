/* Diagnostics about a text from a stranger: what is printed is UTF-8 and moves no terminal. */

#include "common/diagnostics.h"
#include "common/utf8.h"

#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_harmless(const char *text, size_t length)
{
	size_t step;

	for (; length; text += step, length -= step) {
		uint32_t code = 0;

		step = utf8_decode(text, length, &code);
		assert(step);
		assert(code >= 0x20 || code == '\n' || code == '\t');
		assert(code < 0x7f || code >= 0xa0);
		assert(code < 0x202a || code > 0x202e);
	}
}

/* The first two octets are line and column; the rest is the text, and the name and message too. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(0);
	struct diagnostics *list = diagnostics_new(arena);
	struct source source = {.name = "f"};
	struct position at = {.source = &source};
	char *text = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&text, &length);

	if (size >= 2 && out) {
		at.line = data[0];
		at.column = data[1];
		source.text = (const char *)data + 2;
		source.length = size - 2;
		source.name = arena_strndup(arena, source.text, source.length);
		diagnostics_add(list, SEVERITY_ERROR, "rule", at, "%s", source.name);
		diagnostics_hint(list, "%s", source.name);
		at.line++;
		diagnostics_add(list, SEVERITY_WARNING, NULL, at, "m");
		diagnostics_print(list, out, false);
	}
	if (out)
		fclose(out);
	check_harmless(text, length);
	free(text);
	arena_free(arena);
	return 0;
}
