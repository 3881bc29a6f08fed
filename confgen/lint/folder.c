/* Lint over files in memory; see folder.h. */
#include "confgen/lint/folder.h"
#include "confgen/lint/cause.h"
#include "confgen/lint/lint.h"

/* Below the folder, as tables name it. */
struct memory {
	struct arena *arena;
	const struct lint_folder *folder;
};

static const struct source *find_file(void *user, const char *name)
{
	const struct memory *memory = user;
	const struct lint_folder *folder = memory->folder;
	const char *path = arena_printf(memory->arena, "%s/%s", folder->name, name);

	for (size_t i = 0; i < folder->count; i++)
		if (strcmp(folder->files[i].name, path) == 0)
			return &folder->files[i];
	return NULL;
}

static void take(struct arena *arena, const char *topology, const struct diagnostics *found,
		 bool whole, struct diagnostics *list)
{
	const struct source source = {.name = topology};
	const struct diagnostic *item;
	size_t at = 0;

	while ((item = diagnostics_next(found, &at))) {
		unsigned line = cause_find(&source, item->at, NULL).line;
		const char *cause = line ? arena_printf(arena, "%s:%u", topology, line) : NULL;

		/* of an override, only what it says itself */
		if (!whole && !item->at.line)
			continue;
		diagnostics_add(list, item->severity, item->rule, item->at, "%s%s%s%s",
				item->message, cause ? " (from " : "", cause ? cause : "",
				cause ? ")" : "");
		if (item->hint)
			diagnostics_hint(list, "%s", item->hint);
		if (item->hide_source)
			diagnostics_hide_source(list);
	}
}

static enum postfix_release release_of(struct arena *arena, unsigned number)
{
	enum postfix_release release = POSTFIX_USUAL;

	postfix_release_parse(arena_printf(arena, "%u.%u", number / 100, number % 100), &release);
	return release;
}

void lint_folder(struct arena *arena, const struct lint_folder *folder, struct diagnostics *list)
{
	struct memory *memory = arena_alloc(arena, sizeof(*memory));
	struct lint lint = {.arena = arena, .list = diagnostics_new(arena)};
	const struct source *main_cf, *master_cf;

	*memory = (struct memory){arena, folder};
	main_cf = find_file(memory, "main.cf");
	master_cf = main_cf ? find_file(memory, "master.cf") : NULL;
	if (!main_cf)
		main_cf = find_file(memory, "postfix-main.cf");
	if (!main_cf)
		return;
	lint.configuration = configuration_new(arena, main_cf, master_cf,
					       release_of(arena, folder->release), lint.list);
	if (lint.configuration) {
		lint.configuration->find_file = find_file;
		lint.configuration->user = memory;
		lint_run(&lint);
	}
	take(arena, folder->topology, lint.list, master_cf != NULL, list);
}
