/* The folder that remembers what was applied; see store.h. */
#include "confgen/apply/store.h"
#include "common/file.h"
#include "confgen/apply/copy.h"
#include "confgen/output/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <sys/file.h>
#include <unistd.h>

#define STATE_LIMIT ((size_t)256 << 20)

static const char *const kinds[] = {"former", "now"};

/* "/etc/postfix" as one name. */
static const char *escape(struct arena *arena, const char *path)
{
	char *name = arena_alloc(arena, 3 * strlen(path) + 1), *to = name;

	for (; *path; path++) {
		if (*path == '/' || *path == '%') {
			memcpy(to, *path == '/' ? "%2F" : "%25", 3);
			to += 3;
		} else {
			*to++ = *path;
		}
	}
	return name;
}

int store_open(struct arena *arena, const char *folder, const char *config, struct store *out)
{
	struct store store = {.arena = arena, .fd = -1, .lock = -1};

	store.path = arena_printf(arena, "%s/apply/%s", folder, escape(arena, config));
	store.fd = open(store.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (store.fd < 0 && errno != ENOENT)
		return -errno;
	*out = store;
	return 0;
}

/* Makes the folder and those above it. The last two are closed to others. */
static int make_folders(struct arena *arena, const char *path)
{
	char *copy = arena_strdup(arena, path);
	char *last = strrchr(copy, '/');

	for (char *slash = strchr(copy + 1, '/');; slash = strchr(slash + 1, '/')) {
		if (slash)
			*slash = '\0';
		if (mkdir(copy, !slash || slash == last ? 0700 : 0755) < 0 && errno != EEXIST)
			return -errno;
		if (!slash)
			return 0;
		*slash = '/';
	}
}

static int take_lock(struct store *store, const char **holder)
{
	int fd = openat(store->fd, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	char text[128] = "";
	const char *now;
	ssize_t length;

	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		int error = -errno;

		length = read(fd, text, sizeof(text) - 1);
		text[length > 0 ? length : 0] = '\0';
		*holder = arena_strdup(store->arena, text);
		close(fd);
		return error;
	}
	now = arena_printf(store->arena, "process %ld of %s, since %s", (long)getpid(),
			   store_who(store->arena), store_time(store->arena));
	/* only for whoever wonders: it does not matter if it cannot be written */
	if (ftruncate(fd, 0) == 0)
		length = pwrite(fd, now, strlen(now), 0);
	store->lock = fd;
	return 0;
}

int store_lock(struct arena *arena, const char *folder, const char *config, struct store *out,
	       const char **holder)
{
	struct store store;
	struct stat status;
	int error = store_open(arena, folder, config, &store);

	if (!error && store.fd < 0) {
		error = make_folders(arena, store.path);
		if (!error)
			error = store_open(arena, folder, config, &store);
	}
	if (error)
		return error;
	if (store.fd < 0)
		return -ENOENT;
	/* what is in it is trusted, and must not be read by others */
	if (fstat(store.fd, &status) < 0)
		error = -errno;
	else if (status.st_uid != geteuid() || (status.st_mode & 077))
		error = -EPERM;
	if (!error)
		error = take_lock(&store, holder);
	if (error)
		store_close(&store);
	else
		*out = store;
	return error;
}

void store_close(struct store *store)
{
	close_descriptor(&store->fd);
	close_descriptor(&store->lock);
	store->fd = store->lock = -1;
}

/* ---- reading ---- */

static const char *state_name(const struct store *store, int number, bool begun)
{
	return arena_printf(store->arena, "%s%04d", begun ? "." : "", number);
}

const char *store_file(const struct store *store, int number, const char *kind, const char *path)
{
	return arena_printf(store->arena, "%s/%s/%s/%s", store->path,
			    state_name(store, number, false), kind, path);
}

int store_read(const struct store *store, int number, const char *kind, const char *path,
	       struct source *out)
{
	const char *name = store_file(store, number, kind, path);
	struct source source = {.name = name};
	char *text;
	int error = file_read(store->arena, name, PLACE_FILE_LIMIT, &text, &source.length);

	if (error)
		return error;
	source.text = text;
	*out = source;
	return 0;
}

static int read_state(const struct store *store, const char *name, struct state *out)
{
	const char *path = arena_printf(store->arena, "%s/%s/state.json", store->path, name);
	size_t length;
	json_t *object;
	char *text;
	bool good;
	int error = file_read(store->arena, path, STATE_LIMIT, &text, &length);

	if (error)
		return error;
	object = json_loadb(text, length, 0, NULL);
	good = object && state_from_json(store->arena, object, out);
	json_decref(object);
	if (!good)
		return -EBADMSG;
	out->active =
		access(arena_printf(store->arena, "%s/%s/active", store->path, name), F_OK) == 0;
	return 0;
}

static int compare_states(const void *a, const void *b)
{
	const struct state *x = a, *y = b;

	return (x->number > y->number) - (x->number < y->number);
}

static DIR *open_store(const struct store *store)
{
	int fd = openat(store->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = fd < 0 ? NULL : fdopendir(fd);

	if (fd >= 0 && !folder)
		close(fd);
	return folder;
}

static bool is_number(const char *name)
{
	return *name && name[strspn(name, "0123456789")] == '\0';
}

int store_history(const struct store *store, struct history *out)
{
	struct history history = {0};
	const struct dirent *entry;
	int error = 0;
	DIR *folder;

	if (store->fd < 0) {
		*out = history;
		return 0;
	}
	folder = open_store(store);
	if (!folder)
		return -errno;
	while (!error && (entry = readdir(folder))) {
		struct state state;

		if (!is_number(entry->d_name))
			continue;
		error = read_state(store, entry->d_name, &state);
		if (!error)
			*arena_push(store->arena, &history) = state;
	}
	closedir(folder);
	if (error)
		return error;
	if (history.count)
		qsort(history.items, history.count, sizeof(struct state), compare_states);
	*out = history;
	return 0;
}

/* ---- writing ---- */

static int write_files(const struct store *store, int folder, const struct state *state,
		       const struct place *place, int staging)
{
	for (size_t i = 0; i < state->files.count; i++) {
		const struct state_file *file = &state->files.items[i];
		enum place_root root;
		const char *name;
		int error = 0;

		if (!place_split(file->path, &root, &name))
			return -EINVAL;
		if (file->before)
			error = copy_file(place->fds[root], name, folder,
					  arena_printf(store->arena, "former/%s", file->path));
		if (!error && file->after)
			error = copy_file(staging, arena_printf(store->arena, "new/%s", file->path),
					  folder, arena_printf(store->arena, "now/%s", file->path));
		if (error)
			return error;
	}
	return 0;
}

static int write_state(int folder, const struct state *state)
{
	json_t *object = state_to_json(state);
	char *text = object ? json_dumps(object, JSON_INDENT(2)) : NULL;
	int error = text ? file_create(folder, "state.json", 0600, text, strlen(text)) : -ENOMEM;

	if (text)
		explicit_bzero(text, strlen(text));
	free(text);
	json_decref(object);
	return error;
}

static int make_tree(const struct store *store, int folder)
{
	for (size_t i = 0; i < 2; i++) {
		if (mkdirat(folder, kinds[i], 0700) < 0)
			return -errno;
		for (int root = 0; root < PLACE_ROOTS; root++)
			if (mkdirat(folder,
				    arena_printf(store->arena, "%s/%s", kinds[i],
						 place_root_names[root]),
				    0700) < 0)
				return -errno;
	}
	return 0;
}

static int sync_folder(int parent, const char *name)
{
	AUTO_CLOSE int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

/* What is in the files is synced already. */
static int sync_tree(const struct store *store, int folder)
{
	for (size_t i = 0; i < 2; i++) {
		for (int root = 0; root < PLACE_ROOTS; root++) {
			int error =
				sync_folder(folder, arena_printf(store->arena, "%s/%s", kinds[i],
								 place_root_names[root]));

			if (error)
				return error;
		}
		if (sync_folder(folder, kinds[i]) < 0)
			return -errno;
	}
	return fsync(folder) < 0 || fsync(store->fd) < 0 ? -errno : 0;
}

int store_begin(const struct store *store, const struct state *state, const struct place *place,
		int staging)
{
	const char *name = state_name(store, state->number, true);
	AUTO_CLOSE int folder = -1;
	int error;

	store_abandon(store);
	if (mkdirat(store->fd, name, 0700) < 0)
		return -errno;
	folder = openat(store->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	error = folder < 0 ? -errno : make_tree(store, folder);
	if (!error)
		error = write_files(store, folder, state, place, staging);
	if (!error)
		error = write_state(folder, state);
	if (!error)
		error = sync_tree(store, folder);
	if (error)
		tree_remove(store->fd, name);
	return error;
}

int store_commit(const struct store *store, int number)
{
	const char *name = state_name(store, number, false);

	if (renameat(store->fd, state_name(store, number, true), store->fd, name) < 0) {
		int error = -errno;

		if (faccessat(store->fd, name, F_OK, 0) < 0)
			return error;
	}
	return fsync(store->fd) < 0 ? -errno : 0;
}

void store_abandon(const struct store *store)
{
	DIR *folder = open_store(store);
	const struct dirent *entry;

	while (folder && (entry = readdir(folder)))
		if (entry->d_name[0] == '.' && is_number(entry->d_name + 1))
			tree_remove(store->fd, entry->d_name);
	if (folder)
		closedir(folder);
}

int store_activate(const struct store *store, int number)
{
	const char *path =
		arena_printf(store->arena, "%s/active", state_name(store, number, false));
	int fd = openat(store->fd, path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

void store_prune(const struct store *store, const struct history *history, size_t keep)
{
	for (size_t i = 0; i + keep < history->count; i++) {
		const char *name = state_name(store, history->items[i].number, false);

		/* hidden first: one that is half removed is no state */
		if (renameat(store->fd, name, store->fd,
			     state_name(store, history->items[i].number, true)) < 0)
			return;
	}
	store_abandon(store);
}

void store_log(const struct store *store, const char *who, const char *text)
{
	int fd = openat(store->fd, "journal",
			O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
	FILE *out = fd < 0 ? NULL : fdopen(fd, "a");

	if (!out) {
		close_descriptor(&fd);
		return;
	}
	fprintf(out, "%s ", store_time(store->arena));
	print_escaped(out, who, strlen(who));
	fputs(": ", out);
	print_escaped(out, text, strlen(text));
	fputc('\n', out);
	fclose(out);
}

const char *store_who(struct arena *arena)
{
	const struct passwd *user = getpwuid(getuid());
	const char *name = user ? user->pw_name : arena_printf(arena, "%ld", (long)getuid());
	const char *sudo = getenv("SUDO_USER");

	name = arena_strdup(arena, name);
	return sudo && *sudo && strlen(sudo) < 64 ? arena_printf(arena, "%s (sudo: %s)", name, sudo)
						  : name;
}

const char *store_time(struct arena *arena)
{
	time_t now = time(NULL);
	struct tm parts;
	char text[32];

	gmtime_r(&now, &parts);
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts);
	return arena_strdup(arena, text);
}
