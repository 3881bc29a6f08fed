/* Questions to recursive name servers, over UDP and TCP; see dns.h. */
#include "common/dns_private.h"
#include "common/file.h"
#include "common/network.h"

#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#define MOST_SERVERS	8
#define ROUNDS		2    /* each server is asked so often */
#define DNS_HEADER	12   /* octets */
#define UDP_SIZE	1232 /* that we take in one datagram: no fragments (DNS flag day 2020) */
#define LARGEST_MESSAGE 65535
#define LONGEST_NAME	253

struct server {
	struct sockaddr_storage address;
	socklen_t length;
};

struct dns_resolver {
	struct server servers[MOST_SERVERS];
	size_t count;
	unsigned milliseconds;
};

/* A question on its way, and the answer. */
struct exchange {
	const uint8_t *query;
	size_t query_length;
	long long deadline; /* milliseconds of the monotonic clock */
	uint8_t *answer;    /* room for LARGEST_MESSAGE */
	size_t answer_length;
};

static long long now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000LL + time.tv_nsec / 1000000;
}

static bool parse_port(const char *text, in_port_t *out)
{
	unsigned long port;
	char *end;

	if (!isdigit((unsigned char)*text))
		return false;
	port = strtoul(text, &end, 10);
	if (*end || port == 0 || port > 65535)
		return false;
	*out = htons((in_port_t)port);
	return true;
}

static void fill_server(const struct ip_address *ip, in_port_t port, struct server *out)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)&out->address;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&out->address;

	*out = (struct server){.length = 0};
	if (ip->family == IP_V4) {
		out->length = sizeof(*v4);
		v4->sin_family = AF_INET;
		v4->sin_port = port;
		memcpy(&v4->sin_addr, ip->octets, sizeof(v4->sin_addr));
	} else {
		out->length = sizeof(*v6);
		v6->sin6_family = AF_INET6;
		v6->sin6_port = port;
		memcpy(&v6->sin6_addr, ip->octets, sizeof(v6->sin6_addr));
	}
}

static bool parse_server(const char *text, struct server *out)
{
	const char *colon = strrchr(text, ':');
	char address[IP_TEXT_SIZE + 2];
	in_port_t port = htons(53);
	struct ip_address ip;

	/* a colon before the port is the only one, or follows a bracket */
	if (colon && (strchr(text, ':') == colon || (colon > text && colon[-1] == ']'))) {
		if ((size_t)(colon - text) >= sizeof(address) || !parse_port(colon + 1, &port))
			return false;
		memcpy(address, text, (size_t)(colon - text));
		address[colon - text] = '\0';
		text = address;
	}
	if (ip_parse(text, &ip) != IP_OK)
		return false;
	fill_server(&ip, port, out);
	return true;
}

bool dns_server_is_valid(const char *server)
{
	struct server unused;

	return parse_server(server, &unused);
}

/* The name servers of resolv.conf(5); 127.0.0.1 when it names none, as the C library has it. */
static void read_system_servers(struct dns_resolver *resolver)
{
	ldns_resolver *system = NULL;

	if (ldns_resolver_new_frm_file(&system, NULL) == LDNS_STATUS_OK) {
		ldns_rdf **servers = ldns_resolver_nameservers(system);

		for (size_t i = 0; i < ldns_resolver_nameserver_count(system); i++) {
			char *text = ldns_rdf2str(servers[i]);

			if (text && resolver->count < MOST_SERVERS &&
			    parse_server(text, &resolver->servers[resolver->count]))
				resolver->count++;
			free(text);
		}
		ldns_resolver_deep_free(system);
	}
	if (resolver->count == 0 && parse_server("127.0.0.1", &resolver->servers[0]))
		resolver->count = 1;
}

int dns_resolver_new(const char *const *servers, size_t count, unsigned milliseconds,
		     struct dns_resolver **out)
{
	struct dns_resolver *resolver = calloc(1, sizeof(*resolver));

