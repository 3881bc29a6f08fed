/* Copies that keep what belongs to a file; see copy.h. */
#include "confgen/apply/copy.h"
#include "common/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/xattr.h>
#include <unistd.h>

#define MOST_NAMES 4096	 /* octets of a file's attribute names */
#define MOST_VALUE 65536 /* of one attribute: XATTR_SIZE_MAX */

void copy_attributes(int from, int to)
{
	char names[MOST_NAMES], *value = malloc(MOST_VALUE);
	ssize_t length = flistxattr(from, names, sizeof(names));

	for (ssize_t at = 0; value && at < length; at += (ssize_t)strlen(names + at) + 1) {
		ssize_t size = fgetxattr(from, names + at, value, MOST_VALUE);

		if (size >= 0 && fsetxattr(to, names + at, value, (size_t)size, 0) < 0)
			continue;
	}
	free(value);
}

static int copy_contents(int from, int to)
{
	char buffer[65536];
	ssize_t got, put;

	while ((got = read(from, buffer, sizeof(buffer))) != 0) {
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		for (ssize_t done = 0; done < got; done += put) {
			put = write(to, buffer + done, (size_t)(got - done));
			if (put < 0 && errno == EINTR)
				put = 0;
			if (put < 0)
				return -errno;
		}
	}
	return 0;
}

/* The owner before the mode: changing it takes set-user-id bits away. The times are last. */
static int copy_all(int from, int to)
{
	struct stat status, made;
	int error;

	if (fstat(from, &status) < 0 || fstat(to, &made) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode))
		return -EINVAL;
	error = copy_contents(from, to);
	if (error)
		return error;
	if ((status.st_uid != made.st_uid || status.st_gid != made.st_gid) &&
	    fchown(to, status.st_uid, status.st_gid) < 0)
		return -errno;
	copy_attributes(from, to);
	if (fchmod(to, status.st_mode & 07777) < 0 ||
	    futimens(to, (const struct timespec[]){status.st_atim, status.st_mtim}) < 0)
		return -errno;
	return fsync(to) < 0 ? -errno : 0;
}

int copy_file(int from_folder, const char *from, int to_folder, const char *to)
{
	AUTO_CLOSE int in = openat(from_folder, from,
				   O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	AUTO_CLOSE int out = -1;
	int error;

	if (in < 0)
		return -errno;
	out = openat(to_folder, to, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (out < 0)
		return -errno;
	error = copy_all(in, out);
	if (error)
		unlinkat(to_folder, to, 0);
	return error;
}

int copy_move(int from_folder, const char *from, int to_folder, const char *to)
{
	int error;

	if (renameat(from_folder, from, to_folder, to) == 0)
		return 0;
	if (errno != EXDEV)
		return -errno;
	unlinkat(to_folder, COPY_TEMPORARY, 0);
	error = copy_file(from_folder, from, to_folder, COPY_TEMPORARY);
	if (!error && renameat(to_folder, COPY_TEMPORARY, to_folder, to) < 0)
		error = -errno;
	return error;
}
