/* confgen/yaml: trees with places, and every refusal with its rule and place. */
#include "common/strbuf.h"
#include "confgen/yaml/tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <time.h>
#include <cmocka.h>

struct test_case {
	const char *text;
	size_t length;
	const char *expected;
};

#define TEXT(literal) (literal), sizeof(literal) - 1

struct parsed {
	struct arena *arena;
	struct source source;
	struct diagnostics *list;
	struct yaml_node *root;
};

static void parse(struct parsed *parsed, const char *text, size_t length)
{
	parsed->arena = arena_new(0);
	parsed->source = (struct source){.name = "t", .text = text, .length = length};
	parsed->list = diagnostics_new(parsed->arena);
	parsed->root = yaml_parse(parsed->arena, &parsed->source, parsed->list);
	/* an error without a NULL, or the other way round, would be the worst of all */
	assert_int_equal(parsed->root == NULL,
			 diagnostics_count(parsed->list, SEVERITY_ERROR) != 0);
}

/* What diagnostics_print() wrote; the caller frees it. */
static char *printed(const struct parsed *parsed)
{
	char *text = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&text, &length);

	assert_non_null(out);
	diagnostics_print(parsed->list, out, false);
	fclose(out);
	return text;
}

/* The printed errors, each as "rule@line:column", a space between two. */
static void summarise(const struct parsed *parsed, struct strbuf *out)
{
	char *text = printed(parsed), *line = text;

	for (char *end; (end = strchr(line, '\n')); line = end + 1) {
		unsigned long row, column = 0;
		char *rule, *after;

		*end = '\0';
		if (strncmp(line, "t:", 2) != 0)
			continue;
		rule = strrchr(line, '[');
		if (!rule || !strstr(line, " error: "))
			continue;
		rule[strcspn(rule, "]")] = '\0';
		row = strtoul(line + 2, &after, 10);
		if (row)
			column = strtoul(after + 1, NULL, 10);
		strbuf_addf(out, "%s%s@%lu:%lu", out->length ? " " : "", rule + 1, row, column);
	}
	free(text);
}

static void check_errors(const struct test_case *cases, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct strbuf got = STRBUF_INIT;
		struct parsed parsed;

		parse(&parsed, cases[i].text, cases[i].length);
		summarise(&parsed, &got);
		if (strcmp(strbuf_text(&got), cases[i].expected) != 0)
			fail_msg("%.200s\ngot      %s\nexpected %s", cases[i].text,
				 strbuf_text(&got), cases[i].expected);
		strbuf_done(&got);
		arena_free(parsed.arena);
	}
}

#define CHECK_ERRORS(cases) check_errors((cases), sizeof(cases) / sizeof((cases)[0]))

static void test_syntax(void **state)
{
	static const struct test_case cases[] = {
		{TEXT("a: b: c"), "yaml-syntax@1:5"},
		{TEXT("a: b\n  c: d"), "yaml-syntax@2:4"},
		{TEXT("a:b\nc: d"), "yaml-syntax@2:2"},
		{TEXT("a: 1\nb\nc: 2"), "yaml-syntax@2:1"},
		{TEXT("nodes:\n  a: 1\n b: 2"), "yaml-syntax@3:2"},
		{TEXT("a: \"x\" y"), "yaml-syntax@1:8"},
		{TEXT("a: 'it's'"), "yaml-syntax@1:8"},
		{TEXT("- a\nb: c"), "yaml-syntax@2:1"},
		{TEXT("a: - b"), "yaml-syntax@1:4"},
		{TEXT("a: ? b"), "yaml-syntax@1:4"},
		{TEXT("a: @b"), "yaml-syntax@1:4"},
		{TEXT("a: %b"), "yaml-syntax@1:4"},
		{TEXT("%a: b"), "yaml-syntax@1:1"},
		{TEXT("%YAML 2.0\n---\na"), "yaml-syntax@1:1"},
		/* the opening quote or bracket, not the end of the file */
		{TEXT("a:\n  b: \"foo\n\n\n"), "yaml-syntax@2:6"},
		{TEXT("a: 'x\n---\n'"), "yaml-syntax@1:4"},
		{TEXT("a: [1, 2\n# end\n"), "yaml-syntax@1:4"},
		{TEXT("a: {b: 1,\n"), "yaml-syntax@1:4"},
		{TEXT("a: {b: [1, 'x"), "yaml-syntax@1:12"},
		{TEXT("a: {b: [1, x"), "yaml-syntax@1:8"},
		{TEXT("a: {b: [1, x]"), "yaml-syntax@1:4"},
		{TEXT("a: {b: 1 \"c\": 2}"), "yaml-syntax@1:13"},
		{TEXT("a: [b: c\n  d: e]"), "yaml-syntax@2:4"},
		{TEXT("a: [1, , 2]"), "yaml-syntax@1:8"},
		{TEXT("a: ]"), "yaml-syntax@1:4"},
		{TEXT("[a]\nb: 1"), "yaml-syntax@2:1"},
		{TEXT("a: {v: fd00::}"), "yaml-syntax@1:13"},
		{TEXT("a: [::1]"), "yaml-syntax@1:5"},
		{TEXT("a: \"x\\d\""), "yaml-syntax@1:6"},
		{TEXT("a: \"\\xZZ\""), "yaml-syntax@1:7"},
		{TEXT("a: \"\\ud800\""), "yaml-syntax@1:7"},
		{TEXT("a: |0\n x"), "yaml-syntax@1:5"},
		{TEXT("a: | x\n"), "yaml-syntax@1:6"},
		/* columns count characters: two of two octets stand before */
		{TEXT("\xc3\xa4\xc3\xb6: b: c"), "yaml-syntax@1:6"},
		{TEXT("\xef\xbb\xbf"
		      "a: b: c"),
		 "yaml-syntax@1:5"},
	};

	(void)state;
	CHECK_ERRORS(cases);
}

