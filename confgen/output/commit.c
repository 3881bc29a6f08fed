/*
 * Puts a staged tree in the place of what is there, if that is ours to replace. See staging.h.
 *
 * The renames are atomic, so at every moment the target is the old tree or the new one. A lock on
 * the old tree keeps other runs from replacing it between the look at it and the rename; against
 * everybody else, only what was looked at is removed.
 */
#include "common/file.h"
#include "confgen/output/staging.h"
#include "confgen/output/staging_private.h"
#include "confgen/output/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Another run's commit takes milliseconds. */
#define MOST_TRIES 1000
#define PAUSE_NS   10000000L

static int refuse(struct staging *staging, struct diagnostics *list, const char *what,
		  const char *hint)
{
	const struct position whole = {.source = &staging->target};

	diagnostics_add(list, SEVERITY_ERROR, NULL, whole, "%s", what);
	diagnostics_hint(list, "%s", hint);
	return -ECANCELED;
}

static int refuse_foreign(struct staging *staging, struct diagnostics *list,
			  const struct tree *tree)
{
	const struct tree_entries *foreign = &tree->foreign;
	const char *names = "";

	for (size_t i = 0; i < foreign->count; i++)
		names = arena_printf(staging->arena, "%s%s%s%s", names, i ? ", " : "",
				     foreign->items[i].path,
				     foreign->items[i].is_folder ? "/" : "");
	return refuse(staging, list,
		      arena_printf(staging->arena,
				   "the folder holds what was not written by postern-confgen: %s%s",
				   names, tree->more_foreign ? ", ..." : ""),
		      "move it elsewhere, or write to another folder; nothing was changed");
}

/* What a failed rename of the target means. */
static int rename_error(struct staging *staging, struct diagnostics *list, int error)
{
	switch (error) {
	case ENOENT:
	case ENOTDIR:
	case EEXIST:
	case ENOTEMPTY:
		return -EAGAIN; /* it has changed since the look at it */
	case EBUSY:
	case EXDEV:
		return refuse(staging, list,
			      "the folder cannot be replaced: it is a mount point, or on another "
			      "file system than its parent",
			      "write to a folder below it");
	default:
		return -error;
	}
}

/* ---- the same tree again ---- */

