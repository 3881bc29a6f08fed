/* common/diagnostics and common/excerpt: order, repetition, escapes, carets, secrets. */
#include "common/diagnostics.h"
#include "common/excerpt.h"
#include "common/strbuf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <unistd.h>
#include <cmocka.h>

static struct arena *arena;

static int set_up(void **state)
{
	(void)state;
	arena = arena_new(0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

/* What diagnostics_print() writes. */
static const char *printed(struct diagnostics *list, bool color)
{
	char *text = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&text, &length);
	const char *copy;

	assert_non_null(out);
	diagnostics_print(list, out, color);
	fclose(out);
	copy = arena_strndup(arena, text, length);
	free(text);
	return copy;
}

static void test_order_and_repetition(void **state)
{
	static const struct source a = {.name = "a"}, b = {.name = "b"};
	static const struct {
		struct position at;
		enum severity severity;
		const char *message;
	} added[] = {
		{{&b, 1, 1}, SEVERITY_ERROR, "8"},   {{&a, 10, 2}, SEVERITY_WARNING, "7"},
		{{&a, 10, 2}, SEVERITY_ERROR, "7"},  {{&a, 10, 2}, SEVERITY_WARNING, "7"},
		{{&a, 9, 20}, SEVERITY_ERROR, "6"},  {{&a, 9, 3}, SEVERITY_WARNING, "3"},
		{{&a, 9, 3}, SEVERITY_ERROR, "4"},   {{&a, 9, 3}, SEVERITY_WARNING, "3"},
		{{&a, 0, 0}, SEVERITY_INFO, "2"},    {{NULL, 0, 0}, SEVERITY_ERROR, "1"},
		{{&a, 9, 3}, SEVERITY_ERROR, "4"},   {{NULL, 0, 0}, SEVERITY_ERROR, "1b"},
		{{NULL, 0, 0}, SEVERITY_ERROR, "1"},
	};
	struct diagnostics *list = diagnostics_new(arena);

	(void)state;
	assert_string_equal(printed(list, false), "");
	for (size_t i = 0; i < sizeof(added) / sizeof(added[0]); i++)
		diagnostics_add(list, added[i].severity, NULL, added[i].at, "%s", added[i].message);
	assert_int_equal(diagnostics_count(list, SEVERITY_ERROR), 8);
	assert_int_equal(diagnostics_count(list, SEVERITY_WARNING), 12);
	assert_int_equal(diagnostics_count(list, SEVERITY_INFO), 13);
	for (unsigned again = 0; again < 2; again++)
		assert_string_equal(printed(list, false), "error: 1\n"
							  "error: 1b\n"
							  "a: info: 2\n"
							  "a:9:3: warning: 3\n"
							  "a:9:3: error: 4\n"
							  "a:9:20: error: 6\n"
							  "a:10:2: warning: 7\n"
							  "a:10:2: error: 7\n"
							  "b:1:1: error: 8\n");
}

static void test_parts(void **state)
{
	static const struct source source = {.name = "f", .text = "abc\n", .length = 4};
	struct diagnostics *list = diagnostics_new(arena);

	(void)state;
	diagnostics_add(list, SEVERITY_ERROR, "some-rule", (struct position){&source, 1, 2},
			"no %s, %d%%", "good", 5);
	diagnostics_hint(list, "try %s", "harder");
	assert_string_equal(printed(list, false), "f:1:2: error: no good, 5% [some-rule]\n"
						  "  | abc\n"
						  "  |  ^\n"
						  "  hint: try harder\n");
	assert_string_equal(printed(list, true),
			    "f:1:2: \033[1;31merror:\033[0m no good, 5% [some-rule]\n"
			    "  | abc\n"
			    "  |  ^\n"
			    "  hint: try harder\n");
}

/* A line without column: no caret. */
static void test_line_alone(void **state)
{
	static const struct source source = {.name = "f", .text = "abc", .length = 3};
	struct diagnostics *list = diagnostics_new(arena);

	(void)state;
	diagnostics_add(list, SEVERITY_ERROR, NULL, (struct position){&source, 1, 0}, "m");
	assert_string_equal(printed(list, false), "f:1: error: m\n  | abc\n");
}

static void test_escapes(void **state)
{
	static const struct source source = {
		.name = "\033]0;x\a", .text = "\xff\033[31m\n", .length = 7};
	struct diagnostics *list = diagnostics_new(arena);

	(void)state;
	diagnostics_add(
		list, SEVERITY_ERROR, NULL, (struct position){&source, 1, 1},
		"a\nb\tc\x7f \xc2\x9b \xc3\xa9 \xc3 \xe2\x80\xae \xe2\x80\xa8 \xed\xa0\x80");
	diagnostics_hint(list, "\r\033c");
	assert_string_equal(
		printed(list, false),
		"\\x1b]0;x\\x07:1:1: error: a\\x0ab\\x09c\\x7f \\xc2\\x9b \xc3\xa9 \\xc3 "
		"\\xe2\\x80\\xae \\xe2\\x80\\xa8 \\xed\\xa0\\x80\n"
		"  | \\xff\\x1b[31m\n"
		"  | ^\n"
		"  hint: \\x0d\\x1bc\n");
}

struct excerpt_case {
	const char *text;
	unsigned line, column;
	const char *expected;
};

static void check_excerpts(const struct excerpt_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		/* an allocation without NUL, so that AddressSanitizer sees reads past the end */
		size_t length = strlen(cases[i].text);
		char *text = malloc(length ? length : 1);
		struct source source = {.name = "f", .text = text, .length = length};
		struct diagnostics *list = diagnostics_new(arena);
		const char *excerpt;

		assert_non_null(text);
		memcpy(text, cases[i].text, length);
		diagnostics_add(list, SEVERITY_ERROR, NULL,
				(struct position){&source, cases[i].line, cases[i].column}, "m");
		excerpt = strchr(printed(list, false), '\n') + 1;
		assert_string_equal(excerpt, cases[i].expected);
		free(text);
	}
}

