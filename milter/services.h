/*
 * The services beside the milter protocol: the policy service, and the pages for those who watch.
 * Each is there only if the configuration names a socket for it.
 *
 * services_open() comes before threads start and privileges are given up, services_start() after.
 * One thread at a time.
 */
#ifndef POSTERN_MILTER_SERVICES_H
#define POSTERN_MILTER_SERVICES_H

#include "milter/session.h"

struct services;

/*
 * Makes the sockets, and the counters of `service` where there are pages to show them; `service`
 * must outlive the services. Returns 0 or -errno, with the failed step in `*cause` and what it was
 * about in `*name`, both constants or texts of the configuration, which must live on.
 */
int services_open(struct service *service, const struct config *config, struct services **out,
		  const char **name, const char **cause);

/* Begins to serve. Returns 0 or -errno, with the name of the socket that cannot be served. */
int services_start(struct services *services, const char **name);

/* Whether the service takes mail: what /readyz says. Any thread. */
void services_set_ready(struct services *services, bool ready);

/* The configuration was read anew, and taken or not. */
void services_reloaded(struct services *services, bool taken);

/* Removes the names of UNIX sockets: new clients find nobody. */
void services_hide(struct services *services);

/* Ends the policy service, then the pages, and frees. The counters stay: sessions may use them. */
void services_stop(struct services *services);

#endif
