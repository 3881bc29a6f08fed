/*
 * A load generator for milters: the mail server's side of the protocol, as Postfix speaks it.
 *
 * Usage: milter_load [-t SECONDS] [-s SIGNATURES] SOCKET CONNECTIONS MESSAGES SIZE
 * SOCKET is the path of a UNIX socket. Each connection has a thread of its own; together they send
 * MESSAGES messages with a body of SIZE octets, from a loopback client, each of which must come
 * back with that many signatures, or at least one. After SECONDS none is begun any more, but each
 * connection sends one. Prints the messages a second, latencies in milliseconds, and how many there
 * were.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define MOST_CONNECTIONS 256
#define LARGEST_PACKET	 65536

/* Protocol flags of libmilter/mfdef.h: what the milter does not want, and does not answer. */
enum {
	NO_HELO = 0x2,
	NO_RCPT = 0x8,
	NO_DATA = 0x200,
	NR_HDR = 0x80,
	NR_CONN = 0x1000,
	NR_HELO = 0x2000,
	NR_MAIL = 0x4000,
	NR_RCPT = 0x8000,
	NR_DATA = 0x10000,
	NR_EOH = 0x40000,
	NR_BODY = 0x80000,
};

static const char *socket_path;
static size_t body_size;
static unsigned long messages;	   /* to be sent by all */
static unsigned signatures;	   /* of each message; 0: one or more */
static double end = INFINITY;	   /* of CLOCK_MONOTONIC: no message is begun after it */
static unsigned long next_message; /* atomic */
static double *latencies;	   /* of each message, in seconds */

struct client {
	int fd;
	uint32_t flags; /* negotiated */
	char *body;
	char out[2 * LARGEST_PACKET]; /* packets that wait for one write */
	size_t waiting;
};

