/*
 * Which client service of master.cf takes a message out: smtp and relay, as everywhere, or one of
 * its own, where an egress binds the mail of a route or link, or a smarthost wants TLS from the
 * first octet.
 */
#ifndef POSTERN_SERVICES_H
#define POSTERN_SERVICES_H

#include "confgen/derive/facts.h"

/*
 * The service that takes mail of `route` from the facts' node to `next`: `usual`, or one of its
 * own, which is added to the facts when it is first asked for. `usual` is "relay" for mail that
 * goes inward, and NULL, which stands for smtp, for mail that goes out. Names of routes and nodes
 * cannot clash in the names of services.
 */
const char *services_route(struct arena *arena, struct facts *facts, const struct route *route,
			   const struct node *next, const char *usual);

/* Whether all mail that the node passes inward can leave by its own egress, which it has. */
bool services_bind_relay(const struct facts *facts);

#endif
