/*
 * Lint: what is wrong, or unwise, in any Postfix configuration.
 *
 * A rule is a row (rows_*.h), a function lint_ID() (rules_*.c), a page doc/rules/ID.md, and a
 * folder test/lint/fixtures/ID with bad and good cases; a test compares them. Ids are stable and
 * never reused. Rules look at what each service really sees, and point at the place where it was
 * set. Nothing is run, nothing is written, no root is needed. Not thread-safe.
 */
#ifndef POSTERN_LINT_H
#define POSTERN_LINT_H

#include "confgen/configuration/configuration.h"

struct hops;

struct lint {
	struct arena *arena;
	struct configuration *configuration;
	struct diagnostics *list;
	bool permissions;	 /* owner and mode of files count: this is no checkout */
	const struct hops *hops; /* what rules share, from lint_run(): see helpers_routing.h */
};

struct lint_rule {
	const char *id;
	enum severity severity;
	const char *summary;  /* one line, for lists and --help */
	const char *anchor;   /* the parameter of postconf(5), or another manual page as name(5) */
	unsigned short since; /* 307: from Postfix 3.7 on; 0: always */
	/* Looks for what the rule is about. NULL: found while the configuration is read. */
	void (*check)(const struct lint *lint, const struct lint_rule *rule);
};

/* All rules, in the order of their ids within each group. Constant. */
const struct lint_rule *lint_rules(size_t *count);

/* The rule of this id, in any letter case, or NULL. */
const struct lint_rule *lint_rule_find(const char *id);

/* The release as a version, as in struct parameter and lint_rule.since: 307. */
unsigned short lint_version(enum postfix_release release);

/* Whether the rule holds for a release. */
bool lint_rule_holds(const struct lint_rule *rule, enum postfix_release release);

/* Runs all rules that hold for the release of the configuration. */
void lint_run(const struct lint *lint);

/* Adds a finding of the rule; diagnostics_hint() gives it a hint. */
void lint_report(const struct lint *lint, const struct lint_rule *rule, struct position at,
		 const char *format, ...) __attribute__((format(printf, 4, 5)));

/*
 * Gives the finding reported last a fix: `text` becomes `replacement`. Only for what is mechanical:
 * nobody has to think before it is done. Nothing happens where the text stands in no file as it is.
 */
void lint_fix(const struct lint *lint, const struct text *text, const char *replacement);

/*
 * What suggest() gives, as long as there are few findings: a file may be full of unknown names, and
 * comparing takes time.
 */
const char *lint_suggest(const struct lint *lint, const char *wrong, const char *const *words,
			 size_t count);

#endif