static void test_tabs(void **state)
{
	static const struct test_case cases[] = {
		{TEXT("a:\n\tb: 1"), "yaml-tab@2:1"},
		{TEXT("a:\n  \tb: 1"), "yaml-tab@2:3"},
		{TEXT("a: b\n\tc: d"), "yaml-tab@2:1"},
		{TEXT("a: |\n\tb"), "yaml-tab@2:1"},
		{TEXT("a: |\n b\n\tc"), "yaml-tab@3:1"},
		{TEXT("-\t- a"), "yaml-tab@1:2"},
		{TEXT("a:\tb\t# a tab between the parts of a line does no harm"), ""},
	};

	(void)state;
	CHECK_ERRORS(cases);
}

static void test_refused_features(void **state)
{
	static const struct test_case cases[] = {
		{TEXT("a: &x 1"), "yaml-anchor@1:4"},
		{TEXT("a: &x [1]\nb: &y\n  c: d"), "yaml-anchor@1:4 yaml-anchor@2:4"},
		{TEXT("a: *x"), "yaml-anchor@1:4"},
		{TEXT("a: [*.example.com]"), "yaml-anchor@1:5"},
		{TEXT("a: & x"), "yaml-anchor@1:4"},
		{TEXT("<<: {a: b}"), "yaml-anchor@1:1"},
		{TEXT("*x : b"), "yaml-anchor@1:1"},
		{TEXT("a: !x b"), "yaml-tag@1:4"},
		{TEXT("a: !!str 5"), "yaml-tag@1:4"},
		{TEXT("a: ! 5"), "yaml-tag@1:4"},
		{TEXT("a: ! '5'"), "yaml-tag@1:4"},
		{TEXT("a: !x [b]\nc: !<x> {d: e}"), "yaml-tag@1:4 yaml-tag@2:4"},
		{TEXT("a: !x!y b"), "yaml-tag@1:4"},
		{TEXT("a: !<x"), "yaml-tag@1:4"},
		{TEXT("a: &x !y b"), "yaml-anchor@1:4 yaml-tag@1:4"},
		{TEXT("%TAG ! x\n--- a"), "yaml-tag@1:1"},
		{TEXT("a: b\n...\n%TAG ! x\n"), "yaml-tag@3:1"},
		{TEXT("a: b\n---\nc: d"), "yaml-document@2:1"},
		{TEXT("---\n---\n"), "yaml-document@2:1"},
		{TEXT("? [a]\n: b"), "yaml-key@1:3"},
		{TEXT("a:\n  {b: c}: d"), "yaml-key@2:3"},
		{TEXT("?\n: b"), "yaml-key@1:2"},
		{TEXT(""), "yaml-empty@0:0"},
		{TEXT("\n\n"), "yaml-empty@0:0"},
		{TEXT("# nothing\n"), "yaml-empty@0:0"},
		{TEXT("---\n# nothing\n...\n"), "yaml-empty@0:0"},
		{TEXT("\xef\xbb\xbf"), "yaml-empty@0:0"},
		/* these only look like it */
		{TEXT("'<<': '*x'\nb: '&x'\nc: '!x'\nd: x&y*z!\ne: ~\n...\n"), ""},
		{TEXT("%YAML 1.1\n--- # one\na: b\n"), ""},
	};

	(void)state;
	CHECK_ERRORS(cases);
}

