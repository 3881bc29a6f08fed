/* postern-confgen explain: the page of a finding's name, which is doc/rules/NAME.md. */
#include "common/suggest.h"
#include "confgen/commands/command.h"
#include "confgen/commands/pages.h"
#include "confgen/dns/rules.h"
#include "confgen/graph/rules.h"
#include "confgen/keys/rules.h"
#include "confgen/lint/lint.h"
#include "confgen/topology/rules.h"

#include <argp.h>
#include <errno.h>
#include <strings.h>

#define MOST_NAMES 512

struct wish {
	const char *name;
	bool list;
};

/* A name that stands in brackets behind findings. */
struct topic {
	const char *name;
	enum severity severity;
	const char *summary;
};

#define X(id, name, severity, summary) {name, SEVERITY_##severity, summary},
/* Those that have a page, beside the rules of lint. */
static const struct topic topics[] = {DNS_RULES(X) KEY_RULES(X) GRAPH_RULES(X)};
/* Those that have none: the hint of the finding says what to do. */
static const struct topic bare[] = {TOPOLOGY_RULES(X)};
#undef X

#define TOPIC_COUNT (sizeof(topics) / sizeof(topics[0]))
#define BARE_COUNT  (sizeof(bare) / sizeof(bare[0]))

static const struct argp_option options[] = {
	{"list", 'l', NULL, 0, "List the names that have a page, and exit", 0},
	{0},
};

/* "[R01]", as it was copied, is R01. */
static const char *without_brackets(char *text)
{
	size_t length = strlen(text);

	if (length < 2 || *text != '[' || text[length - 1] != ']')
		return text;
	text[length - 1] = '\0';
	return text + 1;
}

static error_t parse_option(int key, char *value, struct argp_state *state)
{
	struct wish *wish = state->input;

	switch (key) {
	case 'l':
		wish->list = true;
		return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num > 0)
			argp_error(state, "only one rule at a time");
		wish->name = without_brackets(value);
		return 0;
	case ARGP_KEY_END:
		if (!wish->list && !wish->name)
			argp_error(state,
				   "which rule? 'postern-confgen explain --list' lists them");
		if (wish->list && wish->name)
			argp_error(state, "--list goes without a rule");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse_option,
	.args_doc = "RULE\n--list",
	.doc = "Tell what a finding is about: what goes wrong and why, and what is right.\v"
	       "RULE is what stands in brackets behind a finding: R01 and the like of 'lint' and "
	       "'check', dns-missing of 'dns', key-gap of 'keys', opendkim-setting of 'convert', "
	       "graph-danger of 'graph'.",
};

static const struct source *find_page(const char *rule)
{
	size_t length = strlen(rule);

	for (const struct source *page = embedded_pages; page->name; page++)
		if (strncasecmp(page->name, rule, length) == 0 &&
		    strcmp(page->name + length, ".md") == 0)
			return page;
	return NULL;
}

static void print_topic(const char *name, enum severity severity, const char *summary)
{
	printf("%-20s %-8s %s\n", name, severity_name(severity), summary);
}

static void print_list(void)
{
	size_t count;
	const struct lint_rule *rules = lint_rules(&count);

	for (size_t i = 0; i < count; i++)
		print_topic(rules[i].id, rules[i].severity, rules[i].summary);
	for (size_t i = 0; i < TOPIC_COUNT; i++)
		print_topic(topics[i].name, topics[i].severity, topics[i].summary);
}

/* The name with a page that is nearest to what was typed, or NULL. */
static const char *find_near(const char *wanted)
{
	const char *names[MOST_NAMES];
	size_t count, used = 0;
	const struct lint_rule *rules = lint_rules(&count);

	for (size_t i = 0; i < count && used < MOST_NAMES; i++)
		names[used++] = rules[i].id;
	for (size_t i = 0; i < TOPIC_COUNT && used < MOST_NAMES; i++)
		names[used++] = topics[i].name;
	return suggest(wanted, names, used);
}

static const struct topic *find_bare(const char *name)
{
	for (size_t i = 0; i < BARE_COUNT; i++)
		if (strcasecmp(bare[i].name, name) == 0)
			return &bare[i];
	return NULL;
}

static enum exit_status unknown(const char *wanted)
{
	const struct topic *known = find_bare(wanted);
	const char *near = known ? NULL : find_near(wanted);

	if (known)
		complain("%s: %s; there is no page about it", known->name, known->summary);
	else
		complain("there is no page about '%s'%s%s%s", wanted,
			 near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
	fputs("'postern-confgen explain --list' lists what has one. What 'check' finds in a "
	      "topology has its hint;\nthe language is in postern-topology(5).\n",
	      stderr);
	return EXIT_USAGE;
}

int command_explain(int argc, char **argv)
{
	char name[] = "postern-confgen explain";
	struct wish wish = {0};
	const struct source *page;

	argv[0] = name;
	argp_err_exit_status = EXIT_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, &wish);
	page = wish.list ? NULL : find_page(wish.name);
	if (wish.list)
		print_list();
	else if (page)
		fwrite(page->text, 1, page->length, stdout);
	else
		return unknown(wish.name);
	if (fflush(stdout) == 0)
		return EXIT_CLEAN;
	complain("cannot write: %s", strerror(errno));
	return EXIT_BROKEN;
}
