/*
 * The rules: whose mail is signed and by which domain, which client addresses cannot be true, and
 * who may use which sender domains. Decisions without input or output.
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
	const struct listener *listener; /* that it came to; NULL: a direct one */
	struct ip_address address;	 /* IP_NONE when there is none */
	bool local;			 /* no network client: sendmail(1), a bounce */
	bool authenticated;
	bool relay;	  /* authenticated as a relay, which brings what strangers wrote */
	const char *user; /* the login, or NULL */
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
	VERDICT_PASS,	/* not ours to sign */
	VERDICT_SIGN,	/* `domain` signs */
	VERDICT_DEFER,	/* must be signed and cannot be: 451, never passed on unsigned */
	VERDICT_REJECT, /* must be signed, can never be, and the configuration wants it refused */
};

struct decision {
	enum verdict verdict;
	const struct signing_domain *domain; /* the first of ours that is named, or NULL */
	const char *cause;		     /* a constant, for the log; NULL when signing */
};

/*
 * What to do with a message of a client that may have mail signed, by all its From fields. Where
 * none of them is ours, the Sender field decides; `sender` is NULL when there is none, or several.
 * `obstacle` is the cause why a message cannot be signed though one of our domains wrote it, NULL
 * when there is none.
 */
struct decision policy_message(const struct config *config, const struct from_field *fields,
			       size_t count, const struct from *sender, const char *obstacle);

/* What a rule says of a client or a sender, in words that the other side may see. */
struct judgement {
	enum { JUDGEMENT_GOOD, JUDGEMENT_REJECT, JUDGEMENT_TEMPFAIL, JUDGEMENT_QUARANTINE } kind;
	const char *code;   /* of SMTP: "550" or "451" */
	const char *status; /* enhanced: RFC 3463 */
	const char *cause;  /* a constant, for the log; also with JUDGEMENT_GOOD, which only logs */
	const char *rule;   /* of addresses, as the configuration calls it; NULL for senders */
	bool later;	    /* the client may stay connected, but not send mail */
	char text[400];	    /* printable ASCII without '%' */
};

/* What the configuration calls the rules of addresses; ends with NULL. */
extern const char *const policy_rule_names[RULE_COUNT + 1];

/*
 * Whether the address of a client can be true: what a PROXY header claims on a proxied listener; on
 * others, that it is not a proxy's, whose header got lost.
 */
struct judgement policy_address(const struct config *config, const struct client *client);

/*
 * Whether sender bindings let the client use a domain, which is in lower case and ASCII, of the
 * envelope sender. "" is a sender without a domain; NULL is the null sender.
 */
struct judgement policy_sender(const struct config *config, const struct client *client,
			       const char *domain);

/*
 * The same for an envelope sender as MAIL FROM has it; "" and "<>" are the null sender. `arena` may
 * have a limit: what cannot be read has no domain. `domain` gets what was read, "" for none.
 */
struct judgement policy_envelope(struct arena *arena, const struct config *config,
				 const struct client *client, const char *sender,
				 const char **domain);

/* The same for the domain of an author; "" is one that has none, or cannot be read. */
struct judgement policy_author(const struct config *config, const struct client *client,
			       const char *domain);

#endif
