/*
 * The Mustache engine beyond the language's own cases (test/conformance): strict mode, text that is
 * not HTML, where errors are, and bounds. Expected texts follow from mustache.h and mustache(5).
 */
#include "confgen/render/mustache.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#define HTML   1U
#define STRICT 2U

static const struct source partials[] = {
	{"mixed.mustache", "- {{>lines}}", 12},
	{"deep.mustache", "x{{#o}}{{>deep}}{{/o}}", 22},
	{"line.mustache", "name={{name}}\n", 14},
	{"lines.mustache", "a\n\nb {{name}}\n", 14},
	{"nested.mustache", "[\n  {{>lines}}\n]\n", 17},
	{"bad.mustache", "x\n  {{#open}}\n", 14},
	{"strange.mustache", "x\n{{nobody}}", 12},
	{"loop.mustache", "{{>loop}}", 9},
};

static size_t partials_asked_for;

static const struct source *find_partial(void *context, const char *name)
{
	size_t length = strlen(name);

	(void)context;
	partials_asked_for++;
	for (size_t i = 0; i < sizeof(partials) / sizeof(partials[0]); i++)
		if (strncmp(partials[i].name, name, length) == 0 && partials[i].name[length] == '.')
			return &partials[i];
	return NULL;
}

static const struct mustache_loader loader = {find_partial, NULL};

struct result {
	struct arena *arena;
	int status;
	struct strbuf out;
	char *errors;	    /* as printed: each once */
	size_t error_count; /* before that */
};

static struct result render_with(const char *template, json_t *data,
				 const struct mustache_options *options)
{
	struct result result = {.arena = arena_new(0)};
	struct source *source = arena_alloc(result.arena, sizeof(*source));
	struct diagnostics *list = diagnostics_new(result.arena);
	size_t length;
	FILE *memory;

	*source = (struct source){"t", template, strlen(template)};
	strbuf_adds(&result.out, "before:");
	result.status = mustache_render(result.arena, source, data, options, &result.out, list);
	result.error_count = diagnostics_count(list, SEVERITY_ERROR);
	memory = open_memstream(&result.errors, &length);
	assert_non_null(memory);
	diagnostics_print(list, memory, false);
	fclose(memory);
	return result;
}

static void result_done(struct result *result)
{
	strbuf_done(&result->out);
	free(result->errors);
	arena_free(result->arena);
}

/* Compares the first line of each diagnostic and the hints: source lines and carets are left out.
 */
static void assert_errors(const char *printed, const char *expected)
{
	struct strbuf lines = STRBUF_INIT;

	while (*printed) {
		size_t length = strcspn(printed, "\n") + 1;

		if (strncmp(printed, "  |", 3) != 0)
			strbuf_add(&lines, printed, length);
		printed += length;
	}
	assert_string_equal(strbuf_text(&lines), expected);
	strbuf_done(&lines);
}

struct row {
	const char *template, *data;
	unsigned flags;
	const char *text;   /* NULL: fails */
	const char *errors; /* NULL: none */
};

