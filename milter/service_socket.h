/*
 * Listening sockets for the services beside the milter protocol: made as the milter's own is, with
 * mode and group from their first moment, and not in the place of another program's.
 */
#ifndef POSTERN_MILTER_SERVICE_SOCKET_H
#define POSTERN_MILTER_SERVICE_SOCKET_H

#include <stdbool.h>
#include <sys/types.h>

struct service_socket {
	const char
		*name; /* unix:PATH, inet:PORT@ADDRESS, inet6:PORT@ADDRESS; addresses, not names */
	mode_t mode;   /* of a UNIX socket */
	gid_t group;   /* of a UNIX socket; (gid_t)-1: left as it is */
	uid_t owner;   /* whose it becomes, where the folder of a UNIX socket is this user's */
};

/* Whether the name is one that can be listened on; `loopback`: only UNIX and loopback are. */
bool service_socket_is_valid(const char *name, bool loopback);

/*
 * Makes the socket, which does not block, and listens. A UNIX socket that nobody listens on is
 * replaced. Call it before threads start: it changes the umask and the effective group for a while.
 * Returns a descriptor, or -errno with the failed step in `*cause`, a constant.
 */
int service_socket_open(const struct service_socket *socket, const char **cause);

/* Connects to a socket and hangs up, if that can be done at once. */
void service_socket_knock(const char *name);

/* Removes a UNIX socket's name, if the process may; new clients find nobody then. */
void service_socket_remove(const struct service_socket *socket);

#endif
