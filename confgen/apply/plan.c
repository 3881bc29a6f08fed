/* What would change on this machine; see plan.h. */
#include "confgen/apply/plan.h"
#include "confgen/apply/merge.h"
#include "confgen/apply/tables.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

/* Where rendered files go, by kind of node, and which of our folders that is. */
static const struct {
	enum node_kind kind;
	const char *prefix;
	enum place_root root;
} root_rows[] = {
	{KIND_POSTFIX, "/etc/postfix/", ROOT_CONFIG},
	{KIND_POSTFIX, "/etc/postern/", ROOT_POSTERN},
	{KIND_DMS, "docker-data/dms/config/", ROOT_CONFIG},
};

/* Files that others write in as well; all others are ours as a whole. */
static const struct {
	const char *path;
	enum layout_kind kind;
} shared_rows[] = {
	{"config/main.cf", LAYOUT_SETTINGS},
	{"config/master.cf", LAYOUT_SERVICES},
	{"config/postfix-main.cf", LAYOUT_SETTINGS},
	/* "smtp/inet/option=value" is such a line, too */
	{"config/postfix-master.cf", LAYOUT_SETTINGS},
};

struct run {
	struct arena *arena;
	const struct place *place;
	const struct store *store;
	const struct history *history;
	struct diagnostics *list;
	struct plan *plan;
	const struct owned_list *before;
};

static enum layout_kind kind_of(const char *path)
{
	for (size_t i = 0; i < sizeof(shared_rows) / sizeof(*shared_rows); i++)
		if (strcmp(shared_rows[i].path, path) == 0)
			return shared_rows[i].kind;
	return LAYOUT_NONE;
}

/* The name of the file among ours, or NULL: it is not ours to put in place. */
static const char *path_of(struct arena *arena, const struct node *node, const struct place *place,
			   const struct rendered_file *file)
{
	for (size_t i = 0; i < sizeof(root_rows) / sizeof(*root_rows); i++) {
		size_t length = strlen(root_rows[i].prefix);
		enum place_root root;
		const char *path, *name;

		if ((int)root_rows[i].kind != node->kind.value ||
		    strncmp(file->install, root_rows[i].prefix, length) != 0 ||
		    !place->folders[root_rows[i].root])
			continue;
		path = arena_printf(arena, "%s/%s", place_root_names[root_rows[i].root],
				    file->install + length);
		return place_split(path, &root, &name) ? path : NULL;
	}
	return NULL;
}

static void complain(struct run *run, const char *path, const char *what, const char *hint)
{
	diagnostics_add(run->list, SEVERITY_ERROR, NULL,
			place_position(run->arena, place_display(run->arena, run->place, path)),
			"%s", what);
	if (hint)
		diagnostics_hint(run->list, "%s", hint);
}

static int read_actual(struct run *run, const char *path, struct placed *out)
{
	int error = place_read(run->arena, run->place, path, out);

	if (error)
		complain(run, path, error == -ELOOP ? "this is a symbolic link" : strerror(-error),
			 error == -EACCES ? "run this as root"
			 : error == -ELOOP
				 ? "replace it by the file that it leads to: what is linked here "
				   "belongs to somebody else"
				 : NULL);
	return error;
}

static enum diff_mask mask_of(enum layout_kind kind, const char *path, mode_t mode)
{
	if (kind != LAYOUT_NONE)
		return DIFF_SETTINGS;
	if (!(mode & S_IROTH))
		return DIFF_SECRET;
	return strncmp(path, "postern/", strlen("postern/")) == 0 || strstr(path, ".c") ||
			       strstr(path, ".sh")
		       ? DIFF_SETTINGS
		       : DIFF_PLAIN;
}

/* ---- what is wanted ---- */

static mode_t parse_mode(const char *text)
{
	return (mode_t)strtoul(text ? text : "0644", NULL, 8);
}

/* What others write in keeps its owner and mode; so does what belongs to a container's owner. */
static void set_attributes(struct run *run, struct planned_file *file, mode_t mode)
{
	const bool dms = run->plan->node->kind.value == KIND_DMS;
	const struct placed *actual = &file->actual;
	struct stat folder;

	file->mode = actual->there && file->kind != LAYOUT_NONE && !run->plan->options.full
			     ? actual->status.st_mode & 07777
			     : mode;
	file->uid = geteuid();
	file->gid = getegid();
	if (actual->there && (dms || file->kind != LAYOUT_NONE)) {
		file->uid = actual->status.st_uid;
		file->gid = actual->status.st_gid;
	} else if (dms && geteuid() == 0 && fstat(run->place->fds[ROOT_CONFIG], &folder) == 0) {
		file->uid = folder.st_uid;
		file->gid = folder.st_gid;
	}
}

