/* postern-confgen explain: the page of a rule, which is doc/rules/ID.md. */
#include "common/suggest.h"
#include "confgen/commands/command.h"
#include "confgen/commands/pages.h"
#include "confgen/lint/lint.h"

#include <argp.h>
#include <strings.h>

#define MOST_RULES 512

static error_t parse_option(int key, char *value, struct argp_state *state)
{
	const char **rule = state->input;

	switch (key) {
	case ARGP_KEY_ARG:
		if (state->arg_num > 0)
			argp_error(state, "only one rule at a time");
		*rule = value;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "which rule? 'postern-confgen lint --rules' lists them");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.parser = parse_option,
	.args_doc = "RULE",
	.doc = "Tell what a rule is about: what goes wrong and why, and what is right.\v"
	       "RULE is what stands in brackets behind a finding.",
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

static enum exit_status unknown(const char *wanted)
{
	const char *names[MOST_RULES], *near;
	size_t count;
	const struct lint_rule *rules = lint_rules(&count);
	const struct lint_rule *known = lint_rule_find(wanted);

	for (size_t i = 0; i < count && i < MOST_RULES; i++)
		names[i] = rules[i].id;
	near = suggest(wanted, names, count < MOST_RULES ? count : MOST_RULES);
	if (known)
		complain("%s: %s; there is no page about it", known->id, known->summary);
	else
		complain("there is no page about '%s'%s%s%s", wanted,
			 near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
	fputs("'postern-confgen lint --rules' lists the rules. What 'check' finds in a topology "
	      "has "
	      "its hint; the language is in postern-topology(5).\n",
	      stderr);
	return EXIT_USAGE;
}

int command_explain(int argc, char **argv)
{
	char name[] = "postern-confgen explain";
	const char *rule = NULL;
	const struct source *page;

	argv[0] = name;
	argp_err_exit_status = EXIT_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, &rule);
	page = find_page(rule);
	if (!page)
		return unknown(rule);
	fwrite(page->text, 1, page->length, stdout);
	return fflush(stdout) == EOF ? EXIT_BROKEN : EXIT_CLEAN;
}
