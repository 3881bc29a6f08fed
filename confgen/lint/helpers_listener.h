/*
 * Who can connect: the SMTP servers of a configuration, their ports, and what they let through.
 *
 * For rules. Not thread-safe. Sources: master(5), postconf(5), smtpd(8), postscreen(8).
 */
#ifndef POSTERN_LINT_HELPERS_LISTENER_H
#define POSTERN_LINT_HELPERS_LISTENER_H

#include "confgen/lint/lint.h"

enum listener_reach {
	LISTENER_LOOPBACK, /* programs of this host alone */
	LISTENER_PRIVATE,  /* bound to private addresses */
	LISTENER_ANY,
};

struct listener {
	const struct service *service; /* NULL: master.cf is not known; what main.cf says */
	unsigned port;		       /* 0: a name that is not known */
	enum listener_reach reach;
	bool passed; /* postscreen, or another, hands connections over */
};

struct listeners {
	struct listener *items;
	size_t count;
};

/* The services of this daemon, "smtpd" or "postscreen", that take connections. */
struct listeners listener_list(const struct lint *lint, const char *daemon);

/*
 * Whether master.cf is that of a whole Postfix, not a few services that are added to another one:
 * what it does not say can only be judged then.
 */
bool listener_whole(const struct lint *lint);

/* What a listener's restrictions say of one name, "reject" or "permit_mynetworks" for one. */
enum listener_has {
	LISTENER_NO,
	LISTENER_UNKNOWN, /* a table or a policy service decides */
	LISTENER_YES,
};

enum listener_has listener_has(const struct lint *lint, const struct service *service,
			       const char *restriction);

/* Whether all but chosen clients are refused: a restriction "reject" ends a list. */
bool listener_is_closed(const struct lint *lint, const struct service *service);

#endif
