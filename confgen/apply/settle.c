/* The end of a transaction, in either direction; see settle.h. */
#include "confgen/apply/settle.h"
#include "common/file.h"
#include "confgen/apply/copy.h"
#include "confgen/output/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <unistd.h>

#define JOURNAL_LIMIT ((size_t)16 << 20)

int settle_write(const struct settlement *settlement)
{
	const char *postern = settlement->place->folders[ROOT_POSTERN];
	json_t *files = json_array(), *journal;
	char *text;
	int error;

	for (size_t i = 0; i < settlement->files.count; i++) {
		const struct state_file *file = &settlement->files.items[i];

		json_array_append_new(files,
				      json_pack("{s:s, s:b, s:b}", "path", file->path, "before",
						file->before, "after", file->after));
	}
	journal = json_pack("{s:i, s:i, s:s?, s:o}", "format", APPLY_FORMAT, "state",
			    settlement->number, "postern", postern, "files", files);
	text = journal ? json_dumps(journal, JSON_INDENT(2)) : NULL;
	json_decref(journal);
	if (!text)
		return -ENOMEM;
	/* a part of it must never be taken for the whole */
	error = file_create(settlement->staging, SETTLE_JOURNAL ".tmp", 0600, text, strlen(text));
	free(text);
	if (!error && renameat(settlement->staging, SETTLE_JOURNAL ".tmp", settlement->staging,
			       SETTLE_JOURNAL) < 0)
		error = -errno;
	if (!error && fsync(settlement->staging) < 0)
		error = -errno;
	return error;
}

/* A link becomes the file that it leads to, or nothing. What is no link of ours is done already. */
static int settle_file(const struct settlement *settlement, const struct state_file *file,
		       const char *tree, bool there)
{
	const char *name;
	enum place_root root;
	int fd;

	if (!place_split(file->path, &root, &name))
		return -EINVAL;
	if (!place_is_linked(settlement->arena, settlement->place, file->path))
		return 0;
	fd = settlement->place->fds[root];
	if (there)
		return copy_move(settlement->staging,
				 arena_printf(settlement->arena, "%s/%s", tree, file->path), fd,
				 name);
	return unlinkat(fd, name, 0) < 0 && errno != ENOENT ? -errno : 0;
}

static int sync_roots(const struct place *place)
{
	for (int root = 0; root < PLACE_ROOTS; root++)
		if (place->fds[root] >= 0 && fsync(place->fds[root]) < 0)
			return -errno;
	return 0;
}

/* The journal goes first: without it, all that is left of a transaction can just be removed. */
static int remove_staging(const struct settlement *settlement)
{
	const struct place *place = settlement->place;
	int error;

	for (int root = 0; root < PLACE_ROOTS; root++)
		if (place->fds[root] >= 0)
			unlinkat(place->fds[root], COPY_TEMPORARY, 0);
	if (unlinkat(settlement->staging, SETTLE_JOURNAL, 0) < 0 && errno != ENOENT)
		return -errno;
	if (fsync(settlement->staging) < 0)
		return -errno;
	error = tree_remove(place->fds[ROOT_CONFIG], PLACE_STAGING);
	return error ? error : sync_roots(place);
}

int settle_forward(const struct settlement *settlement)
{
	int error = 0;

	for (size_t i = 0; i < settlement->files.count && !error; i++)
		error = settle_file(settlement, &settlement->files.items[i], "new",
				    settlement->files.items[i].after);
	if (!error)
		error = sync_roots(settlement->place);
	if (!error)
		error = store_commit(settlement->store, settlement->number);
	return error ? error : remove_staging(settlement);
}

int settle_back(const struct settlement *settlement)
{
	int error = 0;

	for (size_t i = 0; i < settlement->files.count && !error; i++)
		error = settle_file(settlement, &settlement->files.items[i], "old",
				    settlement->files.items[i].before);
	if (!error)
		error = sync_roots(settlement->place);
	if (error)
		return error;
	store_abandon(settlement->store);
	return remove_staging(settlement);
}

/* ---- what a killed run left ---- */

static int open_staging(const struct place *place)
{
	return openat(place->fds[ROOT_CONFIG], PLACE_STAGING,
		      O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

bool settle_is_pending(const struct place *place)
{
	AUTO_CLOSE int fd = open_staging(place);

	return fd >= 0;
}

static int read_journal(struct settlement *settlement, const char **postern)
{
	AUTO_CLOSE int fd = openat(settlement->staging, SETTLE_JOURNAL,
				   O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	const json_t *files, *format, *item;
	json_t *journal;
	size_t length, at;
	bool known;
	char *text;
	int error;

	if (fd < 0)
		return -errno;
	error = file_read_fd(settlement->arena, fd, JOURNAL_LIMIT, &text, &length);
	if (error)
		return error;
	journal = json_loadb(text, length, 0, NULL);
	settlement->number = (int)json_integer_value(json_object_get(journal, "state"));
	*postern = json_string_value(json_object_get(journal, "postern"));
	*postern = *postern ? arena_strdup(settlement->arena, *postern) : NULL;
	files = json_object_get(journal, "files");
	json_array_foreach (files, at, item) {
		const char *path = json_string_value(json_object_get(item, "path"));

		*arena_push(settlement->arena, &settlement->files) = (struct state_file){
			arena_strdup(settlement->arena, path ? path : ""),
			json_is_true(json_object_get(item, "before")),
			json_is_true(json_object_get(item, "after")),
		};
	}
	format = json_object_get(journal, "format");
	known = !format || json_integer_value(format) == APPLY_FORMAT;
	json_decref(journal);
	return known && settlement->number > 0 ? 0 : -EBADMSG;
}

static bool is_turned(const struct settlement *settlement)
{
	char target[8] = "";
	ssize_t length = readlinkat(settlement->staging, SETTLE_CURRENT, target, sizeof(target));

	return length == 3 && memcmp(target, "new", 3) == 0;
}

/* The second folder is the one that the killed run wrote to. */
static int settle_journal(struct settlement *settlement, const char *postern,
			  enum settle_result *result)
{
	const bool forward = is_turned(settlement);
	struct place place;
	int error = place_open(settlement->arena, settlement->place->folders[ROOT_CONFIG], postern,
			       &place);

	settlement->place = &place;
	if (!error)
		error = forward ? settle_forward(settlement) : settle_back(settlement);
	place_close(&place);
	if (!error)
		*result = forward ? SETTLE_FINISHED : SETTLE_UNDONE;
	return error;
}

int settle_recover(struct arena *arena, struct place *place, const struct store *store,
		   enum settle_result *result)
{
	AUTO_CLOSE int staging = open_staging(place);
	struct settlement settlement = {
		.arena = arena, .place = place, .store = store, .staging = staging};
	const char *postern = NULL;
	struct stat status;
	int error;

	if (staging < 0 && errno == ENOENT) {
		store_abandon(store);
		*result = SETTLE_NOTHING;
		return 0;
	}
	if (staging < 0)
		return -errno;
	if (fstat(staging, &status) < 0)
		return -errno;
	if (status.st_uid != geteuid())
		return -EPERM;
	error = read_journal(&settlement, &postern);
	if (error == -ENOENT) {
		/* no file was touched yet, or all are settled */
		store_abandon(store);
		error = remove_staging(&settlement);
		if (!error)
			*result = SETTLE_NOTHING;
		return error;
	}
	return error ? error : settle_journal(&settlement, postern, result);
}
