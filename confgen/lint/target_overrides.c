/*
 * A folder of docker-mailserver's overrides: postfix-main.cf is appended to the image's main.cf,
 * and each line of postfix-master.cf goes to "postconf -P". What the image says itself is not
 * judged.
 */
#include "confgen/lint/made.h"
#include "confgen/lint/redact.h"
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

/* A service that lines are about, with its options. */
struct overridden {
	const char *name, *type;
	struct options {
		struct option {
			const char *parameter, *value;
			struct position at;
		} * items;
		size_t count;
	} options;
};

struct overridden_list {
	struct overridden *items;
	size_t count;
};

static struct overridden *find(struct arena *arena, struct overridden_list *list, const char *name,
			       const char *type)
{
	struct overridden *made;

	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->items[i].name, name) == 0 &&
		    strcmp(list->items[i].type, type) == 0)
			return &list->items[i];
	if (list->count == MASTER_MOST_SERVICES)
		return NULL;
	made = arena_push(arena, list);
	made->name = name;
	made->type = type;
	return made;
}

/* A line "service/type/parameter=value"; others are the business of rules of their own. */
static void read_override(struct arena *arena, char *line, struct position at,
			  struct overridden_list *list)
{
	char *type = strchr(line, '/'), *parameter = type ? strchr(type + 1, '/') : NULL;
	char *value = parameter ? strchr(parameter + 1, '=') : NULL;
	struct overridden *service;

	if (!value || (!islower((unsigned char)*line) && !isdigit((unsigned char)*line)))
		return;
	*type++ = *parameter++ = *value++ = '\0';
	service = find(arena, list, line, type);
	if (service && service->options.count < MASTER_MOST_OVERRIDES)
		*arena_push(arena, &service->options) = (struct option){parameter, value, at};
}

/* One service after the other, as master.cf has them. */
static void make_master(const struct overridden_list *list, struct made_text *master)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct overridden *service = &list->items[i];
		bool public = strcmp(service->type, "inet") == 0;

		made_add(master, service->options.items[0].at, "%s %s %s - n - - %s", service->name,
			 service->type, public ? "n" : "-",
			 daemon_of(service->name, service->type));
		for (size_t j = 0; j < service->options.count; j++) {
			const struct option *option = &service->options.items[j];

			made_add(master, option->at, "    -o { %s = %s }", option->parameter,
				 option->value);
		}
	}
}

static void read_master(struct arena *arena, const struct source *source, struct made_text *master)
{
	const char *at = source->text, *end = at + source->length;
	struct overridden_list list = {0};
	unsigned line = 0;

	while (at < end) {
		const char *feed = memchr(at, '\n', (size_t)(end - at));
		size_t length = feed ? (size_t)(feed - at) : (size_t)(end - at);

		read_override(arena, arena_strndup(arena, at, length),
			      (struct position){source, ++line, 1}, &list);
		at += length + 1;
	}
	make_master(&list, master);
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
	redact_findings(arena, found);
	diagnostics_drop(found, is_not_here, (void *)(uintptr_t)(const void *)main_cf);
	suppress_findings(arena, (const struct source *const[]){main_cf, overrides}, 2,
			  options->release, found);
	diagnostics_append(list, found);
	return configuration != NULL;
}
