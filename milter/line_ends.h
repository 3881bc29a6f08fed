/*
 * Line ends for signing: DKIM hashes CRLF (RFC 6376 5.3), mail servers hand milters either.
 *
 * A lone LF becomes CRLF. A lone CR stays, and is told: mail must not have any (RFC 5322 2.3), and
 * verifiers disagree on what it is. A body whose last line has no end gets one, as Postfix adds it
 * when it sends the message.
 */
#ifndef POSTERN_MILTER_LINE_ENDS_H
#define POSTERN_MILTER_LINE_ENDS_H

#include "common/arena.h"

#include <stdbool.h>

/*
 * "Name:value" with CRLF in the folds; `separator` is what stands between them. Gives NULL when the
 * arena is exhausted.
 */
char *line_ends_header(struct arena *arena, const char *name, const char *separator,
		       const char *value, size_t *length);

/* Where a body stands between two chunks; starts zeroed. */
struct line_ends {
	bool any;	    /* there was an octet */
	unsigned char last; /* the last one */
	bool stray_cr;	    /* a CR came without LF, the last octet apart */
};

/*
 * Takes the next piece off `*data`, until `*size` is 0: the return value and `*length` are what to
 * hash. It points into the data or to a constant; nothing is copied.
 */
const unsigned char *line_ends_next(struct line_ends *state, const unsigned char **data,
				    size_t *size, size_t *length);

/* At the end of the body: whether there was a CR without LF. */
bool line_ends_stray_cr(const struct line_ends *state);

/* Whether a field's value has a CR without LF, or a line end that is no fold. */
bool line_ends_stray_in_header(const char *value);

/* Whether CRLF must be added at the end of the body. An empty body stays empty. */
bool line_ends_missing(const struct line_ends *state);

#endif
