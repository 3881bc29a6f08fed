/*
 * A session with a mail server: who the client is, and the message in work.
 *
 * The functions follow the events of the milter protocol but know nothing of libmilter. A session
 * belongs to one thread at a time, and may move between threads. What it keeps of a message is
 * bounded, and forgotten when the message ends. Each message uses the configuration that was
 * current when it began.
 */
#ifndef POSTERN_MILTER_SESSION_H
#define POSTERN_MILTER_SESSION_H

#include "milter/caller.h"
#include "milter/journal.h"
#include "milter/metrics.h"
#include "milter/snapshot.h"

/* What all sessions share; must outlive them. */
struct service {
	struct snapshot_place *snapshots;
	struct metrics *metrics; /* NULL: nothing is counted */
};

struct session;

/* What the mail server shall do. */
enum step {
	STEP_CONTINUE,
	STEP_PASS,   /* nothing more to do for this message */
	STEP_REFUSE, /* as session_reply() says */
};

/* An answer of SMTP. */
struct reply {
	const char *code, *status; /* "451", "4.7.0" */
	const char *text;	   /* printable ASCII without '%' */
};

/* A field that is put on top of the header; the next one comes before it. */
struct insertion {
	const char *name, *value; /* value: folds as LF and tab, without a blank at its begin */
};

/* A field that is taken out: the `index`th of its name, from 1. */
struct removal {
	const char *name;
	unsigned index;
};

/* What the mail server shall change in a message. Lives until session_end(). */
struct changes {
	const struct removal *removals; /* of one name, the last comes first */
	size_t removal_count;
	struct insertion insertions[JOURNAL_MOST_SIGNATURES + 1];
	size_t insertion_count;
	const char *quarantine; /* a reason, or NULL */
};

/* NULL when memory is short. */
struct session *session_new(const struct service *service);
void session_free(struct session *session);

/*
 * Whether the current configuration has rules that may refuse a client or a sender:
 * session_connect() and session_mail() need their answers heard then, or the refusal comes with the
 * header.
 */
bool session_may_refuse(const struct service *service);

/*
 * A client is there. `address` is NULL, or of a family other than IP, when the mail server knows
 * none.
 */
enum step session_connect(struct session *session, const char *hostname,
			  const struct sockaddr *address, const struct connect_macros *macros);

/*
 * A message begins; one in work is forgotten. `user` is {auth_authen}, or NULL; `sender` is the
 * envelope sender with its brackets. `client_macro` again is {client_addr}: a session whose client
 * is another than at session_connect() is a stranger's, for libmilter loses some of a mail server's
 * QUIT_NC and CONNECT.
 */
enum step session_mail(struct session *session, const char *client_macro, const char *user,
		       const char *sender);

/* A header field; `separator` stands between the name and the value. */
void session_header(struct session *session, const char *name, const char *separator,
		    const char *value);

/* All header fields are there. `queue_id` may be NULL. */
enum step session_headers_done(struct session *session, const char *queue_id);

void session_body(struct session *session, const unsigned char *data, size_t size);

/* Whether session_finish() may have to wait, for DNS. */
bool session_may_wait(const struct session *session);

/* The message is complete. With STEP_CONTINUE, `changes` are to be made. */
enum step session_finish(struct session *session, const char *queue_id, struct changes *changes);

/* Ends the message after session_finish() gave changes: whether they could be made. */
enum step session_end(struct session *session, bool made);

/* The message is given up, if there is one. */
void session_give_up(struct session *session);

/* The answer that goes with the last STEP_REFUSE. */
const struct reply *session_reply(const struct session *session);

#endif