	if (!resolver)
		return -ENOMEM;
	resolver->milliseconds = milliseconds;
	for (size_t i = 0; i < count; i++) {
		if (count > MOST_SERVERS || !parse_server(servers[i], &resolver->servers[i])) {
			free(resolver);
			return -EINVAL;
		}
		resolver->count++;
	}
	if (count == 0)
		read_system_servers(resolver);
	*out = resolver;
	return 0;
}

void dns_resolver_free(struct dns_resolver *resolver)
{
	free(resolver);
}

static bool is_plain_name(const char *name)
{
	size_t length = strlen(name), label = 0;

	if (length == 0 || length > LONGEST_NAME)
		return false;
	for (const char *p = name; *p; p++) {
		if (*p == '.' ? label == 0 : !isalnum((unsigned char)*p) && *p != '-' && *p != '_')
			return false;
		label = *p == '.' ? 0 : label + 1;
		if (label > 63)
			return false;
	}
	return true;
}

/* Waits until the descriptor is ready for `events`; false when the time is over. */
static bool wait_for(int fd, short events, long long deadline)
{
	struct pollfd poller = {.fd = fd, .events = events};

	for (;;) {
		long long left = deadline - now();
		int ready = left > 0 ? poll(&poller, 1, (int)left) : 0;

		if (ready > 0)
			return true;
		if (ready == 0 || errno != EINTR)
			return false;
	}
}

