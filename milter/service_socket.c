/* Listening sockets for the services beside the milter protocol; see service_socket.h. */
#include "milter/service_socket.h"
#include "common/network.h"
#include "common/privileges.h"
#include "milter/unix_socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 128

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr_un unix_path;
};

static const char *unix_path(const char *name)
{
	return strncmp(name, "unix:", 5) == 0 ? name + 5 : NULL;
}

static bool parse_unix(const char *path, union address *out, socklen_t *length)
{
	if (path[0] != '/' || strlen(path) >= sizeof(out->unix_path.sun_path))
		return false;
	out->unix_path.sun_family = AF_UNIX;
	memcpy(out->unix_path.sun_path, path, strlen(path) + 1);
	*length = sizeof(out->unix_path);
	return true;
}

/* PORT@ADDRESS; the family must be the one that the name begins with. */
static bool parse_inet(const char *text, enum ip_family family, bool loopback, union address *out,
		       socklen_t *length)
{
	struct ip_address ip;
	char *end;
	unsigned long port = *text >= '0' && *text <= '9' ? strtoul(text, &end, 10) : 0;

	if (port == 0 || port > 65535 || *end != '@' || ip_parse(end + 1, &ip) != IP_OK ||
	    ip.family != family || (loopback && !ip_is_loopback(&ip)))
		return false;
	if (family == IP_V4) {
		out->v4.sin_family = AF_INET;
		out->v4.sin_port = htons((in_port_t)port);
		memcpy(&out->v4.sin_addr, ip.octets, sizeof(out->v4.sin_addr));
		*length = sizeof(out->v4);
	} else {
		out->v6.sin6_family = AF_INET6;
		out->v6.sin6_port = htons((in_port_t)port);
		memcpy(&out->v6.sin6_addr, ip.octets, sizeof(out->v6.sin6_addr));
		*length = sizeof(out->v6);
	}
	return true;
}

static bool parse(const char *name, bool loopback, union address *out, socklen_t *length)
{
	memset(out, 0, sizeof(*out));
	if (unix_path(name))
		return parse_unix(unix_path(name), out, length);
	if (strncmp(name, "inet:", 5) == 0)
		return parse_inet(name + 5, IP_V4, loopback, out, length);
	if (strncmp(name, "inet6:", 6) == 0)
		return parse_inet(name + 6, IP_V6, loopback, out, length);
	return false;
}

bool service_socket_is_valid(const char *name, bool loopback)
{
	union address unused;
	socklen_t length;

	return parse(name, loopback, &unused, &length);
}

/* Binds with the mode and group that are wanted: later changes would leave a gap. */
static int bind_unix(int fd, const union address *address, socklen_t length,
		     const struct service_socket *wanted, const char **cause)
{
	const char *path = address->unix_path.sun_path;
	gid_t group = getegid();
	mode_t mask;
	int error;

	*cause = "cannot take on its group";
	if (wanted->group != (gid_t)-1 && setegid(wanted->group) < 0)
		return -errno;
	*cause = "cannot become the user of the service";
	error = privileges_lend(path, wanted->owner);
	if (!error)
		error = unix_socket_remove_stale(path, cause);
	if (!error) {
		*cause = "cannot listen";
		mask = umask(~wanted->mode & 0777);
		if (bind(fd, &address->any, length) < 0)
			error = -errno;
		umask(mask);
	}
	if (!error)
		error = unix_socket_check_access(path, wanted->mode, wanted->group, cause);
	privileges_take_back();
	return setegid(group) < 0 && !error ? -errno : error;
}

static int bind_inet(int fd, const union address *address, socklen_t length, const char **cause)
{
	const int yes = 1;

	*cause = "cannot listen";
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) < 0)
		return -errno;
	if (address->any.sa_family == AF_INET6 &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof(yes)) < 0)
		return -errno;
	return bind(fd, &address->any, length) < 0 ? -errno : 0;
}

int service_socket_open(const struct service_socket *wanted, const char **cause)
{
	union address address;
	socklen_t length;
	int fd, error;

	*cause = "it is not unix:PATH, inet:PORT@ADDRESS or inet6:PORT@ADDRESS";
	if (!parse(wanted->name, false, &address, &length))
		return -EINVAL;
	*cause = "cannot make a socket";
	fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	error = address.any.sa_family == AF_UNIX ? bind_unix(fd, &address, length, wanted, cause)
						 : bind_inet(fd, &address, length, cause);
	if (!error && listen(fd, BACKLOG) < 0)
		error = -errno;
	if (error)
		close(fd);
	return error ? error : fd;
}

void service_socket_knock(const char *name)
{
	union address address;
	socklen_t length;
	int fd;

	if (!parse(name, false, &address, &length))
		return;
	fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return;
	/* whether somebody answers is not asked: nothing can be done about it here */
	(void)connect(fd, &address.any, length);
	close(fd);
}

void service_socket_remove(const struct service_socket *wanted)
{
	if (unix_path(wanted->name))
		unlink(unix_path(wanted->name));
}
