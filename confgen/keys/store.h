/*
 * A folder of DKIM keys: FOLDER/DOMAIN/SELECTOR.private, as on a signing host, with the record that
 * publishes it beside it, SELECTOR.txt, a line of a zone file. A host that only publishes needs the
 * latter alone.
 *
 * A private key is never overwritten: a file appears with its whole content under a name that was
 * free, or not at all. Names in the folder come from domains and selectors that were checked, so no
 * topology can lead out of it. Not thread-safe.
 */
#ifndef POSTERN_KEYS_STORE_H
#define POSTERN_KEYS_STORE_H

#include "confgen/topology/model.h"

#include <openssl/types.h>
#include <sys/types.h>
#include <time.h>

#define STORE_FOLDER "keys" /* the usual one, beside the topology */

/* Whose a new file becomes; -1 leaves it. */
struct store_owner {
	uid_t user;
	gid_t group;
};

char *store_path(struct arena *arena, const char *folder, const char *domain, const char *selector,
		 const char *ending);

/*
 * The text of the record that publishes the key: made from the private key, or else, where that is
 * not there or not to be read, what SELECTOR.txt holds. NULL, with `*why` a part of a sentence.
 */
const char *store_record(struct arena *arena, const char *folder, const char *domain,
			 const char *selector, const char **why);

/*
 * Opens the private key and judges it (key_file.h). Returns NULL with errors in `list`; a file that
 * is not there is none, and sets `*missing`.
 */
EVP_PKEY *store_load(const char *path, struct position at, struct diagnostics *list,
		     time_t *modified, bool *missing);

/* What kind of key it is, or -1 for a kind that the language has no word for. */
int store_type(const EVP_PKEY *key);

/* A new key. NULL when OpenSSL fails. */
EVP_PKEY *store_generate(enum dkim_type type);

/*
 * Writes the key to `path`, which ends in ".private", in mode 0600, and its record, in 0644, beside
 * it as ".txt", and makes the folder that they are in. `owner` may be NULL. Returns 0 or -errno:
 * -EEXIST when there is a key of that name.
 */
int store_write_at(struct arena *arena, const char *path, const char *domain, const char *selector,
		   EVP_PKEY *key, const struct store_owner *owner);

/* Writes the record beside a key that lacks it: a run that was killed, or somebody else, left it
 * out. */
int store_complete(struct arena *arena, const char *path, const char *domain, const char *selector,
		   EVP_PKEY *key);

#endif
