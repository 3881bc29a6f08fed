/* Accepting connections and telling them apart by their peers; see listener.h. */
#include "gate/listener.h"
#include "gate/client.h"
#include "gate/service.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <unistd.h>

#define BACKLOG	       4096 /* the kernel cuts it to net.core.somaxconn */
#define ACCEPT_BURST   64   /* from one socket in one round, so that others have their turn */
#define ACCEPT_PAUSE   200  /* milliseconds, when descriptors or memory are short */
#define REFUSAL_LINES  5    /* in the log, of a listener, in REFUSAL_PERIOD milliseconds */
#define REFUSAL_PERIOD 10000

union socket_name {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr_storage room;
};

struct listener *listener_find(struct gate *gate, const char *name)
{
	struct listener *listener;

	TAILQ_FOREACH(listener, &gate->listeners, entry)
	if (strcmp(listener->name, name) == 0)
		return listener;
	listener = calloc(1, sizeof(*listener));
	if (!listener)
		return NULL;
	listener->name = strdup(name);
	if (!listener->name) {
		free(listener);
		return NULL;
	}
	listener->gate = gate;
	TAILQ_INSERT_TAIL(&gate->listeners, listener, entry);
	return listener;
}

void listeners_free(struct gate *gate, bool all)
{
	struct listener *listener = TAILQ_FIRST(&gate->listeners), *next;

	for (; listener; listener = next) {
		next = TAILQ_NEXT(listener, entry);
		if (!all && (listener->config || listener->clients))
			continue;
		TAILQ_REMOVE(&gate->listeners, listener, entry);
		free(listener->name);
		free(listener);
	}
}

bool listener_trusts(const struct gate_listener *config, struct ip_address peer)
{
	peer = ip_unmap(peer);
	for (size_t i = 0; i < config->trusted_count; i++)
		if (ip_network_contains(&config->trusted[i], &peer))
			return true;
	return false;
}

static void log_refusal(struct listener *listener, const union socket_name *peer)
{
	struct ip_address ip = ip_unmap(ip_from_sockaddr(&peer->any));
	char text[IP_TEXT_SIZE] = "unknown", more[64] = "";
	unsigned left_out;

	if (!log_limit_allows(&listener->refusals, listener->gate->loop.now, REFUSAL_LINES,
			      REFUSAL_PERIOD, &left_out))
		return;
	if (ip.family != IP_NONE)
		ip_format(&ip, text);
	if (left_out)
		snprintf(more, sizeof(more), "; %u more since the last line", left_out);
	log_write(LOG_LEVEL_INFO, "listener %s: refused [%s]: no trusted proxy%s", listener->name,
		  text, more);
}

static void admit(struct listener *listener, int fd, const union socket_name *peer)
{
	bool trusted = listener_trusts(listener->config, ip_from_sockaddr(&peer->any));
	struct service *service = trusted ? listener->proxied : listener->direct;
	struct client *client = client_new(listener, fd);

	if (!client)
		return;
	if (service) {
		client->route = trusted ? VERDICT_PROXIED : VERDICT_DIRECT;
		service_take(service, client);
		return;
	}
	log_refusal(listener, peer);
	client_answer(client, VERDICT_REFUSED, listener->config->reply);
}

static void watch_all(struct gate *gate, uint32_t events)
{
	struct listen_socket *socket;

	TAILQ_FOREACH(socket, &gate->sockets, entry)
	loop_change(&gate->loop, socket->fd, events, &socket->watch);
}

/* Lets connections wait in the kernel: asking again at once would spin. */
static void pause_accepting(struct gate *gate, int error)
{
	unsigned left_out;

	if (log_limit_allows(&gate->accept_errors, gate->loop.now, 1, 60000, &left_out))
		log_write(LOG_LEVEL_WARNING,
			  "cannot accept connections: %s; trying again every %d ms",
			  strerror(-error), ACCEPT_PAUSE);
	gate->accept_pauses++;
	gate->accept_at = gate->loop.now + ACCEPT_PAUSE;
	watch_all(gate, 0);
}

void listeners_run(struct gate *gate)
{
	if (gate->accept_at && gate->accept_at <= gate->loop.now) {
		gate->accept_at = 0;
		watch_all(gate, EPOLLIN);
	}
}

int64_t listeners_next(const struct gate *gate)
{
	return gate->accept_at ? gate->accept_at : NEVER;
}

