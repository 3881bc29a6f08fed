/*
 * Which client service of master.cf takes a message out: smtp and relay, as everywhere, or one of
 * its own, where an egress binds the mail of a route or link, a smarthost wants TLS from the first
 * octet, or some senders fall back on other relays than the rest.
 */
#ifndef POSTERN_SERVICES_H
#define POSTERN_SERVICES_H

#include "confgen/derive/facts.h"

/*
 * The service that takes mail of the inbound `route` from the facts' node to `next`: "relay", or
 * one of its own, which is added to the facts when it is first asked for. Names of routes and nodes
 * cannot clash in the names of services.
 */
const char *services_in(struct arena *arena, struct facts *facts, const struct route *route,
			const struct node *next);

/*
 * The same for an outbound route; NULL stands for smtp. `fallbacks` is the list of relays to fall
 * back on, "" for none, where it is not that of the host; else NULL.
 */
const char *services_out(struct arena *arena, struct facts *facts, const struct route *route,
			 const struct node *next, const char *fallbacks);

/* Whether all mail that the node passes inward can leave by its own egress, which it has. */
bool services_bind_relay(const struct facts *facts);

#endif
