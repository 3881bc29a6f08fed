/* Several files change in one instant; see transaction.h. */
#include "confgen/apply/transaction.h"
#include "common/file.h"
#include "confgen/apply/copy.h"
#include "confgen/apply/settle.h"
#include "confgen/output/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static const char *const trees[] = {"new", "old"};
#define PREVIEW "preview"

static int make_folders(struct transaction *transaction)
{
	for (size_t i = 0; i < sizeof(trees) / sizeof(*trees); i++) {
		if (mkdirat(transaction->staging, trees[i], 0755) < 0)
			return -errno;
		for (int root = 0; root < PLACE_ROOTS; root++)
			if (mkdirat(transaction->staging,
				    arena_printf(transaction->arena, "%s/%s", trees[i],
						 place_root_names[root]),
				    0755) < 0)
				return -errno;
	}
	return mkdirat(transaction->staging, PREVIEW, 0755) < 0 ? -errno : 0;
}

static bool needs_root(const struct changed_files *files, enum place_root wanted)
{
	for (size_t i = 0; i < files->count; i++) {
		enum place_root root;
		const char *name;

		if (place_split(files->items[i].path, &root, &name) && root == wanted)
			return true;
	}
	return false;
}

/* The folder of the second root may have to be made; an empty one does no harm. */
static int make_roots(struct place *place, const struct changed_files *files)
{
	for (int root = 0; root < PLACE_ROOTS; root++) {
		if (place->fds[root] >= 0 || !place->folders[root] ||
		    !needs_root(files, (enum place_root)root))
			continue;
		if (mkdir(place->folders[root], 0755) < 0 && errno != EEXIST)
			return -errno;
		place->fds[root] =
			open(place->folders[root], O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (place->fds[root] < 0)
			return -errno;
	}
	return 0;
}

static int set_owner(int fd, const struct changed_file *file)
{
	struct stat made;

	if (fstat(fd, &made) < 0)
		return -errno;
	if ((made.st_uid != file->uid || made.st_gid != file->gid) &&
	    fchown(fd, file->uid, file->gid) < 0)
		return -errno;
	return 0;
}

/* A new file; it keeps the access control list of the one that it replaces. */
static int write_new(struct transaction *transaction, const struct changed_file *file)
{
	const char *path = arena_printf(transaction->arena, "new/%s", file->path), *name;
	enum place_root root;
	int error;

	if (!place_split(file->path, &root, &name))
		return -EINVAL;
	if (file->copy_of)
		return copy_file(AT_FDCWD, file->copy_of, transaction->staging, path);
	error = file_create(transaction->staging, path, 0600, file->text, file->length);
	if (error)
		return error;
	{
		AUTO_CLOSE int fd =
			openat(transaction->staging, path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
		AUTO_CLOSE int old = openat(transaction->place->fds[root], name,
					    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

		if (fd < 0)
			return -errno;
		error = set_owner(fd, file);
		if (!error && old >= 0)
			copy_attributes(old, fd);
		if (!error && fchmod(fd, file->mode) < 0)
			error = -errno;
		if (!error && fsync(fd) < 0)
			error = -errno;
	}
	return error;
}

int transaction_begin(struct arena *arena, struct place *place, const struct store *store,
		      struct changed_files *files, struct transaction *out)
{
	struct transaction transaction = {arena, place, store, files, .staging = -1};
	const char *folder = place->folders[ROOT_CONFIG];
	int error = make_roots(place, files);

	if (error)
		return error;
	if (mkdirat(place->fds[ROOT_CONFIG], PLACE_STAGING, 0755) < 0)
		return errno == EEXIST ? -EBUSY : -errno;
	transaction.staging = openat(place->fds[ROOT_CONFIG], PLACE_STAGING,
				     O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	/* whatever the umask: Postfix's own users must get through */
	if (transaction.staging < 0 || fchmod(transaction.staging, 0755) < 0)
		error = -errno;
	if (!error)
		error = make_folders(&transaction);
	for (size_t i = 0; i < files->count && !error; i++)
		if (files->items[i].after && !files->items[i].made)
			error = write_new(&transaction, &files->items[i]);
	if (error) {
		transaction_abort(&transaction);
		return error;
	}
	transaction.new_config = arena_printf(arena, "%s/" PLACE_STAGING "/new/config", folder);
	transaction.preview = arena_printf(arena, "%s/" PLACE_STAGING "/" PREVIEW, folder);
	*out = transaction;
	return 0;
}

void transaction_abort(struct transaction *transaction)
{
	if (transaction->staging < 0)
		return;
	close(transaction->staging);
	transaction->staging = -1;
	tree_remove(transaction->place->fds[ROOT_CONFIG], PLACE_STAGING);
}

/* ---- commit ---- */

static int sync_staging(const struct transaction *transaction)
{
	for (size_t i = 0; i < sizeof(trees) / sizeof(*trees); i++)
		for (int root = 0; root < PLACE_ROOTS; root++) {
			AUTO_CLOSE int fd = openat(transaction->staging,
						   arena_printf(transaction->arena, "%s/%s",
								trees[i], place_root_names[root]),
						   O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

			if (fd < 0 || fsync(fd) < 0)
				return -errno;
		}
	return fsync(transaction->staging) < 0 ? -errno : 0;
}

/* The old file keeps its place on the disk: a second name for it is enough. */
static int keep_old(const struct transaction *transaction, const struct changed_file *file)
{
	const char *old = arena_printf(transaction->arena, "old/%s", file->path), *name;
	enum place_root root;

	if (!file->before.there)
		return 0;
	place_split(file->path, &root, &name);
	if (linkat(transaction->place->fds[root], name, transaction->staging, old, 0) == 0)
		return 0;
	/* another file system, or one without such names */
	return copy_file(transaction->place->fds[root], name, transaction->staging, old);
}

/* Whether the file in the folder and the one that was kept are the planned one still. */
static int verify_old(const struct transaction *transaction, const struct changed_file *file)
{
	const char *name;
	enum place_root root;
	struct stat status;
	struct placed now;
	int error = place_read(transaction->arena, transaction->place, file->path, &now);

	if (error)
		return error;
	place_split(file->path, &root, &name);
	if (now.there != file->before.there)
		return -ESTALE;
	if (!now.there)
		return 0;
	if (now.text.length != file->before.text.length ||
	    memcmp(now.text.text, file->before.text.text, now.text.length) != 0)
		return -ESTALE;
	if (now.linked)
		return 0;
	if (fstatat(transaction->staging, arena_printf(transaction->arena, "old/%s", file->path),
		    &status, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	return status.st_size == now.status.st_size ? 0 : -ESTALE;
}

static int place_links(const struct transaction *transaction)
{
	for (size_t i = 0; i < transaction->files->count; i++) {
		const struct changed_file *file = &transaction->files->items[i];
		const char *name;
		enum place_root root;
		int error = verify_old(transaction, file), fd;

		if (error)
			return error;
		place_split(file->path, &root, &name);
		fd = transaction->place->fds[root];
		unlinkat(fd, COPY_TEMPORARY, 0);
		if (symlinkat(place_link(transaction->arena, transaction->place, file->path), fd,
			      COPY_TEMPORARY) < 0 ||
		    renameat(fd, COPY_TEMPORARY, fd, name) < 0)
			return -errno;
	}
	for (int root = 0; root < PLACE_ROOTS; root++)
		if (transaction->place->fds[root] >= 0 && fsync(transaction->place->fds[root]) < 0)
			return -errno;
	/* who wrote into an open file meanwhile would be lost otherwise */
	for (size_t i = 0; i < transaction->files->count; i++) {
		int error = verify_old(transaction, &transaction->files->items[i]);

		if (error)
			return error;
	}
	return 0;
}

/* The instant. */
static int turn(const struct transaction *transaction)
{
	if (symlinkat("new", transaction->staging, "next") < 0 ||
	    renameat(transaction->staging, "next", transaction->staging, SETTLE_CURRENT) < 0)
		return -errno;
	return 0;
}

/* All that can be done without a reader seeing any of it. */
static int prepare(const struct transaction *transaction, const struct settlement *settlement,
		   const struct state *state)
{
	int error =
		store_begin(transaction->store, state, transaction->place, transaction->staging);

	for (size_t i = 0; i < transaction->files->count && !error; i++)
		error = keep_old(transaction, &transaction->files->items[i]);
	if (!error && symlinkat("old", transaction->staging, SETTLE_CURRENT) < 0)
		error = -errno;
	if (!error)
		error = sync_staging(transaction);
	return error ? error : settle_write(settlement);
}

int transaction_commit(struct transaction *transaction, const struct state *state)
{
	const struct settlement settlement = {
		transaction->arena,   transaction->place, transaction->store,
		transaction->staging, state->number,	  state->files,
	};
	int error = prepare(transaction, &settlement, state);

	if (!error)
		error = place_links(transaction);
	if (!error)
		error = turn(transaction);
	if (error) {
		int undone = settle_back(&settlement);

		close(transaction->staging);
		transaction->staging = -1;
		return undone ? -EINPROGRESS : error;
	}
	error = fsync(transaction->staging) < 0 ? -errno : settle_forward(&settlement);
	close(transaction->staging);
	transaction->staging = -1;
	return error ? -EINPROGRESS : 0;
}
