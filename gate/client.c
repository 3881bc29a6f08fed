/* One connection; see client.h. */
#include "gate/client.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define LINGER_MILLISECONDS 2000
#define MOST_LINGERING	    1000

const char *const verdict_names[VERDICT_COUNT] = {
	[VERDICT_PROXIED] = "proxied", [VERDICT_DIRECT] = "direct",
	[VERDICT_REFUSED] = "refused", [VERDICT_BUSY] = "busy",
	[VERDICT_GONE] = "gone",       [VERDICT_UNANSWERED] = "unanswered",
};

struct client *client_new(struct listener *listener, int fd)
{
	struct client *client = calloc(1, sizeof(*client));
	unsigned left_out;

	listener->accepted++;
	if (!client) {
		close(fd);
		listener->verdicts[VERDICT_BUSY]++;
		if (log_limit_allows(&listener->gate->memory, listener->gate->loop.now, 1, 60000,
				     &left_out))
			log_write(LOG_LEVEL_ERROR, "out of memory: connections are closed");
		return NULL;
	}
	client->fd = fd;
	client->service_fd = -1;
	client->listener = listener;
	listener->clients++;
	return client;
}

static void leave_list(struct client *client)
{
	struct gate *gate = client->listener->gate;

	if (!client->list)
		return;
	TAILQ_REMOVE(client->list, client, entry);
	if (client->list == &gate->lingering)
		gate->lingering_count--;
	else if (client->service && client->list == &client->service->waiting)
		client->service->waiting_count--;
	else if (client->service && client->list == &client->service->sent)
		client->service->sent_count--;
	client->list = NULL;
}

void client_move(struct client *client, struct client_list *list, int64_t deadline)
{
	struct gate *gate = client->listener->gate;

	leave_list(client);
	TAILQ_INSERT_TAIL(list, client, entry);
	client->list = list;
	client->deadline = deadline;
	if (list == &gate->lingering || list == &gate->gone)
		client->service = NULL; /* which may be freed before the client */
	if (list == &gate->lingering)
		gate->lingering_count++;
	else if (client->service && list == &client->service->waiting)
		client->service->waiting_count++;
	else if (client->service && list == &client->service->sent)
		client->service->sent_count++;
}

static void count(struct client *client, enum verdict verdict)
{
	if (!client->counted)
		client->listener->verdicts[verdict]++;
	client->counted = true;
}

int client_watch(struct client *client, void (*on_event)(struct watch *watch, uint32_t events))
{
	struct loop *loop = &client->listener->gate->loop;
	int error;

	client_forget(client);
	client->watch.on_event = on_event;
	error = loop_add(loop, client->fd, EPOLLRDHUP, &client->watch);
	client->watched = !error;
	return error;
}

void client_forget(struct client *client)
{
	if (client->watched)
		loop_remove(&client->listener->gate->loop, client->fd);
	client->watched = false;
}

/* Events of this round that are still to come find nobody. */
static void ignore_event(struct watch *watch, uint32_t events)
{
	(void)watch;
	(void)events;
}

void client_end(struct client *client, enum verdict verdict)
{
	struct gate *gate = client->listener->gate;

	count(client, verdict);
	client_forget(client);
	close(client->fd);
	if (client->service_fd >= 0)
		close(client->service_fd);
	client->fd = client->service_fd = -1;
	client->watch.on_event = ignore_event;
	client_move(client, &gate->gone, 0);
}

bool client_has_left(const struct client *client, uint32_t events)
{
	int unread = 0;

	if (events & (EPOLLERR | EPOLLHUP))
		return true;
	return (events & EPOLLRDHUP) && ioctl(client->fd, FIONREAD, &unread) == 0 && unread == 0;
}

static void on_linger_event(struct watch *watch, uint32_t events)
{
	struct client *client = (struct client *)watch;

	(void)events;
	client_end(client, VERDICT_REFUSED); /* counted before */
}

void client_answer(struct client *client, enum verdict verdict, const char *reply)
{
	struct gate *gate = client->listener->gate;
	size_t length = reply ? strlen(reply) : 0;

	count(client, verdict);
	/* the first octets on a connection always find room */
	if (!reply ||
	    send(client->fd, reply, length, MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t)length ||
	    shutdown(client->fd, SHUT_WR) < 0) {
		client_end(client, verdict);
		return;
	}
	if (client_watch(client, on_linger_event)) {
		client_end(client, verdict);
		return;
	}
	client_move(client, &gate->lingering, gate->loop.now + LINGER_MILLISECONDS);
	if (gate->lingering_count > MOST_LINGERING)
		client_end(TAILQ_FIRST(&gate->lingering), verdict);
}

int64_t clients_next(const struct gate *gate)
{
	const struct client *first = TAILQ_FIRST(&gate->lingering);

	return first ? first->deadline : NEVER;
}

void clients_run(struct gate *gate)
{
	struct client *client;

	while ((client = TAILQ_FIRST(&gate->lingering)) && client->deadline <= gate->loop.now)
		client_end(client, VERDICT_REFUSED);
}

void clients_free_gone(struct gate *gate)
{
	struct client *client;

	while ((client = TAILQ_FIRST(&gate->gone))) {
		TAILQ_REMOVE(&gate->gone, client, entry);
		client->listener->clients--;
		free(client);
	}
}
