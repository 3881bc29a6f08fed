/*
 * Private keys for signing, loaded and checked once.
 *
 * A key is held parsed, and an RSA key also as PEM text, which libopendkim can read without asking
 * for anything; it is wiped when freed. Immutable once loaded: any number of threads may sign with
 * it. To find what implements an algorithm takes OpenSSL 3.0 some microseconds and several locks,
 * so that, too, is done once: signers copy a context.
 */
#ifndef POSTERN_MILTER_KEY_H
#define POSTERN_MILTER_KEY_H

#include "milter/config.h"
#include "milter/opener.h"

#include <openssl/types.h>
#include <time.h>

enum key_type { KEY_RSA, KEY_ED25519 };

struct key {
	enum key_type type;
	EVP_PKEY *pkey;
	EVP_PKEY_CTX *rsa;   /* ready to sign a hash, or NULL; signers work with copies */
	EVP_MD_CTX *ed25519; /* likewise */
	char *pem;	     /* one PKCS #8 block, NUL-terminated */
	size_t length;
	unsigned bits;
	time_t modified; /* of its file */
	size_t uses;	 /* that keys_load() made of it */
};

/*
 * Loads a key from the file `path`. What is wrong with it, and what is unwise about it, goes to
 * `list`, placed at `at`. Returns NULL when the key cannot be used.
 *
 * Only Ed25519 keys (RFC 8463), and RSA keys of 1024 bits or more, are taken; fewer than 2048 draw
 * a warning (RFC 8301 3.2). The file must be a regular one that only its owner can write and that
 * strangers cannot read.
 */
struct key *key_load(const char *path, struct position at, const struct opener *opener,
		     struct diagnostics *list);

void key_free(struct key *key);

/* "rsa-sha256" or "ed25519-sha256": the algorithm of its signatures, as a= has it. */
const char *key_algorithm(const struct key *key);

/*
 * Loads the keys of all domains, and makes a domain of each key in key_folder whose name no section
 * has. What is wrong goes to `list`. keys_free() frees the keys again. `arena` is the one of the
 * configuration.
 */
void keys_load(struct arena *arena, struct config *config, const struct opener *opener,
	       struct diagnostics *list);
void keys_free(struct config *config);

/* Whether the key signs at this time, in seconds since 1970. */
bool key_is_active(const struct signing_key *key, int64_t now);

#endif
