/*
 * The message in work: the fields that may be signed, its authors, and the signatures on it.
 *
 * All that is kept lives in the session's arena, which has a limit, and is forgotten when the
 * message ends. A message belongs to one thread at a time.
 */
#ifndef POSTERN_MILTER_MESSAGE_H
#define POSTERN_MILTER_MESSAGE_H

#include "milter/already_signed.h"
#include "milter/canonical.h"
#include "milter/journal.h"
#include "milter/line_ends.h"
#include "milter/policy.h"
#include "milter/snapshot.h"

#include <stdint.h>

/* More octets in header fields that are to be signed make a message that cannot be signed. */
#define MESSAGE_MOST_HEADER ((size_t)1 << 20)

/* Room for the fields with their list, and for the From fields even when others took all else. */
#define MESSAGE_ARENA_LIMIT (MESSAGE_MOST_HEADER * 3 / 2)

/* More signatures of earlier hops than this are not looked at. */
#define MESSAGE_MOST_EARLIER 8

/* A signature that a message came with. */
struct earlier_signature {
	struct message_field field;
	const char *value;
	struct signature_tags tags;
	size_t replaces; /* which of ours it makes needless; SIZE_MAX: none */
};

struct message_signature {
	struct signer *signer;
	const struct signing_key *key;
	const char *value;    /* once it is finished */
	bool needless;	      /* an earlier hop made the same, and it is good */
	uint64_t nanoseconds; /* that it took to finish it */
};

struct message {
	struct arena *arena;
	struct snapshot *snapshot; /* that it began with; NULL: there is no message */
	struct message_field *fields;
	size_t count, size;
	struct from_field *from;
	size_t from_count;
	bool lost_from;	    /* there was one more, and no memory for it */
	struct from sender; /* the Sender field */
	size_t sender_count;
	const char *obstacle; /* why the message cannot be signed, a constant */
	struct decision decision;
	struct message_signature signatures[JOURNAL_MOST_SIGNATURES]; /* RSA comes last */
	size_t signature_count;
	struct earlier_signature earlier[MESSAGE_MOST_EARLIER];
	size_t earlier_count;
	struct canonical_hash *bodies[2]; /* by form, where an earlier signature needs it */
	struct line_ends line_ends;
	const char *queue_id;
};

/* Begins one; takes over the reference to the snapshot. */
void message_begin(struct message *message, struct arena *arena, struct snapshot *snapshot);

/* Forgets it. */
void message_done(struct message *message);

/* Keeps a field if it may be signed; `separator` stands between the name and the value. */
void message_header(struct message *message, const char *name, const char *separator,
		    const char *value);

/*
 * The header is there and `decision` says who signs: begins a signature for each active key.
 * Returns the cause of a failure, or NULL.
 */
const char *message_sign(struct message *message);

void message_body(struct message *message, const unsigned char *data, size_t size);

/* The body is there: the signatures get their values. Returns the cause of a failure, or NULL. */
const char *message_finish(struct message *message);

#endif
