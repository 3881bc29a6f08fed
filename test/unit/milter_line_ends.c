/* Line ends, for each way that a body may be cut into chunks. */
#include "milter/line_ends.h"
#include "common/strbuf.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

static const struct {
	const char *given, *wanted;
	bool stray_cr;
} bodies[] = {
	{"", "", false},
	{"a", "a\r\n", false},
	{"a\n", "a\r\n", false},
	{"a\r\n", "a\r\n", false},
	{"\n", "\r\n", false},
	{"\n\n\n", "\r\n\r\n\r\n", false},
	{"\r\n\n\r\n", "\r\n\r\n\r\n", false},
	{"a\nb\r\nc\nd", "a\r\nb\r\nc\r\nd\r\n", false},
	{"a\rb\n", "a\rb\r\n", true},
	{"a\r\r\nb\n", "a\r\r\nb\r\n", true},
	{"a\n\rb\n", "a\r\n\rb\r\n", true},
	{"\r", "\r\r\n", true},
	{"a\r", "a\r\r\n", true}, /* the CR is part of the line */
};

static void convert(struct line_ends *state, const char *data, size_t size, struct strbuf *out)
{
	const unsigned char *next = (const unsigned char *)data;

	while (size) {
		size_t length;
		const unsigned char *piece = line_ends_next(state, &next, &size, &length);

		strbuf_add(out, (const char *)piece, length);
	}
}

static void test_bodies(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		size_t length = strlen(bodies[i].given);

		for (size_t first = 0; first <= length; first++) {
			for (size_t second = first; second <= length; second++) {
				struct line_ends state = {.any = false};
				struct strbuf out = STRBUF_INIT;

				convert(&state, bodies[i].given, first, &out);
				convert(&state, bodies[i].given + first, second - first, &out);
				convert(&state, bodies[i].given + second, length - second, &out);
				if (line_ends_missing(&state))
					strbuf_adds(&out, "\r\n");
				assert_string_equal(strbuf_text(&out), bodies[i].wanted);
				assert_int_equal(line_ends_stray_cr(&state), bodies[i].stray_cr);
				strbuf_done(&out);
			}
		}
	}
}

static void test_nul_at_the_end(void **unused)
{
	struct line_ends state = {.any = false};
	struct strbuf out = STRBUF_INIT;

	(void)unused;
	convert(&state, "a\0", 2, &out);
	assert_int_equal(out.length, 2);
	assert_true(line_ends_missing(&state));
	strbuf_done(&out);
}

static void test_headers(void **unused)
{
	static const struct {
		const char *value, *wanted;
		bool stray;
	} cases[] = {
		{" hi", "Subject: hi", false},
		{"", "Subject:", false},
		{" a\n\tb\n c", "Subject: a\r\n\tb\r\n c", false},
		{" a\r\n\tb", "Subject: a\r\n\tb", false},
		{"\n a", "Subject:\r\n a", false},
		{" a\n", "Subject: a\r\n", true},
		{" a\nb", "Subject: a\r\nb", true},
		{" a\n\n b", "Subject: a\r\n\r\n b", true},
		{" a\rb", "Subject: a\rb", true},
		{" a\r", "Subject: a\r", true},
		{" a\r\r\n b", "Subject: a\r\r\n b", true},
	};
	struct arena *arena = arena_new(0), *small = arena_new(8);
	size_t length;

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *got = line_ends_header(arena, "Subject", ":", cases[i].value, &length);

		assert_string_equal(got, cases[i].wanted);
		assert_int_equal(line_ends_stray_in_header(cases[i].value), cases[i].stray);
		assert_int_equal(length, strlen(cases[i].wanted));
	}
	assert_null(line_ends_header(small, "Subject", ": ", "longer than that", &length));
	arena_free(arena);
	arena_free(small);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bodies),
		cmocka_unit_test(test_nul_at_the_end),
		cmocka_unit_test(test_headers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
