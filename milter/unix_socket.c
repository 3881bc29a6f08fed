/* Checks around a UNIX socket; see unix_socket.h. */
#include "milter/unix_socket.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* 0 when somebody listens on the socket, or -errno. */
static int try_connect(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int error = 0;

	if (fd < 0)
		return -errno;
	memcpy(address.sun_path, path, strlen(path) + 1);
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		error = -errno;
	close(fd);
	return error == -EAGAIN ? 0 : error; /* EAGAIN: its queue is full */
}

int unix_socket_remove_stale(const char *path, const char **cause)
{
	struct stat status;
	int error;

	if (lstat(path, &status) < 0) {
		*cause = "cannot look for an old socket";
		return errno == ENOENT ? 0 : -errno;
	}
	if (!S_ISSOCK(status.st_mode)) {
		*cause = "something other than a socket is in its place";
		return -EEXIST;
	}
	error = try_connect(path);
	if (error == -ECONNREFUSED) {
		*cause = "cannot remove the old socket";
		return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
	}
	*cause = "another program listens there";
	return error ? error : -EADDRINUSE;
}

int unix_socket_check_access(const char *path, mode_t mode, gid_t group, const char **cause)
{
	struct stat status;

	*cause = "its mode or group came out wrong (a folder with the set-group-ID bit?)";
	if (lstat(path, &status) < 0)
		return -errno;
	if (!S_ISSOCK(status.st_mode) || (status.st_mode & 0777) != mode ||
	    (group != (gid_t)-1 && status.st_gid != group))
		return -EPERM;
	return 0;
}
