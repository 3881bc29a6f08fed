/*
 * The DKIM keys that a topology names, as one list, with what became of each in the folder of keys
 * or on the signing host. Lives in the arena of the run, but for the keys themselves.
 */
#ifndef POSTERN_KEYS_ROLL_H
#define POSTERN_KEYS_ROLL_H

#include "confgen/keys/store.h"

struct rolled_key {
	const struct domain *domain;
	const char *selector;
	const struct choice *type;
	const char *active_from, *retire_after; /* or NULL */
	const char *path;
	struct position at;
	/* set by roll_load() and roll_make() */
	EVP_PKEY *key; /* NULL: missing, or not fit to sign */
	time_t modified;
	bool missing, made;
};

struct roll {
	struct rolled_key *items;
	size_t count;
};

struct roll_options {
	const char *folder;
	bool installed;		  /* the keys are where the topology has them on the signing host */
	const char *domain;	  /* this domain alone; NULL: all */
	const char *host;	  /* keys of this node alone; NULL: all */
	enum dkim_type type;	  /* of new keys whose type the topology leaves open */
	struct store_owner owner; /* of new keys */
};

/* The keys in the order of the topology. Keys of domains of a set are listed one by one. */
struct roll roll_list(struct arena *arena, const struct topology *topology,
		      const struct roll_options *options);

/*
 * Loads those that are there and judges them: files, types, sizes, dates against `now`, and that no
 * two are the same key. What is wrong goes to `list`; that one is missing is none.
 */
void roll_load(struct roll *roll, time_t now, struct diagnostics *list);

/* Makes those that are missing, and records that are. Returns 0 or -errno, after which `*failed`
 * tells which. */
int roll_make(struct arena *arena, struct roll *roll, const struct roll_options *options,
	      const struct rolled_key **failed);

/*
 * Prints the records as lines of a zone file, each after a comment with type, age, dates and file.
 */
void roll_print(struct arena *arena, const struct roll *roll, time_t now, FILE *out);

void roll_done(struct roll *roll);

#endif
