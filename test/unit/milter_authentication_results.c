/* Authentication-Results: which fields are ours, and what is written for hostile messages. */
#include "milter/authentication_results.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

static void test_is_ours(void **state)
{
	static const struct {
		const char *value;
		bool ours;
	} cases[] = {
		{" mx.example.org; dkim=pass", true},
		{"mx.example.org;dkim=pass", true},
		{" MX.Example.ORG; none", true},
		{" mx.example.org 1; none", true},
		{"\tmx.example.org\t1\t; none", true},
		{"\r\n\tmx.example.org;\r\n\tnone", true},
		{" \"mx.example.org\"; none", true},
		{" \"mx.ex\\ample.org\"; none", true},
		{" (a comment) mx.example.org (another; one) ; none", true},
		{" (a (nested) \\) comment)mx.example.org; none", true},
		{" mx.example.org(x); none", true},
		{" mx.example.org", true},
		{" mx.example.org dkim=pass", true},
		{" mx.example.org\001; none", true},
		{" mx.\001example.org; none", true}, /* readers may drop control characters */
		{" mx.example\\.org; none", true},
		{" \"mx. example.org\"; none", true},
		{"", true}, /* not readable: it may be taken for anybody's */
		{"  ", true},
		{" (open mx.other.org; none", true},
		{" \"open; none", true},
		{" mx.other.org dkim=pass", true},
		{" mx.other.org mx.example.org; none", true},
		{" ; dkim=pass", false}, /* nobody's name: nobody believes it */
		{" mx.other.org; dkim=pass", false},
		{" mx.other.org 1; dkim=pass", false},
		{" mx.other.org", false},
		{" mx.other.org; mx.example.org; none", false},
		{" (mx.example.org) mx.other.org; none", false},
		{" example.org; none", false},
		{" mx.example.org.evil.test; none", false},
		{" mx.example.or; none", false},
		{" mx.example.orgs; none", false},
		{" \"mx.other.org\"; none", false},
		{" i=1; mx.example.org; none", false}, /* of ARC, another field */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (authentication_results_is_ours(cases[i].value, "mx.example.org") !=
		    cases[i].ours)
			fail_msg("'%s'", cases[i].value);
}

static void test_compose(void **state)
{
	static const struct {
		struct verified_signature item;
		const char *wanted;
	} cases[] = {
		{{.result = DKIM_RESULT_PASS,
		  .domain = "example.com",
		  .identity = "@example.com",
		  .selector = "mail",
		  .algorithm = "rsa-sha256",
		  .prefix = "AbCdEfGh",
		  .bits = 2048},
		 "pass (2048-bit key)\n\theader.d=example.com\n\theader.i=@example.com\n\t"
		 "header.s=mail\n\theader.a=rsa-sha256\n\theader.b=AbCdEfGh"},
		{{.result = DKIM_RESULT_FAIL,
		  .reason = "body hash did not verify",
		  .domain = "a.test",
		  .bits = 1024,
		  .testing = true,
		  .partial = true,
		  .signed_octets = 5,
		  .body_octets = 9},
		 "fail (body hash did not verify, 1024-bit key, test mode, l= signs 5 of 9 octets "
		 "of "
		 "the body)\n\theader.d=a.test"},
		{{.result = DKIM_RESULT_PERMERROR, .reason = "no From field"},
		 "permerror (no From field)"},
		{{.result = DKIM_RESULT_NEUTRAL, .domain = "a\"; dkim=pass\\", .prefix = "a+b/c=="},
		 "neutral\n\theader.d=\"a\\\"; dkim=pass\\\\\"\n\theader.b=\"a+b/c==\""},
		/* what no quotes help */
		{{.result = DKIM_RESULT_NEUTRAL,
		  .domain = "a\r\nX: y",
		  .identity = "\x80",
		  .selector = "",
		  .algorithm = "a\x7f",
		  .prefix = "\x1b[2J"},
		 "neutral"},
		{{.result = DKIM_RESULT_NEUTRAL, .identity = "J\xc3\xbcrgen@example.com"},
		 "neutral\n\theader.i=\"J\xc3\xbcrgen@example.com\""},
		{{.result = DKIM_RESULT_NEUTRAL, .identity = "(a@b", .selector = "a b"},
		 "neutral\n\theader.i=\"(a@b\"\n\theader.s=\"a b\""},
	};
	struct arena *arena = arena_new(0), *small = arena_new(30);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct verification verification = {.signatures = &cases[i].item, .count = 1};

		assert_string_equal(
			authentication_results_compose(arena, "mx.example.org", &verification),
			arena_printf(arena, "mx.example.org;\n\tdkim=%s", cases[i].wanted));
		assert_null(authentication_results_compose(small, "mx.example.org", &verification));
	}
	assert_string_equal(authentication_results_compose(arena, "mx.example.org",
							   &(struct verification){.count = 0}),
			    "mx.example.org;\n\tdkim=none");
	arena_free(small);
	arena_free(arena);
}

static void test_long(void **state)
{
	struct verified_signature item = {.result = DKIM_RESULT_NEUTRAL};
	struct verification verification = {.signatures = &item, .count = 1};
	struct arena *arena = arena_new(0);
	char text[400];

	(void)state;
	memset(text, 'a', sizeof(text));
	text[321] = '\0';
	item.domain = text;
	assert_string_equal(authentication_results_compose(arena, "x", &verification),
			    "x;\n\tdkim=neutral");
	text[320] = '\0';
	assert_int_equal(strlen(authentication_results_compose(arena, "x", &verification)),
			 strlen("x;\n\tdkim=neutral\n\theader.d=") + 320);
	arena_free(arena);
}

/* As many signatures as may be tried, each with texts as long as are shown. */
static void test_most(void **state)
{
	struct verified_signature items[VERIFIER_MOST_SIGNATURES];
	struct verification verification = {items, VERIFIER_MOST_SIGNATURES, 0};
	struct arena *arena = arena_new((size_t)1 << 20);
	char longest[321], *field;
	size_t found = 0;

	(void)state;
	memset(longest, '"', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	for (size_t i = 0; i < VERIFIER_MOST_SIGNATURES; i++)
		items[i] = (struct verified_signature){DKIM_RESULT_FAIL, "body hash did not verify",
						       longest,		 longest,
						       longest,		 longest,
						       longest,		 .bits = 2048,
						       .testing = true};
	field = authentication_results_compose(arena, "mx.example.org", &verification);
	assert_non_null(field);
	for (const char *p = field; (p = strstr(p, "dkim=fail (body")); p++)
		found++;
	assert_int_equal(found, VERIFIER_MOST_SIGNATURES);
	assert_int_equal(strncmp(field, "mx.example.org;\n\tdkim=fail (", 28), 0);
	arena_free(arena);
	arena = arena_new(4096);
	assert_null(authentication_results_compose(arena, "mx.example.org", &verification));
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_is_ours),
		cmocka_unit_test(test_compose),
		cmocka_unit_test(test_most),
		cmocka_unit_test(test_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
