/*
 * The Authentication-Results field: what was found out about a message, for those who read it next;
 * and which such fields claim to be ours although they came from outside. Pure functions,
 * thread-safe. Source: RFC 8601, for header.a and header.s its section 6.2, for header.b RFC 6008.
 */
#ifndef POSTERN_MILTER_AUTHENTICATION_RESULTS_H
#define POSTERN_MILTER_AUTHENTICATION_RESULTS_H

#include "milter/verifier.h"

/*
 * The field's value: `authserv_id`, a name of letters, digits, dots and hyphens, and a result for
 * each signature, or `none`. Folds are LF and tab. Every text of the message is quoted where it is
 * no token, and left out where no quoting helps. Returns NULL when the arena is exhausted.
 */
char *authentication_results_compose(struct arena *arena, const char *authserv_id,
				     const struct verification *verification);

/*
 * Whether the value of an Authentication-Results field bears this authserv-id: such a field that
 * comes from outside is forged, and must be removed (RFC 8601 5). Letter case does not count. What
 * cannot be read for sure is ours.
 */
bool authentication_results_is_ours(const char *value, const char *authserv_id);

#endif
