/*
 * Fuzz target: all rules over any configuration. The first octet chooses the release; an octet 0x01
 * parts main.cf from master.cf, and without one there is no master.cf.
 */
#include "confgen/lint/lint.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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
	struct lint lint = {.arena = arena, .list = list};
	struct source main_cf = {"main.cf", "", 0}, master_cf = {"master.cf", "", 0};
	const char *text =
		arena_strndup(arena, size ? (const char *)data + 1 : "", size ? size - 1 : 0);
	const char *part = strchr(text, 1);
	size_t before;

	check_rules();
	main_cf.length = part ? (size_t)(part - text) : strlen(text);
	main_cf.text = arena_strndup(arena, text, main_cf.length);
	if (part) {
		master_cf.text = part + 1;
		master_cf.length = strlen(part + 1);
	}
	lint.configuration =
		configuration_new(arena, &main_cf, part ? &master_cf : NULL,
				  size ? (enum postfix_release)(data[0] % 3) : POSTFIX_USUAL, list);
	if (lint.configuration) {
		before = diagnostics_count(list, SEVERITY_INFO);
		lint_run(&lint);
		assert(diagnostics_count(list, SEVERITY_INFO) >= before);
	}
	arena_free(arena);
	return 0;
}
