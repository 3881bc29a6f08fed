/*
 * Where mail goes next: the next hops that a configuration names, and the client that takes each.
 *
 * For rules. A hop is one destination of relayhost and its kin, of transport:nexthop in a parameter
 * or in a table that can be read, or a content filter. Tables that cannot be read give none, so a
 * rule sees less, never more. Everything lives in the arena of struct lint. Not thread-safe.
 *
 * Sources: postconf(5), transport(5), smtp(8).
 */
#ifndef POSTERN_LINT_HELPERS_ROUTING_H
#define POSTERN_LINT_HELPERS_ROUTING_H

#include "common/network.h"
#include "confgen/lint/lint.h"

/* [host]:port in its parts. */
struct next_hop {
	struct text text;	   /* as written */
	const char *host;	   /* without brackets */
	const char *port;	   /* a number or a name; "" for none */
	bool bracketed;		   /* so there is no MX look-up */
	bool socket;		   /* unix:path: no host at all */
	struct ip_address address; /* where the host is one; else of the family IP_NONE */
};

struct next_hop routing_next_hop(struct arena *arena, const struct text *text);

/* The number of a port, by the names that mail knows. `usual` for "", 0 for other names. */
unsigned routing_port(const char *port, unsigned usual);

/* Whether the host is this one: loopback by address or by name. */
bool routing_is_loopback(const struct next_hop *next);

/* Whether it is in private space, loopback included; no for names. */
bool routing_is_private(const struct next_hop *next);

struct hop {
	const struct service *client; /* smtp(8) in master.cf; NULL where there is no master.cf */
	const char *parameter;	      /* that names it, perhaps by way of a table */
	const struct table_entry *entry; /* in a table; or NULL */
	struct next_hop next;
	struct position at;
};

struct hops {
	struct hop *items;
	size_t count;
};

/* All hops that SMTP clients take. Rules have them in struct lint. */
struct hops routing_hops(const struct lint *lint);

/* The clients: services that run smtp(8); one NULL, for main.cf, where there are none. */
struct clients {
	const struct service **items;
	size_t count;
};

struct clients routing_clients(const struct lint *lint);

/* The client that takes mail for the Internet. False: none, or not one that is smtp(8). */
bool routing_default_client(const struct lint *lint, const struct service **out);

/*
 * The table behind proxy: and its kind, in the order of the value. What of a value's tables can be
 * read is in `items`; `whole` says that this is all of it.
 */
struct readable {
	const struct table_contents **items;
	size_t count;
	bool whole;
};

struct readable routing_readable(const struct lint *lint, const struct value *value);

/* Places that a rule has spoken of: services share what main.cf sets. */
struct places {
	struct position *slots; /* a hash table; without a source: free */
	size_t size, count;	/* the size is a power of 2 */
	bool nowhere;		/* what has no place was there */
};

/* Notes the place; false where it was there already. */
bool routing_first(const struct lint *lint, struct places *places, struct position at);

#endif
