/* An earlier state; see rollback.h. */
#include "confgen/apply/rollback.h"

#include <errno.h>

static bool same_time(const struct stat *a, const struct stat *b)
{
	return a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static bool same_file(const struct placed *now, const struct source *then,
		      const struct stat *status)
{
	return now->there && now->text.length == then->length &&
	       memcmp(now->text.text, then->text, then->length) == 0 &&
	       now->status.st_mode == status->st_mode && now->status.st_uid == status->st_uid &&
	       now->status.st_gid == status->st_gid && same_time(&now->status, status);
}

static int read_then(const struct store *store, int from, const char *path, struct source *text,
		     struct stat *status)
{
	int error = store_read(store, from, "former", path, text);

	return error ? error : stat(text->name, status) < 0 ? -errno : 0;
}

/* Whether the file is not what the last state left. */
static bool changed_by_hand(const struct store *store, const struct history *history,
			    const char *path, const struct placed *now)
{
	int number = history_written(history, path);
	struct source then;

	if (!number)
		return now->there;
	if (store_read(store, number, "now", path, &then) < 0)
		return true;
	return !now->there || now->text.length != then.length ||
	       memcmp(now->text.text, then.text, then.length) != 0;
}

static void judge(struct arena *arena, const struct changed_file *file, const struct source *then,
		  struct way_back *back)
{
	static const struct source nothing = {"", "", 0};
	struct changes changes = {0};

	if (strncmp(file->path, "config/", 7) != 0)
		return;
	if (back->need == NEED_NOTHING)
		back->need = NEED_RELOAD;
	if (strcmp(file->path, "config/main.cf") != 0)
		return;
	changes_find(arena, LAYOUT_SETTINGS, file->path,
		     file->before.there ? &file->before.text : &nothing,
		     then->text ? then : &nothing, &changes);
	for (size_t i = 0; i < changes.count; i++)
		if (activate_restart_reason(changes.items[i].key))
			back->need = NEED_RESTART;
}

static int add_file(struct arena *arena, const struct place *place, const struct store *store,
		    const struct history *history, const char *path, struct way_back *back)
{
	struct changed_file file = {.path = path};
	struct source then = {0};
	struct stat status;
	int from, error;

	if (!history_file(history, back->number, path, &from, &file.after))
		return 0;
	error = place_read(arena, place, path, &file.before);
	if (!error && file.after)
		error = read_then(store, from, path, &then, &status);
	if (error)
		return error;
	if (file.after ? same_file(&file.before, &then, &status) : !file.before.there)
		return 0;
	file.copy_of = file.after ? store_file(store, from, "former", path) : NULL;
	if (changed_by_hand(store, history, path, &file.before))
		*arena_push(arena, &back->by_hand) = path;
	judge(arena, &file, &then, back);
	*arena_push(arena, &back->files) = file;
	return 0;
}

static bool is_in(const struct changed_files *files, const char *path)
{
	for (size_t i = 0; i < files->count; i++)
		if (strcmp(files->items[i].path, path) == 0)
			return true;
	return false;
}

int rollback_plan(struct arena *arena, const struct place *place, const struct store *store,
		  const struct history *history, int number, struct diagnostics *list,
		  struct way_back *out)
{
	static const struct owned_list nothing;
	const struct state *state = history_find(history, number);
	struct way_back back = {.number = number, .owned = state ? &state->owned : &nothing};

	for (size_t i = history->count; i > 0 && history->items[i - 1].number > number; i--) {
		const struct state_files *files = &history->items[i - 1].files;

		back.folder_time = history->items[i - 1].folder_time;
		for (size_t j = 0; j < files->count; j++) {
			int error = is_in(&back.files, files->items[j].path)
					    ? 0
					    : add_file(arena, place, store, history,
						       files->items[j].path, &back);

			if (!error)
				continue;
			diagnostics_add(
				list, SEVERITY_ERROR, NULL,
				place_position(arena,
					       place_display(arena, place, files->items[j].path)),
				"%s",
				error == -ELOOP ? "this is a symbolic link" : strerror(-error));
			return error;
		}
	}
	*out = back;
	return 0;
}

int rollback_previous(const struct history *history)
{
	const struct state *last = history_last(history);
	int number = last ? last->amounts_to - 1 : -1;

	return last && history_reaches(history, number) ? number : -1;
}