static bool differs(const struct planned_file *file)
{
	const struct placed *actual = &file->actual;

	if (!file->after.text)
		return actual->there;
	return !actual->there || actual->text.length != file->after.length ||
	       memcmp(actual->text.text, file->after.text, file->after.length) != 0 ||
	       (actual->status.st_mode & 07777) != file->mode ||
	       actual->status.st_uid != file->uid || actual->status.st_gid != file->gid;
}

/* In the arena: diagnostics refer to it. */
static const struct source *text_or_empty(struct run *run, const struct placed *placed)
{
	struct source *source = arena_alloc(run->arena, sizeof(*source));

	*source = placed->text;
	if (!source->text)
		source->text = "";
	return source;
}

/* main.cf or master.cf: by overlay, or as a whole. False: it cannot be understood. */
static bool plan_shared(struct run *run, struct planned_file *file)
{
	const struct source *actual = text_or_empty(run, &file->actual);

	if (!run->plan->options.full && !layout_check(actual, run->list))
		return false;
	run->plan->unmanaged[file->kind] +=
		changes_count_others(run->arena, file->kind, actual, &file->wanted);
	file->after = file->wanted;
	if (run->plan->options.full) {
		*arena_push(run->arena, &run->plan->owned) =
			(struct owned){.file = file->path, .key = "", .set = ""};
		return true;
	}
	file->after = (struct source){.name = file->actual.text.name};
	file->after.text = merge_files(
		&(struct merge){
			.arena = run->arena,
			.kind = file->kind,
			.file = file->path,
			.actual = actual,
			.wanted = &file->wanted,
			.before = run->before,
			.after = &run->plan->owned,
			.left = &run->plan->released,
		},
		&file->after.length);
	return true;
}

/* A file that is ours as a whole; one of somebody else must not be in its place. */
static void plan_whole(struct run *run, struct planned_file *file)
{
	const struct owned *owned = owned_find(run->before, file->path, "");
	const bool taken = file->actual.there && !owned;

	file->after = file->wanted;
	*arena_push(run->arena, &run->plan->owned) = (struct owned){
		.file = file->path,
		.key = "",
		.set = "",
		.former = owned	  ? owned->former
			  : taken ? file->actual.text.text
				  : NULL,
	};
	if (!taken || run->plan->options.full || run->plan->options.take_over ||
	    (file->actual.text.length == file->after.length &&
	     memcmp(file->actual.text.text, file->after.text, file->after.length) == 0))
		return;
	complain(run, file->path,
		 "this file was made by hand, and the topology has one of the same name",
		 "move it to another name, if something of yours needs it; or give --take-over to "
		 "have it replaced: rollback brings it back");
}

static void add_changes(struct run *run, const struct planned_file *file)
{
	const struct source *before = text_or_empty(run, &file->actual);

	changes_find(run->arena, file->kind, file->path, before, &file->after, &run->plan->changes);
}