/* Errors of one connection, or of the network, after which the next one may do. */
static bool is_passing(int error)
{
	switch (error) {
	case ECONNABORTED:
	case EINTR:
	case EPROTO:
	case ENETDOWN:
	case ENOPROTOOPT:
	case EHOSTDOWN:
	case ENONET:
	case EHOSTUNREACH:
	case EOPNOTSUPP:
	case ENETUNREACH:
	case EPERM: /* a firewall rule */
		return true;
	default:
		return false;
	}
}

static void on_connection(struct watch *watch, uint32_t events)
{
	struct listen_socket *socket = (struct listen_socket *)watch;
	struct listener *listener = socket->listener;

	(void)events;
	for (int i = 0; i < ACCEPT_BURST && !listener->gate->accept_at; i++) {
		union socket_name peer = {.any.sa_family = AF_UNSPEC};
		socklen_t size = sizeof(peer);
		int fd = accept4(socket->fd, &peer.any, &size, SOCK_CLOEXEC);

		if (fd >= 0)
			admit(listener, fd, &peer);
		else if (errno == EAGAIN)
			return;
		else if (!is_passing(errno))
			pause_accepting(listener->gate, -errno);
	}
}

static int add_socket(struct listener *listener, int fd, const struct listen_address *address)
{
	struct listen_socket *socket = calloc(1, sizeof(*socket));
	int error, on = 1;

	if (!socket)
		return -ENOMEM;
	/* connections inherit what Postfix sets for those that it accepts itself */
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	socket->watch.on_event = on_connection;
	socket->fd = fd;
	socket->listener = listener;
	socket->handed_over = !address;
	socket->wanted = true;
	if (address)
		socket->address = *address;
	error = loop_add(&listener->gate->loop, fd, listener->gate->accept_at ? 0 : EPOLLIN,
			 &socket->watch);
	if (error) {
		free(socket);
		return error;
	}
	TAILQ_INSERT_TAIL(&listener->gate->sockets, socket, entry);
	return 0;
}

static socklen_t socket_name(const struct listen_address *address, union socket_name *name)
{
	memset(name, 0, sizeof(*name));
	if (address->address.family == IP_V4) {
		name->v4.sin_family = AF_INET;
		name->v4.sin_port = htons((uint16_t)address->port);
		memcpy(&name->v4.sin_addr, address->address.octets, 4);
		return sizeof(name->v4);
	}
	name->v6.sin6_family = AF_INET6;
	name->v6.sin6_port = htons((uint16_t)address->port);
	memcpy(&name->v6.sin6_addr, address->address.octets, 16);
	return sizeof(name->v6);
}

/* *:PORT on a host without IPv6 is every IPv4 address. */
static int make_socket(const struct listen_address *address, union socket_name *name,
		       socklen_t *size)
{
	struct listen_address v4 = {.address.family = IP_V4, .port = address->port};
	int only = !address->dual, fd;

	*size = socket_name(address, name);
	fd = socket(name->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0 && errno == EAFNOSUPPORT && address->dual) {
		*size = socket_name(&v4, name);
		fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	}
	if (fd >= 0 && name->any.sa_family == AF_INET6 &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof(only)) < 0) {
		only = errno;
		close(fd);
		errno = only;
		return -1;
	}
	return fd;
}

int listen_socket_open(struct listener *listener, const struct listen_address *address)
{
	union socket_name name;
	socklen_t size;
	int on = 1, error, fd = make_socket(address, &name, &size);

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    bind(fd, &name.any, size) < 0 || listen(fd, BACKLOG) < 0)
		error = -errno;
	else
		error = add_socket(listener, fd, address);
	if (error)
		close(fd);
	return error;
}

int listen_socket_adopt(struct listener *listener, int fd)
{
	return add_socket(listener, fd, NULL);
}

/* The event came in the round in which the socket was closed. */
static void ignore_connection(struct watch *watch, uint32_t events)
{
	(void)watch;
	(void)events;
}

void listen_socket_close(struct gate *gate, struct listen_socket *socket)
{
	loop_remove(&gate->loop, socket->fd);
	close(socket->fd);
	TAILQ_REMOVE(&gate->sockets, socket, entry);
	socket->watch.on_event = ignore_connection;
	socket->listener = NULL;
	TAILQ_INSERT_TAIL(&gate->closed_sockets, socket, entry);
}

void listen_sockets_free_closed(struct gate *gate)
{
	struct listen_socket *socket;

	while ((socket = TAILQ_FIRST(&gate->closed_sockets))) {
		TAILQ_REMOVE(&gate->closed_sockets, socket, entry);
		free(socket);
	}
}
