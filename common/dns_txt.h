/*
 * TXT records, asked of recursive name servers.
 *
 * Packets are ldns's, the transport is our own: ldns takes any datagram for an answer, from
 * whatever address and with whatever ID, and its time-outs add up. Here a socket hears its server
 * only, ID and question are compared, and a deadline holds for all servers and attempts together.
 *
 * A resolver is immutable: any number of threads may ask at once. Sources: RFC 1035, RFC 6891,
 * RFC 7766.
 */
#ifndef POSTERN_DNS_TXT_H
#define POSTERN_DNS_TXT_H

#include "common/arena.h"

#include <stdbool.h>

struct dns_resolver;

/* One record: its strings joined. It may hold any octet; a NUL that does not count follows. */
struct dns_text {
	const char *text;
	size_t length;
};

struct dns_texts {
	struct dns_text *items;
	size_t count;
};

/* More records of one name are not read. */
#define DNS_MOST_TEXTS 16

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
 * Asks for the TXT records of `name`. `milliseconds` is another limit than the resolver's own if it
 * is shorter; 0: none. What is found lives in `arena`, which may have a limit. Returns 0 with at
 * least one record, or
 *   -ENOENT  the name, or a record of this type, does not exist;
 *   -EINVAL  `name` cannot be a host's or a key's: labels of letters, digits, '-' and '_';
 *   -EAGAIN  no server gave an answer in time: asking later may help;
 *   -ENOMEM.
 */
int dns_lookup_txt(const struct dns_resolver *resolver, struct arena *arena, const char *name,
		   unsigned milliseconds, struct dns_texts *out);

#endif
