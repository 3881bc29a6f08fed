/* Socket activation; see activation.h, sd_listen_fds(3), systemd.socket(5). */
#include "gate/activation.h"
#include "common/service_notify.h"
#include "gate/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>

static struct listener *owner(struct gate *gate, const char *name)
{
	struct listener *listener, *first = TAILQ_FIRST(&gate->listeners);

	TAILQ_FOREACH(listener, &gate->listeners, entry)
	if (strcmp(listener->name, name) == 0)
		return listener;
	/* without FileDescriptorName= a socket is called after its unit */
	return first && !TAILQ_NEXT(first, entry) ? first : NULL;
}

static bool listens_for_tcp(int fd)
{
	struct sockaddr_storage name;
	socklen_t size = sizeof(name), type_size = sizeof(int), on_size = sizeof(int);
	int type, on;

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_size) == 0 && type == SOCK_STREAM &&
	       getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &on, &on_size) == 0 && on &&
	       getsockname(fd, (struct sockaddr *)&name, &size) == 0 &&
	       (name.ss_family == AF_INET || name.ss_family == AF_INET6);
}

static bool adopt(struct gate *gate, int fd, const char *name)
{
	struct listener *listener = owner(gate, name);
	int flags = fcntl(fd, F_GETFL), error = 0;

	if (!listener || !listens_for_tcp(fd)) {
		log_write(LOG_LEVEL_ERROR, "socket %d, '%s', was handed over: %s", fd, name,
			  listener ? "it is no listening TCP socket"
				   : "there is no listener of that name");
		return false;
	}
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		error = -errno;
	if (!error)
		error = listen_socket_adopt(listener, fd);
	if (error)
		log_write(LOG_LEVEL_ERROR, "listener %s: the socket that was handed over: %s",
			  listener->name, strerror(-error));
	return !error;
}

bool activation_adopt(struct gate *gate)
{
	char **names = NULL;
	int count = service_sockets(&names);
	bool good = count >= 0;

	if (!good)
		log_write(LOG_LEVEL_ERROR, "sockets handed over: %s", strerror(-count));
	for (int i = 0; i < count; i++)
		good = adopt(gate, SERVICE_FIRST_SOCKET + i, names[i]) && good;
	service_names_free(names);
	return good;
}

bool activation_complete(const struct gate *gate)
{
	const struct listen_socket *socket;
	const struct listener *listener;
	bool complete = true;

	TAILQ_FOREACH(listener, &gate->listeners, entry)
	{
		bool found = false;

		TAILQ_FOREACH(socket, &gate->sockets, entry)
		found |= socket->listener == listener;
		if (!found)
			log_write(LOG_LEVEL_ERROR,
				  "listener %s has no addresses, and no socket was handed over "
				  "for it",
				  listener->name);
		complete &= found;
	}
	return complete;
}
