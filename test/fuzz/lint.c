/*
 * Fuzz target: main.cf and master.cf, parted by the first line that is only "%", with all rules,
 * the comments that silence them, and their fixes; without such a line there is no master.cf. The
 * length of the input chooses the release. Findings point into the files; fixes do not overlap.
 */
#include "confgen/lint/fixes.h"
#include "confgen/lint/lint.h"
#include "confgen/lint/redact.h"
#include "confgen/lint/suppress.h"

#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The files are in memory: no rule may ask the disk. */
static const struct source *find_file(void *user, const char *name)
{
	(void)user;
	(void)name;
	return NULL;
}

static unsigned count_lines(const struct source *source)
{
	unsigned lines = 1;

	for (size_t i = 0; i < source->length; i++)
		lines += source->text[i] == '\n';
	return lines;
}

static void check(struct arena *arena, struct diagnostics *list)
{
	static FILE *null;
	const struct diagnostic *item;
	struct fixed_files files;
	size_t at = 0;

	if (!null)
		null = fopen("/dev/null", "w");
	assert(null);
	diagnostics_sort(list);
	while ((item = diagnostics_next(list, &at))) {
		assert(item->rule && item->message);
		assert(!item->at.source || !item->at.source->text ||
		       item->at.line <= count_lines(item->at.source));
	}
	files = fixes_collect(arena, list);
	for (size_t i = 0; i < files.count; i++) {
		for (size_t j = 1; j < files.items[i].count; j++)
			assert(files.items[i].fixes[j - 1]->start +
				       files.items[i].fixes[j - 1]->length <=
			       files.items[i].fixes[j]->start);
		fixes_diff(arena, &files.items[i], null);
	}
}

/* Each rule is found by its id: none stands twice in the table. */
static void check_rules(void)
{
	size_t count;
	const struct lint_rule *rules = lint_rules(&count);

	for (size_t i = 0; i < count; i++)
		assert(lint_rule_find(rules[i].id) == &rules[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(0);
	struct diagnostics *list = diagnostics_new(arena);
	const char *text = arena_strndup(arena, (const char *)data, size);
	const char *parting = strstr(text, "\n%\n");
	size_t first = parting ? (size_t)(parting + 1 - text) : size;
	struct source main_cf = {"main.cf", arena_strndup(arena, text, first), first};
	struct source master_cf = {"master.cf", "", 0};
	struct lint lint = {.arena = arena, .list = list};
	const enum postfix_release release =
		(enum postfix_release)(size % ((size_t)POSTFIX_3_10 + 1));
	static bool started;

	if (!started)
		check_rules();
	started = true;
	if (parting) {
		master_cf.text = parting + 3;
		master_cf.length = size - first - 2;
	}
	lint.configuration =
		configuration_new(arena, &main_cf, parting ? &master_cf : NULL, release, list);
	if (lint.configuration) {
		lint.configuration->find_file = find_file;
		lint_run(&lint);
	}
	redact_findings(arena, list);
	suppress_findings(arena, (const struct source *const[]){&main_cf, &master_cf}, 2,
			  POSTFIX_USUAL, list);
	check(arena, list);
	arena_free(arena);
	return 0;
}
