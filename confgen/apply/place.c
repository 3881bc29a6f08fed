/* The folders that files are applied to; see place.h. */
#include "confgen/apply/place.h"
#include "common/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/statvfs.h>
#include <unistd.h>

const char *const place_root_names[PLACE_ROOTS] = {"config", "postern"};

static int open_root(struct arena *arena, const char *path, struct place *place, int root)
{
	char *real = realpath(path, NULL);

	if (!real)
		return -errno;
	place->folders[root] = arena_strdup(arena, real);
	free(real);
	place->fds[root] =
		open(place->folders[root], O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return place->fds[root] < 0 ? -errno : 0;
}

int place_open(struct arena *arena, const char *config, const char *postern, struct place *out)
{
	int error;

	*out = (struct place){.fds = {-1, -1}};
	error = open_root(arena, config, out, ROOT_CONFIG);
	if (error || !postern)
		return error;
	error = open_root(arena, postern, out, ROOT_POSTERN);
	if (error == -ENOENT)
		out->folders[ROOT_POSTERN] = arena_strdup(arena, postern);
	return error == -ENOENT ? 0 : error;
}

void place_close(struct place *place)
{
	for (int i = 0; i < PLACE_ROOTS; i++) {
		close_descriptor(&place->fds[i]);
		place->fds[i] = -1;
	}
}

bool place_split(const char *path, enum place_root *root, const char **name)
{
	for (int i = 0; i < PLACE_ROOTS; i++) {
		size_t length = strlen(place_root_names[i]);

		if (strncmp(path, place_root_names[i], length) != 0 || path[length] != '/')
			continue;
		*root = (enum place_root)i;
		*name = path + length + 1;
		/* no hidden names: those are for temporary files */
		return **name && **name != '.' && !strchr(*name, '/') && strlen(*name) <= NAME_MAX;
	}
	return false;
}

const char *place_display(struct arena *arena, const struct place *place, const char *path)
{
	enum place_root root;
	const char *name;

	if (!place_split(path, &root, &name) || !place->folders[root])
		return path;
	return arena_printf(arena, "%s/%s", place->folders[root], name);
}

const char *place_link(struct arena *arena, const struct place *place, const char *path)
{
	bool near = strncmp(path, "config/", strlen("config/")) == 0;

	/* within the folder the link is relative: a container sees it somewhere else */
	return arena_printf(arena, "%s%s" PLACE_STAGING "/current/%s",
			    near ? "" : place->folders[ROOT_CONFIG], near ? "" : "/", path);
}

bool place_is_linked(struct arena *arena, const struct place *place, const char *path)
{
	char target[PATH_MAX];
	enum place_root root;
	const char *name;
	ssize_t length;

	if (!place_split(path, &root, &name) || place->fds[root] < 0)
		return false;
	length = readlinkat(place->fds[root], name, target, sizeof(target) - 1);
	if (length < 0)
		return false;
	target[length] = '\0';
	return strcmp(target, place_link(arena, place, path)) == 0;
}

static int read_fd(struct arena *arena, int fd, struct placed *placed)
{
	char *text;
	int error;

	if (fstat(fd, &placed->status) < 0)
		return -errno;
	if (S_ISDIR(placed->status.st_mode))
		return -EISDIR;
	if (!S_ISREG(placed->status.st_mode))
		return -EINVAL;
	error = file_read_fd(arena, fd, PLACE_FILE_LIMIT, &text, &placed->text.length);
	if (error)
		return error;
	placed->text.text = text;
	placed->there = true;
	return 0;
}

int place_read(struct arena *arena, const struct place *place, const char *path, struct placed *out)
{
	struct placed placed = {.text = {place_display(arena, place, path), NULL, 0}};
	enum place_root root;
	const char *name;
	int error;

	if (!place_split(path, &root, &name))
		return -EINVAL;
	if (place->fds[root] >= 0) {
		const int flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
		AUTO_CLOSE int fd = openat(place->fds[root], name, flags | O_NOFOLLOW);

		if (fd < 0 && errno == ELOOP && place_is_linked(arena, place, path)) {
			AUTO_CLOSE int target = openat(place->fds[root], name, flags);

			placed.linked = true;
			error = target >= 0 ? read_fd(arena, target, &placed) : -errno;
		} else {
			error = fd >= 0 ? read_fd(arena, fd, &placed) : -errno;
		}
		if (error && error != -ENOENT)
			return error;
	}
	*out = placed;
	return 0;
}

struct position place_position(struct arena *arena, const char *name)
{
	struct source *source = arena_alloc(arena, sizeof(*source));

	source->name = name;
	return (struct position){.source = source};
}

static void refuse(struct arena *arena, struct diagnostics *list, const char *name,
		   const char *what, const char *hint)
{
	diagnostics_add(list, SEVERITY_ERROR, NULL, place_position(arena, name), "%s", what);
	diagnostics_hint(list, "%s", hint);
}

static bool is_immutable(int fd)
{
	int flags = 0;

	return ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0 &&
	       (flags & (FS_IMMUTABLE_FL | FS_APPEND_FL));
}

static void check_folder(struct arena *arena, const char *name, int fd, struct diagnostics *list)
{
	struct statvfs system;
	struct stat status;

	if (fstatvfs(fd, &system) == 0 && (system.f_flag & ST_RDONLY))
		refuse(arena, list, name, "the file system is read-only",
		       "mount it for writing first");
	else if (is_immutable(fd))
		refuse(arena, list, name, "the folder is immutable", "see chattr(1), lsattr(1)");
	else if (faccessat(fd, ".", W_OK | X_OK, AT_EACCESS) < 0)
		refuse(arena, list, name, "you may not write here", "run this as root");
	if (fstat(fd, &status) < 0)
		return;
	if (status.st_mode & S_IWOTH)
		refuse(arena, list, name, "everybody may write in this folder",
		       "chmod o-w it: others could change files while they are applied");
	else if (status.st_uid != 0 && status.st_uid != geteuid() && geteuid() != 0)
		refuse(arena, list, name, "the folder belongs to somebody else",
		       "run this as its owner, or as root");
}

void place_check_folders(struct arena *arena, const struct place *place, struct diagnostics *list)
{
	for (int i = 0; i < PLACE_ROOTS; i++)
		if (place->fds[i] >= 0)
			check_folder(arena, place->folders[i], place->fds[i], list);
}

void place_check_file(struct arena *arena, const struct place *place, const char *path,
		      struct diagnostics *list)
{
	const char *display = place_display(arena, place, path), *name;
	enum place_root root;
	struct stat status;

	if (!place_split(path, &root, &name) || place->fds[root] < 0 ||
	    fstatat(place->fds[root], name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return;
	if (S_ISLNK(status.st_mode) && !place_is_linked(arena, place, path)) {
		refuse(arena, list, display, "this is a symbolic link",
		       "replace it by the file that it leads to: what is linked here belongs to "
		       "somebody else");
	} else if (S_ISREG(status.st_mode)) {
		AUTO_CLOSE int fd = openat(place->fds[root], name,
					   O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

		if (fd >= 0 && is_immutable(fd))
			refuse(arena, list, display, "the file is immutable",
			       "see chattr(1), lsattr(1)");
	} else if (!S_ISLNK(status.st_mode)) {
		refuse(arena, list, display, "this is not a file", "move it elsewhere");
	}
}
