/*
 * Fuzz target: lookup tables. The first line names the type; the rest is what the table holds. Of a
 * reference in one line, type:name, the parts and what stands in braces are read as well.
 */
#include "confgen/configuration/lines.h"
#include "confgen/configuration/table.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct table_contents *contents)
{
	for (size_t i = 0; i < contents->count; i++) {
		const struct table_entry *entry = &contents->items[i];

		assert(entry->kind == TABLE_ENDIF || entry->key.text);
		assert(!entry->beaten_by || contents->index);
		if (contents->index)
			assert(table_find(contents, entry->key.text));
	}
	for (int round = 0; !contents->index && round < 2; round++) {
		const struct table_entry *entry = NULL;
		size_t budget = 50;

		if (table_match(contents, round ? "user@mail.example.com" : "<>", &budget,
				&entry) == TABLE_FITS)
			assert(entry && entry->kind == TABLE_ENTRY);
	}
	table_find(contents, "192.0.2.1");
	table_find(contents, "2001:db8::1");
}

static bool count_parts(const struct table *table, void *count)
{
	(void)table;
	++*(size_t *)count;
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(0);
	struct diagnostics *list = diagnostics_new(arena);
	const char *all = arena_strndup(arena, (const char *)data, size);
	const char *end = strchr(all, '\n');
	size_t length = end ? (size_t)(end - all) : strlen(all), parts = 0;
	struct text reference = text_constant(arena_strndup(arena, all, length));
	const struct table_type *type = table_type_find(all, length);
	struct table *table = table_parse(arena, &reference, list);

	table_search(table, count_parts, &parts);
	assert(parts >= 1 && parts <= size + 1);
	check(table_read_inline(arena, table, list));
	if (end && type && (type->source || type->text)) {
		struct source source = {"table", end + 1, size - length - 1};

		lines_check(&source, list);
		check(table_read(arena, type, &source, list));
	}
	arena_free(arena);
	return 0;
}