static void test_duplicates(void **state)
{
	static const struct test_case cases[] = {
		{TEXT("a: 1\nb: 2\na: 3"), "yaml-duplicate-key@3:1"},
		{TEXT("a: 1\na: 2\na: 3"), "yaml-duplicate-key@2:1 yaml-duplicate-key@3:1"},
		{TEXT("x:\n  - {a: 1, 'a': 2}\n"), "yaml-duplicate-key@2:12"},
		{TEXT("a: {a: {a: 1}}\nb: {a: 1}\nA: 2\n"), ""},
	};
	struct parsed parsed;
	char *text;

	(void)state;
	CHECK_ERRORS(cases);
	parse(&parsed, TEXT("b: 0\n\nkey: 1\nkey: 2\n"));
	text = printed(&parsed);
	assert_non_null(strstr(text, "'key' is on line 3 already"));
	free(text);
	arena_free(parsed.arena);
}

static void test_encoding(void **state)
{
	static const struct test_case cases[] = {
		{TEXT("a: b\nc: \xe4\n"), "yaml-encoding@2:4"},
		{TEXT("a: \xc3\xa4\xff"), "yaml-encoding@1:5"},
		{TEXT("a: \xc0\x80"), "yaml-encoding@1:4"},
		{TEXT("a: \xed\xa0\x80"), "yaml-encoding@1:4"},
		{TEXT("a: \xf4\x90\x80\x80"), "yaml-encoding@1:4"},
		{TEXT("a: \xe2\x82"), "yaml-encoding@1:4"},
		{TEXT("\xff\xfe"
		      "a\0"),
		 "yaml-encoding@0:0"},
		{TEXT("\xfe\xff\0"
		      "a"),
		 "yaml-encoding@0:0"},
		{TEXT("a\0:\0"), "yaml-encoding@1:2"},
		{TEXT("a: b\n# \x1b[2J"), "yaml-encoding@2:3"},
		{TEXT("a: b\x7f"), "yaml-encoding@1:5"},
		{TEXT("a: \xc2\x9b"), "yaml-encoding@1:4"},
		{TEXT("a: \xc2\x85"), "yaml-encoding@1:4"},
		{TEXT("a: b\rc: d\r"), "yaml-encoding@1:5"},
		{TEXT("a: b\r"), "yaml-encoding@1:5"},
		{TEXT("a: \xe2\x80\xa8"), "yaml-encoding@1:4"},
		{TEXT("a: \xe2\x80\xa9"), "yaml-encoding@1:4"},
		{TEXT("a: b\n\xef\xbb\xbf"
		      "c: d\n"),
		 "yaml-encoding@2:1"},
		{TEXT("a: \xef\xbf\xbe"), "yaml-encoding@1:4"},
		{TEXT("a: b\nc: 'x'\nd: \"x\\0\"\n"), "yaml-encoding@3:4"},
		{TEXT("\"\\e\": \"\\x9b\""), "yaml-encoding@1:1 yaml-encoding@1:7"},
		{TEXT("a: \"\\t\\r\\n\\u00e4\""), ""},
		{TEXT("a: \xf0\x9f\x93\xac"), ""},
	};

	(void)state;
	CHECK_ERRORS(cases);
}

/* One run finds what is wrong, up to what cannot be read, and in the order of the file. */
static void test_all_at_once(void **state)
{
	static const struct test_case cases[] = {
		{TEXT("a: &x 1\nb: *x\na: 2\nc: !t 3\n? [x]\n: 4\n<<: y\nd: \"\\e\"\ne: [\n"),
		 "yaml-anchor@1:4 yaml-anchor@2:4 yaml-duplicate-key@3:1 yaml-tag@4:4 "
		 "yaml-key@5:3 yaml-anchor@7:1 yaml-encoding@8:4 yaml-syntax@9:4"},
	};

	(void)state;
	CHECK_ERRORS(cases);
}

