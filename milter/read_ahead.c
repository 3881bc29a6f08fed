/*
 * Stands between libmilter and its connections, for what libmilter has no setting for.
 *
 * It spares the kernel most of what libmilter asks of it. libmilter reads each packet in two parts
 * and asks poll() up to three times for each, 83 system calls for a message with eight fields of
 * which 8 are needed; and it sends each change of a message by itself, so that the mail server
 * wakes up for each. A thread waits a millisecond for the next event of its session, and gives it
 * back to the pool then, which costs more than waiting for as long as Postfix takes: MOMENT.
 *
 * It bounds how long a client may stall amid an event, which keeps a thread: libmilter has one time
 * for that and for the silence between events, which may last for as long as an SMTP client takes
 * for its message.
 *
 * And it tells waker.h which sessions wait for a thread.
 *
 * So this program defines accept(), poll(), read(), writev() and close(), and the dynamic linker
 * gives them to libmilter. They do what the C library's do, but for
 * connections that accept() made, which in this program are libmilter's alone: there, poll() takes
 * from the socket what has come and keeps it for read(), and writev() keeps a change until the
 * answer that follows it.
 *
 * A libmilter that asks another function than poll() is recognized by it, and reads and writes as
 * ever; one without a pool has a thread for each connection, and waits for as long as it likes.
 * That of a hardened build may call __read_chk() for read(). A connection belongs to one thread at
 * a time, so its buffers need no lock. The thread that waits for all of them asks poll() about many
 * at once: those have been read to their end before.
 */
#include "milter/waker.h"

#include <dlfcn.h>
#include <errno.h>
#include <libmilter/mfapi.h>
#include <libmilter/mfdef.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define MOST_CONNECTIONS 16384 /* descriptors from here on are left alone */
#define STALL		 30000 /* milliseconds; Postfix writes an event at once */
#define LIBMILTER_MOMENT 1     /* milliseconds that it lets a thread wait after an answer */
#define MOMENT		 30    /* what they are here */
#define MOST_CAME	 8192  /* the header of most messages, and a small body */
#define MOST_GOES	 2048  /* two signatures */

/* Own names, since the system's headers have ideas of their own about these functions. */
int replaced_accept(int fd, struct sockaddr *address, socklen_t *length) __asm__("accept");
int replaced_poll(struct pollfd *polls, nfds_t count, int milliseconds) __asm__("poll");
ssize_t replaced_read(int fd, void *data, size_t size) __asm__("read");
ssize_t replaced_read_chk(int fd, void *data, size_t size, size_t room) __asm__("__read_chk");
ssize_t replaced_writev(int fd, const struct iovec *parts, int count) __asm__("writev");
int replaced_close(int fd) __asm__("close");

/* What they stand before: the C library's functions, or a sanitizer's. */
static struct {
	int (*accept)(int fd, struct sockaddr *address, socklen_t *length);
	int (*poll)(struct pollfd *polls, nfds_t count, int milliseconds);
	ssize_t (*read)(int fd, void *data, size_t size);
	ssize_t (*writev)(int fd, const struct iovec *parts, int count);
	int (*close)(int fd);
} next;

struct connection {
	bool polled;	 /* the reader asks our poll() */
	bool pooled;	 /* and asks for a moment only before it reads an event */
	waker_mark mark; /* set while it waits for a thread of libmilter's */
	size_t at, end, held;
	char came[MOST_CAME]; /* what is between `at` and `end` was not read yet */
	char goes[MOST_GOES]; /* `held` octets of changes */
};

/* By descriptor; NULL for all that are not libmilter's connections. */
static struct connection *_Atomic connections[MOST_CONNECTIONS];

static void find_next(void)
{
	*(void **)&next.accept = dlsym(RTLD_NEXT, "accept");
	*(void **)&next.poll = dlsym(RTLD_NEXT, "poll");
	*(void **)&next.read = dlsym(RTLD_NEXT, "read");
	*(void **)&next.writev = dlsym(RTLD_NEXT, "writev");
	*(void **)&next.close = dlsym(RTLD_NEXT, "close");
}

/* Also makes sure of `next`: constructors of other libraries may call us before any of ours. */
static struct connection *find_connection(int fd)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, find_next);
	return fd >= 0 && fd < MOST_CONNECTIONS ? atomic_load(&connections[fd]) : NULL;
}

/*
 * Without memory for it, the connection is left alone. Urgent data becomes data like any other:
 * poll() would tell libmilter of it, and read() would wait for what follows it.
 */
static void watch(int fd)
{
	static const struct timeval stall = {.tv_sec = STALL / 1000};
	static const int yes = 1;
	struct connection *connection = calloc(1, sizeof(*connection));

	if (!connection)
		return;
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &stall, sizeof(stall));
	setsockopt(fd, SOL_SOCKET, SO_OOBINLINE, &yes, sizeof(yes));
	atomic_store(&connections[fd], connection);
	waker_offer(&connection->mark);
}

int replaced_accept(int listener, struct sockaddr *address, socklen_t *length)
{
	int fd;

	find_connection(listener);
	fd = next.accept(listener, address, length);
	if (fd >= 0 && fd < MOST_CONNECTIONS)
		watch(fd);
	return fd;
}