#define CHECK_EXCERPTS(cases) check_excerpts((cases), sizeof(cases) / sizeof((cases)[0]))

static void test_carets(void **state)
{
	static const struct excerpt_case cases[] = {
		{"one\ntwo\nthree", 1, 3, "  | one\n  |   ^\n"},
		{"one\ntwo\nthree", 3, 5, "  | three\n  |     ^\n"},
		{"one\r\ntwo\r\n", 2, 1, "  | two\n  | ^\n"},
		/* the end of a line, of the text, and past both */
		{"ab\n", 1, 3, "  | ab\n  |   ^\n"},
		{"ab", 1, 3, "  | ab\n  |   ^\n"},
		{"ab", 1, 99, "  | ab\n  |   ^\n"},
		{"\xc3\xa4\xc3\xb6", 1, 4, "  | \xc3\xa4\xc3\xb6\n  |   ^\n"},
		{"ab\n", 2, 1, "  | \n  | ^\n"},
		{"", 1, 1, "  | \n  | ^\n"},
		{"ab\n", 3, 1, ""},
		{"ab\n", 4000000000, 1, ""},
		{"ab\n", 0, 0, ""},
		/* columns count characters */
		{"\xc3\xa4\xe2\x82\xac\xf0\x9f\x93\xac=x", 1, 5,
		 "  | \xc3\xa4\xe2\x82\xac\xf0\x9f\x93\xac=x\n  |     ^\n"},
		{"\tab\tc", 1, 5, "  | \tab\tc\n  | \t  \t^\n"},
		/* what is escaped is wider than its one column */
		{"\033a\xff\xc2\x9bx", 1, 5,
		 "  | \\x1ba\\xff\\xc2\\x9bx\n  |                  ^\n"},
		{"\xc3", 1, 2, "  | \\xc3\n  |     ^\n"},
		/* a byte order mark is no column */
		{"\xef\xbb\xbf"
		 "ab",
		 1, 2, "  | ab\n  |  ^\n"},
	};

	(void)state;
	CHECK_EXCERPTS(cases);
}

static const char *repeat(const char *text, size_t times)
{
	struct strbuf buf = STRBUF_INIT;
	const char *copy;

	while (times--)
		strbuf_adds(&buf, text);
	copy = arena_strdup(arena, strbuf_text(&buf));
	strbuf_done(&buf);
	return copy;
}

/* Of a long line, what is around the caret; characters are not torn. */
static void test_long_lines(void **state)
{
	const char *a = repeat("a", 1000), *b = repeat("b", 1000);
	const char *u = repeat("\xf0\x9f\x93\xac", 500);
	struct excerpt_case cases[] = {
		{arena_printf(arena, "%.120s", a), 1, 120,
		 arena_printf(arena, "  | %.120s\n  | %119s^\n", a, "")},
		{arena_printf(arena, "%s", a), 1, 1,
		 arena_printf(arena, "  | %.120s...\n  | ^\n", a)},
		{arena_printf(arena, "%.100s%s", a, b), 1, 101,
		 arena_printf(arena, "  | ...%.60s%.60s...\n  |    %60s^\n", a, b, "")},
		{arena_printf(arena, "X%s", u), 1, 1,
		 arena_printf(arena, "  | X%.116s...\n  | ^\n", u)},
		{arena_printf(arena, "%sX%s", a, b), 1, 1001,
		 arena_printf(arena, "  | ...%.60sX%.59s...\n  |    %60s^\n", a, b, "")},
		{arena_printf(arena, "%sX", a), 1, 1001,
		 arena_printf(arena, "  | ...%.60sX\n  |    %60s^\n", a, "")},
		{arena_printf(arena, "%sX", u), 1, 501,
		 arena_printf(arena, "  | ...%.60sX\n  |    %15s^\n", u, "")},
		{arena_printf(arena, "a%sX", u), 1, 251,
		 arena_printf(arena, "  | ...%.120s...\n  |    %15s^\n", u, "")},
		{arena_printf(arena, "%.400sa%.40sX", u, u), 1, 112,
		 arena_printf(arena, "  | ...%.20sa%.40sX\n  |    %16s^\n", u, u, "")},
		{arena_printf(arena, "%s\033X", a), 1, 1002,
		 arena_printf(arena, "  | ...%.59s\\x1bX\n  |    %63s^\n", a, "")},
	};

	(void)state;
	CHECK_EXCERPTS(cases);
}

