/* Serves the policy delegation protocol; see policy_server.h. */
#include "milter/policy_server.h"
#include "common/log.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BREATH 1000 /* milliseconds of rest when descriptors are short */

/* It is reading, or it is writing an answer; never both. */
struct connection {
	int fd;		 /* -1: free */
	bool begun;	 /* a request is on its way, or its answer */
	long long since; /* milliseconds: when the present request began, or the last one ended */
	size_t answer_length, answer_sent;
	char answer[POLICY_ANSWER_SIZE];
	char input[4096]; /* what was read beyond the request in work */
	size_t input_length, input_used;
	struct policy_parser parser;
};

struct policy_server {
	pthread_t thread;
	int listener, wake; /* an eventfd, to be told to stop */
	policy_decide *decide;
	void *context;
	bool stopping;
	long long end;		    /* when the last ones are cut off */
	long long resting;	    /* no connection is accepted before this time */
	unsigned stop_milliseconds; /* set before `wake` is written */
	struct connection *connections[POLICY_MOST_CONNECTIONS];
	size_t count;
};

static long long now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000LL + time.tv_nsec / 1000000;
}

static void close_at(struct policy_server *server, size_t index)
{
	close(server->connections[index]->fd);
	free(server->connections[index]);
	server->connections[index] = server->connections[--server->count];
}

static long long deadline_of(const struct connection *connection)
{
	return connection->since + (connection->begun ? POLICY_REQUEST_TIME : POLICY_IDLE_TIME);
}

/* Whom to close first: who waits for a request, the longest first; then who stalls amid one. */
static bool goes_before(const struct connection *one, const struct connection *other)
{
	if (one->begun != other->begun)
		return other->begun;
	return one->since < other->since;
}

static bool make_room(struct policy_server *server)
{
	size_t found = 0;

	for (size_t i = 1; i < server->count; i++)
		if (goes_before(server->connections[i], server->connections[found]))
			found = i;
	if (server->connections[found]->begun &&
	    now() - server->connections[found]->since < POLICY_STALL_TIME)
		return false;
	close_at(server, found);
	return true;
}

static void add_connection(struct policy_server *server, int fd)
{
	struct connection *connection;

	if (server->count == POLICY_MOST_CONNECTIONS && !make_room(server)) {
		close(fd);
		return;
	}
	connection = malloc(sizeof(*connection));
	if (!connection) {
		close(fd);
		return;
	}
	connection->fd = fd;
	connection->begun = false;
	connection->since = now();
	connection->answer_length = connection->answer_sent = 0;
	connection->input_length = connection->input_used = 0;
	policy_parser_init(&connection->parser);
	server->connections[server->count++] = connection;
}

static void accept_all(struct policy_server *server)
{
	for (;;) {
		int fd = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd >= 0) {
			add_connection(server, fd);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
			log_write(LOG_LEVEL_ERROR, "policy service: cannot accept: %s",
				  strerror(errno));
			server->resting = now() + BREATH;
		}
		if (errno != EINTR && errno != ECONNABORTED)
			return;
	}
}

/* Returns false when the connection must be closed. */
static bool send_answer(struct connection *connection)
{
	while (connection->answer_sent < connection->answer_length) {
		ssize_t put =
			send(connection->fd, connection->answer + connection->answer_sent,
			     connection->answer_length - connection->answer_sent, MSG_NOSIGNAL);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return errno == EAGAIN;
		connection->answer_sent += (size_t)put;
	}
	connection->answer_length = connection->answer_sent = 0;
	connection->begun = false;
	connection->since = now();
	return true;
}

static void decide(struct policy_server *server, struct connection *connection)
{
	char buffer[POLICY_LONGEST_ACTION + 1];
	const char *action = server->decide(server->context, &connection->parser.request, buffer,
					    sizeof(buffer));

	connection->answer_length = policy_answer_write(action, connection->answer);
}

/* Works on what was read, until an answer cannot leave. Returns false to close. */
static bool work(struct policy_server *server, struct connection *connection)
{
	while (connection->answer_length == 0 &&
	       connection->input_used < connection->input_length) {
		const char *data = connection->input + connection->input_used;
		size_t left = connection->input_length - connection->input_used;

		if (!connection->begun) {
			connection->begun = true;
			connection->since = now();
		}
		switch (policy_parser_take(&connection->parser, &data, &left)) {
		case POLICY_MORE:
			break;
		case POLICY_BROKEN:
			log_write(LOG_LEVEL_WARNING,
				  "policy service: a client does not speak the protocol");
			return false;
		case POLICY_REQUEST:
			decide(server, connection);
			break;
		}
		connection->input_used = connection->input_length - left;
		if (connection->answer_length && !send_answer(connection))
			return false;
	}
	return true;
}