static void check(const struct row *row)
{
	const struct mustache_options options = {
		.partials = &loader, .html = row->flags & HTML, .strict = row->flags & STRICT};
	json_t *data = json_loads(row->data, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	struct result result;

	assert_non_null(data);
	result = render_with(row->template, data, &options);
	assert_int_equal(result.status, row->text ? 0 : -1);
	/* on failure nothing is appended */
	assert_memory_equal(strbuf_text(&result.out), "before:", 7);
	assert_string_equal(strbuf_text(&result.out) + 7, row->text ? row->text : "");
	assert_errors(result.errors, row->errors ? row->errors : "");
	result_done(&result);
	json_decref(data);
}

#define CHECK_ROWS(rows)                                              \
	for (size_t i = 0; i < sizeof(rows) / sizeof((rows)[0]); i++) \
	check(&(rows)[i])

static void test_text(void **state)
{
	static const struct row rows[] = {
		{"{{x}} {{{x}}} {{&x}}", "{\"x\":\"<a & \\\"b\\\">\"}", 0,
		 "<a & \"b\"> <a & \"b\"> <a & \"b\">", NULL},
		{"{{x}} {{{x}}}", "{\"x\":\"<a & \\\"b\\\">\"}", HTML,
		 "&lt;a &amp; &quot;b&quot;&gt; <a & \"b\">", NULL},
		{"{{t}} {{f}} {{n}}.", "{\"t\":true,\"f\":false,\"n\":null}", STRICT,
		 "true false .", NULL},
		{"{{a}} {{b}} {{c}} {{d}} {{e}}",
		 "{\"a\":-9223372036854775808,\"b\":0.1,\"c\":1e300,\"d\":2.5e-7,\"e\":0."
		 "30000000000000004}",
		 STRICT, "-9223372036854775808 0.1 1e+300 2.5e-07 0.30000000000000004", NULL},
		{"{{x}}", "{\"x\":\"a\\u0000b\"}", STRICT, NULL,
		 "t:1:1: error: the value of 'x' has a line break or another control character\n"
		 "  hint: where that is meant, write {{{x}}}\n"},
		/* no, and yes */
		{"{{#x}}yes{{/x}}{{^x}}no{{/x}}", "{\"x\":\"\"}", STRICT, "yes", NULL},
		{"{{#x}}yes{{/x}}{{^x}}no{{/x}}", "{\"x\":0}", STRICT, "yes", NULL},
		{"{{#x}}yes{{/x}}{{^x}}no{{/x}}", "{\"x\":{}}", STRICT, "yes", NULL},
		{"{{#x}}yes{{/x}}{{^x}}no{{/x}}", "{\"x\":[]}", STRICT, "no", NULL},
		{"{{#x}}yes{{/x}}{{^x}}no{{/x}}", "{\"x\":null}", STRICT, "no", NULL},
		{"{{#x}}yes{{/x}}{{^x}}no{{/x}}", "{\"x\":[null]}", STRICT, "yes", NULL},
		{"", "{}", STRICT, "", NULL},
		{"{ {} }} } {{! }} {{!{{}}", "{}", STRICT, "{ {} }} }  ", NULL},
		{"{{=<% %>=}}<%{x}%> <%&x%> {{x}} <%={{ }}=%>{{x}}", "{\"x\":1}", STRICT,
		 "1 1 {{x}} 1", NULL},
	};

	(void)state;
	CHECK_ROWS(rows);
}

static void test_partials(void **state)
{
	static const struct row rows[] = {
		/* empty lines stay empty; values' own lines are not indented */
		{"  {{>lines}}\nend", "{\"name\":\"n\"}", STRICT, "  a\n\n  b n\nend", NULL},
		{"\t{{>nested}}\nend", "{\"name\":\"n\"}", STRICT,
		 "\t[\n\t  a\n\n\t  b n\n\t]\nend", NULL},
		{"  {{>mixed}}", "{\"name\":\"n\"}", STRICT, "  - a\n\nb n\n", NULL},
		{"  x {{>lines}}", "{\"name\":\"n\"}", STRICT, "  x a\n\nb n\n", NULL},
		{"{{#l}}\n  {{>line}}\n{{/l}}\n", "{\"l\":[{\"name\":1},{\"name\":2}]}", STRICT,
		 "  name=1\n  name=2\n", NULL},
		{"{{>gone}}.", "{}", 0, ".", NULL},
		{"a {{>gone}}.", "{}", STRICT, NULL, "t:1:3: error: no partial 'gone'\n"},
		{"{{>strange}}\n{{>strange}}", "{}", STRICT, NULL,
		 "strange.mustache:2:1: error: unknown name 'nobody'\n"},
		{"{{>bad}}{{>bad}}", "{}", 0, NULL,
		 "bad.mustache:2:3: error: section 'open' is not closed\n"},
		{"{{>loop}}", "{}", 0, NULL,
		 "loop.mustache:1:1: error: more than 32 partials within each other\n"},
	};

	(void)state;
	CHECK_ROWS(rows);
}

static void test_strict_names(void **state)
{
	static const struct row rows[] = {
		{"a\n{{relayhots}}", "{\"relayhost\":\"x\"}", STRICT, NULL,
		 "t:2:1: error: unknown name 'relayhots'\n  hint: did you mean 'relayhost'?\n"},
		{"{{tls.certifcate}}", "{\"tls\":{\"certificate\":\"x\"}}", STRICT, NULL,
		 "t:1:1: error: unknown name 'certifcate' in 'tls.certifcate'\n"
		 "  hint: did you mean 'certificate'?\n"},
		{"{{tsl.key}}", "{\"tls\":{\"key\":\"x\"}}", STRICT, NULL,
		 "t:1:1: error: unknown name 'tsl' in 'tsl.key'\n  hint: did you mean 'tls'?\n"},
		{"{{#o}}{{inne}}{{/o}}", "{\"inner\":1,\"o\":{}}", STRICT, NULL,
		 "t:1:7: error: unknown name 'inne'\n  hint: did you mean 'inner'?\n"},
		{"{{#x}}{{/x}} {{^y}}{{/y}}", "{}", STRICT, NULL,
		 "t:1:1: error: unknown name 'x'\nt:1:14: error: unknown name 'y'\n"},
		{"{{tls.key}}", "{\"tls\":null}", STRICT, NULL,
		 "t:1:1: error: unknown name 'key' in 'tls.key'\n"},
		{"{{l}} {{{o}}}", "{\"l\":[],\"o\":{}}", STRICT, NULL,
		 "t:1:1: error: 'l' is a list and has no text\n"
		 "t:1:7: error: 'o' is a mapping and has no text\n"},
		{"{{l}}{{o}}{{x}}{{#x}}{{/x}}", "{\"l\":[],\"o\":{}}", 0, "", NULL},
	};

	(void)state;
	CHECK_ROWS(rows);
}

/* One complaint of a tag is enough, however long the list that it is in. */
static void test_complains_once(void **state)
{
	static const struct mustache_options options = {.partials = &loader, .strict = true};
	json_t *data = json_pack("{s:[{s:s},{s:s}]}", "l", "x", "\n", "x", "\n");
	struct result result =
		render_with("{{#l}}{{missing}}{{x}}{{.}}{{>gone}}{{/l}}", data, &options);

	(void)state;
	assert_int_equal(result.status, -1);
	assert_int_equal(result.error_count, 4);
	result_done(&result);
	json_decref(data);
}

static void test_control_characters(void **state)
{
	static const char *const values[] = {"a\nb", "a\rb", "\t", "a\x7f", "\x1b[31m", "\n"};

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		const struct mustache_options strict = {.strict = true}, lax = {.strict = false};
		json_t *data = json_pack("{s:s}", "x", values[i]);
		struct result result = render_with("{{{x}}}{{&x}}", data, &strict);

		assert_int_equal(result.status, 0);
		assert_string_equal(result.errors, "");
		result_done(&result);
		result = render_with("{{x}}", data, &lax);
		assert_int_equal(result.status, 0);
		assert_string_equal(strbuf_text(&result.out) + 7, values[i]);
		result_done(&result);
		result = render_with("ok\n  {{x}}", data, &strict);
		assert_int_equal(result.status, -1);
		assert_string_equal(strbuf_text(&result.out), "before:");
		assert_errors(result.errors, "t:2:3: error: the value of 'x' has a line break or "
					     "another control character\n"
					     "  hint: where that is meant, write {{{x}}}\n");
		result_done(&result);
		json_decref(data);
	}
}

