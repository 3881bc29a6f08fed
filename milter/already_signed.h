/*
 * Whether a hop before this one signed a message already, with a key that is ours: then a second
 * signature adds nothing. The signature must be good: one that a mailing list broke on the way does
 * not count, and none can be made without our key.
 *
 * Source: RFC 6376 3.5, 6.1. Pure functions, thread-safe.
 */
#ifndef POSTERN_MILTER_ALREADY_SIGNED_H
#define POSTERN_MILTER_ALREADY_SIGNED_H

#include "milter/key.h"

/* A header field of a message. */
struct message_field {
	const char *name; /* as the configuration has it */
	const char *text; /* "Name:value" as it came, with CRLF in the folds */
	size_t length;
};

/* The tags of a DKIM-Signature field that matter here; they live in the arena. */
struct signature_tags {
	char *algorithm, *domain, *selector, *fields, *body_hash, *signature;
	enum canonicalization header, body;
};

/*
 * Reads the value of a DKIM-Signature field. Gives false for what has mistakes or lacks tags, for
 * part of a body (l=), and for a signature that expired before `now`, in seconds since 1970.
 */
bool signature_tags_read(struct arena *arena, const char *value, int64_t now,
			 struct signature_tags *out);

/*
 * Whether the signature in `own` is good with our key: for the fields, in the order of the message,
 * and for a body with this digest in the signature's form.
 */
bool signature_is_good(struct arena *arena, const struct signature_tags *tags,
		       const struct message_field *own, const struct message_field *fields,
		       size_t count, const unsigned char *body_digest, const struct key *key);

#endif
