/* Lint over files in memory; see folder.h. */
#include "confgen/lint/folder.h"
#include "confgen/lint/lint.h"

#include <ctype.h>

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

/* "topology.yaml:16" in the text from `start` to `end`; NULL where there is none. */
static const char *find_reference(struct arena *arena, const char *name, const char *start,
				  const char *end)
{
	size_t length = strlen(name), digits = 0;
	const char *at = memmem(start, (size_t)(end - start), name, length);

	if (!at || at[length] != ':')
		return NULL;
	while (isdigit((unsigned char)at[length + 1 + digits]))
		digits++;
	return digits ? arena_strndup(arena, at, length + 1 + digits) : NULL;
}

/* The line of the topology that the block around a line of a rendered file names, or NULL. */
static const char *find_cause(struct arena *arena, const char *topology, struct position at)
{
	const char *line = at.source ? at.source->text : NULL, *found = NULL;

	for (unsigned i = 1; line && i <= at.line; i++) {
		const char *feed = strchrnul(line, '\n');
		const char *reference =
			*line == '#' ? find_reference(arena, topology, line, feed) : NULL;

		if (feed == line)
			found = NULL; /* a block ends */
		found = reference ? reference : found;
		line = *feed ? feed + 1 : NULL;
	}
	return found;
}

static void take(struct arena *arena, const char *topology, const struct diagnostics *found,
		 bool whole, struct diagnostics *list)
{
	const struct diagnostic *item;
	size_t at = 0;

	while ((item = diagnostics_next(found, &at))) {
		const char *cause = find_cause(arena, topology, item->at);

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