static void test_syntax(void **state)
{
	static const struct row rows[] = {
		/* columns count characters, not octets */
		{"\xc3\xa4\xe2\x82\xac {{x", "{}", 0, NULL,
		 "t:1:4: error: the tag is not closed: no '}}' follows\n"},
		{"a\r\n\n {{{x}}", "{}", 0, NULL,
		 "t:3:2: error: the tag is not closed: no '}}}' follows\n"},
		{"{{=<% %>}}", "{}", 0, NULL,
		 "t:1:1: error: the tag is not closed: no '=}}' follows\n"},
		{"{{#a}}\n{{^b}}\n", "{}", 0, NULL,
		 "t:1:1: error: section 'a' is not closed\nt:2:1: error: section 'b' is not "
		 "closed\n"},
		{"\n{{#a}}{{/b}}", "{}", 0, NULL,
		 "t:2:7: error: {{/b}} where {{/a}} should close the section of line 2\n"},
		{"{{/a}}", "{}", 0, NULL,
		 "t:1:1: error: {{/a}} closes a section, but none is open\n"},
		{"{{}} {{ }} {{#}}{{/}} {{>}}", "{}", 0, NULL,
		 "t:1:1: error: no name in this tag\nt:1:6: error: no name in this tag\n"
		 "t:1:12: error: no name in this tag\nt:1:17: error: no name in this tag\n"
		 "t:1:23: error: no name in this tag\n"},
		{"{{#a}}{{/}}", "{}", 0, NULL, "t:1:7: error: no name in this tag\n"},
		{"{{a b}} {{a..b}} {{.a}} {{a.}} {{..}}", "{}", 0, NULL,
		 "t:1:1: error: not a name in this tag\nt:1:9: error: not a name in this tag\n"
		 "t:1:18: error: not a name in this tag\nt:1:25: error: not a name in this tag\n"
		 "t:1:32: error: not a name in this tag\n"},
		{"{{=a=}} {{=a b c=}} {{=a= b=}} {{= =}}", "{}", 0, NULL,
#define DELIMITERS                                                                      \
	"a tag that sets delimiters needs two of them, without blanks or '=' in them\n" \
	"  hint: write it like {{=<% %>=}}\n"
		 "t:1:1: error: " DELIMITERS "t:1:9: error: " DELIMITERS
		 "t:1:21: error: " DELIMITERS "t:1:32: error: " DELIMITERS},
	};

	(void)state;
	CHECK_ROWS(rows);
}

