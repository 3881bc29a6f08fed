/* A client meets a service: at a port, through proxies, postern-gate and the firewall. */
#ifndef POSTERN_TRACE_MEETING_H
#define POSTERN_TRACE_MEETING_H

#include "confgen/trace/world.h"

struct meeting {
	struct actor *actor;
	const char *service,
		*smtpd;		  /* that takes the connection, and that speaks with the client */
	struct ip_address client; /* as smtpd sees it */
	bool claimed;		  /* from a PROXY header */
	bool early;		  /* it sent a header that nobody expects */
	const char *how;	  /* in words, for the step */
	struct position cause;
};

/*
 * A connection from `source` to a port of `node`, which may be a proxy; `claims` is what the client
 * itself says in a PROXY header, or NULL. The answer's code is 0 when they meet; else
 * `meeting->smtpd` tells whether a service has spoken.
 */
struct answer meeting_arrange(struct trace *trace, const struct node *node, unsigned port,
			      const struct ip_address *source, const struct ip_address *claims,
			      struct meeting *meeting, struct steps *steps);

/* The same for the client of a request: it chooses port and address, as such clients do. */
struct answer meeting_begin(struct trace *trace, const struct request *request,
			    struct entry_point *entry, struct meeting *meeting,
			    struct steps *steps);

/* Adds the step that says who serves the client, and what it looks like there. */
void meeting_tell(const struct meeting *meeting, struct steps *steps);

#endif
