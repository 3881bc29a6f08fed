/* Questions, each asked once; see ask.h. */
#include "confgen/dns/ask.h"

#include <errno.h>
#include <time.h>

#define PATIENCE                                                                        \
	2 /* questions without an answer, after which no server is believed to be there \
	   */
#define MOST_ASKED 200000 /* answers of strangers decide on some of the questions */

static long long now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000LL + time.tv_nsec / 1000000;
}

void asker_init(struct asker *asker, struct arena *arena, const struct dns_resolver *resolver,
		unsigned long milliseconds)
{
	*asker = (struct asker){
		.arena = arena,
		.resolver = resolver,
		.known = name_map_new(arena, 64),
		.deadline = now() + (long long)milliseconds,
	};
}

static void fetch(struct asker *asker, const char *name, enum dns_type type, struct asked *out)
{
	long long left = asker->deadline - now();

	out->error = -EAGAIN;
	if (asker->dead)
		return;
	if (left <= 0 || asker->asked >= MOST_ASKED) {
		asker->late = true;
		return;
	}
	out->error = dns_lookup(asker->resolver, asker->arena, name, type,
				left > 1000000 ? 1000000 : (unsigned)left, &out->answer);
	if (out->error == -EINVAL)
		return; /* it was not asked */
	asker->asked++;
	asker->answered += out->error != -EAGAIN;
	asker->dead = asker->answered == 0 && asker->asked >= PATIENCE;
}

struct asked *asker_ask(struct asker *asker, const char *name, enum dns_type type)
{
	char *key = arena_printf(asker->arena, "%d %s", (int)type, name);
	struct asked *found = name_map_find(asker->known, key);

	if (found)
		return found;
	found = arena_alloc(asker->arena, sizeof(*found));
	fetch(asker, name, type, found);
	name_map_add(asker->known, key, found);
	return found;
}
