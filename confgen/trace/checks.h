/*
 * What is tested of a topology: its own tests, and those that nobody should have to write:
 *
 * - no node relays for strangers, over IPv4 or IPv6, at any port, with any sender of ours;
 * - nobody gets further with a PROXY header of his own;
 * - every domain with mailboxes is reached from the Internet, by each of its routes;
 * - bounces take the route;
 * - what leaves of a domain that is signed for is signed.
 *
 * Everything lives in the arena. Not thread-safe.
 */
#ifndef POSTERN_TRACE_CHECKS_H
#define POSTERN_TRACE_CHECKS_H

#include "confgen/trace/trace.h"

struct requests {
	struct request *items;
	size_t count;
};

/* Something that has to be true of each of its messages. */
struct check {
	const char *name;
	bool implied; /* not written in the topology */
	bool refused; /* none may arrive; else as `expect` says */
	struct requests requests;
	struct expectation expect;
	struct position at; /* in the topology */
};

struct checks {
	struct check *items;
	size_t count;
};

/* The topology's own tests, in their order. */
void checks_of_tests(struct arena *arena, const struct topology *topology, struct checks *out);

/*
 * The others. Of many domains, the first `most` are taken for each check: for the rest the same
 * rows of tables decide.
 */
void checks_implied(struct trace *trace, size_t most, struct checks *out);

/* Whether a result is what the check asks for; else `*why` says what is not. */
bool check_met(struct arena *arena, const struct check *check, const struct trace_result *result,
	       const char **why);

#endif
