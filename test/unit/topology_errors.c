/*
 * What is wrong with a topology is told by the right rule at the right place, and nothing else is:
 * the cases of topology_mistakes.h, and that they cover every rule.
 */
#include "common/file.h"
#include "common/strbuf.h"
#include "confgen/topology/load.h"
#include "confgen/topology/rules.h"
#include "test/unit/topology_mistakes.h"

#include <fcntl.h>
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#define MARK '^'

/* --- the machinery --- */

static char folder[] = "/tmp/postern-topology-XXXXXX";

static char *replace(struct arena *arena, const char *text, const struct edit *edit)
{
	const char *at = strstr(text, edit->from);

	if (!at) {
		fprintf(stderr, "'%s' is not in\n%s", edit->from, text);
		return NULL;
	}
	return arena_printf(arena, "%.*s%s%s", (int)(at - text), text, edit->to,
			    at + strlen(edit->from));
}

/* Takes the marks out of the text and writes "rule@line:column" for each. */
static bool expect_marks(char *text, const char *rules, struct strbuf *expected)
{
	unsigned line = 1, column = 1;
	char *to = text;

	for (const char *from = text; *from; from++) {
		if (*from == MARK) {
			size_t length = strcspn(rules, " ");

			strbuf_addf(expected, "%.*s@%u:%u ", (int)length, rules, line, column);
			rules += length + (rules[length] == ' ');
			continue;
		}
		*to++ = *from;
		column++;
		if (*from == '\n') {
			line++;
			column = 1;
		}
	}
	*to = '\0';
	return *rules == '\0';
}

static char *check_text(struct arena *arena, const char *text, size_t size)
{
	struct source source = {.name = "t", .text = text, .length = size};
	struct diagnostics *list = diagnostics_new(arena);
	char *output = NULL, *copy;
	size_t length = 0;
	FILE *out = open_memstream(&output, &length);

	assert_non_null(out);
	topology_parse(arena, &source, folder, SECRETS_LOOK, list);
	diagnostics_print(list, out, false);
	fclose(out);
	copy = arena_strdup(arena, output);
	free(output);
	return copy;
}

/* What was printed, as "rule@line:column ". */
static void summarise(const char *printed, struct strbuf *out)
{
	for (const char *line = printed; *line; line += strcspn(line, "\n") + 1) {
		const char *end = line + strcspn(line, "\n"), *rule = end;
		unsigned row = 0, column = 0;

		if (strncmp(line, "t:", 2) != 0)
			continue;
		assert_int_equal(sscanf(line, "t:%u:%u:", &row, &column), 2);
		while (*rule != '[')
			rule--;
		strbuf_addf(out, "%.*s@%u:%u ", (int)(end - rule - 2), rule + 1, row, column);
	}
}

/* Compares as sets: several things at one place have no order that matters. */
static bool same_words(struct arena *arena, const char *a, const char *b)
{
	char *rest = arena_strdup(arena, b);

	if (strlen(a) != strlen(b))
		return false;
	for (; *a; a += strcspn(a, " ") + 1) {
		size_t length = strcspn(a, " ") + 1;
		char *at = memmem(rest, strlen(rest), a, length);

		if (!at)
			return false;
		memmove(at, at + length, strlen(at + length) + 1);
	}
	return true;
}

/* `hint` is what else must be printed; NULL: nothing in particular. */
static bool check_case(const struct mistake *test, const char *hint)
{
	struct strbuf expected = STRBUF_INIT, got = STRBUF_INIT;
	struct arena *arena = arena_new(0);
	char *text = arena_strdup(arena, sound);
	const char *printed = "";
	bool good = true;

	for (size_t i = 0; i < sizeof(test->edits) / sizeof(test->edits[0]) && text; i++)
		if (test->edits[i].from)
			text = replace(arena, text, &test->edits[i]);
	if (text && !expect_marks(text, test->rules, &expected)) {
		fprintf(stderr, "fewer marks than rules (%s) in\n%s", test->rules, text);
		good = false;
	}
	if (text) {
		printed = check_text(arena, text, strlen(text));
		summarise(printed, &got);
	}
	if (!text || !same_words(arena, strbuf_text(&expected), strbuf_text(&got))) {
		fprintf(stderr, "--- case\n%s--- wanted: %s\n--- got:    %s\n%s",
			text ? text : "?\n", strbuf_text(&expected), strbuf_text(&got), printed);
		good = false;
	}
	if (hint && !strstr(printed, hint)) {
		fprintf(stderr, "no '%s' in\n%s", hint, printed);
		good = false;
	}
	strbuf_done(&expected);
	strbuf_done(&got);
	arena_free(arena);
	return good;
}

