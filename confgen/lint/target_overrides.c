/*
 * A folder of docker-mailserver's overrides: postfix-main.cf is appended to the image's main.cf,
 * and each line of postfix-master.cf goes to "postconf -P". What the image says itself is not
 * judged.
 */
#include "confgen/lint/made.h"
#include "confgen/lint/suppress.h"
#include "confgen/lint/target.h"

#include <ctype.h>
#include <stdint.h>
#include <unistd.h>

#define HOME "/tmp/docker-mailserver/" /* the folder, as the container sees it */

struct overrides_folder {
	struct arena *arena;
	const char *path;
	struct diagnostics *list;
};

/* The daemon behind a service, where it is not called like it. */
static const char *daemon_of(const char *name, const char *type)
{
	static const char *const clients[] = {"relay", "smtp"};

	if (strcmp(type, "inet") == 0)
		return "smtpd";
	for (size_t i = 0; i < sizeof(clients) / sizeof(clients[0]); i++)
		if (strcmp(name, clients[i]) == 0)
			return "smtp";
	return name;
}

/* A line "service/type/parameter=value"; others are the business of rules of their own. */
static void add_override(struct made_text *master, const char *line, struct position at)
{
	char *name, *type, *parameter, *value;

	if (!islower((unsigned char)*line) && !isdigit((unsigned char)*line))
		return;
	name = arena_strdup(master->arena, line);
	type = strchr(name, '/');
	parameter = type ? strchr(type + 1, '/') : NULL;
	value = parameter ? strchr(parameter + 1, '=') : NULL;
	if (!value)
		return;
	*type++ = *parameter++ = *value++ = '\0';
	made_add(master, at, "%s %s - - - - - %s", name, type, daemon_of(name, type));
	made_add(master, at, "    -o { %s = %s }", parameter, value);
}

static void read_master(struct arena *arena, const struct source *source, struct made_text *master)
{
	const char *at = source->text, *end = at + source->length;
	unsigned line = 0;

	while (at < end) {
		const char *feed = memchr(at, '\n', (size_t)(end - at));
		size_t length = feed ? (size_t)(feed - at) : (size_t)(end - at);

		add_override(master, arena_strndup(arena, at, length),
			     (struct position){source, ++line, 1});
		at += length + 1;
	}
}

/* A file that may be missing: NULL then. False: it is there, but is no text; reported. */
static bool load(struct arena *arena, const char *folder, const char *name,
		 struct diagnostics *list, const struct source **source)
{
	const char *path = arena_printf(arena, "%s/%s", folder, name);

	*source = NULL;
	if (access(path, F_OK) < 0)
		return true;
	return lines_load(arena, path, path, CONFIGURATION_FILE_LIMIT, list, source) == 0 &&
	       lines_check(*source, list);
}

/* What is not set here, the image sets: that is not judged. */
static bool is_not_here(void *user, const struct diagnostic *item)
{
	return !item->at.line && item->at.source == user;
}

/* The image's tables are not here, but those that the folder brings. */
static const struct source *find_file(void *user, const char *name)
{
	struct overrides_folder *folder = user;
	const struct source *source = NULL;

	if (strncmp(name, HOME, strlen(HOME)) != 0 || strchr(name + strlen(HOME), '/'))
		return NULL;
	if (!load(folder->arena, folder->path, name + strlen(HOME), folder->list, &source))
		return NULL;
	return source;
}

bool target_overrides(struct arena *arena, const char *folder, const struct target_options *options,
		      struct diagnostics *list)
{
	struct diagnostics *found = diagnostics_new(arena);
	const struct source *main_cf, *overrides;
	struct made_text master;
	struct configuration *configuration;
	struct lint lint = {arena, NULL, found, options->permissions};
	struct overrides_folder here = {arena, folder, found};

	if (!load(arena, folder, "postfix-main.cf", list, &main_cf) ||
	    !load(arena, folder, "postfix-master.cf", list, &overrides))
		return false;
	made_init(&master, arena, "postfix-master.cf");
	if (overrides)
		read_master(arena, overrides, &master);
	configuration = configuration_new(arena, main_cf, overrides ? made_source(&master) : NULL,
					  options->release, found);
	if (configuration) {
		configuration->find_file = find_file;
		configuration->user = &here;
		lint.configuration = configuration;
		lint_run(&lint);
	}
	made_relocate(&master, NULL, found);
	diagnostics_drop(found, is_not_here, (void *)(uintptr_t)(const void *)main_cf);
	suppress_findings(arena, (const struct source *const[]){main_cf, overrides}, 2,
			  options->release, found);
	diagnostics_append(list, found);
	return configuration != NULL;
}
