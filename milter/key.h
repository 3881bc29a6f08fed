/*
 * Private keys for signing, loaded and checked once.
 *
 * A key is held as PEM text that the signing engine can read without asking for anything, and is
 * wiped when freed. Immutable once loaded: any number of threads may sign with it.
 */
#ifndef POSTERN_MILTER_KEY_H
#define POSTERN_MILTER_KEY_H

#include "milter/config.h"

struct key {
	char *pem; /* one PKCS #8 block, NUL-terminated */
	size_t length;
	unsigned bits;
};

/*
 * Loads a key from the file `path`. What is wrong with it, and what is unwise about it, goes to
 * `list`, placed at `at`. Returns NULL when the key cannot be used.
 *
 * Only RSA keys of 1024 bits or more are taken; fewer than 2048 draw a warning (RFC 8301 3.2). The
 * file must be a regular one that only its owner can write and that strangers cannot read.
 */
struct key *key_load(const char *path, struct position at, struct diagnostics *list);

void key_free(struct key *key);

/* Loads the keys of all domains that name one by its absolute path. keys_free() frees them again.
 */
void keys_load(struct config *config, struct diagnostics *list);
void keys_free(struct config *config);

#endif
