/*
 * Serves Postfix's policy delegation protocol: one thread of its own, which waits for all
 * connections at once, reads requests and has each decided by a function. Source:
 * SMTPD_POLICY_README.
 *
 * Bounded: the number of connections (the one that idles longest makes room for a new one), the
 * size of a request, the time that a request may take to arrive and its answer to leave. A
 * connection that breaks a rule is closed; Postfix defers the client's mail then, and tries again.
 */
#ifndef POSTERN_MILTER_POLICY_SERVER_H
#define POSTERN_MILTER_POLICY_SERVER_H

#include "milter/policy_protocol.h"

/* As many as Postfix has smtpd processes, and some. */
#define POLICY_MOST_CONNECTIONS 256

/* Milliseconds. Postfix keeps an idle connection for smtpd_policy_service_max_idle, 300 s. */
#define POLICY_IDLE_TIME    330000
#define POLICY_REQUEST_TIME 10000 /* from a request's first octet to its answer's last */
#define POLICY_STALL_TIME   1000  /* after that, it is cut off when there is no room for others */

/*
 * Decides a request: returns an action of access(5), like "DUNNO", which may be made in `buffer`,
 * of POLICY_LONGEST_ACTION + 1 octets. Called by the server's thread alone, one request at a time;
 * it must not block for long.
 */
typedef const char *policy_decide(void *context, const struct policy_request *request, char *buffer,
				  size_t size);

struct policy_server;

/*
 * Starts to serve on a listening socket that does not block; see service_socket.h. The server owns
 * the descriptor then. Returns 0 or -errno, when the descriptor is the caller's still.
 */
int policy_server_start(int listener, policy_decide *decide, void *context,
			struct policy_server **out);

/*
 * Stops: no new connections, requests that have begun get `milliseconds` to be answered, then all
 * is closed and freed. NULL is accepted.
 */
void policy_server_stop(struct policy_server *server, unsigned milliseconds);

#endif
