/* The table of rules, and how they are run; see lint.h. */
#include "confgen/lint/helpers_routing.h"
#include "confgen/lint/rules.h"

#include "common/suggest.h"

#include <stdarg.h>
#include <strings.h>

#define LINT_RULE(id, severity, since, anchor, summary) \
	{#id, SEVERITY_##severity, summary, anchor, since, lint_##id},
#define FOUND_RULE(id, severity, since, anchor, summary) \
	{#id, SEVERITY_##severity, summary, anchor, since, NULL},
static const struct lint_rule rules[] = {
#include "confgen/lint/rows.h"
};

#define RULE_COUNT (sizeof(rules) / sizeof(rules[0]))

const struct lint_rule *lint_rules(size_t *count)
{
	*count = RULE_COUNT;
	return rules;
}

const struct lint_rule *lint_rule_find(const char *id)
{
	for (size_t i = 0; i < RULE_COUNT; i++)
		if (strcasecmp(rules[i].id, id) == 0)
			return &rules[i];
	return NULL;
}

unsigned short lint_version(enum postfix_release release)
{
	static const unsigned short versions[] = {
		[POSTFIX_3_5] = 305, [POSTFIX_3_7] = 307, [POSTFIX_3_10] = 310};

	return versions[release];
}

bool lint_rule_holds(const struct lint_rule *rule, enum postfix_release release)
{
	return rule->since <= lint_version(release);
}

void lint_run(const struct lint *lint)
{
	const struct hops hops = routing_hops(lint); /* as many as a transport table is long */
	struct lint shared = *lint;

	shared.hops = &hops;
	for (size_t i = 0; i < RULE_COUNT; i++)
		if (rules[i].check && lint_rule_holds(&rules[i], lint->configuration->release))
			rules[i].check(&shared, &rules[i]);
}

void lint_report(const struct lint *lint, const struct lint_rule *rule, struct position at,
		 const char *format, ...)
{
	va_list args;
	char *message;

	va_start(args, format);
	message = arena_vprintf(lint->arena, format, args);
	va_end(args);
	diagnostics_add(lint->list, rule->severity, rule->id, at, "%s", message);
}

void lint_fix(const struct lint *lint, const struct text *text, const char *replacement)
{
	struct fix fix = {.length = text->length, .text = replacement};

	if (text_range(text, &fix.source, &fix.start))
		diagnostics_fix(lint->list, &fix);
}

#define MOST_SUGGESTIONS 100

const char *lint_suggest(const struct lint *lint, const char *wrong, const char *const *words,
			 size_t count)
{
	return diagnostics_size(lint->list) < MOST_SUGGESTIONS ? suggest(wrong, words, count)
							       : NULL;
}
