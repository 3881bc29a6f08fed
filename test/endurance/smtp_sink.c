/*
 * An SMTP server that takes everything, looks at it, counts it, and forgets it.
 *
 * Usage: smtp_sink PORT KEEP FOLDER [TEXT...]
 * Each message has a field "X-Endurance: NUMBER" (smtp_load writes it): each number must come once,
 * and what has no number must not come. Each TEXT must be in each message's header. Every KEEPth
 * number is written to FOLDER/NUMBER.eml, as it was before dots were doubled. Every second, and at
 * SIGTERM, it prints a line of JSON: arrived   messages distinct  numbers among them highest   the
 * largest number, or -1 lacking   messages whose header lacks a TEXT strange   messages without a
 * number kept      files written cut       sessions that ended in the middle of a message
 */
#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define MOST_NUMBERS ((unsigned long)64 << 20)
#define FIELD	     "X-Endurance: "

struct session {
	int fd;
	bool in_data;
	size_t length, space, seen; /* `seen` octets cannot hold the message's end */
	char *text;
};

static struct {
	int poll, listener, timer, signals;
	unsigned long keep;
	const char *folder;
	char **needed;
	unsigned char *numbers; /* a bit for each */
	unsigned long arrived, distinct, lacking, strange, kept, cut;
	long highest;
} sink = {.highest = -1};

static void die(const char *what)
{
	fprintf(stderr, "smtp_sink: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void print_counts(void)
{
	printf("{\"arrived\": %lu, \"distinct\": %lu, \"highest\": %ld, \"lacking\": %lu, "
	       "\"strange\": %lu, "
	       "\"kept\": %lu, \"cut\": %lu}\n",
	       sink.arrived, sink.distinct, sink.highest, sink.lacking, sink.strange, sink.kept,
	       sink.cut);
	fflush(stdout);
}

/* Writes a message without the dots that were doubled. */
static void keep(unsigned long number, const char *text, size_t length)
{
	char path[PATH_MAX];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%lu.eml", sink.folder, number);
	file = fopen(path, "wb");
	if (!file)
		die(path);
	for (size_t done = 0; done < length;) {
		const char *end = memchr(text + done, '\n', length - done);
		size_t line = end ? (size_t)(end - text) + 1 - done : length - done;
		size_t dot = text[done] == '.';

		fwrite(text + done + dot, 1, line - dot, file);
		done += line;
	}
	if (fclose(file))
		die(path);
	sink.kept++;
}

static void take(const char *text, size_t length)
{
	const char *end = memmem(text, length, "\r\n\r\n", 4);
	size_t header = end ? (size_t)(end - text) + 2 : length;
	const char *field = memmem(text, header, "\r\n" FIELD, sizeof(FIELD) + 1);
	unsigned long number;
	char *after;

	sink.arrived++;
	for (char **needed = sink.needed; *needed; needed++)
		if (!memmem(text, header, *needed, strlen(*needed))) {
			sink.lacking++;
			break;
		}
	/* the octet behind the header is no digit, so strtoul() ends */
	number = field ? strtoul(field + sizeof(FIELD) + 1, &after, 10) : 0;
	if (!field || *after != '\r' || number >= MOST_NUMBERS) {
		sink.strange++;
		return;
	}
	if (!(sink.numbers[number / 8] & 1 << number % 8))
		sink.distinct++;
	sink.numbers[number / 8] |= (unsigned char)(1 << number % 8);
	if ((long)number > sink.highest)
		sink.highest = (long)number;
	if (sink.keep && number % sink.keep == 0)
		keep(number, text, length);
}

static void session_close(struct session *session)
{
	if (session->in_data)
		sink.cut++;
	close(session->fd);
	free(session->text);
	free(session);
}

/* Takes away what is done with, from the front. */
static void consume(struct session *session, size_t length)
{
	memmove(session->text, session->text + length, session->length - length);
	session->length -= length;
	session->seen = 0;
}

/* One step: a command or a message; false when it takes more octets. The reply is appended. */
static bool step(struct session *session, char *replies, size_t size)
{
	const char *reply = "250 2.0.0 Ok\r\n", *end;
	size_t back = session->seen < 4 ? 0 : session->seen - 4;

	if (session->in_data) {
		end = memmem(session->text + back, session->length - back, "\r\n.\r\n", 5);
		session->seen = session->length;
		if (!end)
			return false;
		take(session->text, (size_t)(end - session->text) + 2);
		session->in_data = false;
		consume(session, (size_t)(end - session->text) + 5);
	} else {
		end = memchr(session->text, '\n', session->length);
		if (!end)
			return false;
		if (strncasecmp(session->text, "EHLO", 4) == 0) {
			reply = "250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SIZE "
				"50000000\r\n";
		} else if (strncasecmp(session->text, "DATA", 4) == 0) {
			reply = "354 Go\r\n";
			session->in_data = true;
		} else if (strncasecmp(session->text, "QUIT", 4) == 0) {
			reply = "221 2.0.0 Bye\r\n";
		}
		consume(session, (size_t)(end - session->text) + 1);
	}
	snprintf(replies + strlen(replies), size - strlen(replies), "%s", reply);
	return true;
}

static void session_read(struct session *session)
{
	char replies[8192] = "";
	ssize_t got;

	if (session->space - session->length < 65536) {
		session->space = 2 * session->space + 65536;
		session->text = realloc(session->text, session->space);
		if (!session->text)
			die("memory");
	}
	/* one octet stays free, so that a text can be ended */
	got = read(session->fd, session->text + session->length,
		   session->space - session->length - 1);
	if (got <= 0) {
		session_close(session);
		return;
	}
	session->length += (size_t)got;
	session->text[session->length] = '\0';
	while (step(session, replies, sizeof(replies)))
		session->text[session->length] = '\0';
	if (replies[0] && send(session->fd, replies, strlen(replies), MSG_NOSIGNAL) < 0)
		session_close(session);
}

static void watch(int fd, void *what)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = what};

	if (epoll_ctl(sink.poll, EPOLL_CTL_ADD, fd, &event) < 0)
		die("epoll");
}