/* A hint and a caret in the right column with every message. */
static void test_messages(void **state)
{
	struct parsed parsed;
	char *text;

	(void)state;
	parse(&parsed, TEXT("domains: [*.example.com]\n"));
	text = printed(&parsed);
	assert_string_equal(text,
			    "t:1:11: error: a text cannot begin with '*' [yaml-anchor]\n"
			    "  | domains: [*.example.com]\n"
			    "  |           ^\n"
			    "  hint: Put quotes around it: in YAML, '*' refers to an anchor.\n");
	free(text);
	arena_free(parsed.arena);
	parse(&parsed, TEXT("a:\n  b: 1\n c: 2\n"));
	text = printed(&parsed);
	assert_non_null(strstr(text, "(the mapping that begins on line 1)"));
	free(text);
	arena_free(parsed.arena);
}

/* The tree as text with the place of each node and key: {a@1:1 = [b@1:5]@1:4}@1:1 */
static void draw(const struct yaml_node *node, struct strbuf *out)
{
	const char *quote = node->quoted ? "'" : "";

	if (node->kind == YAML_SCALAR)
		strbuf_addf(out, "%s%s%s", quote, node->text, quote);
	if (node->kind == YAML_SEQUENCE) {
		strbuf_addch(out, '[');
		for (size_t i = 0; i < node->count; i++) {
			strbuf_adds(out, i ? ", " : "");
			draw(node->items[i], out);
		}
		strbuf_addch(out, ']');
	}
	if (node->kind == YAML_MAPPING) {
		strbuf_addch(out, '{');
		for (size_t i = 0; i < node->count; i++) {
			const struct yaml_pair *pair = &node->pairs[i];

			strbuf_addf(out, "%s%s@%u:%u = ", i ? ", " : "", pair->key, pair->at.line,
				    pair->at.column);
			draw(pair->value, out);
		}
		strbuf_addch(out, '}');
	}
	strbuf_addf(out, "@%u:%u", node->at.line, node->at.column);
}

