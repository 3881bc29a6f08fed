/*
 * A folder of docker-mailserver's overrides: they are judged by rules of their own, and as part of
 * the configuration that they make together with what the image sets. What the image says itself is
 * not judged.
 */
#include "confgen/lint/dms_overrides.h"
#include "confgen/lint/redact.h"
#include "confgen/lint/suppress.h"
#include "confgen/lint/target.h"

#include <unistd.h>

#define HOME "/tmp/docker-mailserver/" /* the folder, as the container sees it */

struct overrides_folder {
	struct arena *arena;
	const char *path;
	struct diagnostics *list;
};

/* The image's tables are not here, but those that the folder brings. */
static const struct source *find_file(void *user, const char *name)
{
	struct overrides_folder *folder = user;
	const struct source *source = NULL;
	const char *path;

	if (strncmp(name, HOME, strlen(HOME)) != 0 || strchr(name + strlen(HOME), '/'))
		return NULL;
	path = arena_printf(folder->arena, "%s/%s", folder->path, name + strlen(HOME));
	if (access(path, F_OK) < 0 ||
	    lines_load(folder->arena, path, path, CONFIGURATION_FILE_LIMIT, folder->list, &source) <
		    0)
		return NULL;
	return lines_check(source, folder->list) ? source : NULL;
}

static struct position written(void *user, struct position at)
{
	return dms_applied_position(user, at);
}

/*
 * What the image says, or does not say; S04 and S21, for overrides are there to set again what the
 * image sets; and B10 of the overrides, where D09 says the same, and knows the services.
 */
static bool is_not_here(void *user, const struct diagnostic *item)
{
	const struct dms_applied *applied = user;
	const struct source *source = item->at.source;

	if (!source || source == applied->stock_main || source == applied->stock_master ||
	    source == &applied->main_cf || source == &applied->master_cf)
		return true;
	return strcmp(item->rule, "S04") == 0 || strcmp(item->rule, "S21") == 0 ||
	       (source == applied->overrides->master_cf && strcmp(item->rule, "B10") == 0);
}

/* False: a file is there, but cannot be read; said in `list`. */
static bool load(struct arena *arena, const char *folder, struct diagnostics *list,
		 struct dms_overrides **overrides)
{
	struct diagnostics *said = diagnostics_new(arena);
	struct dms_overrides *loaded = dms_overrides_load(arena, folder, said);
	bool good = true;

	*overrides = loaded;
	if (!loaded)
		return true;
	good = (loaded->main_cf ||
		access(arena_printf(arena, "%s/postfix-main.cf", folder), F_OK) < 0) &&
	       (loaded->master_cf ||
		access(arena_printf(arena, "%s/postfix-master.cf", folder), F_OK) < 0);
	/* what is wrong inside the files is said again when they are applied */
	if (good && loaded->main_cf)
		good = lines_check(loaded->main_cf, diagnostics_new(arena));
	if (good && loaded->master_cf)
		good = lines_check(loaded->master_cf, list);
	else if (!good)
		diagnostics_append(list, said);
	return good;
}

/* The rules of all configurations, over what the image and the overrides make together. */
static bool judge_applied(struct overrides_folder *here, const struct dms_applied *applied,
			  const struct target_options *options)
{
	struct configuration *configuration = configuration_new(
		here->arena, &applied->main_cf, &applied->master_cf, options->release, here->list);
	struct lint lint = {.arena = here->arena,
			    .configuration = configuration,
			    .list = here->list,
			    .permissions = options->permissions};

	if (!configuration)
		return false;
	configuration->find_file = find_file;
	configuration->user = here;
	lint_run(&lint);
	return true;
}

/* What postfix-main.cf itself sets twice. */
static void judge_twice(struct arena *arena, const struct dms_overrides *overrides,
			const struct target_options *options, struct diagnostics *list)
{
	static const char *const rules[] = {"S04", "S21"};
	struct lint lint = {.arena = arena, .list = list};

	if (overrides->main_cf)
		lint.configuration = configuration_new(arena, overrides->main_cf, NULL,
						       options->release, diagnostics_new(arena));
	for (size_t i = 0; lint.configuration && i < sizeof(rules) / sizeof(*rules); i++)
		lint_rule_find(rules[i])->check(&lint, lint_rule_find(rules[i]));
}

bool target_overrides(struct arena *arena, const char *folder, const struct target_options *options,
		      struct diagnostics *list)
{
	struct diagnostics *found = diagnostics_new(arena);
	struct overrides_folder here = {arena, folder, found};
	struct dms_overrides *overrides;
	struct dms_applied *applied;
	bool judged;

	if (!load(arena, folder, list, &overrides))
		return false;
	if (!overrides)
		return true;
	applied = dms_overrides_apply(arena, overrides, dms_stock_main(), dms_stock_master());
	judged = judge_applied(&here, applied, options);
	diagnostics_relocate(found, written, applied);
	diagnostics_drop(found, is_not_here, applied);
	judge_twice(arena, overrides, options, found);
	dms_lint(arena, overrides, found);
	redact_findings(arena, found);
	suppress_findings(arena,
			  (const struct source *const[]){overrides->main_cf, overrides->master_cf},
			  2, options->release, found);
	diagnostics_append(list, found);
	return judged;
}
