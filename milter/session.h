/*
 * A session with a mail server: who the client is, and the message in work.
 *
 * The functions follow the events of the milter protocol but know nothing of libmilter. A session
 * belongs to one thread at a time, and may move between threads. What it keeps of a message is
 * bounded, and forgotten when the message ends.
 */
#ifndef POSTERN_MILTER_SESSION_H
#define POSTERN_MILTER_SESSION_H

#include "milter/policy.h"
#include "milter/signer.h"

#include <sys/socket.h>

/* More octets in header fields that are to be signed make a message that cannot be signed. */
#define SESSION_MOST_HEADER ((size_t)1 << 20)

/* What all sessions share; must outlive them. */
struct service {
	const struct config *config;
	struct signer_library *signers;
};

struct session;

/* What the mail server shall do with a message. */
enum step {
	STEP_CONTINUE,
	STEP_PASS,  /* nothing more to do for this message */
	STEP_DEFER, /* refuse for now: 451 */
};

/* NULL when memory is short. */
struct session *session_new(const struct service *service);
void session_free(struct session *session);

/*
 * A client is there. `address` is NULL, or of a family other than IP, when the mail server knows
 * none. `client_macro` is {client_addr}, or NULL.
 */
void session_connect(struct session *session, const char *hostname, const struct sockaddr *address,
		     const char *client_macro);

/*
 * A message begins; one in work is forgotten. `user` is {auth_authen}, or NULL. `client_macro`
 * again is {client_addr}: a session whose client is another than at session_connect() is a
 * stranger's, for libmilter loses some of a mail server's QUIT_NC and CONNECT.
 */
void session_mail(struct session *session, const char *client_macro, const char *user);

/* A header field; `separator` stands between the name and the value. */
void session_header(struct session *session, const char *name, const char *separator,
		    const char *value);

/* All header fields are there. `queue_id` may be NULL. */
enum step session_headers_done(struct session *session, const char *queue_id);

void session_body(struct session *session, const unsigned char *data, size_t size);

/*
 * The message is complete. With STEP_CONTINUE, `signature` is the value for a DKIM-Signature field,
 * which lives until session_end().
 */
enum step session_finish(struct session *session, const char *queue_id, const char **signature);

/* Ends the message after session_finish() gave a signature: whether it could be added. */
enum step session_end(struct session *session, bool added);

/* The message is given up. */
void session_abort(struct session *session);

#endif
