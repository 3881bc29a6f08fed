/*
 * Files that hold private keys for DKIM: loaded, and judged as whoever signs with them would want.
 *
 * Sources: RFC 8301 3.2 (sizes), RFC 8463 (Ed25519). Thread-safe.
 */
#ifndef POSTERN_KEY_FILE_H
#define POSTERN_KEY_FILE_H

#include "common/diagnostics.h"

#include <openssl/types.h>
#include <time.h>

/*
 * Loads the key from the open file. `path` is what messages call it. What is wrong with it, and
 * what is unwise about it, goes to `list`, placed at `at`. Returns NULL when the key cannot be
 * used, else the key, which EVP_PKEY_free() frees, with the time at which the file was changed
 * last.
 *
 * Only Ed25519 keys, and RSA keys of 1024 bits or more, are taken; fewer than 2048 draw a warning.
 * The file must be a regular one that only its owner can write and that strangers cannot read.
 */
EVP_PKEY *key_file_load(int fd, const char *path, struct position at, struct diagnostics *list,
			time_t *modified);

#endif
