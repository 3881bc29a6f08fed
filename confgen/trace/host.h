/*
 * What the Postfix of one host does with a message, decided from its rendered main.cf, master.cf
 * and tables, without running it.
 *
 * A host of kind dms is docker-mailserver's own configuration (lab/base, the one that the lab
 * boots) with the rendered overrides applied, as its set-up scripts do. Services are called as
 * postconf(1) calls them: "smtp/inet". Everything lives in one arena without limit. Not
 * thread-safe.
 *
 * Includes nothing of confgen/configuration, whose names the topology uses for things of its own.
 *
 * Sources: postconf(5), smtpd(8), access(5), transport(5), smtp(8), cleanup(8), and the order in
 * which Postfix 3.7 asks; each is held against the real one by test/differential.
 */
#ifndef POSTERN_TRACE_HOST_H
#define POSTERN_TRACE_HOST_H

#include "common/network.h"
#include "confgen/trace/step.h"

struct host;

/* What the host's files do not say, answered by whoever knows the topology. */
struct oracle {
	void *user;
	/* Whether there is a mailbox on this host (kind dms only). */
	bool (*mailbox)(void *user, const char *address);
	/* Whether the domain's mailboxes are on this host (kind dms only). */
	bool (*hosts)(void *user, const char *domain);
	/* Whether the DNS knows the domain, as the sender or recipient of mail. */
	bool (*domain)(void *user, const char *domain);
	/* Whether the name and password are good here. */
	bool (*login)(void *user, const char *name);
	/* What the next host says to a recipient: an SMTP reply code. */
	int (*probe)(void *user, const char *recipient, const char **reply);
};

struct host_input {
	const char *name; /* that the names of its files begin with */
	bool dms;
	const char *hostname; /* of a dms */
	unsigned release;     /* 307 for 3.7 */
	const struct source *files;
	size_t count;
	const struct source *topology; /* that comments in the files refer to */
	struct oracle oracle;
};

/* NULL where the node has no such files, or they are not to be understood. */
struct host *host_new(struct arena *arena, const struct host_input *input);

/* That everything of it lives in. */
struct arena *host_arena(const struct host *host);

/* A message and its client, as smtpd sees them. */
struct mail {
	struct ip_address client;
	const char *helo;
	const char *user; /* NULL: no login */
	bool tls;	  /* STARTTLS is spoken before anything else, or TLS from the first octet */
	const char *sender; /* "" is the null sender */
	const char *recipient;
	unsigned long size;
};

/* An SMTP reply. */
struct answer {
	int code; /* 250: accepted; 0: nothing was decided */
	const char *text;
};

/* The service that listens at a port; NULL: none. */
const char *host_service_at(const struct host *host, unsigned port);

/* Whether the service is there. */
bool host_has_service(const struct host *host, const char *service);

/* Whether it wants a PROXY header; it may be postscreen. */
bool host_wants_proxy(const struct host *host, const char *service);

/* Whether it is postscreen, and refuses such a client that speaks first. */
bool host_is_screened(const struct host *host, const char *service);
bool host_screens(struct host *host, const char *service, const struct ip_address *client);

/* The smtpd that serves its clients in the end: itself, or what stands behind postscreen. */
const char *host_smtpd(const struct host *host, const char *service);

bool host_wraps_tls(const struct host *host, const char *service);

/* Whether STARTTLS or TLS can be had there. */
bool host_offers_tls(const struct host *host, const char *service);

/* Its name for milters. */
const char *host_daemon_name(const struct host *host, const char *service);

/* Whether its mail goes by a milter; NULL: that of sendmail(1), or of bounces where `bounce`. */
bool host_has_milter(struct host *host, const char *service, bool bounce, struct step *step);

/* A parameter's value in a service (NULL: main.cf), and where it is set. */
const char *host_value(const struct host *host, const char *service, const char *name,
		       struct step *step);

/* Sets the places of a step to where the service stands in master.cf. */
void host_place_service(const struct host *host, const char *service, struct step *step);

/* Whether the recipient is in the lists that its domain's address class has; true without lists. */
bool host_lists(struct host *host, const char *recipient);

/* How far a client comes: for an address to be verified, RCPT is the last command. */
enum stage { STAGE_MAIL, STAGE_RECIPIENT, STAGE_DATA };

/*
 * What smtpd answers; for `service` NULL, what sendmail(1) does. Asked for one stage after the
 * other: what the login and the size have to do with is STAGE_MAIL, all restrictions
 * STAGE_RECIPIENT, those of the data STAGE_DATA.
 */
struct answer host_accept(struct host *host, const char *service, const struct mail *mail,
			  enum stage stage, struct steps *steps);

/* Rewrites the envelope as cleanup(8) does. `author` is the address of the From field, or "". */
struct rewritten {
	const char *sender, *author;
	const char **recipients;
	size_t count;
};

void host_rewrite(struct host *host, const struct mail *mail, const char *author, bool headers,
		  struct rewritten *out, struct steps *steps);

/* Whether header fields of this client's mail are rewritten; service NULL: local mail. */
bool host_rewrites_headers(struct host *host, const char *service, const struct mail *mail);

enum address_class {
	CLASS_LOCAL,
	CLASS_ALIAS,
	CLASS_MAILBOX,
	CLASS_RELAY,
	CLASS_DEFAULT,
};

/* Where trivial-rewrite(8) sends a recipient. */
struct way {
	enum address_class class;
	const char *transport, *next_hop;
	bool explicit; /* the next hop is not just the recipient's domain */
};

void host_route(struct host *host, const char *sender, const char *recipient, struct way *out,
		struct steps *steps);

/* What becomes of mail that a transport takes. */
enum delivery {
	DELIVER_SEND,	 /* by smtp(8) */
	DELIVER_MAILBOX, /* it ends here */
	DELIVER_ERROR,	 /* error(8): bounced */
	DELIVER_RETRY,	 /* deferred */
	DELIVER_DISCARD,
	DELIVER_NOWHERE, /* no such transport */
};

enum delivery host_delivery(const struct host *host, const char *transport);

/* How a client service of the host sends to a next hop. */
struct sending {
	struct ip_address bind4, bind6; /* IP_NONE: the system chooses */
	bool ipv4, ipv6;
	const char *helo;
	const char *tls; /* level */
	bool wrapper;
	const char *login;   /* NULL: none */
	struct step decided; /* what the TLS level comes from */
};

void host_sending(struct host *host, const struct way *way, const char *sender,
		  struct sending *out);

/* The relay of that number that stands in for a next hop of the transport, or NULL. */
const char *host_fallback(struct host *host, const char *transport, size_t number,
			  struct step *step);

/* Whether the host takes an address literal, or the next hop, for itself. */
bool host_is_local_domain(struct host *host, const char *domain);

#endif
