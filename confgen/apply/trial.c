/* New files tried before they are in place; see trial.h. */
#include "confgen/apply/trial.h"
#include "confgen/apply/tables.h"
#include "confgen/postfix/run.h"

#include <dirent.h>
#include <errno.h>
#include <unistd.h>

#define ARGV(...) ((const char *const[]){__VA_ARGS__, NULL})

struct trial {
	struct arena *arena;
	const struct plan *plan;
	const struct transaction *transaction;
	struct diagnostics *list;
};

static const struct source *find_wanted(const struct plan *plan, const char *path)
{
	for (size_t i = 0; i < plan->files.count; i++)
		if (strcmp(plan->files.items[i].path, path) == 0 &&
		    plan->files.items[i].wanted.text)
			return &plan->files.items[i].wanted;
	return NULL;
}

int trial_check_types(struct arena *arena, const struct plan *plan, const struct place *place,
		      struct diagnostics *list)
{
	const char *postconf = run_find(arena, "postconf"), *known;
	int status, error;

	if (!postconf)
		return -ENOENT;
	error = run_output(arena, ARGV(postconf, "-c", place->folders[ROOT_CONFIG], "-m"), &status,
			   &known);
	if (error)
		return error;
	/* without a main.cf yet, it does not answer */
	if (status || !*known)
		return 0;
	tables_check_types(arena, find_wanted(plan, "config/main.cf"),
			   find_wanted(plan, "config/master.cf"), known, list);
	return 0;
}

/* ---- a folder as it will be ---- */

static bool is_replaced(const struct changed_files *files, const char *name)
{
	for (size_t i = 0; i < files->count; i++)
		if (strncmp(files->items[i].path, "config/", 7) == 0 &&
		    strcmp(files->items[i].path + 7, name) == 0)
			return true;
	return false;
}

/* Links to all that stays, and to the new files. */
static int fill_preview(const struct trial *trial)
{
	const struct transaction *transaction = trial->transaction;
	const char *config = transaction->place->folders[ROOT_CONFIG];
	DIR *folder = opendir(config);
	const struct dirent *entry;
	int error = 0;

	if (!folder)
		return -errno;
	while (!error && (entry = readdir(folder))) {
		const char *name = entry->d_name;

		if (name[0] == '.' || is_replaced(transaction->files, name))
			continue;
		if (symlink(arena_printf(trial->arena, "../../%s", name),
			    arena_printf(trial->arena, "%s/%s", transaction->preview, name)) < 0)
			error = -errno;
	}
	closedir(folder);
	for (size_t i = 0; i < transaction->files->count && !error; i++) {
		const struct changed_file *file = &transaction->files->items[i];

		if (!file->after || strncmp(file->path, "config/", 7) != 0)
			continue;
		if (symlink(arena_printf(trial->arena, "../new/%s", file->path),
			    arena_printf(trial->arena, "%s/%s", transaction->preview,
					 file->path + 7)) < 0)
			error = -errno;
	}
	return error;
}

/* ---- programs ---- */

/* Our temporary folders mean nothing to the reader. */
static const char *clean(const struct trial *trial, const char *text)
{
	const char *folder = trial->transaction->place->folders[ROOT_CONFIG];
	const char *names[] = {trial->transaction->preview, trial->transaction->new_config};

	for (size_t i = 0; i < 2; i++)
		for (const char *at; (at = strstr(text, names[i]));)
			text = arena_printf(trial->arena, "%.*s%s%s", (int)(at - text), text,
					    folder, at + strlen(names[i]));
	return text;
}

/* Runs a program; what it says is an error if it fails, else a warning. */
static int try(const struct trial *trial, const char *name, const char *const *argv)
{
	const char *errors, *line;
	int status, error;

	if (!argv[0])
		return -ENOENT;
	error = run_program(trial->arena, argv, &status, &errors);
	if (error)
		return error;
	if (status && !*errors)
		errors = "failed without saying why\n";
	for (line = clean(trial, errors); *line; line += *line == '\n') {
		size_t length = strcspn(line, "\n");

		if (length)
			diagnostics_add(trial->list, status ? SEVERITY_ERROR : SEVERITY_WARNING,
					NULL, place_position(trial->arena, name), "%.*s",
					(int)length, line);
		line += length;
	}
	return 0;
}

static int make_indexes(const struct trial *trial)
{
	const char *postmap = run_find(trial->arena, "postmap");
	int error = 0;

	for (size_t i = 0; i < trial->plan->files.count && !error; i++) {
		const struct planned_file *file = &trial->plan->files.items[i];

		if (file->index && (file->changed || file->index_missing) && file->after.text)
			error = try(
				trial, "postmap",
				ARGV(postmap, "-c", trial->transaction->preview,
				     arena_printf(trial->arena, "%s:%s/%s", file->index,
						  trial->transaction->new_config, file->path + 7)));
	}
	return error;
}

static bool changes_file(const struct transaction *transaction, const char *path)
{
	for (size_t i = 0; i < transaction->files->count; i++)
		if (strcmp(transaction->files->items[i].path, path) == 0)
			return true;
	return false;
}

static int try_milter(const struct trial *trial)
{
	const char *milter = run_find(trial->arena, "postern-milter");

	if (!milter || !changes_file(trial->transaction, "postern/postern-milter.conf"))
		return 0;
	return try(
		trial, "postern-milter --test",
		ARGV(milter, "--test",
		     arena_printf(trial->arena,
				  "--config=%s/" PLACE_STAGING "/new/postern/postern-milter.conf",
				  trial->transaction->place->folders[ROOT_CONFIG])));
}

int trial_run(struct arena *arena, const struct plan *plan, const struct transaction *transaction,
	      struct diagnostics *list)
{
	const struct trial trial = {arena, plan, transaction, list};
	const char *postconf = run_find(arena, "postconf"), *preview = transaction->preview;
	int error = fill_preview(&trial);

	if (!error)
		error = make_indexes(&trial);
	if (!error && !diagnostics_count(list, SEVERITY_ERROR))
		error = try(&trial, "postconf", ARGV(postconf, "-c", preview, "-n"));
	if (!error && !diagnostics_count(list, SEVERITY_ERROR))
		error = try(&trial, "postfix check",
			    ARGV(run_find(arena, "postfix"), "-c", preview, "check"));
	if (!error && !diagnostics_count(list, SEVERITY_ERROR))
		error = try_milter(&trial);
	return error;
}
