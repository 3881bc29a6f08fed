/*
 * Who is at the other end of a session: what the mail server says of its client, and which of it
 * can be relied on. Belongs to a session.
 */
#ifndef POSTERN_MILTER_CALLER_H
#define POSTERN_MILTER_CALLER_H

#include "milter/policy.h"

#include <sys/socket.h>

/* Macros of the mail server when a client connects; each may be NULL. */
struct connect_macros {
	const char *client;   /* {client_addr} */
	const char *listener; /* {daemon_name} */
	const char *server;   /* j: the mail server's own name */
};

struct caller {
	struct client client; /* its listener is set for each message anew */
	bool connected;
	char client_text[IP_TEXT_SIZE];
	char listener[128]; /* {daemon_name}, or "" */
	char server[256];   /* j, if it is a domain name, or "localhost" */
	char user[256];
};

/* A client is there; see session_connect(). */
void caller_connect(struct caller *caller, const char *hostname, const struct sockaddr *address,
		    const struct connect_macros *macros);

/* Looks up the listener in the configuration that is used from now on. */
void caller_meet(struct caller *caller, const struct config *config);

/*
 * The client begins a message. One that is another than the one that connected is a stranger,
 * whatever it says, and nothing but its address is known.
 */
void caller_mail(struct caller *caller, const char *client_macro);

/* What the client logged in as, which holds for a message; NULL and "": it did not. */
void caller_login(struct caller *caller, const struct config *config, const char *user);

/* The message is over. */
void caller_rest(struct caller *caller);

#endif
