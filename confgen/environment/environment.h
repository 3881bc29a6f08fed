/*
 * The environment of the relay image boky/postfix (bokysan/docker-postfix) as a topology.
 *
 * The variables mean what that image's documentation says, and what it refuses is refused. Where
 * they differ: a login is never sent in clear, mail that cannot be signed waits, clients are known
 * by private addresses only, and a name that is no host name is an error.
 *
 * Source: README of the image, and its scripts/common-run.sh for what the README leaves open.
 */
#ifndef POSTERN_ENVIRONMENT_H
#define POSTERN_ENVIRONMENT_H

#include "common/diagnostics.h"

/* What diagnostics and rendered files call the text. */
#define ENVIRONMENT_NAME "environment.yaml"

#define ENVIRONMENT_KEYS "/etc/opendkim/keys"

/* The container's own node, in the text. */
#define ENVIRONMENT_NODE "relay"

struct environment {
	const char *const *variables; /* NAME=VALUE, NULL-terminated, as environ(7) */
	const char *hostname;	      /* of this machine: for when HOSTNAME is not set */
	const char *keys;	      /* absolute folder that is looked for DOMAIN.private */
};

/*
 * Writes the topology in YAML, for topology_parse(). A password is only referred to. Mistakes go to
 * `list`; with any error the result is NULL. All memory belongs to `arena`.
 */
const char *environment_topology(struct arena *arena, const struct environment *environment,
				 struct diagnostics *list);

#endif
