/*
 * The folder that remembers what was applied: /var/lib/postern/apply/%2Fetc%2Fpostfix, or another.
 *
 *	0001/ 0002/ ...		a state each: state.json, former/, now/; "active" when Postfix has
 *it .0003/			one that is being made: part of a transaction, or what is left of
 *one journal			what was done, a line each lock			held (flock) by
 *whoever applies
 *
 * All of it is closed to others (0700): former files hold passwords. Errors are negative errno. One
 * thread; other processes are kept out by the lock.
 */
#ifndef CONFGEN_APPLY_STORE_H
#define CONFGEN_APPLY_STORE_H

#include "confgen/apply/history.h"
#include "confgen/apply/place.h"

struct store {
	struct arena *arena;
	const char *path;
	int fd;	  /* -1: there is nothing remembered, and nothing can be */
	int lock; /* -1: not held */
};

/*
 * Opens what is remembered of the folder `config`, a real path, below `folder`; without a lock, for
 * reading. What is not there is no error: an empty history.
 */
int store_open(struct arena *arena, const char *folder, const char *config, struct store *out);

/*
 * The same with the lock, for writing: makes the folder. -EWOULDBLOCK where another run holds the
 * lock; `*holder` is what it says of itself then.
 */
int store_lock(struct arena *arena, const char *folder, const char *config, struct store *out,
	       const char **holder);
void store_close(struct store *store);

int store_history(const struct store *store, struct history *out);

/*
 * Writes a state that is not in force yet: the files that it changes, as they are in `place`, and
 * as they are below "new" in the folder `staging`. On failure nothing is left of it.
 */
int store_begin(const struct store *store, const struct state *state, const struct place *place,
		int staging);

/* Puts it in force. It is no error if it is already. */
int store_commit(const struct store *store, int number);

/* Forgets states that were begun and are not in force. */
void store_abandon(const struct store *store);

/* Notes that Postfix has taken the state up. */
int store_activate(const struct store *store, int number);

/* Forgets the oldest states but for `keep`. */
void store_prune(const struct store *store, const struct history *history, size_t keep);

/* Adds a line to the journal: the time, who, and `text`, escaped. Failures do not matter. */
void store_log(const struct store *store, const char *who, const char *text);

/* Reads a file of a state; `kind` is "former" or "now". */
int store_read(const struct store *store, int number, const char *kind, const char *path,
	       struct source *out);

/* The path of such a file. */
const char *store_file(const struct store *store, int number, const char *kind, const char *path);

/* Who runs this, and now. */
const char *store_who(struct arena *arena);
const char *store_time(struct arena *arena);

#endif
