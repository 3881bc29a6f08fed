/* Files read whole and written whole; see file.h. */
#include "common/file.h"

#include <errno.h>
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

int file_read(struct arena *arena, const char *path, size_t limit, char **text, size_t *length)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	struct stat status;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &status) < 0)
		return -errno;
	if (S_ISDIR(status.st_mode))
		return -EISDIR;
	if (!S_ISREG(status.st_mode) && !S_ISFIFO(status.st_mode))
		return -EINVAL;
	if (S_ISREG(status.st_mode) && (unsigned long long)status.st_size > limit)
		return -EFBIG;
	return file_read_fd(arena, fd, limit, text, length);
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