static bool serve(struct policy_server *server, struct connection *connection, short events)
{
	ssize_t got;

	if (connection->answer_length)
		return send_answer(connection) && work(server, connection);
	if (!(events & (POLLIN | POLLHUP | POLLERR)))
		return true;
	got = recv(connection->fd, connection->input, sizeof(connection->input), 0);
	if (got < 0)
		return errno == EAGAIN || errno == EINTR;
	connection->input_length = (size_t)got;
	connection->input_used = 0;
	return got > 0 && work(server, connection);
}

/* Closes those whose time is over; gives the milliseconds until the next one's is. */
static int expire(struct policy_server *server)
{
	long long time = now(), next = time + 3600 * 1000;

	for (size_t i = server->count; i-- > 0;) {
		struct connection *connection = server->connections[i];

		if (deadline_of(connection) <= time || (server->stopping && !connection->begun)) {
			if (connection->begun)
				log_write(LOG_LEVEL_WARNING,
					  "policy service: a client stalls, closed");
			close_at(server, i);
		} else if (deadline_of(connection) < next) {
			next = deadline_of(connection);
		}
	}
	if (server->stopping && server->end < next)
		next = server->end;
	if (server->resting > time && server->resting < next)
		next = server->resting;
	return next > time ? (int)(next - time) : 0;
}

static void begin_to_stop(struct policy_server *server)
{
	uint64_t unused;

	/* what was set before it was written to can be read from here on */
	while (read(server->wake, &unused, sizeof(unused)) < 0 && errno == EINTR)
		;
	server->stopping = true;
	server->end = now() + server->stop_milliseconds;
	close(server->listener);
	server->listener = -1;
}

static void *run(void *argument)
{
	struct policy_server *server = argument;
	struct pollfd polls[POLICY_MOST_CONNECTIONS + 2];

	for (;;) {
		int wait = expire(server);
		size_t count = server->count;

		if (server->stopping && (count == 0 || now() >= server->end))
			break;
		polls[0] = (struct pollfd){.fd = server->stopping ? -1 : server->wake,
					   .events = POLLIN};
		polls[1] = (struct pollfd){.fd = now() < server->resting ? -1 : server->listener,
					   .events = POLLIN};
		for (size_t i = 0; i < count; i++)
			polls[i + 2] = (struct pollfd){
				.fd = server->connections[i]->fd,
				.events = server->connections[i]->answer_length ? POLLOUT : POLLIN};
		if (poll(polls, count + 2, wait) <= 0)
			continue;
		/* backwards: what is closed is replaced by the last one, which was served */
		for (size_t i = count; i-- > 0;)
			if (polls[i + 2].revents &&
			    !serve(server, server->connections[i], polls[i + 2].revents))
				close_at(server, i);
		if (polls[0].revents)
			begin_to_stop(server);
		else if (polls[1].revents)
			accept_all(server);
	}
	return NULL;
}

int policy_server_start(int listener, policy_decide *decide_request, void *context,
			struct policy_server **out)
{
	struct policy_server *server = calloc(1, sizeof(*server));
	int error;

	if (!server)
		return -ENOMEM;
	server->listener = listener;
	server->decide = decide_request;
	server->context = context;
	server->wake = eventfd(0, EFD_CLOEXEC);
	error = server->wake < 0 ? errno : pthread_create(&server->thread, NULL, run, server);
	if (error) {
		if (server->wake >= 0)
			close(server->wake);
		free(server);
		return -error;
	}
	*out = server;
	return 0;
}

void policy_server_stop(struct policy_server *server, unsigned milliseconds)
{
	const uint64_t one = 1;

	if (!server)
		return;
	server->stop_milliseconds = milliseconds;
	while (write(server->wake, &one, sizeof(one)) < 0 && errno == EINTR)
		;
	pthread_join(server->thread, NULL);
	while (server->count)
		close_at(server, server->count - 1);
	close(server->wake);
	free(server);
}