static void session_open(void)
{
	struct session *session = calloc(1, sizeof(*session));

	if (!session)
		die("memory");
	session->fd = accept4(sink.listener, NULL, NULL, SOCK_CLOEXEC);
	if (session->fd < 0 || send(session->fd, "220 sink ESMTP\r\n", 16, MSG_NOSIGNAL) < 0) {
		if (session->fd >= 0)
			close(session->fd);
		free(session);
		return;
	}
	watch(session->fd, session);
}

static void open_all(uint16_t port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
	const struct itimerspec second = {{.tv_sec = 1}, {.tv_sec = 1}};
	sigset_t set;
	int on = 1;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	sink.poll = epoll_create1(EPOLL_CLOEXEC);
	sink.timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	sink.signals = signalfd(-1, &set, SFD_CLOEXEC);
	sink.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(sink.listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (timerfd_settime(sink.timer, 0, &second, NULL) < 0 ||
	    bind(sink.listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(sink.listener, 1024) < 0)
		die("listen");
	watch(sink.listener, &sink.listener);
	watch(sink.timer, &sink.timer);
	watch(sink.signals, &sink.signals);
}

int main(int argc, char **argv)
{
	struct epoll_event events[64];
	uint64_t ticks;

	if (argc < 4) {
		fprintf(stderr, "usage: smtp_sink PORT KEEP FOLDER [TEXT...]\n");
		return 2;
	}
	sink.keep = strtoul(argv[2], NULL, 10);
	sink.folder = argv[3];
	sink.needed = argv + 4;
	sink.numbers = calloc(MOST_NUMBERS / 8, 1);
	if (!sink.numbers)
		die("memory");
	open_all((uint16_t)strtoul(argv[1], NULL, 10));
	for (;;) {
		int count = epoll_wait(sink.poll, events, 64, -1);

		for (int i = 0; i < count; i++) {
			void *what = events[i].data.ptr;

			if (what == &sink.signals) {
				print_counts();
				return 0;
			}
			if (what == &sink.timer) {
				if (read(sink.timer, &ticks, sizeof(ticks)) > 0)
					print_counts();
			} else if (what == &sink.listener) {
				session_open();
			} else {
				session_read(what);
			}
		}
	}
}
