/*
 * A load generator for mail servers: SMTP sessions as they come, those that end badly among them.
 *
 * Usage: smtp_load LIST SERVER SOURCE SESSIONS MESSAGES RATE RUDE SEED
 * LIST has lines "WEIGHT SENDER RECIPIENT FILE"; FILE is a message with CRLF and dots doubled, and
 * is sent with the probability of its weight. SESSIONS sessions at once come from the address
 * SOURCE to port 25 of SERVER, each with 1 to 20 messages, RATE a second in all (0: as fast as it
 * goes). RUDE of 100 transactions are begun and broken off before a message is sent: by RSET, by
 * hanging up between commands or during DATA, by a reset connection. SEED makes that repeatable.
 *
 * Each message begins with a field "X-Endurance: NUMBER", 0 and up; one that was broken off has
 * "X-Endurance: broken", and must arrive nowhere. A message that is refused for now (4xx, or no
 * connection) is tried again under its number. It ends when MESSAGES are accepted, or at SIGTERM
 * after what is at work. Every second, and at the end, it prints a line of JSON with its counts.
 * Exit status 1: a message was refused for good, a connection was lost where it is unknown what
 * became of a message, or nothing was accepted for two minutes.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MOST_SESSIONS	 256
#define MOST_ROWS	 65536
#define SESSION_MESSAGES 20
#define PATIENCE	 120 /* seconds */

struct text {
	const char *path;
	char *octets;
	size_t size;
};

struct row {
	double until; /* of the sum of weights */
	const char *sender, *recipient;
	const struct text *text;
};

struct counts {
	unsigned long accepted, connections, deferred, rset, hung_up, aborted, reset, octets;
};

static struct {
	struct row *rows;
	size_t row_count;
	struct text *texts;
	size_t text_count;
	struct sockaddr_in server, source;
	unsigned long messages;
	double rate, rude, started;
	struct counts counts; /* atomic, as the next two */
	unsigned long begun;
	bool stop;
} load;

/* One session at a time. */
struct session {
	int fd;
	uint64_t random;
	size_t have, used;
	char in[4096];
};

enum outcome { GOOD, LATER, LOST };

