/*
 * The end of a transaction, in either direction, by the run that began it or by the next one. Every
 * step can be done again. One thread.
 */
#ifndef CONFGEN_APPLY_SETTLE_H
#define CONFGEN_APPLY_SETTLE_H

#include "confgen/apply/store.h"

/* In the staging folder: what is to be done, and the link that says in which direction. */
#define SETTLE_JOURNAL "journal.json"
#define SETTLE_CURRENT "current"

/* What a transaction is about, as the journal has it. */
struct settlement {
	struct arena *arena;
	struct place *place;
	const struct store *store;
	int staging;
	int number; /* of the state */
	struct state_files files;
};

/* Writes the journal. Returns 0 or -errno. */
int settle_write(const struct settlement *settlement);

/* The new files, or the old ones, become real files again, and the rest is removed. */
int settle_forward(const struct settlement *settlement);
int settle_back(const struct settlement *settlement);

enum settle_result { SETTLE_NOTHING, SETTLE_UNDONE, SETTLE_FINISHED };

/* Whether something is left to settle, without doing it. */
bool settle_is_pending(const struct place *place);

/* Ends what a killed run left. The store must be locked. Returns 0 or -errno. */
int settle_recover(struct arena *arena, struct place *place, const struct store *store,
		   enum settle_result *result);

#endif
