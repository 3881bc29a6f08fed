/* Domain names as they are compared: lower case, internationalized ones in ASCII (RFC 5890). */
#ifndef POSTERN_MILTER_IDNA_H
#define POSTERN_MILTER_IDNA_H

#include "common/arena.h"

/* The longest name that is read (RFC 1035 2.3.4). */
#define IDNA_LONGEST 255

/*
 * Reads a name of at most IDNA_LONGEST octets. UTF-8 becomes A-labels (RFC 6531, as UTS 46 maps
 * it), without dots at the end. Returns 0, -EINVAL for what is no such name: `out` is the name in
 * lower case then, -ENOMEM.
 */
int idna_to_ascii(struct arena *arena, const char *text, size_t length, char **out);

/*
 * The domain of an envelope address as MAIL FROM has it, with its angle brackets and an obsolete
 * route or without: lower case, ASCII. Gives "" for the null sender and for an address without a
 * domain. Returns 0, -EINVAL for what is no address, or -ENOMEM.
 */
int idna_envelope_domain(struct arena *arena, const char *address, const char **out);

#endif
