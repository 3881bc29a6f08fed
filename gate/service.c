/* Handing connections over to Postfix; see service.h. */
#include "gate/service.h"
#include "gate/client.h"
#include "gate/trouble.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#define FULL_PAUSE     50 /* milliseconds between attempts at a service whose queue is full */
#define SHORTEST_PAUSE 100
#define LONGEST_PAUSE  1000
#define MOST_RESENT    5

#define BUSY_REPLY "421 4.3.2 Service is busy, try again later\r\n"

struct service *service_find(struct gate *gate, const char *path)
{
	const char *inside = gate_config_inside(gate->chroot, path);
	struct service *service;

	TAILQ_FOREACH(service, &gate->services, entry)
	if (strcmp(service->path, path) == 0)
		return service;
	service = calloc(1, sizeof(*service));
	if (!service)
		return NULL;
	service->path = strdup(path);
	if (!service->path) {
		free(service);
		return NULL;
	}
	service->gate = gate;
	service->address.sun_family = AF_UNIX;
	snprintf(service->address.sun_path, sizeof(service->address.sun_path), "%s",
		 inside ? inside : path);
	TAILQ_INIT(&service->waiting);
	TAILQ_INIT(&service->sent);
	TAILQ_INSERT_TAIL(&gate->services, service, entry);
	return service;
}

void services_free(struct gate *gate, bool all)
{
	struct service *service = TAILQ_FIRST(&gate->services), *next;

	for (; service; service = next) {
		next = TAILQ_NEXT(service, entry);
		if (!all && (service->wanted || service->waiting_count || service->sent_count))
			continue;
		TAILQ_REMOVE(&gate->services, service, entry);
		free(service->path);
		free(service);
	}
}

/*
 * One octet, for a descriptor must travel with data, and then no attributes: one NUL. Postfix reads
 * them one after the other; sent at once, its process is woken once. 0 or -errno.
 */
static int send_descriptor(int to, int descriptor)
{
	union {
		struct cmsghdr aligned;
		char space[CMSG_SPACE(sizeof(int))];
	} control = {.space = ""};
	char octets[2] = {0, 0};
	struct iovec data = {.iov_base = octets, .iov_len = sizeof(octets)};
	struct msghdr message = {
		.msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = control.space,
		.msg_controllen = sizeof(control.space),
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &descriptor, sizeof(int));
	return sendmsg(to, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static void on_answer(struct watch *watch, uint32_t events);

/* Connects and sends; on success the client waits for the answer. 0 or -errno. */
static int hand_over(struct service *service, struct client *client)
{
	struct loop *loop = &service->gate->loop;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int error = 0;

	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&service->address, sizeof(service->address)) < 0)
		error = -errno;
	if (!error)
		error = send_descriptor(fd, client->fd);
	if (!error) {
		/* from now on its events are for who takes it */
		client_forget(client);
		client->watch.on_event = on_answer;
		/* without the answer it is still handed over: the deadline will end it */
		loop_add(loop, fd, EPOLLIN, &client->watch);
		client->service_fd = fd;
		client_move(client, &service->sent,
			    loop->now + (int64_t)service->gate->config->hand_over_seconds * 1000);
		return 0;
	}
	close(fd);
	return error;
}

static void on_waiting_event(struct watch *watch, uint32_t events)
{
	struct client *client = (struct client *)watch;

	if (client_has_left(client, events))
		client_end(client, VERDICT_GONE);
	else /* it closed its side behind data that a service is to judge */
		loop_change(&client->listener->gate->loop, client->fd, 0, watch);
}

static void wait_for_service(struct service *service, struct client *client)
{
	struct gate *gate = service->gate;

	/* unwatched, it only waits where it could have been forgotten */
	client_watch(client, on_waiting_event);
	client_move(client, &service->waiting,
		    gate->loop.now + (int64_t)gate->config->wait_seconds * 1000);
}

