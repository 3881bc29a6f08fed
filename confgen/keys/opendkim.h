/*
 * opendkim.conf as a postern-milter.conf: what both know is carried over, everything else is told
 * with its line. Where OpenDKIM's default differs from ours, the default is written down.
 *
 * What is read may come from anywhere: it is bounded, and only files that the configuration names
 * are read, as regular files. Source: opendkim.conf(5).
 */
#ifndef POSTERN_KEYS_OPENDKIM_H
#define POSTERN_KEYS_OPENDKIM_H

#include "common/strbuf.h"
#include "confgen/keys/import.h"

/* What opendkim.conf says, as far as it means something here. Values live in the arena. */
struct opendkim {
	struct text domains, selector, key_file, key_table, signing_table;
	struct text internal_hosts, mode, canonicalization, socket;
	struct text subdomains, several, signed_headers, oversigned, lifetime;
	struct text authserv_id, nameservers, dns_timeout;
	/* filled by opendkim_datasets() */
	struct text_list networks, exceptions;
	struct import_keys keys;
};

/* Reads the text of opendkim.conf. What is not carried over, and mistakes, go to `list`. */
void opendkim_read(struct arena *arena, const struct source *source, struct opendkim *out,
		   struct diagnostics *list);

/*
 * Reads the tables and lists that it names, below the folder `root` ("" for this machine), and
 * makes the keys of Domain, Selector and KeyFile.
 */
void opendkim_datasets(struct arena *arena, const char *root, struct opendkim *given,
		       struct diagnostics *list);

/* Appends the postern-milter.conf. */
void opendkim_write(struct arena *arena, const struct opendkim *given, struct strbuf *out,
		    struct diagnostics *list);

/* The items of "a, b c" or "csl:a,b", with the place of the whole. */
struct text_list opendkim_items(struct arena *arena, const struct text *value);

#endif
