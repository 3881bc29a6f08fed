/* Files read whole and written whole; see file.h. */
#include "common/file.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdbool.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_SIZE ((size_t)4096) /* of the first buffer */

void close_descriptor(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

/* A buffer twice as large in place of `old`, which is wiped: the file may hold a secret. */
static char *enlarge(char *old, size_t size)
{
	char *larger = malloc(size * 2);

	if (larger)
		memcpy(larger, old, size);
	explicit_bzero(old, size);
	free(old);
	return larger;
}

/* Reads to the end into `*buffer`, which grows; NULL when memory ran out. */
static int read_all(int fd, size_t limit, char **buffer, size_t size, size_t *used)
{
	while (*buffer) {
		ssize_t got = read(fd, *buffer + *used, size - *used);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			return 0;
		*used += (size_t)got;
		if (*used > limit)
			return -EFBIG;
		if (*used == size) {
			*buffer = enlarge(*buffer, size);
			size *= 2;
		}
	}
	return -ENOMEM;
}

int file_read_fd(struct arena *arena, int fd, size_t limit, char **text, size_t *length)
{
	size_t used = 0;
	char *buffer = malloc(READ_SIZE), *copy = NULL;
	int error = read_all(fd, limit, &buffer, READ_SIZE, &used);

	if (!error) {
		copy = arena_strndup(arena, buffer, used);
		error = copy ? 0 : -ENOMEM;
	}
	if (buffer)
		explicit_bzero(buffer, used);
	free(buffer);
	if (error)
		return error;
	*text = copy;
	*length = used;
	return 0;
}

static int read_path(struct arena *arena, const char *path, bool pipes, size_t limit, char **text,
		     size_t *length)
{
	/* a pipe that nobody writes to would keep open() waiting */
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | (pipes ? 0 : O_NONBLOCK));
	struct stat status;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &status) < 0)
		return -errno;
	if (S_ISDIR(status.st_mode))
		return -EISDIR;
	if (!S_ISREG(status.st_mode) && !(pipes && S_ISFIFO(status.st_mode)))
		return -EINVAL;
	if (S_ISREG(status.st_mode) && (unsigned long long)status.st_size > limit)
		return -EFBIG;
	return file_read_fd(arena, fd, limit, text, length);
}

int file_read(struct arena *arena, const char *path, size_t limit, char **text, size_t *length)
{
	return read_path(arena, path, true, limit, text, length);
}

int file_read_regular(struct arena *arena, const char *path, size_t limit, char **text,
		      size_t *length)
{
	return read_path(arena, path, false, limit, text, length);
}

bool file_is_below(const char *folder, const char *path)
{
	char *home = realpath(folder, NULL), *real = realpath(path, NULL);
	size_t length = home ? strlen(home) : 0;
	bool below = home && real && strncmp(real, home, length) == 0 &&
		     (real[length] == '/' || strcmp(home, "/") == 0);

	free(home);
	free(real);
	return below;
}

static int write_all(int fd, const char *text, size_t length)
{
	while (length) {
		ssize_t put = write(fd, text, length);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -errno;
		text += put;
		length -= (size_t)put;
	}
	return 0;
}

int file_create(int dirfd, const char *name, mode_t mode, const char *text, size_t length)
{
	int fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	int error;

	if (fd < 0)
		return -errno;
	error = write_all(fd, text, length);
	if (!error && fchmod(fd, mode) < 0)
		error = -errno;
	if (!error && fsync(fd) < 0)
		error = -errno;
	if (close(fd) < 0 && !error)
		error = -errno;
	if (error)
		unlinkat(dirfd, name, 0);
	return error;
}

/* -ESTALE unless the file holds exactly this. */
static int compare_file(const char *path, const char *text, size_t length)
{
	struct arena *arena = arena_new(0);
	char *now;
	size_t now_length;
	int error = file_read(arena, path, length, &now, &now_length);

	if (error == -EFBIG || (!error && (now_length != length || memcmp(now, text, length) != 0)))
		error = -ESTALE;
	arena_free(arena);
	return error;
}

/* The owner before the mode: changing it takes set-user-id bits away. */
static int copy_ownership(int dirfd, const char *name, const struct stat *status)
{
	struct stat made;

	if (fstatat(dirfd, name, &made, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if ((made.st_uid != status->st_uid || made.st_gid != status->st_gid) &&
	    fchownat(dirfd, name, status->st_uid, status->st_gid, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	return fchmodat(dirfd, name, status->st_mode & 07777, 0) < 0 ? -errno : 0;
}

static int replace_at(int dirfd, const char *name, const char *text, size_t length)
{
	char beside[NAME_MAX + 1];
	struct stat status;
	bool there = fstatat(dirfd, name, &status, 0) == 0;
	int error;

	if (snprintf(beside, sizeof(beside), ".%s.%ld", name, (long)getpid()) >=
	    (int)sizeof(beside))
		return -ENAMETOOLONG;
	/* closed to others until it has its owner */
	error = file_create(dirfd, beside, there ? 0600 : 0644, text, length);
	if (error)
		return error;
	if (there)
		error = copy_ownership(dirfd, beside, &status);
	if (!error && renameat(dirfd, beside, dirfd, name) < 0)
		error = -errno;
	if (error)
		unlinkat(dirfd, beside, 0);
	else if (fsync(dirfd) < 0)
		error = -errno;
	return error;
}

/* A file renamed over /dev/null would break the machine. */
static int refuse_device(const char *path)
{
	struct stat status;

	if (stat(path, &status) < 0 || S_ISREG(status.st_mode))
		return 0;
	return S_ISDIR(status.st_mode) ? -EISDIR : -EINVAL;
}

int file_replace(const char *path, const char *before, size_t before_length, const char *text,
		 size_t length)
{
	char *real = realpath(path, NULL), *slash;
	int error = before ? compare_file(path, before, before_length) : refuse_device(path);

	if (!real && errno == ENOENT)
		real = strdup(path);
	if (!real || error) {
		error = error ? error : -errno;
		free(real);
		return error;
	}
	slash = strrchr(real, '/');
	if (slash)
		*slash = '\0';
	{
		AUTO_CLOSE int dirfd = open(!slash	    ? "."
					    : slash == real ? "/"
							    : real,
					    O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		error = dirfd < 0 ? -errno
				  : replace_at(dirfd, slash ? slash + 1 : real, text, length);
	}
	free(real);
	return error;
}
