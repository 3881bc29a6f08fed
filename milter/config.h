/*
 * What postern-milter.conf says, read and checked.
 *
 * The configuration is immutable once read, and any number of threads may use it. It lives in the
 * arena that it was read into. The file's format is described in postern-milter.conf(5).
 */
#ifndef POSTERN_MILTER_CONFIG_H
#define POSTERN_MILTER_CONFIG_H

#include "common/diagnostics.h"
#include "common/log.h"
#include "common/network.h"

#include <stdbool.h>
#include <sys/types.h>

struct key;

/* A domain that is signed for, with the key of its selector. Names are in lower case. */
struct signing_domain {
	const char *name;
	const char **subdomains; /* other From domains that the same key signs for */
	size_t subdomain_count;
	const char *selector;
	const char *key_path;
	struct position key_at;
	struct key *key; /* NULL until keys_load() */
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
	struct ip_network *internal;
	size_t internal_count;
	const char **relay_users; /* logins of relays: what they bring was written by strangers */
	size_t relay_user_count;
	struct signing_domain *domains;
	size_t domain_count;
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
 * The domain that signs for a From domain, which is in lower case: the domain itself or one of the
 * declared subdomains. NULL if there is none.
 */
const struct signing_domain *config_signer(const struct config *config, const char *from_domain);

/* Whether `user`, an authenticated login, is a relay and not an author; letter case does not count.
 */
bool config_is_relay_user(const struct config *config, const char *user);

#endif
