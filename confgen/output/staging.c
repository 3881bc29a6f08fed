/*
 * The hidden folder in which a tree grows until it is put in place (commit.c): where it is, what is
 * added to it, and what becomes of the ones that killed runs left. See staging.h.
 */
#include "confgen/output/staging.h"
#include "common/file.h"
#include "confgen/output/staging_private.h"
#include "confgen/output/tree.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define RANDOM_PART	"XXXXXX"
#define LONGEST_NAME	200  /* of the target's name that the hidden one repeats; NAME_MAX is 255 */
#define ABANDONED_AFTER 3600 /* seconds; only where the file system has no locks */

int staging_lock(int parent, const char *name, int fd)
{
	struct stat named, opened;

	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK || errno == EINTR ? -EAGAIN : -ENOLCK;
	if (fstat(fd, &opened) < 0 || fstatat(parent, name, &named, AT_SYMLINK_NOFOLLOW) < 0 ||
	    named.st_dev != opened.st_dev || named.st_ino != opened.st_ino)
		return -EAGAIN;
	return 0;
}

void staging_close(struct staging *staging)
{
	close_descriptor(&staging->folder);
	close_descriptor(&staging->parent);
	staging->folder = -1;
	staging->parent = -1;
}

const char *staging_path(const struct staging *staging)
{
	return staging->path;
}

/* ---- beginning ---- */

/* What hidden names beside this target begin with. */
static const char *hidden_prefix(struct arena *arena, const char *name)
{
	return arena_printf(arena, ".%.*s.postern-", LONGEST_NAME, name);
}

static int split_existing(struct arena *arena, const char *path, char **parent, char **name)
{
	char *slash = strrchr(path, '/');
	struct stat status;

	if (stat(path, &status) < 0)
		return -errno;
	if (!S_ISDIR(status.st_mode))
		return -ENOTDIR;
	if (slash[1] == '\0')
		return -EBUSY;
	*parent = slash == path ? arena_strdup(arena, "/")
				: arena_strndup(arena, path, (size_t)(slash - path));
	*name = arena_strdup(arena, slash + 1);
	return 0;
}

static int split_absent(struct arena *arena, const char *target, char **parent, char **name)
{
	char *path = arena_strdup(arena, target), *slash, *resolved;
	size_t length = strlen(path);
	struct stat status;

	while (length && path[length - 1] == '/')
		path[--length] = '\0';
	/* realpath() has not found it, so this can only be a link to nowhere */
	if (lstat(path, &status) == 0)
		return -ENOTDIR;
	slash = strrchr(path, '/');
	if (slash)
		*slash = '\0';
	resolved = realpath(!slash ? "." : slash == path ? "/" : path, NULL);
	if (!resolved)
		return -errno;
	*name = slash ? slash + 1 : path;
	*parent = arena_strdup(arena, resolved);
	free(resolved);
	return **name ? 0 : -ENOENT;
}

/* The folder that holds the target, and the target's name there. */
static int split_target(struct arena *arena, const char *target, char **parent, char **name)
{
	char *resolved = realpath(target, NULL);
	int error;

	if (!resolved)
		return errno == ENOENT ? split_absent(arena, target, parent, name) : -errno;
	error = split_existing(arena, resolved, parent, name);
	free(resolved);
	return error;
}

/*
 * Whether the hidden folder `name`, opened as `fd`, was left by a run that is gone. It is locked
 * then, so that nobody else takes it for abandoned, too.
 */
static bool is_abandoned(int parent, const char *name, int fd)
{
	struct stat status;
	int error = staging_lock(parent, name, fd);

	if (fstat(fd, &status) < 0 || status.st_uid != geteuid())
		return false;
	return error == 0 || (error == -ENOLCK && time(NULL) - status.st_mtime > ABANDONED_AFTER);
}

/* An old tree that a killed run has moved aside goes back, all else goes away. */
static void clear_leftover(const struct staging *staging, const char *hidden)
{
	size_t length = strlen(hidden), aside = strlen(STAGING_ASIDE);
	AUTO_CLOSE int fd =
		openat(staging->parent, hidden, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 || !is_abandoned(staging->parent, hidden, fd))
		return;
	if (length > aside && strcmp(hidden + length - aside, STAGING_ASIDE) == 0 &&
	    faccessat(staging->parent, staging->name, F_OK, AT_SYMLINK_NOFOLLOW) < 0 &&
	    renameat(staging->parent, hidden, staging->parent, staging->name) == 0)
		return;
	tree_remove(staging->parent, hidden);
}