/* An attempt failed: the next one comes later, and later each time. */
static void put_off(struct service *service, enum cause cause)
{
	service->pause = service->pause ? service->pause * 2 : SHORTEST_PAUSE;
	if (service->pause > LONGEST_PAUSE)
		service->pause = LONGEST_PAUSE;
	if (cause == CAUSE_FULL)
		service->pause = FULL_PAUSE;
	service->retry_at = service->gate->loop.now + service->pause;
}

/* Hands over those who wait, up to the first failure. */
static void push(struct service *service)
{
	struct client *client;

	while ((client = TAILQ_FIRST(&service->waiting))) {
		int error = hand_over(service, client);

		if (error) {
			enum cause cause = trouble_cause(service, error);

			trouble_note(service, cause, error);
			put_off(service, cause);
			return;
		}
		service->retry_at = 0;
	}
}

void service_take(struct service *service, struct client *client)
{
	client->service = service;
	if (service->waiting_count + service->sent_count >= service->gate->config->queue_limit) {
		trouble_note(service, CAUSE_LIMIT, 0);
		trouble_busy(service);
		client_answer(client, VERDICT_BUSY, BUSY_REPLY);
		return;
	}
	/* a first attempt without the detour through the queue */
	if (service->waiting_count == 0 && service->retry_at <= service->gate->loop.now) {
		int error = hand_over(service, client);

		if (!error)
			return;
		trouble_note(service, trouble_cause(service, error), error);
		put_off(service, trouble_cause(service, error));
	}
	wait_for_service(service, client);
}

/* Postfix ended, or let go of the socket, before it took the connection. */
static void resend(struct service *service, struct client *client)
{
	client->listener->resent++;
	trouble_note(service, CAUSE_DROPPED, 0);
	put_off(service, CAUSE_DROPPED);
	if (++client->resent > MOST_RESENT) {
		trouble_busy(service);
		client_answer(client, VERDICT_BUSY, BUSY_REPLY);
		return;
	}
	wait_for_service(service, client);
}

static void on_answer(struct watch *watch, uint32_t events)
{
	struct client *client = (struct client *)watch;
	struct service *service = client->service;
	char octet;
	ssize_t got = recv(client->service_fd, &octet, 1, MSG_DONTWAIT);

	(void)events;
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	close(client->service_fd); /* nobody else has it: the loop forgets it */
	client->service_fd = -1;
	if (got < 0) {
		resend(service, client);
		return;
	}
	if (got > 0) {
		trouble_note(service, CAUSE_TALKS, 0);
		trouble_busy(service);
		client_answer(client, VERDICT_BUSY, BUSY_REPLY);
		return;
	}
	client_end(client, client->route);
	service->pause = 0;
	service->retry_at = 0;
	trouble_over(service);
	push(service); /* a place in its queue is free */
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

int64_t service_next(const struct service *service)
{
	const struct client *waiting = TAILQ_FIRST(&service->waiting);
	const struct client *sent = TAILQ_FIRST(&service->sent);
	int64_t next = waiting ? earlier(waiting->deadline, service->retry_at) : NEVER;

	return sent ? earlier(next, sent->deadline) : next;
}

void service_run(struct service *service)
{
	int64_t now = service->gate->loop.now;
	struct client *client;

	if (service->waiting_count && service->retry_at <= now)
		push(service);
	while ((client = TAILQ_FIRST(&service->waiting)) && client->deadline <= now) {
		trouble_busy(service);
		client_answer(client, VERDICT_BUSY, BUSY_REPLY);
	}
	/* Postfix may take it yet: it is not ours to answer */
	while ((client = TAILQ_FIRST(&service->sent)) && client->deadline <= now) {
		trouble_unanswered(service);
		client_end(client, VERDICT_UNANSWERED);
	}
}

void service_give_up(struct service *service)
{
	struct client *client;

	while ((client = TAILQ_FIRST(&service->waiting)))
		client_answer(client, VERDICT_BUSY, BUSY_REPLY);
	while ((client = TAILQ_FIRST(&service->sent)))
		client_end(client, VERDICT_UNANSWERED);
}