static void check_cases(const struct mistake *cases, size_t count)
{
	size_t bad = 0;

	for (size_t i = 0; i < count; i++)
		bad += !check_case(&cases[i], NULL);
	assert_int_equal(bad, 0);
}

#define CASES(name)                                                    \
	static void name##_cases(void **state)                         \
	{                                                              \
		(void)state;                                           \
		check_cases((name), sizeof(name) / sizeof((name)[0])); \
	}

CASES(keys)
CASES(types)
CASES(values)
CASES(nodes)
CASES(links)
CASES(routes)
CASES(proxies)
CASES(clients)

/* --- all tables together --- */

#define TABLE(name)                                      \
	{                                                \
		(name), sizeof(name) / sizeof((name)[0]) \
	}

static const struct {
	const struct mistake *cases;
	size_t count;
} tables[] = {TABLE(keys),  TABLE(types),  TABLE(values),  TABLE(nodes),
	      TABLE(links), TABLE(routes), TABLE(proxies), TABLE(clients)};

static bool has_word(const char *words, const char *word)
{
	size_t length = strlen(word);

	for (; *words; words += strcspn(words, " "), words += *words == ' ')
		if (strcspn(words, " ") == length && strncmp(words, word, length) == 0)
			return true;
	return false;
}

static bool has_case(const char *rule)
{
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		for (size_t j = 0; j < tables[i].count; j++)
			if (has_word(tables[i].cases[j].rules, rule))
				return true;
	return false;
}

static void every_rule_has_a_case(void **state)
{
	size_t missing = 0;

	(void)state;
	for (size_t i = 0; i < RULE_COUNT; i++) {
		/* those that show only in rendered files: test/cli, test/container */
		if (i == RULE_RENDERED || i == RULE_EXTRA_OVERRIDES ||
		    has_case(topology_rules[i].name))
			continue;
		fprintf(stderr, "no case for the rule '%s'\n", topology_rules[i].name);
		missing++;
	}
	assert_int_equal(missing, 0);
}

/* --- what else diagnostics must do --- */

static void conflicts_come_with_a_way_out(void **state)
{
	size_t bad = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(conflicts) / sizeof(conflicts[0]); i++)
		bad += !check_case(&conflicts[i].mistake, conflicts[i].hint);
	assert_int_equal(bad, 0);
}