/* `count` times `before`, `middle`, `count` times `after`. */
static char *nested(const char *before, const char *middle, const char *after, size_t count)
{
	struct strbuf text = STRBUF_INIT;

	for (size_t i = 0; i < count; i++)
		strbuf_adds(&text, before);
	strbuf_adds(&text, middle);
	for (size_t i = 0; i < count; i++)
		strbuf_adds(&text, after);
	return text.text;
}

static void test_deep_nesting(void **state)
{
	static const struct mustache_options options = {.strict = true};
	char *fits = nested("{{#x}}", "!", "{{/x}}", 64),
	     *deep = nested("{{#x}}", "!", "{{/x}}", 65);
	json_t *data = json_pack("{s:b}", "x", 1);
	struct result result = render_with(fits, data, &options);

	(void)state;
	assert_int_equal(result.status, 0);
	assert_string_equal(strbuf_text(&result.out), "before:!");
	result_done(&result);
	result = render_with(deep, data, &options);
	assert_int_equal(result.status, -1);
	assert_errors(result.errors, "t:1:385: error: more than 64 sections within each other\n");
	result_done(&result);
	json_decref(data);
	free(fits);
	free(deep);
}

/* {"o": {"o": ... false}} */
static json_t *nested_data(int depth)
{
	json_t *data = json_pack("{s:b}", "o", 0);

	while (--depth > 0)
		data = json_pack("{s:o}", "o", data);
	return data;
}

