/* Loading a configuration; see configuration.h. Values are in value.c, tables in contents.c. */
#include "confgen/configuration/configuration.h"
#include "confgen/configuration/configuration_private.h"

#include <errno.h>
#include <sys/stat.h>

/* Collects names that nothing defines, while all values are expanded once. */
struct survey {
	struct configuration *configuration;
	const struct service *service;
};

static void note_undefined(void *user, const struct text *name)
{
	struct survey *survey = user;
	struct configuration *configuration = survey->configuration;
	struct undefined_name *undefined;

	/* what a default asks for is Postfix's own business; repeats come from shared values */
	if (!name->map || configuration->undefined.count == MAX_UNDEFINED)
		return;
	for (size_t i = configuration->undefined.count; i > 0; i--)
		if (configuration->undefined.items[i - 1].name.map == name->map &&
		    configuration->undefined.items[i - 1].name.offset == name->offset)
			return;
	undefined = arena_push(configuration->arena, &configuration->undefined);
	*undefined = (struct undefined_name){*name, survey->service};
}

/* Expands each value that is in force, so that each mistake is reported, once. */
static void survey_values(struct configuration *configuration, struct diagnostics *list)
{
	struct survey survey = {configuration, NULL};
	struct text ignored;

	for (size_t i = 0; i < configuration->main.count; i++) {
		const struct assignment *item = configuration->main.items[i];

		if (!item->overridden && *configuration->budget)
			value_expand(configuration, NULL, &item->name, &item->value, list,
				     note_undefined, &survey, &ignored);
	}
	for (size_t i = 0; i < configuration->master.count; i++) {
		survey.service = configuration->master.items[i];
		for (size_t j = 0; j < survey.service->overrides.count; j++) {
			const struct assignment *item = survey.service->overrides.items[j];

			if (!item->overridden && *configuration->budget)
				value_expand(configuration, survey.service, &item->name,
					     &item->value, list, note_undefined, &survey, &ignored);
		}
	}
}

struct configuration *configuration_new(struct arena *arena, const struct source *main_cf,
					const struct source *master_cf,
					enum postfix_release release, struct diagnostics *list)
{
	struct configuration *configuration = arena_alloc(arena, sizeof(*configuration));
	bool good = true;

	configuration->arena = arena;
	configuration->release = release;
	configuration->directory = "/etc/postfix";
	configuration->has_main = main_cf != NULL;
	configuration->has_master = master_cf != NULL;
	if (main_cf)
		good = lines_check(main_cf, list);
	if (master_cf)
		good = lines_check(master_cf, list) && good;
	if (!good)
		return NULL;
	if (main_cf)
		main_cf_parse(arena, main_cf, list, &configuration->main);
	if (master_cf)
		master_cf_parse(arena, master_cf, list, &configuration->master);
	value_prepare(configuration);
	contents_prepare(configuration);
	classify_prepare(configuration);
	survey_values(configuration, list);
	return configuration;
}

/* Whether the folder is that of Postfix on this host. */
static bool is_this_host(const char *directory)
{
	char *usual = realpath("/etc/postfix", NULL), *real = realpath(directory, NULL);
	bool same = usual && real && strcmp(usual, real) == 0;

	free(usual);
	free(real);
	return same;
}

/* A file of the folder; NULL, with an error or a warning, where it cannot be read. */
static const struct source *load(struct arena *arena, const char *directory, const char *name,
				 struct diagnostics *list)
{
	const char *path = arena_printf(arena, "%s/%s", directory, name);
	const struct source *source = NULL;

	if (is_this_host(directory))
		lines_load(arena, path, path, CONFIGURATION_FILE_LIMIT, list, &source);
	else
		lines_load_inside(arena, directory, path, CONFIGURATION_FILE_LIMIT, list, &source);
	return source;
}

static bool exists(struct arena *arena, const char *directory, const char *name)
{
	struct stat status;

	return lstat(arena_printf(arena, "%s/%s", directory, name), &status) == 0;
}

static void warn_of_missing(struct arena *arena, const char *directory, struct diagnostics *list)
{
	struct source *nowhere = arena_alloc(arena, sizeof(*nowhere));

	nowhere->name = arena_printf(arena, "%s/master.cf", directory);
	diagnostics_add(list, SEVERITY_WARNING, RULE_FILE_READ, (struct position){nowhere, 0, 0},
			"there is no master.cf: services are not judged");
	diagnostics_hint(list, "put the master.cf of the host beside main.cf");
}

static struct configuration *load_folder(struct arena *arena, const char *path,
					 enum postfix_release release, struct diagnostics *list)
{
	const struct source *main_cf = load(arena, path, "main.cf", list), *master_cf = NULL;
	struct configuration *configuration;

	if (exists(arena, path, "master.cf")) {
		master_cf = load(arena, path, "master.cf", list);
		if (!master_cf)
			return NULL;
	} else if (main_cf) {
		warn_of_missing(arena, path, list);
	}
	if (!main_cf)
		return NULL;
	configuration = configuration_new(arena, main_cf, master_cf, release, list);
	if (configuration)
		configuration->directory = arena_strdup(arena, path);
	return configuration;
}

static struct configuration *load_file(struct arena *arena, const char *path,
				       enum postfix_release release, struct diagnostics *list)
{
	const struct source *source;
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	bool master = strstr(name, "master") != NULL;
	struct configuration *configuration;

	if (lines_load(arena, path, path, CONFIGURATION_FILE_LIMIT, list, &source) < 0)
		return NULL;
	configuration = configuration_new(arena, master ? NULL : source, master ? source : NULL,
					  release, list);
	if (configuration)
		configuration->directory =
			!slash ? "."
			       : arena_strndup(arena, path,
					       slash == path ? 1 : (size_t)(slash - path));
	return configuration;
}

struct configuration *configuration_load(struct arena *arena, const char *path,
					 enum postfix_release release, struct diagnostics *list)
{
	struct stat status;
	struct configuration *configuration;

	if (stat(path, &status) == 0 && S_ISDIR(status.st_mode))
		configuration = load_folder(arena, path, release, list);
	else
		configuration = load_file(arena, path, release, list);
	if (configuration)
		configuration->anywhere = is_this_host(configuration->directory);
	return configuration;
}

const struct service *configuration_next(const struct configuration *configuration,
					 const char *daemon, size_t *at)
{
	while (*at < configuration->master.count) {
		const struct service *service = configuration->master.items[(*at)++];

		if (!service->overridden &&
		    (!daemon || strcmp(service_daemon(service), daemon) == 0))
			return service;
	}
	return NULL;
}
