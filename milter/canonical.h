/*
 * DKIM's canonical forms, hashed: RFC 6376 3.4.
 *
 * Pieces go straight into a SHA-256; nothing of the message is kept. A hash belongs to one thread
 * at a time.
 */
#ifndef POSTERN_MILTER_CANONICAL_H
#define POSTERN_MILTER_CANONICAL_H

#include "milter/config.h"

#define CANONICAL_DIGEST_SIZE 32

struct canonical_hash;

/* Begins a hash of a body or of header fields. NULL when memory is short. */
struct canonical_hash *canonical_new(enum canonicalization form);
void canonical_free(struct canonical_hash *hash);

/* A header field, "Name:value" with CRLF in the folds; `end` adds CRLF. */
void canonical_header(struct canonical_hash *hash, const char *text, size_t length, bool end);

/* A piece of the body, in which every line ends in CRLF. */
void canonical_body(struct canonical_hash *hash, const void *data, size_t size);

/* Ends a body: 0, or -EIO. */
int canonical_finish_body(struct canonical_hash *hash, unsigned char *digest);

/* Ends header fields: 0, or -EIO. */
int canonical_finish_header(struct canonical_hash *hash, unsigned char *digest);

#endif
