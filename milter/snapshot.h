/*
 * Configuration, keys and engines as one immutable, counted thing: a reload puts a new one
 * in the place of the old, which lives on for the messages that began with it.
 */
#ifndef POSTERN_MILTER_SNAPSHOT_H
#define POSTERN_MILTER_SNAPSHOT_H

#include "milter/signer.h"
#include "milter/verifier.h"

struct snapshot {
	struct config config;
	struct signer_library *signers;
	struct dns_resolver *resolver;	    /* NULL ... */
	struct verifier_library *verifiers; /* ... when no listener verifies */
	struct arena *arena;		    /* of the configuration */
	unsigned references;		    /* atomic */
};

/*
 * Reads the file and its keys through `opener`. Mistakes are printed to `out`, warnings too. Gives
 * a new snapshot with one reference, or NULL with `status`: -EINVAL after mistakes, or the -errno
 * with which the file cannot be read, which is printed as well. One thread at a time may call it.
 */
struct snapshot *snapshot_read(const char *file, const struct opener *opener, FILE *out,
			       int *status);

struct snapshot *snapshot_hold(struct snapshot *snapshot);

/* Gives up a reference; the last one frees it. NULL is accepted. */
void snapshot_release(struct snapshot *snapshot);

/* The place of the current snapshot. Its functions are thread-safe. */
struct snapshot_place;

/* NULL when memory is short. Takes over the caller's reference. */
struct snapshot_place *snapshot_place_new(struct snapshot *first);
void snapshot_place_free(struct snapshot_place *place);

/* The current one, with a reference for the caller. */
struct snapshot *snapshot_current(struct snapshot_place *place);

/* Puts a new one there, taking over the caller's reference. */
void snapshot_replace(struct snapshot_place *place, struct snapshot *next);

#endif