static void test_deep_partials(void **state)
{
	static const struct mustache_options options = {.partials = &loader, .strict = true};
	json_t *fits = nested_data(32), *deep = nested_data(33);
	struct result result = render_with("{{>deep}}", fits, &options);

	(void)state;
	assert_int_equal(result.status, 0);
	assert_string_equal(strbuf_text(&result.out), "before:xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
	result_done(&result);
	result = render_with("{{>deep}}", deep, &options);
	assert_int_equal(result.status, -1);
	assert_errors(result.errors,
		      "deep.mustache:1:8: error: more than 32 partials within each other\n");
	result_done(&result);
	json_decref(fits);
	json_decref(deep);
}

#define TOO_MUCH "t: error: the template yields more than %zu octets, or takes as many steps\n"

static void check_limit(const char *template, json_t *data, size_t limit, bool fits)
{
	const struct mustache_options options = {.partials = &loader, .limit = limit};
	struct result result = render_with(template, data, &options);
	char expected[200];

	snprintf(expected, sizeof(expected), TOO_MUCH, limit ? limit : MUSTACHE_LIMIT);
	assert_int_equal(result.status, fits ? 0 : -1);
	assert_errors(result.errors, fits ? "" : expected);
	result_done(&result);
}

static void test_limits(void **state)
{
	json_t *data = json_pack("{s:s,s:[ii],s:[iiiiiiiii]}", "x", "12345", "two", 1, 2, "nine", 1,
				 2, 3, 4, 5, 6, 7, 8, 9);
	/* 2 to the power of 60 rounds without any output */
	char *endless = nested("{{#two}}", "", "{{/two}}", 60);
	char *large;
	json_t *big;

	(void)state;
	check_limit("{{x}}{{x}}", data, 10, true);
	check_limit("{{x}}{{x}}", data, 9, false);
	check_limit("{{x}}1234", data, 8, false);
	check_limit(endless, data, 1 << 20, false);
	/* an element is a step even if nothing is said about it */
	check_limit("{{#nine}}{{/nine}}", data, 8, false);
	free(endless);
	json_decref(data);

	/* the default: 64 MiB, to the octet */
	large = malloc((1 << 20) + 1);
	assert_non_null(large);
	memset(large, 'x', 1 << 20);
	large[1 << 20] = '\0';
	big = json_pack("{s:s}", "x", large);
	free(large);
	large = nested("{{x}}", "", "", 64);
	check_limit(large, big, 0, true);
	free(large);
	large = nested("{{x}}", ".", "", 64);
	check_limit(large, big, 0, false);
	free(large);
	json_decref(big);
}

/*
 * Twenty times the elements take about twenty times as long, not four hundred times: a hundred
 * thousand take well under the test's time limit in any build.
 */
static void test_long_list(void **state)
{
	static const struct mustache_options options = {.partials = &loader, .strict = true};
	json_t *data = json_object(), *list = json_array();
	struct result result;

	(void)state;
	json_object_set_new(data, "list", list);
	for (int i = 0; i < 100000; i++)
		json_array_append_new(list, json_pack("{s:i}", "name", i));
	partials_asked_for = 0;
	result = render_with("{{#list}}\n  {{>line}}\n{{/list}}\n", data, &options);
	assert_int_equal(result.status, 0);
	assert_int_equal(partials_asked_for, 1);
	/* "before:", then 8 characters around each number, and 10 + 180 + 2700 + 36000 + 450000
	 * digits
	 */
	assert_int_equal(result.out.length, 7 + 100000 * 8 + 488890);
	assert_string_equal(result.out.text + result.out.length - 13, "  name=99999\n");
	result_done(&result);
	json_decref(data);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_partials),
		cmocka_unit_test(test_strict_names),
		cmocka_unit_test(test_complains_once),
		cmocka_unit_test(test_control_characters),
		cmocka_unit_test(test_syntax),
		cmocka_unit_test(test_deep_nesting),
		cmocka_unit_test(test_deep_partials),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_long_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
