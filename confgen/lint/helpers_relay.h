/*
 * What rules about relaying share: which servers there are, who gets through their restrictions,
 * what lists of patterns hold.
 *
 * Restrictions are judged for a kind of client, not looked up: a table counts only where it gives
 * everybody the same answer, and a policy service not at all. All results live in the arena of the
 * lint. Sources: postconf(5), access(5), and smtpd(8) as tried.
 */
#ifndef POSTERN_LINT_HELPERS_RELAY_H
#define POSTERN_LINT_HELPERS_RELAY_H

#include "common/network.h"
#include "confgen/lint/lint.h"

/*
 * Gives the next smtpd(8) in force, from `*at` on, which begins with 0; where there is no
 * master.cf, NULL once. False at the end, and where main.cf is missing: defaults say little then.
 */
bool relay_next_server(const struct lint *lint, size_t *at, const struct service **service);

/* Whether clients from elsewhere can connect: not for sockets, nor where only loopback listens. */
bool relay_is_reachable(const struct lint *lint, const struct service *service);

/* Whether it is the port for mail from other servers: smtp, 25, or behind postscreen(8). */
bool relay_is_public_port(const struct service *service);

/* A restriction of a list, with the members of classes in the place of their names. */
struct relay_step {
	const struct restriction_use *use;
	const struct value *value; /* of the parameter that holds it */
	bool warn_only;
};

struct relay_steps {
	struct relay_step *items;
	size_t count;
};

struct relay_steps relay_steps(const struct lint *lint, const struct service *service,
			       const char *parameter);

/* Who asks for what. A stranger with a recipient elsewhere has none of these. */
enum relay_client {
	RELAY_STRANGER = 0,
	RELAY_TRUSTED = 1 << 0,	    /* in mynetworks */
	RELAY_CERTIFIED = 1 << 1,   /* with a certificate of any known authority */
	RELAY_MX_BACKUP = 1 << 2,   /* for a domain that has this host among its MX */
	RELAY_PRETENDING = 1 << 3,  /* claims what a table wants to hear */
	RELAY_WHITELISTED = 1 << 4, /* logged in, or with a certificate that is known */
	RELAY_OURS = 1 << 5,	    /* the recipient is in a domain that this host takes mail for */
};

/* Whether the list holds what smtpd(8) does not start without; see postconf(5). */
bool relay_has_required(const struct lint *lint, const struct service *service,
			const char *parameter);

/*
 * Whether such a client gets through all lists. `*at` is what permits it, if something does; its
 * `text` is NULL otherwise. A place in a list or a table.
 */
bool relay_passes(const struct lint *lint, const struct service *service, unsigned client,
		  struct text *at);

/* Whether the one list stops a client for good. */
bool relay_stops(const struct lint *lint, const struct service *service, const char *parameter,
		 unsigned client);

/* Whether one of the lists, or a member of a class in it, uses the restriction in earnest. */
bool relay_uses(const struct lint *lint, const struct service *service, const char *restriction);

/* Whether the result of an access table permits, or stops. */
enum relay_answer { RELAY_GOES_ON, RELAY_PERMITS, RELAY_STOPS };
enum relay_answer relay_answer(const struct text *result);

/* Items of a list of patterns, with what files hold in the place of their names. */
struct relay_patterns {
	struct list_item *items;
	size_t count;
	bool partial; /* something could not be read */
};

struct relay_patterns relay_patterns(const struct lint *lint, const struct value *value);

/* What table the item names; NULL where it is none. */
const struct table *relay_table(const struct lint *lint, const struct list_item *item);

/* What it holds; NULL where that is not to be had. */
const struct table_contents *relay_contents(const struct lint *lint, const struct table *table);

/* Whether it is a table of regular expressions, which table_match() is for. */
bool relay_is_expression(const struct table *table);

/* Patterns that a rule tries: tables may have thousands, and be asked for thousands of keys. */
#define RELAY_MOST_PATTERNS 2000

/* Whether a pcre or regexp pattern fits everything. */
bool relay_fits_all(const struct table_entry *entry);

/* Values that were judged already: main.cf is the same for many services. */
struct relay_seen {
	const void **items;
	size_t count;
};

/* Whether `thing` is new; remembers it. */
bool relay_is_new(const struct lint *lint, struct relay_seen *seen, const void *thing);

#endif
