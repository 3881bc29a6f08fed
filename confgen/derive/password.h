/* Password hashes for the accounts that a node accepts. */
#ifndef POSTERN_PASSWORD_H
#define POSTERN_PASSWORD_H

#include "common/arena.h"

/*
 * The SHA512-CRYPT hash (crypt(5), "$6$") of a password. The salt is made from the host and user
 * names, so that the same topology always gives the same file; it differs for every account, which
 * is what a salt is for. Returns NULL when crypt(3) refuses.
 */
const char *password_hash(struct arena *arena, const char *host, const char *user,
			  const char *password);

#endif