/* The next owner of the descriptor must not find what is left in the buffers. */
int replaced_close(int fd)
{
	struct connection *connection = find_connection(fd);

	if (connection) {
		waker_take(&connection->mark);
		atomic_store(&connections[fd], NULL);
		free(connection);
	}
	return next.close(fd);
}

/* Reads what has come, without waiting. False also at the end of the connection. */
static bool fetch(int fd, struct connection *connection)
{
	ssize_t got = recv(fd, connection->came, sizeof(connection->came), MSG_DONTWAIT);

	if (got <= 0)
		return false;
	connection->at = 0;
	connection->end = (size_t)got;
	return true;
}

/* What libmilter's pool asks, to give those that are ready to its threads. */
static int poll_many(struct pollfd *polls, nfds_t count, int milliseconds)
{
	int ready = next.poll(polls, count, milliseconds);

	for (nfds_t i = 0; ready > 0 && i < count; i++) {
		struct connection *connection =
			polls[i].revents ? find_connection(polls[i].fd) : NULL;

		if (connection)
			waker_offer(&connection->mark);
	}
	return ready;
}

/*
 * Readable is what has something left in its buffer after this, or what cannot be read any more.
 * Writable is always said: SO_SNDTIMEO bounds the write.
 */
int replaced_poll(struct pollfd *polls, nfds_t count, int milliseconds)
{
	struct connection *connection = find_connection(count == 1 ? polls->fd : -1);
	int ready;

	if (!connection)
		return poll_many(polls, count, milliseconds);
	connection->polled = true;
	waker_take(&connection->mark);
	polls->revents = polls->events & (POLLIN | POLLOUT);
	if (polls->revents & POLLOUT || connection->at < connection->end)
		return 1;
	if (milliseconds <= LIBMILTER_MOMENT) {
		connection->pooled = true;
		milliseconds = MOMENT; /* after an answer, when seldom anything has come yet */
	} else if (fetch(polls->fd, connection)) {
		return 1;
	} else if (connection->pooled && milliseconds > STALL) {
		milliseconds = STALL;
	}
	ready = next.poll(polls, count, milliseconds);
	if (ready > 0 && fetch(polls->fd, connection))
		polls->revents = POLLIN;
	return ready;
}

/* What is kept, and what has come behind it when the caller has more room: parts of a body. */
ssize_t replaced_read(int fd, void *data, size_t size)
{
	struct connection *connection = find_connection(fd);
	size_t kept;
	ssize_t more = 0;

	if (!connection)
		return next.read(fd, data, size);
	waker_take(&connection->mark);
	kept = connection->end - connection->at;
	if (kept == 0)
		return next.read(fd, data, size);
	kept = kept < size ? kept : size;
	memcpy(data, connection->came + connection->at, kept);
	connection->at += kept;
	if (kept < size)
		more = recv(fd, (char *)data + kept, size - kept, MSG_DONTWAIT);
	return (ssize_t)kept + (more > 0 ? more : 0);
}

ssize_t replaced_read_chk(int fd, void *data, size_t size, size_t room)
{
	if (size > room)
		abort();
	return replaced_read(fd, data, size);
}

/* Whether a packet changes a message: libmilter sends an answer behind it in any case. */
static bool is_change(const struct iovec *head)
{
	const char *text = head->iov_base;

	return head->iov_len == 5 && (text[4] == SMFIR_INSHEADER || text[4] == SMFIR_CHGHEADER ||
				      text[4] == SMFIR_QUARANTINE);
}

/* Whether nobody is there any more who could read a change. */
static bool has_hung_up(int fd)
{
	struct pollfd poller = {.fd = fd};

	return next.poll(&poller, 1, 0) > 0;
}

/* Writes as the C library does, but after SO_SNDTIMEO libmilter is not to try again. */
static ssize_t send_parts(int fd, const struct iovec *parts, int count)
{
	ssize_t sent = next.writev(fd, parts, count);

	if (sent < 0 && errno == EAGAIN)
		errno = EPIPE;
	return sent;
}

static bool send_held(int fd, struct connection *connection)
{
	size_t size = connection->held, sent = 0;

	connection->held = 0;
	while (sent < size) {
		ssize_t put = send(fd, connection->goes + sent, size - sent, MSG_NOSIGNAL);

		if (put < 0 && errno != EINTR) {
			errno = EPIPE; /* libmilter tries again after others */
			return false;
		}
		sent += put < 0 ? 0 : (size_t)put;
	}
	return true;
}

ssize_t replaced_writev(int fd, const struct iovec *parts, int count)
{
	struct connection *connection = find_connection(fd);
	bool change = connection && connection->polled && count > 0 && is_change(parts);
	size_t size = 0;

	if (!connection)
		return next.writev(fd, parts, count);
	if (!change && !connection->held)
		return send_parts(fd, parts, count);
	for (int i = 0; i < count; i++)
		size += parts[i].iov_len;
	if (change && !connection->held && has_hung_up(fd)) {
		errno = EPIPE;
		return -1;
	}
	if (size > sizeof(connection->goes) - connection->held)
		return send_held(fd, connection) ? send_parts(fd, parts, count) : -1;
	for (int i = 0; i < count; i++) {
		memcpy(connection->goes + connection->held, parts[i].iov_base, parts[i].iov_len);
		connection->held += parts[i].iov_len;
	}
	return change || send_held(fd, connection) ? (ssize_t)size : -1;
}