/* Connected, so that the kernel drops what comes from elsewhere. */
static int connect_to(const struct server *server, int type, long long deadline)
{
	int fd = socket(server->address.ss_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int error = 0;
	socklen_t size = sizeof(error);

	if (fd < 0)
		return -1;
	if (connect(fd, (const struct sockaddr *)&server->address, server->length) == 0)
		return fd;
	if (errno == EINPROGRESS && wait_for(fd, POLLOUT, deadline) &&
	    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0)
		return fd;
	close(fd);
	return -1;
}

/*
 * Whether the answer belongs to the question: the ID, the bit that makes it an answer, and the
 * question, in which letter case may have changed. The additional section of the query, which
 * follows its question, has 11 octets (EDNS).
 */
static bool is_answer(const struct exchange *exchange)
{
	const uint8_t *query = exchange->query, *answer = exchange->answer;
	size_t end = exchange->query_length - 11;

	if (exchange->answer_length < DNS_HEADER || memcmp(query, answer, 2) != 0 ||
	    !(answer[2] & 0x80))
		return false;
	if (LDNS_QDCOUNT(answer) == 0) /* servers leave it out of some errors */
		return LDNS_RCODE_WIRE(answer) != LDNS_RCODE_NOERROR;
	if (exchange->answer_length < end || LDNS_QDCOUNT(answer) != 1)
		return false;
	for (size_t i = DNS_HEADER; i < end; i++)
		if (tolower(query[i]) != tolower(answer[i]))
			return false;
	return true;
}

static bool ask_udp(const struct server *server, struct exchange *exchange, long long deadline)
{
	AUTO_CLOSE int fd = connect_to(server, SOCK_DGRAM, deadline);

	if (fd < 0 || send(fd, exchange->query, exchange->query_length, MSG_NOSIGNAL) < 0)
		return false;
	while (wait_for(fd, POLLIN, deadline)) {
		ssize_t got = recv(fd, exchange->answer, LARGEST_MESSAGE, 0);

		if (got < 0 && errno != EAGAIN && errno != EINTR)
			return false; /* nobody listens there */
		exchange->answer_length = got < 0 ? 0 : (size_t)got;
		if (got > 0 && is_answer(exchange))
			return true;
	}
	return false;
}

static bool receive_all(int fd, uint8_t *data, size_t size, long long deadline)
{
	while (size) {
		ssize_t got;

		if (!wait_for(fd, POLLIN, deadline))
			return false;
		got = recv(fd, data, size, 0);
		if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
			return false;
		if (got > 0) {
			data += got;
			size -= (size_t)got;
		}
	}
	return true;
}

/* The query is small enough for the socket's buffer: it goes in one piece or not at all. */
static bool ask_tcp(const struct server *server, struct exchange *exchange)
{
	AUTO_CLOSE int fd = connect_to(server, SOCK_STREAM, exchange->deadline);
	uint8_t length[2], query[2 + 512];
	size_t size = exchange->query_length;

	if (fd < 0 || size > sizeof(query) - 2)
		return false;
	query[0] = (uint8_t)(size >> 8);
	query[1] = (uint8_t)size;
	memcpy(query + 2, exchange->query, size);
	if (send(fd, query, size + 2, MSG_NOSIGNAL) != (ssize_t)size + 2 ||
	    !receive_all(fd, length, sizeof(length), exchange->deadline))
		return false;
	exchange->answer_length = (size_t)length[0] << 8 | length[1];
	return receive_all(fd, exchange->answer, exchange->answer_length, exchange->deadline) &&
	       is_answer(exchange);
}

/* -EREMOTEIO: another server, or another time, may do better. */
static int read_answer(const struct exchange *exchange, dns_reader *read, void *user)
{
	ldns_pkt *packet = NULL;
	int error = -EREMOTEIO;

	if (ldns_wire2pkt(&packet, exchange->answer, exchange->answer_length) != LDNS_STATUS_OK)
		return -EREMOTEIO;
	if ((ldns_pkt_get_rcode(packet) == LDNS_RCODE_NXDOMAIN ||
	     ldns_pkt_get_rcode(packet) == LDNS_RCODE_NOERROR) &&
	    !ldns_pkt_tc(packet))
		error = read(user, packet);
	ldns_pkt_free(packet);
	return error;
}

static int ask_all(const struct dns_resolver *resolver, struct exchange *exchange, dns_reader *read,
		   void *user)
{
	long long share = (exchange->deadline - now()) / (long long)(ROUNDS * resolver->count);
	int result = -EAGAIN;

	for (size_t i = 0; i < ROUNDS * resolver->count; i++) {
		const struct server *server = &resolver->servers[i % resolver->count];
		long long deadline = now() + share;
		int error;

		if (deadline > exchange->deadline)
			deadline = exchange->deadline;
		if (!ask_udp(server, exchange, deadline))
			continue;
		result = -EREMOTEIO;
		if (LDNS_TC_WIRE(exchange->answer) && !ask_tcp(server, exchange))
			continue;
		error = read_answer(exchange, read, user);
		if (error != -EREMOTEIO)
			return error;
	}
	return result;
}

/* The query in wire format, which the caller frees; NULL when memory is short. */
static uint8_t *make_query(const char *name, ldns_rr_type type, bool dnssec, size_t *length)
{
	ldns_pkt *packet = NULL;
	uint8_t *wire = NULL;
	uint16_t id;

	if (getrandom(&id, sizeof(id), 0) != sizeof(id))
		return NULL;
	if (ldns_pkt_query_new_frm_str(&packet, name, type, LDNS_RR_CLASS_IN, LDNS_RD) !=
	    LDNS_STATUS_OK)
		return NULL;
	ldns_pkt_set_id(packet, id);
	ldns_pkt_set_edns_udp_size(packet, UDP_SIZE);
	ldns_pkt_set_edns_do(packet, dnssec);
	ldns_pkt_set_ad(packet, dnssec);
	if (ldns_pkt2wire(&wire, packet, length) != LDNS_STATUS_OK)
		wire = NULL;
	ldns_pkt_free(packet);
	return wire;
}

int dns_ask(const struct dns_resolver *resolver, const char *name, ldns_rr_type type, bool dnssec,
	    unsigned milliseconds, dns_reader *read, void *user)
{
	struct exchange exchange = {.query = NULL};
	uint8_t *query;
	int error;

	if (!is_plain_name(name))
		return -EINVAL;
	if (milliseconds == 0 || milliseconds > resolver->milliseconds)
		milliseconds = resolver->milliseconds;
	query = make_query(name, type, dnssec, &exchange.query_length);
	exchange.query = query;
	exchange.answer = malloc(LARGEST_MESSAGE);
	exchange.deadline = now() + milliseconds;
	error = query && exchange.answer ? ask_all(resolver, &exchange, read, user) : -ENOMEM;
	free(exchange.answer);
	free(query);
	return error;
}