#define HIDDEN "  | (line not shown: it may hold a secret)\n"

/* The cursor only saves time: lines may be asked for in any order. */
static void test_cursor(void **state)
{
	static const struct source one = {.name = "f", .text = "a\nb\nc\n", .length = 6};
	static const struct source two = {.name = "f", .text = "d\ne\n", .length = 4};
	static const struct source wide = {
		.name = "f", .text = "\xc3\xa4xyz\ntoken\n", .length = 12};
	static const struct {
		struct position at;
		const char *expected;
	} cases[] = {
		{{&one, 3, 0}, "  | c\n"},
		{{&one, 1, 0}, "  | a\n"},
		{{&one, 2, 0}, "  | b\n"},
		{{&one, 2, 0}, "  | b\n"},
		{{&two, 2, 0}, "  | e\n"},
		{{&two, 9, 0}, ""},
		{{&two, 1, 0}, "  | d\n"},
		{{&one, 3, 0}, "  | c\n"},
		{{&wide, 1, 3}, "  | \xc3\xa4xyz\n  |   ^\n"},
		{{&wide, 1, 4}, "  | \xc3\xa4xyz\n  |    ^\n"},
		{{&wide, 1, 2}, "  | \xc3\xa4xyz\n  |  ^\n"},
		{{&wide, 2, 3}, HIDDEN},
		{{&wide, 1, 1}, "  | \xc3\xa4xyz\n  | ^\n"},
	};
	struct excerpt_cursor cursor = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *text = NULL;
		size_t length = 0;
		FILE *out = open_memstream(&text, &length);

		assert_non_null(out);
		excerpt_print(&cursor, cases[i].at, false, out);
		fclose(out);
		assert_string_equal(text, cases[i].expected);
		free(text);
	}
}

static void test_secrets(void **state)
{
	static const struct excerpt_case cases[] = {
		{"password: hunter2", 1, 11, HIDDEN},
		{"smtp_sasl_PassWd = x", 1, 1, HIDDEN},
		{"passphrase: x", 1, 1, HIDDEN},
		{"{user: u, client_secret: x}", 1, 1, HIDDEN},
		{"api_token=x", 1, 1, HIDDEN},
		{"-----BEGIN RSA PRIVATE KEY-----", 1, 1, HIDDEN},
		{"path: x", 1, 1, "  | path: x\n  | ^\n"},
		/* the value may stand below its key, at any depth */
		{"password:\n  hunter2", 2, 3, HIDDEN},
		{"password: |\n\n  hunter2\n  more", 4, 3, HIDDEN},
		{"a:\n  credentials:\n    b:\n      c: d\n", 4, 7, HIDDEN},
		{"credentials:\n- user: u\n  word: x\n", 3, 3, HIDDEN},
		{"smtp_sasl_password_maps =\n\tstatic:u:p", 2, 2, HIDDEN},
		{"password:\n- x\n- y\n", 3, 3, HIDDEN},
		{"a:\n- password: x\n  b:\n    c: x\n", 4, 5, HIDDEN},
		/* but not in another item of the list */
		{"a:\n- password: x\n- user: y\n", 3, 3, "  | - user: y\n  |   ^\n"},
		{"password: x\nuser: y", 2, 1, "  | user: y\n  | ^\n"},
		{"a:\n  password: x\n  user: y\n", 3, 3, "  |   user: y\n  |   ^\n"},
		{"a:\n  password: x\nb:\n  user: y\n", 4, 3, "  |   user: y\n  |   ^\n"},
	};
	static const struct source source = {.name = "f", .text = "abc\n", .length = 4};
	struct diagnostics *list = diagnostics_new(arena);

	(void)state;
	CHECK_EXCERPTS(cases);
	diagnostics_add(list, SEVERITY_ERROR, NULL, (struct position){&source, 1, 1}, "m");
	diagnostics_hide_source(list);
	assert_string_equal(printed(list, false), "f:1:1: error: m\n" HIDDEN);
}

static void test_color_wanted(void **state)
{
	char *text = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&text, &length), *file = tmpfile();

	(void)state;
	assert_non_null(out);
	assert_non_null(file);
	assert_false(diagnostics_want_color(out));
	assert_false(diagnostics_want_color(file));
	fclose(out);
	fclose(file);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order_and_repetition),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_line_alone),
		cmocka_unit_test(test_escapes),
		cmocka_unit_test(test_carets),
		cmocka_unit_test(test_long_lines),
		cmocka_unit_test(test_cursor),
		cmocka_unit_test(test_secrets),
		cmocka_unit_test(test_color_wanted),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
