/* From fields: what RFC 5322 allows, what people write, and what readers disagree on. */
#include "milter/from.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

/* The domains that are found, joined by blanks, and '!' at the end when malformed. */
static const char *summarize(struct arena *arena, const char *value)
{
	struct from from;
	const char *text = "";

	assert_int_equal(from_parse(arena, value, &from), 0);
	for (size_t i = 0; i < from.count; i++)
		text = arena_printf(arena, "%s%s%s", text, i ? " " : "", from.domains[i]);
	return arena_printf(arena, "%s%s", text, from.malformed ? "!" : "");
}

static void test_values(void **state)
{
	/* the values of RFC 5322 appendix A are marked with their section */
	static const struct {
		const char *value, *domains;
	} cases[] = {
		{" user@example.com", "example.com"},
		{" John Doe <jdoe@machine.example>", "machine.example"},	   /* A.1.1 */
		{" \"Joe Q. Public\" <john.q.public@example.com>", "example.com"}, /* A.1.2 */
		{" Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>",
		 "silly.test"},						       /* A.5 */
		{" Joe Q. Public <john.q.public@example.com>", "example.com"}, /* A.6.1 */
		{" Mary Smith <@node.test:mary@example.net>, , jdoe@test  . example",
		 "example.net test.example"}, /* A.6.1 */
		{"A Group(Some people)\r\n     :Chris Jones <c@(Chris's host.)public.example>,\r\n"
		 "         joe@example.org,\r\n  John <jdoe@one.test> (my dear friend); (the end "
		 "of the group)",
		 "public.example example.org one.test"}, /* A.5 */
		{"Undisclosed recipients:;", ""},
		{"", ""},
		{"  \n\t", ""},
		{"MAILER-DAEMON", ""},
		{"<>", ""},
		{"USER@Example.COM", "example.com"},
		{"user@example.com.", "example.com"},
		{"\n\tuser@example.com", "example.com"},
		{"Us\n er <user@example.com>", "example.com"},
		{"user@\n example.com", "example.com"},
		{"\"user@evil.test\" <user@example.com>", "example.com"},
		{"(user@evil.test) user@example.com", "example.com"},
		{"(a (nested (deep)) comment) user@example.com", "example.com"},
		{"\"a\\\"b@evil.test\" <user@example.com>", "example.com"},
		{"\"<x@evil.test>\" <user@example.com>", "example.com"},
		{"a@one.test, b@two.test", "one.test two.test"},
		{"a@one.test; b@two.test", "one.test two.test"},
		{"user@[192.0.2.1]", ""},
		{"[Ticket 5] Support <support@example.com>", "example.com"},
		{"=?utf-8?q?J=C3=BCrgen?= <j@example.com>", "example.com"},
		/* RFC 6531: the same domain in its ASCII form */
		{"J\xc3\xbcrgen <j@ex\xc3\xa4mple.com>", "xn--exmple-cua.com"},
		/* ideographic full stops are dots, also at the end */
		{"u@example\xe3\x80\x82"
		 "com\xe3\x80\x82",
		 "example.com"},
		/* what is mapped to an '@', or to nothing, makes no name */
		{"u@example.com\xef\xbc\xa0x", "example.com\xef\xbc\xa0x!"},
		{"u@\xc2\xad", "\xc2\xad!"},
		{"j@EX\xc3\x84MPLE.com", "xn--exmple-cua.com"},
		{"j@exa\xcc\x88mple.com", "xn--exmple-cua.com"}, /* decomposed */
		{"j@xn--exmple-cua.com", "xn--exmple-cua.com"},
		{"j@\xef\xbd\x85xample.com", "example.com"}, /* a full-width e */
		{"j@ex\xffmple.com", "ex\xffmple.com!"},
		{"user@example.com <user@example.com>", "example.com"},
		/* readers disagree */
		{"user@example.com <user@evil.test>", "example.com evil.test!"},
		{"user@example.com@evil.test", "example.com evil.test!"},
		{"user@example.com evil.test", "example.com!"},
		{"user@evil.test <user@example.com", "evil.test example.com!"},
		{"<user@example.com", "example.com!"},
		{"\"open <user@example.com>", "!"},
		{"(open user@example.com", "!"},
		{"user@", "!"},
		{"user@.", "!"},
		{"user@[192.0.2.1", "!"},
		{"a: b: user@example.com;", "example.com!"},
		{"user@exa\001mple.com", "!"},
		{"<user@example.com>>", "example.com!"},
		{"<<user@example.com>>", "example.com!"},
		{"user@example.com) ", "example.com!"},
	};
	struct arena *arena = arena_new(0);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *got = summarize(arena, cases[i].value);

		if (strcmp(got, cases[i].domains) != 0)
			fail_msg("'%s' gives '%s', not '%s'", cases[i].value, got,
				 cases[i].domains);
	}
	arena_free(arena);
}

static void test_bounds(void **state)
{
	struct arena *arena = arena_new(0);
	char *many = arena_strdup(arena, "a@example.com"), *deep, longest[600];
	struct from from;

	(void)state;
	for (size_t i = 1; i < FROM_MOST_ADDRESSES; i++)
		many = arena_printf(arena, "%s, a@example.com", many);
	assert_int_equal(from_parse(arena, many, &from), 0);
	assert_int_equal(from.count, FROM_MOST_ADDRESSES);
	assert_false(from.malformed);
	assert_int_equal(from_parse(arena, arena_printf(arena, "%s, a@b.test", many), &from), 0);
	assert_int_equal(from.count, FROM_MOST_ADDRESSES);
	assert_true(from.malformed);

	deep = arena_alloc(arena, 1000001);
	memset(deep, '(', 1000000);
	assert_int_equal(from_parse(arena, deep, &from), 0);
	assert_true(from.malformed);

	/* RFC 1035: a name has at most 255 octets */
	memset(longest, 'a', sizeof(longest));
	longest[0] = 'x';
	longest[1] = '@';
	longest[2 + 255] = '\0';
	assert_int_equal(from_parse(arena, longest, &from), 0);
	assert_false(from.malformed);
	longest[2 + 255] = 'a';
	longest[2 + 256] = '\0';
	assert_int_equal(from_parse(arena, longest, &from), 0);
	assert_true(from.malformed);
	arena_free(arena);
}

static void test_no_memory(void **state)
{
	struct arena *arena = arena_new(16);
	struct from from = {.count = 7};

	(void)state;
	assert_int_equal(from_parse(arena, "a@a-long-domain.example.com", &from), -12 /* ENOMEM */);
	assert_int_equal(from.count, 7);
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
