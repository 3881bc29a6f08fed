/* What follows a message (walk.c), and what a host asks about a recipient (probe.c), have in
 * common. */
#ifndef POSTERN_TRACE_WALK_H
#define POSTERN_TRACE_WALK_H

#include "confgen/trace/meeting.h"

struct walk {
	struct trace *trace;
	const struct request *request;
	struct trace_result *result;
	struct steps *steps;
	struct names signed_by;
	bool found;	   /* the next hop tried last has an address */
	unsigned forwards; /* copies that were followed: aliases of aliases multiply */
};

/* What a host answers until the recipient is taken, or not. */
struct answer walk_greet(struct steps *steps, const struct meeting *meeting,
			 const struct mail *mail);

/* Whether a level goes without TLS only in vain. */
bool walk_demands_tls(const char *level);

/* Whether the host that is met offers it; one of others does. */
bool walk_offers_tls(const struct meeting *meeting);

/* The addresses that a connection may come from; false: there is none to be had. */
bool walk_choose_source(const struct walk *walk, const struct node *node,
			const struct sending *sending, const struct reached *to, struct hop *hop);

#endif
