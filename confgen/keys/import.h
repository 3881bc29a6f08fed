/*
 * DKIM keys as others keep them: OpenDKIM's tables, docker-mailserver's folders (OpenDKIM and
 * rspamd), and folders of keys named after domains.
 *
 * What is read may come from anywhere: everything is bounded, a table's path is only looked for
 * below the folder that the user names, and a line that may hold a key is never shown.
 *
 * Sources: opendkim.conf(5) (KeyTable, SigningTable), opendkim-genkey(8), rspamd's dkim_signing
 * module, docker-mailserver's helper scripts, as described in its manual.
 */
#ifndef POSTERN_KEYS_IMPORT_H
#define POSTERN_KEYS_IMPORT_H

#include "confgen/topology/model.h"

#include <openssl/types.h>

#define IMPORT_SELECTOR "mail" /* where file names tell none */

/* A key that somebody else's configuration names. */
struct import_key {
	const char *name; /* in OpenDKIM's tables */
	const char *domain, *selector;
	const char *path;	     /* as it is written; once found, where it is */
	struct text_list subdomains; /* whose mail it signs as well */
	bool itself;		     /* SigningTable has the domain itself */
	bool below;		     /* and all that is below it */
	bool single;		     /* some rows have one address only */
	struct position used_at;     /* the first row that uses it */
	struct position at;
};

struct import_keys {
	struct import_key *items;
	size_t count;
};

/* The parts, each for a text: what is wrong goes to `list`, and work goes on. */
void import_key_table(struct arena *arena, const struct source *source, struct import_keys *keys,
		      struct diagnostics *list);
/* Gives keys that were read their sub-domains, and drops those that no line uses. */
void import_signing_table(struct arena *arena, const struct source *source,
			  struct import_keys *keys, struct diagnostics *list);
/* rspamd's dkim_signing.conf. */
void import_rspamd(struct arena *arena, const struct source *source, struct import_keys *keys,
		   struct diagnostics *list);

/*
 * Finds the keys below `folder`, whatever layout it has. `selector` is that of keys in files named
 * DOMAIN.private; the topology's domains help to read file names that are ambiguous. Returns 0, or
 * -errno when the folder cannot be read.
 */
int import_find(struct arena *arena, const char *folder, const char *selector,
		const struct topology *topology, struct import_keys *out, struct diagnostics *list);

/*
 * Reads a private key: PEM, or the base64 of an Ed25519 key that rspamd writes. NULL with `*why` a
 * part of a sentence.
 */
EVP_PKEY *import_load(struct arena *arena, const char *path, const char **why);

#endif
