/* Makes the listening socket; see listener.h. libmilter would bind it with the umask's mode. */
#include "milter/listener.h"
#include "common/log.h"
#include "common/privileges.h"
#include "milter/unix_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static int check_folder(const char *path, const char **cause)
{
	char folder[sizeof(((struct sockaddr_un *)NULL)->sun_path)];
	size_t length = (size_t)(strrchr(path, '/') - path);
	struct stat status;

	memcpy(folder, path, length);
	folder[length] = '\0';
	*cause = "its folder cannot be used";
	if (stat(length ? folder : "/", &status) < 0)
		return -errno;
	return S_ISDIR(status.st_mode) ? 0 : -ENOTDIR;
}

/*
 * The service itself connects to its socket (waker.h), when it is no longer root. What stands in
 * the place now is looked at first, since its folder may be another user's.
 */
static int give_to_service(const struct config *config, const char **cause)
{
	int fd = open(config->socket_path, O_PATH | O_NOFOLLOW | O_CLOEXEC), error = 0;
	struct stat status;

	*cause = "cannot give it to the user of the service";
	if (fd < 0 || fstat(fd, &status) < 0)
		error = -errno;
	else if (!S_ISSOCK(status.st_mode) || status.st_nlink != 1)
		error = -EPERM;
	else if (status.st_uid != config->uid &&
		 fchownat(fd, "", config->uid, (gid_t)-1, AT_EMPTY_PATH) < 0)
		/* in a container that may not: only messages that wait for DNS may keep others */
		log_write(LOG_LEVEL_WARNING, "socket %s: %s: %s", config->socket, *cause,
			  strerror(errno));
	if (fd >= 0)
		close(fd);
	return error;
}

int listener_open(const struct service *service, const struct config *config, const char **cause)
{
	const char *path = config->socket_path;
	gid_t group = getegid();
	mode_t mask;
	int error = path ? check_folder(path, cause) : 0;

	if (error)
		return error;
	*cause = "cannot take on its group";
	if (path && config->socket_group != (gid_t)-1 && setegid(config->socket_group) < 0)
		return -errno;
	*cause = "cannot become the user of the service";
	error = path ? privileges_lend(path, config->uid) : 0;
	if (!error && path)
		error = unix_socket_remove_stale(path, cause);
	if (!error) {
		*cause = "cannot listen";
		mask = umask(path ? ~config->socket_mode & 0777 : 077);
		error = mfi_open(service, config->socket);
		umask(mask);
	}
	if (!error && path)
		error = unix_socket_check_access(path, config->socket_mode, config->socket_group,
						 cause);
	if (!error && path && getuid() == 0)
		error = give_to_service(config, cause);
	privileges_take_back();
	if (setegid(group) < 0 && !error)
		error = -errno;
	return error;
}

void listener_remove(const struct config *config)
{
	if (config->socket_path)
		unlink(config->socket_path);
}
