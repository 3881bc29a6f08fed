/*
 * What postern-gate.conf says, read and checked.
 *
 * The configuration is immutable once read and lives in the arena that it was read into. The file's
 * format is described in postern-gate.conf(5). One thread at a time: libconfuse's scanner has
 * global state.
 */
#ifndef POSTERN_GATE_CONFIG_H
#define POSTERN_GATE_CONFIG_H

#include "common/diagnostics.h"
#include "common/log.h"
#include "common/network.h"

#include <sys/types.h>

/* Where to listen: one address, or with `dual` every address of both families. */
struct listen_address {
	struct ip_address address;
	unsigned port;
	bool dual; /* `address` is :: then, and takes IPv4 clients as well */
	struct position at;
};

struct gate_listener {
	const char *name;
	struct position at;
	struct listen_address *addresses;
	size_t address_count;
	struct ip_network *trusted;
	size_t trusted_count;
	const char *proxied_service; /* absolute path of the socket of a service that reads PROXY */
	const char *direct_service;  /* of one that does not; NULL: refuse who is not trusted */
	const char *reply;	     /* to who is refused, with its CRLF; NULL: close at once */
};

struct gate_config {
	const char *user;
	uid_t uid;
	gid_t gid;
	const char *chroot;  /* without a slash at its end; NULL: none */
	const char *metrics; /* where to write figures for Prometheus; NULL: nowhere */
	enum log_target log;
	unsigned wait_seconds;	    /* for a service that cannot be reached */
	unsigned hand_over_seconds; /* until Postfix takes what it was handed */
	unsigned queue_limit;	    /* connections at once that a service has not taken yet */
	struct gate_listener *listeners;
	size_t listener_count;
};

/*
 * Reads the configuration in `source`, whose text must be NUL-terminated. Mistakes are added to
 * `list`, all of them in one run; `out` is filled all the same, as far as it goes, and is good for
 * use only if none of them is an error. `arena` has no limit. Without `find_user` the user's
 * numbers stay 0: for a process that has no user to change to any more.
 */
void gate_config_read(struct arena *arena, const struct source *source, bool find_user,
		      struct diagnostics *list, struct gate_config *out);

/* `path` as it is called inside of the folder `chroot`, or NULL when it does not lie there. */
const char *gate_config_inside(const char *chroot, const char *path);

bool listen_address_equal(const struct listen_address *a, const struct listen_address *b);

#define LISTEN_ADDRESS_SIZE (IP_TEXT_SIZE + 8)

/* ADDRESS:PORT, [ADDRESS]:PORT or *:PORT. `text` has room for LISTEN_ADDRESS_SIZE. */
char *listen_address_format(const struct listen_address *address, char *text);

#endif
