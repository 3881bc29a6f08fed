/*
 * A stranger's message on a listener that verifies: its signatures are judged, the results are
 * written into a field (RFC 8601), and fields from outside that claim to be ours are found.
 *
 * It belongs to one thread at a time. What it keeps is bounded, and small without signatures: of
 * the body nothing is kept.
 */
#ifndef POSTERN_MILTER_INBOUND_H
#define POSTERN_MILTER_INBOUND_H

#include "milter/verifier.h"

/*
 * More forged fields than this make a message that is refused: the mail server looks for each of
 * them from the top of the message.
 */
#define INBOUND_MOST_FORGED 100

struct inbound;

/* `authserv_id` must outlive it; at most `most` signatures are tried. NULL: memory is short. */
struct inbound *inbound_begin(struct verifier_library *library, size_t most,
			      const char *authserv_id);
void inbound_free(struct inbound *inbound);

/* A header field; `separator` stands between the name and the value. */
void inbound_header(struct inbound *inbound, const char *name, const char *separator,
		    const char *value);

/* All fields are there. Returns what the message is refused for, a constant, or NULL. */
const char *inbound_headers_done(struct inbound *inbound);

void inbound_body(struct inbound *inbound, const unsigned char *data, size_t size);

/* What was found out. The texts live as long as the inbound message. */
struct inbound_result {
	const char *field; /* the value of Authentication-Results, folded with LF and tab */
	struct verification verification;
	const unsigned *forged; /* indices of the Authentication-Results fields to be taken out,
				   from 1, in their order */
	size_t forged_count;
};

/*
 * The body is there too: asks DNS. Returns 0, or -ENOMEM when there is not even memory for saying
 * so: short memory before that gives the result temperror.
 */
int inbound_finish(struct inbound *inbound, struct inbound_result *out);

#endif
