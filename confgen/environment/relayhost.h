/* RELAYHOST: a next hop as Postfix writes it. */
#ifndef POSTERN_RELAYHOST_H
#define POSTERN_RELAYHOST_H

#include "common/arena.h"

#include <stdbool.h>

struct relayhost {
	const char *host; /* without brackets */
	bool mx;	  /* its MX records are asked for: a name without brackets */
	unsigned port;	  /* 25 if not given */
};

/*
 * Reads HOST, HOST:PORT, [HOST] or [HOST]:PORT (postconf(5), relayhost). Returns NULL, or what is
 * wrong, the rest of a sentence that begins with the value; then `out` is untouched.
 */
const char *relayhost_parse(struct arena *arena, const char *value, struct relayhost *out);

#endif
