/*
 * The list of keys in postern-topology(5) is that of the schema, word by word. With --print the
 * program writes the list as it should stand there, between the two marker comments.
 */
#include "common/arena.h"
#include "common/file.h"
#include "common/strbuf.h"
#include "confgen/topology/schema.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#define PAGE  POSTERN_SOURCE "/doc/postern-topology.5.scd"
#define BEGIN "; keys begin\n"
#define END   "; keys end\n"

static void describe(struct strbuf *out, const struct schema_row *row)
{
	static const char *const types[] = {
		[SCHEMA_TEXT] = "text",
		[SCHEMA_NUMBER] = "number",
		[SCHEMA_CHOICE] = "word",
		[SCHEMA_TEXTS] = "text or list of texts",
		[SCHEMA_NETWORKS] = "network or list of networks",
		[SCHEMA_ADDRESSES] = "address or list of addresses",
		[SCHEMA_OBJECT] = "mapping",
		[SCHEMA_MAP] = "mapping of names",
		[SCHEMA_LIST] = "list",
	};

	strbuf_addf(out, " (%s", types[row->type]);
	if (row->required)
		strbuf_adds(out, ", required");
	else if (row->type == SCHEMA_CHOICE)
		strbuf_addf(out, ", default %s", row->choices[row->preset]);
	else if (row->type == SCHEMA_NUMBER && row->preset)
		strbuf_addf(out, ", default %lu", row->preset);
	strbuf_addf(out, ")++\n%s", row->doc);
	if (row->type == SCHEMA_CHOICE) {
		strbuf_adds(out, " One of:");
		for (size_t i = 0; row->choices[i]; i++)
			strbuf_addf(out, " %s%s", row->choices[i], row->choices[i + 1] ? "," : ".");
	}
	strbuf_adds(out, "\n\n");
}

/* scdoc takes an underscore inside a word for the beginning of emphasis. */
static void add_escaped(struct strbuf *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '_')
			strbuf_addch(out, '\\');
		strbuf_addch(out, *text);
	}
}

static void walk(struct arena *arena, struct strbuf *out, const struct schema *schema,
		 const char *prefix)
{
	for (size_t i = 0; i < schema->count; i++) {
		const struct schema_row *row = &schema->rows[i];
		const char *path = arena_printf(arena, "%s%s%s", prefix, row->key,
						row->type == SCHEMA_MAP	   ? ".NAME"
						: row->type == SCHEMA_LIST ? "[]"
									   : "");

		strbuf_addch(out, '*');
		strbuf_adds(out, path);
		strbuf_addch(out, '*');
		describe(out, row);
		if (row->of)
			walk(arena, out, row->of, arena_printf(arena, "%s.", path));
	}
}

static char *expected(struct arena *arena)
{
	struct strbuf raw = STRBUF_INIT, out = STRBUF_INIT;
	char *text;

	walk(arena, &raw, &topology_schema, "");
	add_escaped(&out, raw.text);
	text = arena_strdup(arena, out.text);
	strbuf_done(&raw);
	strbuf_done(&out);
	return text;
}

static void page_lists_the_schema(void **state)
{
	struct arena *arena = *state;
	char *page, *begin, *end;
	size_t length;

	assert_int_equal(file_read(arena, PAGE, 1 << 20, &page, &length), 0);
	begin = strstr(page, BEGIN);
	end = strstr(page, END);
	assert_non_null(begin);
	assert_non_null(end);
	begin += strlen(BEGIN);
	*end = '\0';
	assert_string_equal(begin, expected(arena));
}

int main(int argc, char **argv)
{
	struct arena *arena = arena_new(0);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate(page_lists_the_schema, arena),
	};
	int failed;

	if (argc > 1 && strcmp(argv[1], "--print") == 0) {
		fputs(expected(arena), stdout);
		arena_free(arena);
		return 0;
	}
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	arena_free(arena);
	return failed;
}