static void die(const char *what)
{
	fprintf(stderr, "milter_load: %s: %s\n", what, errno ? strerror(errno) : "unexpected");
	exit(1);
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void flush(struct client *client)
{
	for (size_t done = 0; done < client->waiting;) {
		ssize_t put = write(client->fd, client->out + done, client->waiting - done);

		if (put <= 0)
			die("write");
		done += (size_t)put;
	}
	client->waiting = 0;
}

/* Appends a packet. Postfix writes through a buffer too, and flushes before it waits for an answer.
 */
static void put(struct client *client, char kind, const void *data, size_t size)
{
	uint32_t length = htonl((uint32_t)size + 1);

	if (client->waiting + size + 5 > sizeof(client->out))
		flush(client);
	memcpy(client->out + client->waiting, &length, 4);
	client->out[client->waiting + 4] = kind;
	memcpy(client->out + client->waiting + 5, data, size);
	client->waiting += size + 5;
}

static void read_exactly(struct client *client, void *data, size_t size)
{
	for (size_t done = 0; done < size;) {
		ssize_t got = read(client->fd, (char *)data + done, size - done);

		if (got <= 0)
			die("read");
		done += (size_t)got;
	}
}

static char read_packet(struct client *client, char *data)
{
	uint32_t length;

	flush(client);
	read_exactly(client, &length, 4);
	length = ntohl(length);
	if (length == 0 || length > LARGEST_PACKET)
		die("length of a packet");
	read_exactly(client, data, length);
	return data[0];
}

/* Sends an event, and reads the answer unless it is negotiated away. */
static void event(struct client *client, char kind, const void *data, size_t size,
		  uint32_t unwanted, uint32_t unanswered)
{
	char answer[LARGEST_PACKET];

	if (client->flags & unwanted)
		return;
	put(client, kind, data, size);
	if (!(client->flags & unanswered) && read_packet(client, answer) != 'c')
		die("answer");
}

#define EVENT(client, kind, text, unwanted, unanswered) \
	event(client, kind, text, sizeof(text), unwanted, unanswered)

static void negotiate(struct client *client)
{
	const uint32_t offer[3] = {htonl(6), htonl(0x1ff), htonl(0x1fffff)};
	char answer[LARGEST_PACKET];
	uint32_t flags;

	put(client, 'O', offer, sizeof(offer));
	if (read_packet(client, answer) != 'O')
		die("negotiation");
	memcpy(&flags, answer + 9, 4);
	client->flags = ntohl(flags);
}

static void open_connection(struct client *client)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	client->fd = socket(AF_UNIX, SOCK_STREAM, 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", socket_path);
	if (client->fd < 0 || connect(client->fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		die(socket_path);
	negotiate(client);
	put(client, 'D', "C{client_addr}\000127.0.0.1", sizeof("C{client_addr}\000127.0.0.1"));
	EVENT(client, 'C', "localhost\0004\234\100127.0.0.1", 0, NR_CONN);
	EVENT(client, 'H', "localhost", NO_HELO, NR_HELO);
}

#define FIELD(text)                \
	{                          \
		text, sizeof(text) \
	}

static void send_header(struct client *client)
{
	static const struct {
		char text[96];
		size_t size;
	} fields[] = {
		FIELD("From\0 User <user@example.com>"),
		FIELD("To\0 Someone <someone@example.org>"),
		FIELD("Subject\0 a message of the benchmark"),
		FIELD("Date\0 Sat, 1 Jan 2022 00:00:00 +0000"),
		FIELD("Message-ID\0 <20220101000000.1@example.com>"),
		FIELD("MIME-Version\0 1.0"),
		FIELD("Content-Type\0 text/plain; charset=us-ascii"),
		FIELD("X-Mailer\0 milter_load"),
	};

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		event(client, 'L', fields[i].text, fields[i].size, 0, NR_HDR);
}

/* Reads what follows the end of a message; true when its signatures are among it. */
static bool read_verdict(struct client *client)
{
	unsigned found = 0;

	for (;;) {
		char answer[LARGEST_PACKET];
		char kind = read_packet(client, answer);

		if (kind == 'i' && memcmp(answer + 5, "DKIM-Signature", 15) == 0)
			found++;
		else if (kind == 'h' && memcmp(answer + 1, "DKIM-Signature", 15) == 0)
			found++;
		else if (kind == 'c' || kind == 'a')
			return signatures ? found == signatures : found > 0;
		else if (kind != 'p' && kind != 'i' && kind != 'h' && kind != 'm')
			return false;
	}
}

static void send_message(struct client *client)
{
	put(client, 'D', "Mi\0004XXXXXXXXX", sizeof("Mi\0004XXXXXXXXX"));
	EVENT(client, 'M', "<user@example.com>", 0, NR_MAIL);
	EVENT(client, 'R', "<someone@example.org>", NO_RCPT, NR_RCPT);
	event(client, 'T', "", 0, NO_DATA, NR_DATA);
	send_header(client);
	put(client, 'D', "Ni\0004XXXXXXXXX", sizeof("Ni\0004XXXXXXXXX"));
	event(client, 'N', "", 0, 0, NR_EOH);
	for (size_t done = 0; done < body_size;) {
		size_t part = body_size - done > 65535 ? 65535 : body_size - done;

		event(client, 'B', client->body + done, part, 0, NR_BODY);
		done += part;
	}
	put(client, 'D', "Ei\0004XXXXXXXXX", sizeof("Ei\0004XXXXXXXXX"));
	put(client, 'E', "", 0);
	errno = 0;
	if (!read_verdict(client))
		die("a message without its signatures");
	put(client, 'A', "", 0);
}

static void *run(void *unused)
{
	static const char line[] =
		"This is a line of a message, of sixty-four octets, as they are.\r\n";
	struct client *client = calloc(1, sizeof(*client));

	(void)unused;
	if (!client || !(client->body = malloc(body_size + 1)))
		die("memory");
	for (size_t i = 0; i < body_size; i++)
		client->body[i] = line[i % (sizeof(line) - 1)];
	if (body_size >= 4) /* OpenDKIM signs no body without an end, postern-milter no stray CR */
		memcpy(client->body + body_size - 4, "..\r\n", 4);
	open_connection(client);
	do {
		unsigned long number = __atomic_fetch_add(&next_message, 1, __ATOMIC_RELAXED);
		double began = now();

		if (number >= messages)
			break;
		send_message(client);
		latencies[number] = now() - began;
	} while (now() < end);
	put(client, 'Q', "", 0);
	flush(client);
	close(client->fd);
	free(client->body);
	free(client);
	return NULL;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Reads the command line; the connections, or 0 where it makes no sense. */
static unsigned long parse(int argc, char **argv)
{
	unsigned long connections;
	int option;

	while ((option = getopt(argc, argv, "s:t:")) != -1) {
		if (option == 't')
			end = now() + strtod(optarg, NULL);
		else if (option == 's')
			signatures = (unsigned)strtoul(optarg, NULL, 10);
		else
			return 0;
	}
	if (argc - optind != 4)
		return 0;
	socket_path = argv[optind];
	connections = strtoul(argv[optind + 1], NULL, 10);
	messages = strtoul(argv[optind + 2], NULL, 10);
	body_size = strtoul(argv[optind + 3], NULL, 10);
	return connections > MOST_CONNECTIONS || messages == 0 ? 0 : connections;
}

int main(int argc, char **argv)
{
	pthread_t threads[MOST_CONNECTIONS];
	unsigned long connections = parse(argc, argv);
	double began, seconds;

	if (connections == 0) {
		fprintf(stderr, "usage: milter_load [-t SECONDS] [-s SIGNATURES] "
				"SOCKET CONNECTIONS MESSAGES SIZE\n");
		return 2;
	}
	latencies = calloc(messages + 1, sizeof(*latencies));
	if (!latencies)
		die("memory");
	began = now();
	for (unsigned long i = 0; i < connections; i++)
		if (pthread_create(&threads[i], NULL, run, NULL))
			die("thread");
	for (unsigned long i = 0; i < connections; i++)
		pthread_join(threads[i], NULL);
	seconds = now() - began;
	if (next_message < messages)
		messages = next_message;
	qsort(latencies, messages, sizeof(*latencies), compare);
	printf("%.2f messages/s, p50 %.2f ms, p99 %.2f ms, longest %.2f ms, %lu messages\n",
	       (double)messages / seconds, latencies[messages / 2] * 1e3,
	       latencies[messages * 99 / 100] * 1e3, latencies[messages - 1] * 1e3, messages);
	free(latencies);
	return 0;
}