static void test_trees(void **state)
{
	static const struct test_case cases[] = {
		{TEXT("a"), "a@1:1"},
		{TEXT("~"), "~@1:1"},
		{TEXT("a: b"), "{a@1:1 = b@1:4}@1:1"},
		{TEXT("z: 1\nb: 2\n"), "{z@1:1 = 1@1:4, b@2:1 = 2@2:4}@1:1"},
		{TEXT("a: [b, 'c']"), "{a@1:1 = [b@1:5, 'c'@1:8]@1:4}@1:1"},
		{TEXT("a:\n  - b\n  -\n  - c: d\n"),
		 "{a@1:1 = [b@2:5, @3:4, {c@4:5 = d@4:8}@4:5]@2:3}@1:1"},
		{TEXT("a:\nb: >\n  c\n  d\n"), "{a@1:1 = @1:3, b@2:1 = 'c d\n'@2:4}@1:1"},
		{TEXT("# first\r\na:\r\n  b: c\r\n\r\n  d: 'e\r\n\r\n    f'\r\ng: h\r\n"),
		 "{a@2:1 = {b@3:3 = c@3:6, d@5:3 = 'e\nf'@5:6}@3:3, g@8:1 = h@8:4}@2:1"},
		{TEXT("\xef\xbb\xbf"
		      "a: b"),
		 "{a@1:1 = b@1:4}@1:1"},
		{TEXT("\xc3\xa4: \xe2\x82\xac\n\xf0\x9f\x93\xac: {b: c}"),
		 "{\xc3\xa4@1:1 = \xe2\x82\xac@1:4, \xf0\x9f\x93\xac@2:1 = {b@2:5 = "
		 "c@2:8}@2:4}@1:1"},
		{TEXT("--- {}\n...\n"), "{}@1:5"},
		{TEXT("a: fd00::1/64\nb: [fd00::1/64]"),
		 "{a@1:1 = fd00::1/64@1:4, b@2:1 = [fd00::1/64@2:5]@2:4}@1:1"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct strbuf got = STRBUF_INIT;
		struct parsed parsed;

		parse(&parsed, cases[i].text, cases[i].length);
		assert_non_null(parsed.root);
		draw(parsed.root, &got);
		assert_string_equal(strbuf_text(&got), cases[i].expected);
		strbuf_done(&got);
		arena_free(parsed.arena);
	}
}

static void test_kinds(void **state)
{
	static const struct {
		const char *text, *name;
	} cases[] = {
		{"[]", "a list"},	{"{}", "a mapping"}, {"x", "a text"},  {"''", "a text"},
		{"'~'", "a text"},	{"nil", "a text"},   {"~", "nothing"}, {"null", "nothing"},
		{"Null", "nothing"},	{"NULL", "nothing"}, {"0", "a text"},  {"nUll", "a text"},
		{"\"null\"", "a text"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct parsed parsed;

		parse(&parsed, cases[i].text, strlen(cases[i].text));
		assert_non_null(parsed.root);
		assert_string_equal(yaml_kind_name(parsed.root), cases[i].name);
		assert_int_equal(yaml_is_null(parsed.root), cases[i].name[0] == 'n');
		arena_free(parsed.arena);
	}
	assert_string_equal(yaml_kind_name(NULL), "nothing");
}

static void check_built(struct strbuf *text, const char *expected)
{
	struct test_case test = {strbuf_text(text), text->length, expected};

	check_errors(&test, 1);
	strbuf_done(text);
}

static void add_times(struct strbuf *buf, const char *text, size_t times)
{
	while (times--)
		strbuf_adds(buf, text);
}

static void test_depth(void **state)
{
	struct strbuf text = STRBUF_INIT;

	(void)state;
	add_times(&text, "[", 32);
	add_times(&text, "]", 32);
	check_built(&text, "");
	add_times(&text, "[", 33);
	add_times(&text, "]", 33);
	check_built(&text, "yaml-depth@1:33");
	add_times(&text, "[", 10000);
	check_built(&text, "yaml-depth@1:33");
	add_times(&text, "{a: ", 10000);
	check_built(&text, "yaml-depth@1:129");
	add_times(&text, "- ", 10000);
	check_built(&text, "yaml-depth@1:65");
	for (size_t i = 0; i < 100; i++) {
		add_times(&text, " ", i);
		strbuf_adds(&text, "a:\n");
	}
	check_built(&text, "yaml-depth@33:33");
}

static void test_sizes(void **state)
{
	struct strbuf text = STRBUF_INIT;

	(void)state;
	/* the list, 999,999 items: at the limit */
	strbuf_adds(&text, "[");
	add_times(&text, "a,", 999999);
	strbuf_adds(&text, "]");
	check_built(&text, "");
	strbuf_adds(&text, "[");
	add_times(&text, "a,", 1000000);
	strbuf_adds(&text, "]");
	check_built(&text, "yaml-size@1:2000000");
	strbuf_adds(&text, "a: b # ");
	add_times(&text, "0123456789abcdef", ((size_t)1 << 20) - 1);
	add_times(&text, "x", 16 - 7);
	assert_int_equal(text.length, 16 << 20);
	check_errors(&(struct test_case){text.text, text.length, ""}, 1);
	strbuf_addch(&text, 'x');
	check_built(&text, "yaml-size@0:0");
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void test_many_keys(void **state)
{
	struct strbuf text = STRBUF_INIT;
	struct parsed parsed;
	double begin;

	(void)state;
	for (unsigned i = 0; i < 100000; i++)
		strbuf_addf(&text, "key%u: v\n", i * 7919 % 100000);
	begin = seconds();
	parse(&parsed, strbuf_text(&text), text.length);
	/* comparing each with each took minutes; sanitizers take a few times as long */
	assert_true(seconds() - begin < 5);
	assert_non_null(parsed.root);
	assert_int_equal(parsed.root->count, 100000);
	assert_string_equal(parsed.root->pairs[1].key, "key7919");
	arena_free(parsed.arena);
	strbuf_adds(&text, "key7919: again\n");
	check_built(&text, "yaml-duplicate-key@100001:1");
}

/* A file that is one mistake after the other ends in a readable list. */
static void test_many_errors(void **state)
{
	struct strbuf text = STRBUF_INIT;
	struct parsed parsed;

	(void)state;
	for (unsigned i = 0; i < 100000; i++)
		strbuf_adds(&text, "- *x\n");
	parse(&parsed, strbuf_text(&text), text.length);
	assert_int_equal(diagnostics_count(parsed.list, SEVERITY_ERROR), 100);
	assert_int_equal(diagnostics_count(parsed.list, SEVERITY_INFO), 101);
	arena_free(parsed.arena);
	strbuf_reset(&text);
	for (unsigned i = 0; i < 100000; i++)
		strbuf_adds(&text, "k: v\n");
	parse(&parsed, strbuf_text(&text), text.length);
	assert_int_equal(diagnostics_count(parsed.list, SEVERITY_ERROR), 100);
	arena_free(parsed.arena);
	strbuf_done(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_syntax),
		cmocka_unit_test(test_tabs),
		cmocka_unit_test(test_refused_features),
		cmocka_unit_test(test_duplicates),
		cmocka_unit_test(test_encoding),
		cmocka_unit_test(test_all_at_once),
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_trees),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_many_keys),
		cmocka_unit_test(test_many_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
