/*
 * Who may have mail signed, and which key signs it: decisions without input or output.
 *
 * The default is to deny: only internal clients, authenticated users and local submission have
 * their mail signed. Pure functions, thread-safe.
 */
#ifndef POSTERN_MILTER_POLICY_H
#define POSTERN_MILTER_POLICY_H

#include "milter/config.h"
#include "milter/from.h"

/* What the mail server says of the one who submits a message. */
struct client {
	struct ip_address address; /* IP_NONE when there is none */
	bool local;		   /* no network client: sendmail(1), a bounce */
	bool authenticated;
	bool relay; /* authenticated as a relay, which brings what strangers wrote */
};

enum client_kind { CLIENT_STRANGER, CLIENT_INTERNAL, CLIENT_AUTHENTICATED, CLIENT_LOCAL };

enum client_kind policy_client(const struct config *config, const struct client *client);

/* "stranger", "internal", "authenticated" or "local". */
const char *client_kind_name(enum client_kind kind);

/* A From field as it came, and what it was read as. */
struct from_field {
	const char *value; /* NULL: too large to keep, and not read */
	struct from parsed;
};

enum verdict {
	VERDICT_PASS,  /* not ours to sign */
	VERDICT_SIGN,  /* `domain` signs */
	VERDICT_DEFER, /* must be signed and cannot be: 451, never passed on unsigned */
};

struct decision {
	enum verdict verdict;
	const struct signing_domain *domain; /* the first of ours that is named, or NULL */
	const char *cause;		     /* a constant, for the log; NULL when signing */
};

/*
 * What to do with a message of a client that may have mail signed, by all its From fields.
 * `obstacle` is the cause why a message cannot be signed though one of our domains wrote it, NULL
 * when there is none.
 */
struct decision policy_message(const struct config *config, const struct from_field *fields,
			       size_t count, const char *obstacle);

#endif