static int open_file(int folder, const char *path)
{
	return openat(folder, path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
}

static bool same_file(struct staging *staging, int old_folder, const struct staged_file *file)
{
	AUTO_CLOSE int old = open_file(old_folder, file->path);
	AUTO_CLOSE int new = open_file(staging->folder, file->path);
	struct stat status, expected;
	char one[4096], other[sizeof(one)];
	ssize_t got;

	if (old < 0 || new < 0 || fstat(old, &status) < 0 || fstat(new, &expected) < 0)
		return false;
	if (!S_ISREG(status.st_mode) || (status.st_mode & 07777) != file->mode ||
	    status.st_size != expected.st_size)
		return false;
	/* regular files give all that is asked for but at their end */
	do {
		got = read(old, one, sizeof(one));
		if (got < 0 || read(new, other, sizeof(other)) != got ||
		    memcmp(one, other, (size_t)got) != 0)
			return false;
	} while (got);
	return true;
}

static bool same_tree(struct staging *staging, int old_folder, const struct tree *tree)
{
	if (tree->ours.count != staging->files.count + staging->folders.count)
		return false;
	for (size_t i = 0; i < staging->files.count; i++)
		if (!same_file(staging, old_folder, &staging->files.items[i]))
			return false;
	return true;
}

/* ---- putting in place ---- */

static int sync_folders(const struct staging *staging)
{
	for (size_t i = 0; i < staging->folders.count; i++) {
		AUTO_CLOSE int fd = openat(staging->folder, staging->folders.items[i],
					   O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

		if (fd < 0 || fsync(fd) < 0)
			return -errno;
	}
	return fsync(staging->folder) < 0 ? -errno : 0;
}

/* Where nothing is, or an empty folder: rename() replaces that, and fails on anything more. */
static int put_in_place(struct staging *staging, struct diagnostics *list)
{
	if (renameat(staging->parent, staging->hidden, staging->parent, staging->name) < 0)
		return rename_error(staging, list, errno);
	return fsync(staging->parent) < 0 ? -errno : 0;
}

/* For file systems that cannot exchange two names: the old tree goes aside first. */
static int replace_in_two_steps(struct staging *staging, struct diagnostics *list,
				const char *aside)
{
	int parent = staging->parent, error;

	if (renameat(parent, staging->name, parent, aside) < 0)
		return rename_error(staging, list, errno);
	if (renameat(parent, staging->hidden, parent, staging->name) == 0)
		return 0;
	error = rename_error(staging, list, errno);
	if (renameat(parent, aside, parent, staging->name) < 0)
		return refuse(staging, list,
			      "the old tree was moved aside and cannot be moved back",
			      arena_printf(staging->arena, "it is in '%s' beside it", aside));
	return error;
}

/* Removes the old tree, which is now `hidden`. Whatever came into it meanwhile is kept in sight. */
static void remove_old(struct staging *staging, struct diagnostics *list, int old,
		       const struct tree *tree, const char *hidden)
{
	const struct position whole = {.source = &staging->target};
	const char *kept = arena_printf(staging->arena, "%s.kept-%s", staging->name,
					strrchr(staging->hidden, '-') + 1);

	tree_remove_entries(old, &tree->ours);
	if (unlinkat(staging->parent, hidden, AT_REMOVEDIR) == 0 || errno == ENOENT)
		return;
	if (renameat(staging->parent, hidden, staging->parent, kept) < 0)
		kept = hidden;
	diagnostics_add(list, SEVERITY_WARNING, NULL, whole,
			"what could not be removed of the old tree is in '%s' beside it", kept);
}

static int replace(struct staging *staging, struct diagnostics *list, int old,
		   const struct tree *tree)
{
	const char *hidden = staging->hidden;
	int error = 0;

	if (renameat2(staging->parent, staging->hidden, staging->parent, staging->name,
		      RENAME_EXCHANGE) < 0) {
		if (errno != EINVAL && errno != ENOSYS)
			return rename_error(staging, list, errno);
		hidden = arena_printf(staging->arena, "%s" STAGING_ASIDE, staging->hidden);
		error = replace_in_two_steps(staging, list, hidden);
	}
	if (error)
		return error;
	if (fsync(staging->parent) < 0)
		error = -errno;
	remove_old(staging, list, old, tree, hidden);
	return error;
}

static int commit_over(struct staging *staging, struct diagnostics *list, int old)
{
	struct stat status;
	struct tree tree;
	int error = staging_lock(staging->parent, staging->name, old);

	if (error == -EAGAIN)
		return error;
	error = tree_read(staging->arena, old, &tree);
	if (error)
		return error;
	if (tree.foreign.count)
		return refuse_foreign(staging, list, &tree);
	if (same_tree(staging, old, &tree)) {
		staging_abort(staging);
		return 0;
	}
	if (fstat(old, &status) < 0 || fchmod(staging->folder, status.st_mode & 07777) < 0)
		return -errno;
	return tree.ours.count ? replace(staging, list, old, &tree) : put_in_place(staging, list);
}

static int try_commit(struct staging *staging, struct diagnostics *list)
{
	AUTO_CLOSE int old = openat(staging->parent, staging->name,
				    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (old >= 0)
		return commit_over(staging, list, old);
	if (errno == ENOTDIR || errno == ELOOP)
		return refuse(staging, list, "there is something here, but not a folder",
			      "move it elsewhere, or write to another folder");
	if (errno != ENOENT)
		return -errno;
	if (fchmod(staging->folder, 0755) < 0)
		return -errno;
	return put_in_place(staging, list);
}

int staging_commit(struct staging *staging, struct diagnostics *list)
{
	static const struct timespec pause = {.tv_nsec = PAUSE_NS};
	int error = sync_folders(staging);

	for (int tries = 0; !error || error == -EAGAIN; tries++) {
		error = try_commit(staging, list);
		if (error != -EAGAIN)
			break;
		if (tries == MOST_TRIES)
			return refuse(staging, list, "another program keeps the folder locked",
				      "try again when it has ended");
		nanosleep(&pause, NULL);
	}
	if (!error)
		staging_close(staging);
	return error;
}
