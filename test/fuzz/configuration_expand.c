/* Fuzz target: one value, in which $name and its relatives are expanded; $a to $e are set. */
#include "confgen/configuration/expand.h"

#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool find(void *user, const char *name, struct text *value)
{
	static const char *const values[] = {"1", "x $a y", "", "${c?{$b}:{$a$b}}", "$e"};

	(void)user;
	if (name[0] < 'a' || name[0] > 'e' || name[1])
		return false;
	*value = text_constant(values[name[0] - 'a']);
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(0);
	struct diagnostics *list = diagnostics_new(arena);
	size_t budget = (size_t)16 << 20;
	struct expand_context context = {arena, list, find, NULL, NULL, &budget};
	struct text value = text_constant(arena_strndup(arena, (const char *)data, size));
	struct text expanded = text_constant("untouched");

	if (expand(&context, &value, &expanded)) {
		assert(diagnostics_count(list, SEVERITY_INFO) == 0);
		assert(expanded.length == strlen(expanded.text));
		if (!strchr(value.text, '$'))
			assert(strcmp(expanded.text, value.text) == 0);
	} else {
		assert(diagnostics_count(list, SEVERITY_INFO) == 1);
		assert(strcmp(expanded.text, "untouched") == 0);
	}
	arena_free(arena);
	return 0;
}