static bool has_index(struct run *run, const struct planned_file *file)
{
	const char *suffix = tables_index_suffix(file->index), *name;
	enum place_root root;

	return !suffix ||
	       !place_split(arena_printf(run->arena, "%s%s", file->path, suffix), &root, &name) ||
	       faccessat(run->place->fds[root], name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static int plan_file(struct run *run, const struct rendered_file *rendered, const char *path)
{
	struct planned_file file = {
		.path = path,
		.kind = kind_of(path),
		.index = rendered->index,
		.wanted = {rendered->path, rendered->text, rendered->length},
	};
	int error = read_actual(run, path, &file.actual);

	if (error)
		return error;
	set_attributes(run, &file, parse_mode(rendered->install_mode));
	if (file.kind == LAYOUT_NONE)
		plan_whole(run, &file);
	else if (!plan_shared(run, &file))
		return -EINVAL;
	file.mask = mask_of(file.kind, path, rendered->mode);
	file.changed = differs(&file);
	file.index_missing = file.index && !file.changed && !has_index(run, &file);
	if (file.changed && file.kind != LAYOUT_NONE)
		add_changes(run, &file);
	*arena_push(run->arena, &run->plan->files) = file;
	return 0;
}

/* ---- what is not wanted any more ---- */

static bool is_planned(const struct plan *plan, const char *path)
{
	for (size_t i = 0; i < plan->files.count; i++)
		if (strcmp(plan->files.items[i].path, path) == 0)
			return true;
	return false;
}

static bool same_text(const struct source *a, const struct source *b)
{
	return a->length == b->length && memcmp(a->text, b->text, a->length) == 0;
}

/* The index that postmap made of a table of ours. */
static int remove_index(struct run *run, const char *path)
{
	static const char *const suffixes[] = {".db", ".lmdb", ".cdb"};
	int error = 0;

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(*suffixes) && !error; i++) {
		struct planned_file file = {
			.path = arena_printf(run->arena, "%s%s", path, suffixes[i])};

		if (!history_written(run->history, file.path))
			continue;
		error = read_actual(run, file.path, &file.actual);
		file.mask = DIFF_SECRET;
		file.changed = !error && file.actual.there;
		if (file.changed)
			*arena_push(run->arena, &run->plan->files) = file;
	}
	return error;
}

/* A table that only an earlier topology had goes, or what was there before it comes back. */
static int plan_removal(struct run *run, const struct owned *owned)
{
	int number = history_written(run->history, owned->file), error;
	struct planned_file file = {.path = owned->file};
	struct source then;

	error = read_actual(run, owned->file, &file.actual);
	if (error || !file.actual.there || !number)
		return error;
	error = store_read(run->store, number, "now", owned->file, &then);
	if (error) {
		complain(run, owned->file, "what was applied last cannot be read", NULL);
		return error;
	}
	if (!same_text(&then, &file.actual.text)) {
		*arena_push(run->arena, &run->plan->released) =
			place_display(run->arena, run->place, owned->file);
		return 0;
	}
	file.mask = mask_of(LAYOUT_NONE, owned->file, file.actual.status.st_mode);
	file.mode = file.actual.status.st_mode & 07777;
	file.uid = file.actual.status.st_uid;
	file.gid = file.actual.status.st_gid;
	if (owned->former)
		file.after = (struct source){owned->file, owned->former, strlen(owned->former)};
	file.changed = differs(&file);
	*arena_push(run->arena, &run->plan->files) = file;
	return owned->former ? 0 : remove_index(run, owned->file);
}

/* ---- what somebody changed ---- */

static int find_drift(struct run *run, const char *path)
{
	int number = history_written(run->history, path), error;
	struct drift drift = {.path = path, .kind = kind_of(path)};
	struct placed actual;

	if (!number)
		return 0;
	error = store_read(run->store, number, "now", path, &drift.then);
	if (!error)
		error = read_actual(run, path, &actual);
	if (error)
		return error;
	if (actual.there && same_text(&drift.then, &actual.text))
		return 0;
	drift.now = actual.text;
	drift.mask = mask_of(drift.kind, path, actual.there ? actual.status.st_mode : 0);
	*arena_push(run->arena, &run->plan->drifts) = drift;
	if (actual.there)
		changes_find(run->arena, drift.kind, path, &drift.then, &drift.now,
			     &run->plan->drifted);
	return 0;
}

static bool owns(const struct owned_list *owned, const char *path)
{
	for (size_t i = 0; i < owned->count; i++)
		if (strcmp(owned->items[i].file, path) == 0)
			return true;
	return false;
}

static int find_drifts(struct run *run)
{
	struct words seen = {0};

	for (size_t i = run->history->count; i > 0; i--)
		for (size_t j = 0; j < run->history->items[i - 1].files.count; j++) {
			const char *path = run->history->items[i - 1].files.items[j].path;
			bool known = !owns(run->before, path);
			int error;

			for (size_t k = 0; k < seen.count && !known; k++)
				known = strcmp(seen.items[k], path) == 0;
			if (known)
				continue;
			*arena_push(run->arena, &seen) = path;
			error = find_drift(run, path);
			if (error)
				return error;
		}
	return 0;
}

/* ---- all of it ---- */

/* Whether a setting that is new says no more than its default. */
static bool says_default(struct arena *arena, const struct plan *plan, const struct change *change)
{
	const char *built_in = tables_default(change->key);

	for (size_t i = 0; i < plan->files.count && built_in && change->kind == CHANGE_ADDED; i++) {
		const struct planned_file *file = &plan->files.items[i];
		const struct layout layout = strcmp(file->path, change->file) == 0
						     ? layout_read(arena, &file->after, file->kind)
						     : (struct layout){0};
		const struct entry *entry = layout.count ? layout_find(&layout, change->key) : NULL;

		if (entry)
			return strcmp(entry->value, built_in) == 0;
	}
	return false;
}

static void judge_need(struct plan *plan, struct arena *arena)
{
	for (size_t i = 0; i < plan->files.count; i++)
		if ((plan->files.items[i].changed || plan->files.items[i].index_missing) &&
		    strncmp(plan->files.items[i].path, "config/", 7) == 0)
			plan->need = NEED_RELOAD;
	for (size_t i = 0; i < plan->changes.count; i++) {
		const struct change *change = &plan->changes.items[i];
		const char *reason = strcmp(change->file, "config/main.cf") == 0
					     ? activate_restart_reason(change->key)
					     : NULL;

		if (!reason || says_default(arena, plan, change))
			continue;
		plan->need = NEED_RESTART;
		*arena_push(arena, &plan->reasons) =
			arena_printf(arena, "%s: %s", change->key, reason);
	}
	if (plan->node->kind.value == KIND_DMS)
		plan->need = NEED_NOTHING;
}

static bool is_of_node(const struct rendered_file *file, const struct node *node)
{
	size_t length = strlen(node->head.name.value);

	return strncmp(file->path, node->head.name.value, length) == 0 && file->path[length] == '/';
}

static int plan_files(struct run *run, const struct rendered_files *files)
{
	int error = 0;

	for (size_t i = 0; i < files->count && !error; i++) {
		const struct rendered_file *file = &files->items[i];
		const char *path;

		if (!is_of_node(file, run->plan->node) || !file->install)
			continue;
		path = path_of(run->arena, run->plan->node, run->place, file);
		if (path)
			error = plan_file(run, file, path);
		else
			*arena_push(run->arena, &run->plan->left) =
				(struct left_file){file->path, file->install};
	}
	for (size_t i = 0; i < run->before->count && !error; i++) {
		const struct owned *owned = &run->before->items[i];

		if (!*owned->key && !is_planned(run->plan, owned->file))
			error = plan_removal(run, owned);
	}
	return error;
}

int plan_make(struct arena *arena, const struct node *node, const struct rendered_files *files,
	      const struct place *place, const struct store *store, const struct history *history,
	      const struct plan_options *options, struct diagnostics *list, struct plan *out)
{
	static const struct owned_list nothing;
	const struct state *last = history_last(history);
	struct plan plan = {.node = node, .options = *options};
	struct run run = {
		arena, place, store, history, list, &plan, last ? &last->owned : &nothing};
	int error;

	error = plan_files(&run, files);
	if (!error)
		error = find_drifts(&run);
	if (error)
		return error;
	judge_need(&plan, arena);
	*out = plan;
	return 0;
}

bool plan_has_changes(const struct plan *plan)
{
	for (size_t i = 0; i < plan->files.count; i++)
		if (plan->files.items[i].changed || plan->files.items[i].index_missing)
			return true;
	return false;
}

/* The index of a table changes with it. */
static void add_index(struct arena *arena, const struct planned_file *file,
		      const struct place *place, struct changed_files *files)
{
	struct changed_file index = {.after = true, .made = true};
	const char *suffix = tables_index_suffix(file->index);

	if (!suffix)
		return;
	index.path = arena_printf(arena, "%s%s", file->path, suffix);
	/* one that cannot be read will not be the same at the commit, either */
	if (place_read(arena, place, index.path, &index.before) == 0)
		*arena_push(arena, files) = index;
}

struct changed_files plan_transaction(struct arena *arena, const struct plan *plan,
				      const struct place *place)
{
	struct changed_files files = {0};

	for (size_t i = 0; i < plan->files.count; i++) {
		const struct planned_file *file = &plan->files.items[i];

		if (!file->changed && !file->index_missing)
			continue;
		*arena_push(arena, &files) = (struct changed_file){
			.path = file->path,
			.before = file->actual,
			.after = file->after.text != NULL,
			.text = file->after.text,
			.length = file->after.length,
			.mode = file->mode,
			.uid = file->uid,
			.gid = file->gid,
		};
		if (file->index)
			add_index(arena, file, place, &files);
	}
	return files;
}
