/*
 * Questions about a topology's records: each asked once, all of them within one time, and none any
 * more when no server answers at all. Not thread-safe; lives in an arena without limit.
 */
#ifndef POSTERN_DNS_ASK_H
#define POSTERN_DNS_ASK_H

#include "common/dns.h"
#include "common/name_map.h"

struct asker {
	struct arena *arena;
	const struct dns_resolver *resolver;
	struct name_map *known; /* answers by type and name */
	long long deadline;	/* milliseconds of the monotonic clock */
	size_t asked, answered; /* a failure is an answer, too */
	bool dead;		/* nobody answered the first questions */
	bool late;		/* the time was over before all was asked */
};

struct asked {
	int error; /* of dns_lookup(); then the answer is empty */
	struct dns_answer answer;
	bool told; /* the failure was reported */
};

/* `milliseconds` for all questions together. */
void asker_init(struct asker *asker, struct arena *arena, const struct dns_resolver *resolver,
		unsigned long milliseconds);

/* Never NULL. */
struct asked *asker_ask(struct asker *asker, const char *name, enum dns_type type);

#endif
