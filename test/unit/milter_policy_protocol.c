/* The policy delegation protocol: requests whole, in pieces, and broken. */
#include "milter/policy_protocol.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

/* Feeds `text` by `step` octets; gives "name=value ..." of each request, joined with '|'. */
static const char *parse(const char *text, size_t step, char *out, size_t size)
{
	static struct policy_parser parser;
	size_t left = strlen(text), used = 0;

	policy_parser_init(&parser);
	out[0] = '\0';
	while (left) {
		size_t piece = left < step ? left : step, rest = piece;
		enum policy_parse got = policy_parser_take(&parser, &text, &rest);

		left -= piece - rest;
		if (got == POLICY_BROKEN) {
			assert_int_equal(policy_parser_take(&parser, &text, &rest), POLICY_BROKEN);
			return "broken";
		}
		if (got == POLICY_MORE)
			assert_int_equal(rest, 0);
		for (size_t i = 0; got == POLICY_REQUEST && i < parser.request.count; i++)
			used += (size_t)snprintf(out + used, size - used, "%s=%s ",
						 parser.request.attributes[i].name,
						 parser.request.attributes[i].value);
		if (got == POLICY_REQUEST)
			used += (size_t)snprintf(out + used, size - used, "|");
	}
	return out;
}

static void test_requests(void **state)
{
	static const struct {
		const char *text, *wanted;
	} cases[] = {
		{"a=b\n\n", "a=b |"},
		{"a=b\nc=d\n\ne=f\n\n", "a=b c=d |e=f |"},
		{"a=\n\n", "a= |"},
		{"a==b=\n\n", "a==b= |"},
		{"a=b", ""},
		{"a=b\n", ""},
		{"a=b\n\nc=", "a=b |"},
		{"sender=\"a b\"@\xc3\xbc.test\n\n", "sender=\"a b\"@\xc3\xbc.test |"},
		{"\n", "broken"},
		{"a=b\n\n\n", "broken"},
		{"=b\n\n", "broken"},
		{"a\n\n", "broken"},
		{"a=b\r\n\n", "broken"},
		{"a=b\r\n\r\n", "broken"},
		{"a=b\na=b\n\n", "broken"},
	};
	char out[1000];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (size_t step = 1; step < 20; step++)
			assert_string_equal(parse(cases[i].text, step, out, sizeof(out)),
					    cases[i].wanted);
}

static void test_bounds(void **state)
{
	static struct policy_parser parser;
	static char text[POLICY_LARGEST_REQUEST + 10];
	const char *next;
	size_t left, length;

	(void)state;
	/* the text and its NULs fill the parser exactly; one more octet is too much */
	for (size_t more = 0; more < 2; more++) {
		length = POLICY_LARGEST_REQUEST - 1 + more;
		memset(text, 'x', sizeof(text));
		text[1] = '=';
		text[length] = text[length + 1] = '\n';
		next = text;
		left = length + 2;
		policy_parser_init(&parser);
		assert_int_equal(policy_parser_take(&parser, &next, &left),
				 more ? POLICY_BROKEN : POLICY_REQUEST);
	}
	for (size_t more = 0; more < 2; more++) {
		length = 0;
		for (size_t i = 0; i < POLICY_MOST_ATTRIBUTES + more; i++)
			length += (size_t)snprintf(text + length, sizeof(text) - length, "a%zu=b\n",
						   i);
		text[length++] = '\n';
		next = text;
		policy_parser_init(&parser);
		assert_int_equal(policy_parser_take(&parser, &next, &length),
				 more ? POLICY_BROKEN : POLICY_REQUEST);
	}
	policy_parser_init(&parser);
	next = "a=b\0c\n\n";
	left = 7;
	assert_int_equal(policy_parser_take(&parser, &next, &left), POLICY_BROKEN);
}

static void test_values(void **state)
{
	const struct policy_request request = {.attributes = {{"sender", "a@b"}, {"empty", ""}},
					       .count = 2};

	(void)state;
	assert_string_equal(policy_request_value(&request, "sender"), "a@b");
	assert_string_equal(policy_request_value(&request, "empty"), "");
	assert_string_equal(policy_request_value(&request, "missing"), "");
	assert_string_equal(policy_request_value(&request, "SENDER"), "");
}

static void test_answers(void **state)
{
	char buffer[POLICY_ANSWER_SIZE], action[2 * POLICY_LONGEST_ACTION];

	(void)state;
	assert_int_equal(policy_answer_write("DUNNO", buffer), 14);
	assert_string_equal(buffer, "action=DUNNO\n\n");
	policy_answer_write("REJECT a\r\n\naction=OK\x7f\xc3\xbc", buffer);
	assert_string_equal(buffer, "action=REJECT a   action=OK \xc3\xbc\n\n");
	memset(action, 'x', sizeof(action));
	action[sizeof(action) - 1] = '\0';
	assert_int_equal(policy_answer_write(action, buffer), 7 + POLICY_LONGEST_ACTION + 2);
	assert_string_equal(buffer + 7 + POLICY_LONGEST_ACTION, "\n\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