static void hints_name_what_was_meant(void **state)
{
	static const struct {
		struct edit edit;
		const char *hint;
	} cases[] = {
		{{"mailboxes:", "mailboxs:"}, "did you mean 'mailboxes'?"},
		{{"domains:", "domain:"}, "did you mean 'domains'?"},
		{{"kind: dms", "kind: dsm"}, "did you mean 'dms'?"},
		{{"over: vpn}", "over: vpm}"}, "did you mean 'vpn'?"},
		{{"[public, private]", "[pubilc, private]"}, "did you mean 'public'?"},
		{{"to: [example.com]", "to: [exmaple.com]"}, "did you mean 'example.com'?"},
		{{"mailboxes: private", "mailboxes: privat"}, "did you mean 'private'?"},
		{{"kind: dms", "kind: proxi"}, "did you mean 'proxy'?"},
		{{"over: vpn", "zzz: vpn"}, "it has: between, over, trust"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena *arena = arena_new(0);
		char *text = replace(arena, sound, &cases[i].edit);

		assert_non_null(strstr(check_text(arena, text, strlen(text)), cases[i].hint));
		arena_free(arena);
	}
}

/* Different mistakes in one file, from its first line to its last, in one run. */
static void five_mistakes_are_told_at_once(void **state)
{
	static const struct mistake five = {
		"unknown-key wrong-type outside-network bad-value unknown-name",
		{
			{"{mailboxes: private}", "{mailboxes: private, ^dikm: {}}"},
			{"    tls:", "    message_size_limit: ^huge\n    tls:"},
			{"vpn: 10.0.0.3", "vpn: ^10.0.9.3"},
			{"over: vpn}", "over: vpn, trust: ^everyone}"},
			{"[private, public, internet]", "[private, public, ^internett]"},
		},
	};

	(void)state;
	assert_true(check_case(&five, NULL));
}

/* The YAML's own mistakes come the same way, with nothing said about a topology that is not there.
 */
static void broken_yaml_is_told_alone(void **state)
{
	static const struct mistake cases[] = {
		{"yaml-duplicate-key", {{"    kind: dms\n", "    kind: dms\n    ^kind: dms\n"}}},
		{"yaml-duplicate-key", {{"over: vpn}", "over: vpn, ^over: vpn}"}}},
		{"yaml-tab", {{"    kind: dms", "^\tkind: dms"}}},
		{"yaml-anchor", {{"kind: dms", "kind: ^&a dms"}}},
	};

	(void)state;
	check_cases(cases, sizeof(cases) / sizeof(cases[0]));
}

/* Examples and golden topologies are sound. */
static void examples_give_no_diagnostics(void **state)
{
	glob_t found = {0};

	(void)state;
	assert_int_equal(glob(POSTERN_SOURCE "/examples/*/topology.yaml", 0, NULL, &found), 0);
	assert_int_equal(
		glob(POSTERN_SOURCE "/test/golden/topologies/*.yaml", GLOB_APPEND, NULL, &found),
		0);
	assert_true(found.gl_pathc >= 4);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		struct arena *arena = arena_new(0);
		char *text;
		size_t length;

		assert_int_equal(file_read(arena, found.gl_pathv[i], 1 << 20, &text, &length), 0);
		assert_string_equal(check_text(arena, text, length), "");
		arena_free(arena);
	}
	globfree(&found);
}

/* --- the files that the topologies name --- */

static int make_folder(void **state)
{
	int fd;

	(void)state;
	if (!mkdtemp(folder))
		return -1;
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* of what git checks out, the golden topologies' secret would be readable */
	if (fd < 0 || mkdirat(fd, "secrets", 0700) < 0 ||
	    file_create(fd, "secrets/at-public", 0600, "secret\n", 7) < 0 ||
	    file_create(fd, "many.domains", 0644, "a.example\nb.example\n", 20) < 0 ||
	    file_create(fd, "closed", 0600, "secret\n", 7) < 0 ||
	    file_create(fd, "open", 0644, "secret\n", 7) < 0)
		return -1;
	return close(fd);
}

static int remove_folder(void **state)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	unlinkat(fd, "many.domains", 0);
	unlinkat(fd, "closed", 0);
	unlinkat(fd, "open", 0);
	unlinkat(fd, "secrets/at-public", 0);
	unlinkat(fd, "secrets", AT_REMOVEDIR);
	close(fd);
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_cases),
		cmocka_unit_test(types_cases),
		cmocka_unit_test(values_cases),
		cmocka_unit_test(nodes_cases),
		cmocka_unit_test(links_cases),
		cmocka_unit_test(routes_cases),
		cmocka_unit_test(proxies_cases),
		cmocka_unit_test(clients_cases),
		cmocka_unit_test(every_rule_has_a_case),
		cmocka_unit_test(conflicts_come_with_a_way_out),
		cmocka_unit_test(hints_name_what_was_meant),
		cmocka_unit_test(five_mistakes_are_told_at_once),
		cmocka_unit_test(broken_yaml_is_told_alone),
		cmocka_unit_test(examples_give_no_diagnostics),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
