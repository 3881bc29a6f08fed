/*
 * What a lab has to have beside the topology so that messages can be sent: clients' addresses,
 * mailboxes, domains of others, and ways to the Internet that networks translate. Lists without
 * repetition, in the arena of the trace.
 */
#ifndef POSTERN_TRACE_NEEDS_H
#define POSTERN_TRACE_NEEDS_H

#include "confgen/trace/trace.h"

struct client_address {
	const char *network; /* by name, or "internet" */
	struct ip_address address;
};

struct needs {
	struct {
		struct client_address *items;
		size_t count;
	} clients;
	struct names mailboxes, absent, domains, translated;
};

void needs_add(struct trace *trace, const struct request *request, struct needs *needs);

/* Whether the message wants a mailbox absent that another needs, or the other way round. */
bool needs_contradict(const struct needs *needs, const struct request *request);

#endif
