/* Sections and settings of a configuration file: what is found, and where. */
#include "common/settings.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

static const char *const outer[] = {"name", "list", NULL}, *const inner[] = {"name", "both", NULL},
			 *const deep[] = {"file", NULL};
static const struct section_kind kinds[] = {{"box", NULL, inner}, {"key", "box", deep}};
static const struct vocabulary vocabulary = {outer, kinds, 2};

/* What is found as one line for each value, then what is said. */
static const char *read_text(struct arena *arena, const char *text, struct settings *settings)
{
	struct diagnostics *list = diagnostics_new(arena);
	const struct source source = {.name = "f", .text = text, .length = strlen(text)};
	char *printed, *copy;
	size_t size;
	FILE *out = open_memstream(&printed, &size);

	settings_read(arena, &source, &vocabulary, list, settings);
	for (size_t i = 0; i < settings->count; i++) {
		const struct setting *setting = &settings->items[i];

		for (const struct section *section = setting->section; section;
		     section = section->parent)
			fprintf(out, "%s(%s) ", section->kind->name, section->title);
		fprintf(out, "%s%s%s @%u:%u\n", setting->name,
			setting->first ? "=" : "+=", setting->value ? setting->value : "{}",
			setting->at.line, setting->at.column);
	}
	diagnostics_print(list, out, false);
	fclose(out);
	copy = arena_strdup(arena, printed);
	free(printed);
	return copy;
}

static void test_found(void **state)
{
	static const struct {
		const char *text, *found; /* the begin of what is found and said */
	} cases[] = {
		{"", ""},
		{"name = x\n", "name=x @1:8\n"},
		{"list = {a, \"b c\"}\n", "list=a @1:9\nlist+=b c @1:13\n"},
		{"list = {}\n", "list={} @1:1\n"},
		{"box one { name = x }\n", "box(one) name=x @1:18\n"},
		{"\n  box \"t\"\n{\n both = 1\n}\nname=y", "box(t) both=1 @4:9\nname=y @6:6\n"},
		{"box a { key k { file = f } name = z }",
		 "key(k) box(a) file=f @1:24\nbox(a) name=z @1:35\n"},
		/* two of the same kind and title are two sections: judging is left to others */
		{"box a { name = 1 }\nbox a { name = 2 }",
		 "box(a) name=1 @1:16\nbox(a) name=2 @2:16\n"},
		{"# box a { name = 1 }\n// x\n/* box\n*/ name = 2", "name=2 @4:11\n"},
		{"box a { list_of = '}' }",
		 "box(a) list_of=} @1:20\nf:1:9: error: unknown setting 'list_of'\n"},
		{"box 'it''s' { name = 1 }", "f:1:1: error: unknown setting 'box'"},
		{"box \"a\\\"b\" { name = 1 }", "box(a\"b) name=1 @1:21\n"},
		{"bax a { name = 1 }\nname = 2",
		 "name=2 @2:8\nf:1:1: error: unknown setting 'bax'\n"},
		{"key a { file = 1 }", "f:1:1: error: a section 'key' cannot stand here\n"},
		{"box a { box b { name = 1 } name = 2 }",
		 "box(a) name=2 @1:35\nf:1:9: error: a section 'box' cannot stand here\n"},
		{"box a { name = 1", "f:1:7: error: the section that begins here has no end\n"},
		/* what the reader itself puts there is not for others to write */
		{"box a { section-number = 7 name = 1 }",
		 "box(a) name=1 @1:35\nf:1:9: error: unknown setting 'section-number'\n"},
		{"box a { \"section-number\" = '7' }", "f:1:9: error: unknown setting '\"section-"},
		{"section-number = 7", "f:1:1: error: unknown setting 'section-number'\n"},
		{"section-box { section-number = 0 }", "f:1:"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena *arena = arena_new(0);
		struct settings settings;
		const char *found = read_text(arena, cases[i].text, &settings);

		if (strncmp(found, cases[i].found, strlen(cases[i].found)) != 0 ||
		    (!*cases[i].found && *found))
			fail_msg("case %zu: %s", i, found);
		arena_free(arena);
	}
}

/* Sections are told apart by their numbers, however many there are. */
static void test_many(void **state)
{
	const size_t count = 20000;
	struct arena *arena = arena_new(0);
	struct settings settings;
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	for (size_t i = 0; i < count; i++)
		fprintf(out, "box b%zu { name = n%zu key k { file = f%zu } }\n", i, i, i);
	fclose(out);
	assert_non_null(read_text(arena, text, &settings));
	assert_true(settings.complete);
	assert_int_equal(settings.sections.count, 2 * count);
	assert_int_equal(settings.count, 2 * count);
	for (size_t i = 0; i < 2 * count; i++) {
		const struct setting *setting = &settings.items[i];
		const struct section *box = setting->section;

		if (i % 2) {
			assert_string_equal(box->title, "k");
			box = box->parent;
		}
		assert_int_equal(setting->at.line, i / 2 + 1);
		assert_int_equal(strtoul(setting->value + 1, NULL, 10), i / 2);
		assert_int_equal(strtoul(box->title + 1, NULL, 10), i / 2);
	}
	free(text);
	arena_free(arena);
}

static void test_given_before(void **state)
{
	struct arena *arena = arena_new(0);
	struct settings settings;

	(void)state;
	read_text(arena,
		  "name = 1 list = {a, b} box x { name = 2 } box x { name = 3 name = 4 } name = 5",
		  &settings);
	assert_int_equal(settings.count, 7);
	for (size_t i = 0; i < settings.count; i++) {
		/* the values of a list are of one assignment, of which only the first is asked */
		bool given = settings.items[i].first && settings_given_before(&settings, i);

		if (given != (i == 5 || i == 6))
			fail_msg("value %zu", i);
	}
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_found),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_given_before),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
