/*
 * Records asked of recursive name servers.
 *
 * Packets are ldns's, the transport is our own: ldns takes any datagram for an answer, from
 * whatever address and with whatever ID, and its time-outs add up. Here a socket hears its server
 * only, ID and question are compared, and a deadline holds for all servers and attempts together.
 * An answer that is truncated is asked for again over TCP.
 *
 * A resolver is immutable: any number of threads may ask at once. Sources: RFC 1035, RFC 6891,
 * RFC 7766, RFC 6840 5.7 (AD).
 */
#ifndef POSTERN_DNS_H
#define POSTERN_DNS_H

#include "common/arena.h"
#include "common/network.h"

#include <stdbool.h>

struct dns_resolver;

/* The types that are read; the numbers are DNS's own. */
enum dns_type {
	DNS_A = 1,
	DNS_CNAME = 5,
	DNS_SOA = 6,
	DNS_PTR = 12,
	DNS_MX = 15,
	DNS_TXT = 16,
	DNS_AAAA = 28,
	DNS_SRV = 33,
	DNS_TLSA = 52,
};

/* "A", "TXT", ... */
const char *dns_type_name(enum dns_type type);

/* A text: its strings joined. It may hold any octet; a NUL that does not count follows. */
struct dns_text {
	const char *text;
	size_t length;
};

/* A record that was found. Whoever published it is a stranger: texts may hold anything. */
struct dns_found {
	enum dns_type type;
	const char *data;   /* as in a zone file; it may hold anything all the same */
	const char *target; /* of CNAME, PTR, MX, SRV: without the final dot; "" is the root */
	unsigned number;    /* of MX and SRV: preference, priority */
	unsigned port;	    /* of SRV */
	struct ip_address address; /* of A, AAAA */
	struct dns_text text;	   /* of TXT */
};

struct dns_answer {
	struct dns_found *items; /* of the type that was asked for, and CNAME */
	size_t count;
	bool cut;	    /* there were more than DNS_MOST_RECORDS */
	bool alias;	    /* the name itself is a CNAME */
	bool exists;	    /* the name has records, if not of this type */
	bool authenticated; /* the server vouches for it (AD): DNSSEC validated it */
	bool has_signature; /* RRSIG records came along: the zone is signed */
};

/* More records of one answer are not read. */
#define DNS_MOST_RECORDS 64

/* Whether `server` is ADDRESS, ADDRESS:PORT or [ADDRESS]:PORT. */
bool dns_server_is_valid(const char *server);

/*
 * A resolver that asks `servers`, in order; with none, those of resolv.conf(5). An answer may take
 * `milliseconds` altogether. Returns 0, -EINVAL for a server that is not valid or too many (8), or
 * -ENOMEM. `out` is untouched on failure.
 */
int dns_resolver_new(const char *const *servers, size_t count, unsigned milliseconds,
		     struct dns_resolver **out);
void dns_resolver_free(struct dns_resolver *resolver);

/*
 * Asks for the records of `name`, with DNSSEC. `milliseconds` is another limit than the resolver's
 * own if it is shorter; 0: none. What is found lives in `arena`. Returns 0, with no records or any
 * number of them, or
 *   -EINVAL    `name` cannot be a host's or a key's: labels of letters, digits, '-' and '_';
 *   -EREMOTEIO a server answered that it cannot tell (SERVFAIL, REFUSED), or something broken;
 *   -EAGAIN    no server answered in time;
 *   -ENOMEM.
 */
int dns_lookup(const struct dns_resolver *resolver, struct arena *arena, const char *name,
	       enum dns_type type, unsigned milliseconds, struct dns_answer *out);

#endif
