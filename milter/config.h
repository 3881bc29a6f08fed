/*
 * What postern-milter.conf says, read and checked.
 *
 * The configuration is immutable once read and its keys are loaded, and any number of threads may
 * use it. It lives in the arena that it was read into. The file's format is described in
 * postern-milter.conf(5). Names of domains are in lower case and in their ASCII form.
 */
#ifndef POSTERN_MILTER_CONFIG_H
#define POSTERN_MILTER_CONFIG_H

#include "common/diagnostics.h"
#include "common/log.h"
#include "common/name_map.h"
#include "common/network.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct key;

/* A list of words. */
struct words {
	const char **items;
	size_t count;
};

/* Domains, and what is below domains, that are allowed or excepted. Empty when all is zero. */
struct domain_set {
	struct name_map *exact, *below;
	bool allows_some;
};

struct networks {
	struct ip_network *items;
	size_t count;
};

enum canonicalization { CANONICALIZATION_SIMPLE, CANONICALIZATION_RELAXED };

/* Who makes RSA signatures. */
enum signing_engine { ENGINE_OPENSSL, ENGINE_OPENDKIM };

/* How a signature is made. Domains that say the same share one. */
struct signing_method {
	enum canonicalization header, body;
	struct words signed_fields;
	struct words oversigned_fields; /* all of them are in signed_fields too */
	uint64_t lifetime;		/* seconds; 0: it does not expire */
	size_t number;			/* in struct config */
};

struct signing_key {
	const char *selector;
	const char *path;
	struct position at;
	int64_t active_from, retire_after; /* seconds since 1970, UTC; active before retire_after */
	struct key *key;		   /* NULL until keys_load() */
};

/* A domain that is signed for: d=. */
struct signing_domain {
	const char *name;
	bool itself; /* signs From domains that are the name; false in "*.NAME" */
	bool below;  /* signs every domain below the name */
	struct words subdomains;
	const char *identity; /* i=, or NULL */
	struct signing_key *keys;
	size_t key_count;
	const struct signing_method *method;
	struct position at;
};

enum listener_mode { MODE_NONE, MODE_SIGN, MODE_VERIFY, MODE_BOTH };

/* What may be wrong with the address of a client. */
enum address_rule {
	RULE_LOOPBACK,
	RULE_UNSPECIFIED,
	RULE_LINK_LOCAL,
	RULE_MULTICAST,
	RULE_PROXY,
	RULE_INTERNAL,
	RULE_LOST_HEADER,
	RULE_COUNT
};

enum rule_action { ACTION_REJECT, ACTION_TEMPFAIL, ACTION_QUARANTINE, ACTION_LOG };

/* One SMTP service of the mail server, by its {daemon_name}. */
struct listener {
	const char *name; /* "*" is every other */
	enum listener_mode mode;
	bool proxied; /* the client's address is what a PROXY header claims */
	struct networks proxies;
	struct networks internal; /* instead of the general ones, when has_internal */
	bool has_internal;
	enum rule_action actions[RULE_COUNT];
	const char *reply; /* instead of each rule's own text, or NULL */
	struct position at;
};

/* Which From addresses must be in the domains of a binding: all, or those that are signed here. */
enum bound_authors { AUTHORS_ALLOWED, AUTHORS_OURS };

/* Who may use which sender domains. Empty criteria match all. */
struct sender_binding {
	const char *name;
	struct networks networks;
	struct words listeners, users;
	struct domain_set domains;
	enum bound_authors from;
	bool null_sender;
	struct position at;
};

struct config {
	const char *socket; /* as libmilter takes it: unix:PATH, inet:PORT@ADDRESS, inet6:... */
	const char *socket_path; /* of a UNIX socket; NULL for the others */
	mode_t socket_mode;
	gid_t socket_group; /* (gid_t)-1: left as it is */
	const char *user;
	uid_t uid;
	gid_t gid;
	enum log_target log;
	bool log_json;
	struct networks internal;
	struct words relay_users; /* logins of relays: what they bring was written by strangers */
	bool several_authors_reject; /* 550 in place of 451 */
	enum signing_engine engine;

	struct signing_domain *domains;
	size_t domain_count;
	struct signing_domain *folder_domains; /* those that key_folder has keys for */
	size_t folder_domain_count;
	struct name_map *exact, *below; /* struct signing_domain, by From domain or a parent */
	const struct signing_method **methods;
	size_t method_count;
	struct name_map *kept_fields; /* every name that a method signs, to itself */
	const char *key_folder;	      /* or NULL */
	const char *key_folder_selector;
	struct position key_folder_at;
	const struct signing_method *key_folder_method;

	struct listener *listeners; /* the first is the default, with the name "*" */
	size_t listener_count;
	struct networks all_proxies; /* of proxied listeners, without loopback */
	struct sender_binding *bindings;
	size_t binding_count;
	bool binding_default_deny;

	/* for the parts that serve besides the milter protocol; NULL: off */
	const char *policy_socket; /* unix:PATH or inet:PORT@ADDRESS */
	const char *http;	   /* likewise */
	const char *authserv_id;
	struct words dns_servers;	 /* ADDRESS or ADDRESS:PORT */
	unsigned dns_seconds;		 /* that DNS may take for a message */
	unsigned verify_signatures_most; /* signatures of one message that are tried */
};

/*
 * Reads the configuration in `source`, whose text must be NUL-terminated. Mistakes are added to
 * `list`, all of them in one run; `out` is filled all the same, as far as it goes, and is good for
 * use only if none of them is an error. `arena` has no limit. Only one thread at a time may call
 * it: libconfuse's scanner has global state.
 */
void config_read(struct arena *arena, const struct source *source, struct diagnostics *list,
		 struct config *out);

/*
 * The domain that signs for a From domain, which is in lower case and ASCII: the one of that name
 * or one that lists it, else the nearest that signs all below it. NULL if there is none.
 */
const struct signing_domain *config_signer(const struct config *config, const char *from_domain);

/* The listener of {daemon_name}; the default one for other names and NULL. */
const struct listener *config_listener(const struct config *config, const char *name);

/* Whether `user`, an authenticated login, is a relay and not an author; letter case does not count.
 */
bool config_is_relay_user(const struct config *config, const char *user);

/*
 * Adds a domain, or "*.NAME", which is every domain below NAME; with "!" before it, it is excepted.
 * `listed` must outlive the set, and be in lower case and ASCII. `arena` has no limit.
 */
void domain_set_add(struct arena *arena, struct domain_set *set, const char *listed);

/*
 * Whether the nearest that was added for the domain allows it; an exception counts before what is
 * as near. Takes constant time for each label.
 */
bool domain_set_allows(const struct domain_set *set, const char *domain);

bool networks_contain(const struct networks *networks, const struct ip_address *address);

/* Whether a word of the list is `text`; ASCII letter case does not count. */
bool words_contain(const struct words *words, const char *text);

/*
 * Adds a domain to the maps by which it is found, unless another has its place: gives that one, and
 * in `name` what it has.
 */
const struct signing_domain *config_index_domain(struct config *config,
						 struct signing_domain *domain, const char **name);

#endif
