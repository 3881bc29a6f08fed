/* Tells what a path is, and has it judged; see target.h. */
#include "confgen/lint/target.h"
#include "confgen/lint/dms_overrides.h"
#include "confgen/lint/redact.h"
#include "confgen/lint/suppress.h"

#include <sys/stat.h>
#include <unistd.h>

bool target_configuration(struct arena *arena, struct configuration *configuration,
			  const struct target_options *options, struct diagnostics *list)
{
	struct lint lint = {.arena = arena,
			    .configuration = configuration,
			    .list = list,
			    .permissions = options->permissions};
	const struct source *sources[2];

	if (configuration)
		lint_run(&lint);
	redact_findings(arena, list);
	if (!configuration)
		return false;
	sources[0] = configuration->main.source;
	sources[1] = configuration->master.source;
	suppress_findings(arena, sources, 2, options->release, list);
	return true;
}

static bool has(struct arena *arena, const char *folder, const char *name)
{
	return access(arena_printf(arena, "%s/%s", folder, name), F_OK) == 0;
}

/* Whether it is the folder that docker-mailserver has overrides and accounts in. */
static bool is_overrides(struct arena *arena, const char *folder)
{
	if (has(arena, folder, "main.cf") || has(arena, folder, "master.cf"))
		return false;
	return dms_overrides_recognise(arena, folder) || has(arena, folder, "postfix-accounts.cf");
}

static bool ends_in(const char *path, const char *end)
{
	size_t length = strlen(path), tail = strlen(end);

	return length >= tail && strcmp(path + length - tail, end) == 0;
}

/* The folder is given as the user wrote it, but for slashes at its end: names are made from it. */
static const char *without_slashes(struct arena *arena, const char *path)
{
	size_t length = strlen(path);

	while (length > 1 && path[length - 1] == '/')
		length--;
	return arena_strndup(arena, path, length);
}

bool target_lint(struct arena *arena, const char *path, const struct target_options *options,
		 struct diagnostics *list)
{
	struct stat status;

	struct target_options image = *options;

	/* what is installed here says nothing of what an image has */
	if (!options->release_given)
		image.release = POSTFIX_USUAL;
	path = without_slashes(arena, path);
	if (stat(path, &status) == 0 && S_ISDIR(status.st_mode) && is_overrides(arena, path))
		return target_overrides(arena, path, &image, list);
	if (ends_in(path, ".yaml") || ends_in(path, ".yml"))
		return target_compose(arena, path, &image, list);
	if (ends_in(path, "/postfix-main.cf") || strcmp(path, "postfix-main.cf") == 0) {
		const char *slash = strrchr(path, '/');

		return target_overrides(
			arena, slash ? arena_strndup(arena, path, (size_t)(slash - path)) : ".",
			&image, list);
	}
	return target_configuration(arena, configuration_load(arena, path, options->release, list),
				    options, list);
}
