/*
 * The domains that the author addresses of a From field name.
 *
 * Sources: RFC 5322 3.4 (mailboxes, groups), 3.6.2 (From), 4.4 (obsolete forms). More is accepted
 * than the grammar allows where every reader agrees on the meaning, such as brackets in a display
 * name. What readers may take in different ways is marked malformed, and then the domains of every
 * reading are in the list. Pure functions, thread-safe.
 */
#ifndef POSTERN_MILTER_FROM_H
#define POSTERN_MILTER_FROM_H

#include "common/arena.h"

#include <stdbool.h>
#include <stddef.h>

/* More addresses than this in one field count as malformed. */
#define FROM_MOST_ADDRESSES 64

/*
 * Domains in lower case and in their ASCII form, without comments, blanks and a trailing dot. One
 * in UTF-8 that has no ASCII form is there as it was written, and the field is malformed.
 */
struct from {
	const char *domains[FROM_MOST_ADDRESSES];
	size_t count;
	bool malformed;
};

/*
 * Reads the value of a From field, folds included, and takes the text of the domains from `arena`.
 * An address without a domain adds none. Returns 0, or -ENOMEM when the arena is exhausted.
 */
int from_parse(struct arena *arena, const char *value, struct from *out);

#endif
