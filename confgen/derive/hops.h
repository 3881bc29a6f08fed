/*
 * The hops of a route, proxies among them, and what holds between the two ends of each: for those
 * who tell people about a topology. Pure; all memory belongs to the arena.
 */
#ifndef POSTERN_HOPS_H
#define POSTERN_HOPS_H

#include "confgen/topology/model.h"

/* How the receiver knows that it may relay for the sender, or must not judge it. */
enum known_by {
	KNOWN_NOT, /* it relays for nobody there, but to its own domains */
	KNOWN_ADDRESS,
	KNOWN_NETWORK,
	KNOWN_LOGIN,
};

struct route_hop {
	const struct node *from, *to;
	const struct link *link; /* NULL where none is needed */
	const struct listener
		*listener;	     /* that a proxy, `from`, passes connections on to; or NULL */
	const struct egress *egress; /* what it leaves from, on the way out; or NULL */
	enum known_by known;
	unsigned long port;
	bool tls_known; /* the sender is of the topology, and no proxy */
	enum tls_level tls;
	bool wrapper; /* TLS from the first octet */
	bool clear;   /* between hosts that know each other, and may cross the Internet in clear */
	struct position at; /* of what says so */
};

struct route_hops {
	struct route_hop *items;
	size_t count;
};

struct route_hops hops_of_route(struct arena *arena, const struct topology *topology,
				const struct route *route);

/* Whether others than its proxy reach the port where the node believes a PROXY header. */
bool listener_is_exposed(const struct topology *topology, const struct node *node,
			 const struct listener *listener);

/* The port where the listener's proxy connects. */
unsigned long listener_proxied_port(const struct listener *listener);

#endif