static void clear_leftovers(const struct staging *staging, const char *prefix)
{
	size_t length = strlen(prefix), random = strlen(RANDOM_PART);
	int fd = openat(staging->parent, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *folder = fd < 0 ? NULL : fdopendir(fd);

	if (!folder) {
		close_descriptor(&fd);
		return;
	}
	for (const struct dirent *entry; (entry = readdir(folder));) {
		const char *rest = entry->d_name + length;

		if (strncmp(entry->d_name, prefix, length) == 0 && strlen(rest) >= random &&
		    (!rest[random] || strcmp(rest + random, STAGING_ASIDE) == 0))
			clear_leftover(staging, entry->d_name);
	}
	closedir(folder);
}

/* Makes the hidden folder and locks it. -EAGAIN: another run took it for abandoned in between. */
static int make_hidden(struct staging *staging, const char *parent, const char *prefix)
{
	char *path = arena_printf(staging->arena, "%s/%s" RANDOM_PART, parent, prefix);
	int error;

	if (!mkdtemp(path))
		return -errno;
	staging->path = path;
	staging->hidden = strrchr(path, '/') + 1;
	/* mkdtemp() heeds the umask, which may keep even us out */
	if (fchmodat(staging->parent, staging->hidden, 0700, 0) < 0)
		return errno == ENOENT ? -EAGAIN : -errno;
	staging->folder = openat(staging->parent, staging->hidden,
				 O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (staging->folder < 0)
		return errno == ENOENT ? -EAGAIN : -errno;
	error = staging_lock(staging->parent, staging->hidden, staging->folder);
	if (error != -EAGAIN)
		return 0;
	close_descriptor(&staging->folder);
	staging->folder = -1;
	return error;
}

int staging_begin(struct arena *arena, const char *target, struct staging **out)
{
	struct staging *staging = arena_alloc(arena, sizeof(*staging));
	const char *prefix;
	char *parent = NULL, *name = NULL;
	int error = split_target(arena, target, &parent, &name);

	if (error)
		return error;
	assert(parent && name);
	*staging = (struct staging){
		.arena = arena,
		.target.name = arena_strdup(arena, target),
		.parent = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
		.name = name,
		.folder = -1,
	};
	if (staging->parent < 0)
		return -errno;
	prefix = hidden_prefix(arena, name);
	clear_leftovers(staging, prefix);
	do
		error = make_hidden(staging, parent, prefix);
	while (error == -EAGAIN);
	if (error) {
		staging_close(staging);
		return error;
	}
	*out = staging;
	return 0;
}

/* ---- adding ---- */

static bool is_relative_path(const char *path)
{
	for (;;) {
		size_t length = strcspn(path, "/");

		if (length == 0 || (length == 1 && path[0] == '.') ||
		    (length == 2 && path[0] == '.' && path[1] == '.'))
			return false;
		if (path[length] == '\0')
			return true;
		path += length + 1;
	}
}

static int make_folders(struct staging *staging, const char *path)
{
	for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		const char *folder = arena_strndup(staging->arena, path, (size_t)(slash - path));

		if (mkdirat(staging->folder, folder, 0755) == 0) {
			*arena_push(staging->arena, &staging->folders) = folder;
			if (fchmodat(staging->folder, folder, 0755, 0) < 0)
				return -errno;
		} else if (errno != EEXIST) {
			return -errno;
		}
	}
	return 0;
}

int staging_add(struct staging *staging, const char *path, mode_t mode, const char *text,
		size_t length)
{
	int error = is_relative_path(path) ? make_folders(staging, path) : -EINVAL;

	if (!error)
		error = file_create(staging->folder, path, mode, text, length);
	if (!error)
		*arena_push(staging->arena, &staging->files) =
			(struct staged_file){arena_strdup(staging->arena, path), mode};
	/* a part of the path is a file already */
	return error == -ENOTDIR ? -EEXIST : error;
}

void staging_abort(struct staging *staging)
{
	if (!staging || staging->folder < 0)
		return;
	tree_remove(staging->parent, staging->hidden);
	staging_close(staging);
}