static void die(const char *what)
{
	fprintf(stderr, "smtp_load: %s: %s\n", what, errno ? strerror(errno) : "unexpected");
	exit(1);
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void nap(double seconds)
{
	struct timespec time = {.tv_sec = (time_t)seconds,
				.tv_nsec = (long)((seconds - (double)(time_t)seconds) * 1e9)};

	if (seconds > 0)
		nanosleep(&time, NULL);
}

static void count(unsigned long *counter, unsigned long more)
{
	__atomic_fetch_add(counter, more, __ATOMIC_RELAXED);
}

static bool stopped(void)
{
	return __atomic_load_n(&load.stop, __ATOMIC_RELAXED);
}

/* xorshift64*; 0 to below 1. */
static double random_part(struct session *session)
{
	session->random ^= session->random >> 12;
	session->random ^= session->random << 25;
	session->random ^= session->random >> 27;
	return (double)((session->random * 2685821657736338717u) >> 11) / (double)(1ull << 53);
}

static bool send_all(struct session *session, const char *data, size_t size)
{
	for (size_t done = 0; done < size;) {
		ssize_t put = send(session->fd, data + done, size - done, MSG_NOSIGNAL);

		if (put <= 0)
			return false;
		done += (size_t)put;
	}
	return true;
}

static int read_octet(struct session *session)
{
	if (session->used == session->have) {
		ssize_t got = read(session->fd, session->in, sizeof(session->in));

		if (got <= 0)
			return -1;
		session->have = (size_t)got;
		session->used = 0;
	}
	return (unsigned char)session->in[session->used++];
}

/* The code of the next reply, or 0 when the connection is lost. */
static int read_reply(struct session *session, char *line, size_t size)
{
	for (;;) {
		size_t length = 0;
		int octet;

		while ((octet = read_octet(session)) != '\n') {
			if (octet < 0)
				return 0;
			if (length + 1 < size)
				line[length++] = (char)octet;
		}
		line[length] = '\0';
		if (length > 3 && line[3] == '-')
			continue;
		return (int)strtoul(line, NULL, 10);
	}
}

/* The next reply; says why it is not as expected, if it should never be so. */
static enum outcome expect(struct session *session, int code)
{
	char line[512];
	int got = read_reply(session, line, sizeof(line));

	if (got == code)
		return GOOD;
	if (got >= 500) {
		fprintf(stderr, "smtp_load: refused: %s\n", line);
		exit(1);
	}
	return got ? LATER : LOST;
}

static void hang_up(struct session *session, bool reset)
{
	const struct linger linger = {.l_onoff = 1};

	if (session->fd < 0)
		return;
	if (reset)
		setsockopt(session->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	close(session->fd);
	session->fd = -1;
}

static bool greet(struct session *session)
{
	const struct timeval patience = {.tv_sec = PATIENCE};
	const int on = 1;

	session->have = session->used = 0;
	session->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (session->fd < 0 ||
	    bind(session->fd, (struct sockaddr *)&load.source, sizeof(load.source)) < 0)
		die("socket");
	setsockopt(session->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(session->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(session->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (connect(session->fd, (struct sockaddr *)&load.server, sizeof(load.server)) < 0)
		return false;
	count(&load.counts.connections, 1);
	return expect(session, 220) == GOOD && send_all(session, "EHLO load.test\r\n", 16) &&
	       expect(session, 250) == GOOD;
}

static const struct row *choose(struct session *session)
{
	double wanted = random_part(session) * load.rows[load.row_count - 1].until;
	size_t low = 0, high = load.row_count - 1;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (load.rows[middle].until > wanted)
			high = middle;
		else
			low = middle + 1;
	}
	return &load.rows[low];
}

/* MAIL, RCPT and DATA in one write, as the server's PIPELINING allows. */
static enum outcome begin(struct session *session, const struct row *row)
{
	char commands[1024];
	int length =
		snprintf(commands, sizeof(commands), "MAIL FROM:<%s>\r\nRCPT TO:<%s>\r\nDATA\r\n",
			 row->sender, row->recipient);
	static const int codes[] = {250, 250, 354};

	if (!send_all(session, commands, (size_t)length))
		return LOST;
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		enum outcome outcome = expect(session, codes[i]);

		if (outcome != GOOD)
			return outcome;
	}
	return GOOD;
}

/* Sends a message that begins with its number. A connection that is lost here may have been
 * accepted or not. */
static enum outcome transfer(struct session *session, const struct row *row, unsigned long number)
{
	char field[64];
	int length = snprintf(field, sizeof(field), "X-Endurance: %lu\r\n", number);
	enum outcome outcome = begin(session, row);

	if (outcome != GOOD)
		return outcome;
	if (!send_all(session, field, (size_t)length) ||
	    !send_all(session, row->text->octets, row->text->size) ||
	    !send_all(session, ".\r\n", 3))
		return LOST;
	outcome = expect(session, 250);
	if (outcome == LOST) {
		errno = 0;
		die("connection lost after the end of a message");
	}
	if (outcome == GOOD)
		count(&load.counts.octets, (size_t)length + row->text->size);
	return outcome;
}

/* A transaction that comes to nothing, one way or another. */
static void misbehave(struct session *session)
{
	static const char field[] = "X-Endurance: broken\r\n";
	const struct row *row = choose(session);
	int way = (int)(random_part(session) * 4);
	char command[512];
	int length = snprintf(command, sizeof(command), "MAIL FROM:<%s>\r\nRCPT TO:<%s>\r\n",
			      row->sender, row->recipient);

	if (way < 2) {
		if (!send_all(session, command, (size_t)length) || expect(session, 250) != GOOD ||
		    expect(session, 250) != GOOD)
			hang_up(session, false);
		else if (way == 0 && send_all(session, "RSET\r\n", 6) &&
			 expect(session, 250) == GOOD)
			count(&load.counts.rset, 1);
		else {
			count(&load.counts.hung_up, 1);
			hang_up(session, false);
		}
		return;
	}
	if (begin(session, row) == GOOD && send_all(session, field, sizeof(field) - 1))
		send_all(session, row->text->octets,
			 (size_t)(random_part(session) * (double)row->text->size));
	count(way == 2 ? &load.counts.aborted : &load.counts.reset, 1);
	hang_up(session, way == 3);
}

/* Waits until the next message is due; false at the end. A number that is given out is delivered,
 * so that none is missing. */
static bool next_number(unsigned long *number)
{
	if (stopped())
		return false;
	*number = __atomic_fetch_add(&load.begun, 1, __ATOMIC_RELAXED);
	if (*number >= load.messages)
		return false;
	if (load.rate > 0)
		nap(load.started + (double)*number / load.rate - now());
	return true;
}

/* Gets one message accepted, whatever it takes. `left` is how many the session may still carry. */
static void deliver(struct session *session, unsigned long number, int *left)
{
	const struct row *row = choose(session);

	for (double began = now();; count(&load.counts.deferred, 1), nap(0.2)) {
		enum outcome outcome;

		if (now() > began + PATIENCE) {
			errno = 0;
			die("a message is deferred again and again");
		}
		if (session->fd < 0) {
			*left = 1 + (int)(random_part(session) * SESSION_MESSAGES);
			if (!greet(session)) {
				hang_up(session, false);
				continue;
			}
		}
		outcome = transfer(session, row, number);
		if (outcome == GOOD) {
			count(&load.counts.accepted, 1);
			return;
		}
		hang_up(session, false);
	}
}

static void *run(void *seed)
{
	struct session session = {.fd = -1,
				  .random = (uint64_t)(uintptr_t)seed * 0x9e3779b97f4a7c15u};
	unsigned long number;
	int left = 0;

	while (next_number(&number)) {
		while (random_part(&session) * 100 < load.rude)
			if (session.fd >= 0 || greet(&session))
				misbehave(&session);
			else
				hang_up(&session, false);
		deliver(&session, number, &left);
		if (--left > 0)
			continue;
		if (send_all(&session, "QUIT\r\n", 6))
			expect(&session, 221);
		hang_up(&session, false);
	}
	hang_up(&session, false);
	return NULL;
}

static void print_counts(void)
{
	const struct counts *counts = &load.counts;

	printf("{\"accepted\": %lu, \"connections\": %lu, \"deferred\": %lu, \"rset\": %lu, "
	       "\"hung_up\": %lu, \"aborted\": %lu, \"reset\": %lu, \"octets\": %lu}\n",
	       counts->accepted, counts->connections, counts->deferred, counts->rset,
	       counts->hung_up, counts->aborted, counts->reset, counts->octets);
	fflush(stdout);
}

static const struct text *read_text(const char *path)
{
	struct text *text;
	struct stat status;
	FILE *file;

	for (size_t i = 0; i < load.text_count; i++)
		if (strcmp(load.texts[i].path, path) == 0)
			return &load.texts[i];
	file = fopen(path, "rb");
	if (!file || fstat(fileno(file), &status) < 0)
		die(path);
	text = &load.texts[load.text_count++];
	text->path = path;
	text->size = (size_t)status.st_size;
	text->octets = malloc(text->size);
	if (!text->octets || fread(text->octets, 1, text->size, file) != text->size)
		die(path);
	fclose(file);
	return text;
}

static void read_list(const char *path)
{
	FILE *file = fopen(path, "r");
	char line[1024], *word[4], *rest;
	double sum = 0;

	load.rows = calloc(MOST_ROWS, sizeof(*load.rows));
	load.texts = calloc(MOST_ROWS, sizeof(*load.texts));
	if (!file || !load.rows || !load.texts)
		die(path);
	while (load.row_count < MOST_ROWS && fgets(line, sizeof(line), file)) {
		char *kept = strdup(line);

		errno = 0;
		for (size_t i = 0; i < 4; i++)
			if (!(word[i] = strtok_r(i ? NULL : kept, " \n", &rest)))
				die("a line of the list");
		sum += strtod(word[0], NULL);
		load.rows[load.row_count++] = (struct row){.until = sum,
							   .sender = word[1],
							   .recipient = word[2],
							   .text = read_text(word[3])};
	}
	fclose(file);
	if (load.row_count == 0 || !(sum > 0))
		die("an empty list");
}

static void *wait_for_the_end(void *unused)
{
	sigset_t set;
	int number;

	(void)unused;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigwait(&set, &number);
	__atomic_store_n(&load.stop, true, __ATOMIC_RELAXED);
	return NULL;
}

static struct sockaddr_in address_of(const char *text, uint16_t port)
{
	struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};

	errno = 0;
	if (inet_pton(AF_INET, text, &address.sin_addr) != 1)
		die(text);
	return address;
}

/* Prints the counts once a second while the sessions run. */
static void *watch(void *unused)
{
	(void)unused;
	for (nap(1); !stopped(); nap(1))
		print_counts();
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t threads[MOST_SESSIONS], other;
	unsigned long sessions, seed;
	sigset_t set;

	if (argc != 9) {
		fprintf(stderr,
			"usage: smtp_load LIST SERVER SOURCE SESSIONS MESSAGES RATE RUDE SEED\n");
		return 2;
	}
	read_list(argv[1]);
	load.server = address_of(argv[2], 25);
	load.source = address_of(argv[3], 0);
	sessions = strtoul(argv[4], NULL, 10);
	load.messages = strtoul(argv[5], NULL, 10);
	load.rate = strtod(argv[6], NULL);
	load.rude = strtod(argv[7], NULL);
	seed = strtoul(argv[8], NULL, 10);
	if (sessions == 0 || sessions > MOST_SESSIONS || load.rude >= 100)
		die("arguments");
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	load.started = now();
	if (pthread_create(&other, NULL, wait_for_the_end, NULL) ||
	    pthread_create(&other, NULL, watch, NULL))
		die("thread");
	for (unsigned long i = 0; i < sessions; i++)
		if (pthread_create(&threads[i], NULL, run,
				   (void *)(uintptr_t)(seed * 1000 + i + 1)))
			die("thread");
	for (unsigned long i = 0; i < sessions; i++)
		pthread_join(threads[i], NULL);
	print_counts();
	return 0;
}
