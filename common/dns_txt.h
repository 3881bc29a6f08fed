/* TXT records alone, for those who verify signatures; see dns.h. */
#ifndef POSTERN_DNS_TXT_H
#define POSTERN_DNS_TXT_H

#include "common/dns.h"

struct dns_texts {
	struct dns_text *items;
	size_t count;
};

/* More records of one name are not read. */
#define DNS_MOST_TEXTS 16

/*
 * Asks for the TXT records of `name`. `milliseconds` is another limit than the resolver's own if it
 * is shorter; 0: none. What is found lives in `arena`, which may have a limit. Returns 0 with at
 * least one record, or
 *   -ENOENT  the name, or a record of this type, does not exist;
 *   -EINVAL  `name` cannot be a host's or a key's: labels of letters, digits, '-' and '_';
 *   -EAGAIN  no server gave an answer in time: asking later may help;
 *   -ENOMEM.
 */
int dns_lookup_txt(const struct dns_resolver *resolver, struct arena *arena, const char *name,
		   unsigned milliseconds, struct dns_texts *out);

#endif
