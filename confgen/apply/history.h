/*
 * What was applied to a folder, one numbered state after the other, and what one state is.
 *
 * A state remembers the files that its apply changed: as they were before ("former"), and as they
 * are since ("now"). So any earlier state can be put together again, and what somebody changed by
 * hand can be told. Lives in an arena. Not thread-safe.
 */
#ifndef CONFGEN_APPLY_HISTORY_H
#define CONFGEN_APPLY_HISTORY_H

#include "confgen/apply/owned.h"

#include <stdbool.h>
#include <time.h>

/*
 * Of state.json, and of the journal of a change under way. What is of another format is left alone:
 * it is neither gone back to, nor finished.
 */
#define APPLY_FORMAT 1

struct state_file {
	const char *path;   /* "config/main.cf" */
	bool before, after; /* whether it was there, and is there */
};

struct state_files {
	struct state_file *items;
	size_t count;
};

struct state {
	int number;	      /* from 1 */
	bool rollback;	      /* else: an apply */
	int amounts_to;	      /* its own number; of a rollback: that of the state it went to */
	const char *time;     /* ISO 8601, UTC */
	const char *who;      /* "root", "root (sudo: alice)" */
	const char *node;     /* of the topology */
	const char *topology; /* its path, as given */
	bool full;	      /* the mode */
	bool restart;	      /* what Postfix needs; else a reload */
	bool active;	      /* Postfix has taken it up */
	struct timespec folder_time; /* when the folder had changed, before */
	struct state_files files;
	struct owned_list owned;
};

struct history {
	struct state *items; /* by number, which may begin above 1 */
	size_t count;
};

/* A new reference; `active` is no part of it. */
json_t *state_to_json(const struct state *state);

/* False for what is no state. */
bool state_from_json(struct arena *arena, const json_t *object, struct state *out);

/* The last one, or NULL. */
const struct state *history_last(const struct history *history);

/* The one of that number, or NULL. */
const struct state *history_find(const struct history *history, int number);

/* Whether what was in place after `number` can be put together: 0 for before the first. */
bool history_reaches(const struct history *history, int number);

/*
 * Finds the file as it was after the state `number`: in the "former" files of the state `*from`.
 * False if no later state touched it.
 */
bool history_file(const struct history *history, int number, const char *path, int *from,
		  bool *there);

/*
 * The state whose "now" holds the file as it was last written by us; 0 if it was never, or if it
 * was removed.
 */
int history_written(const struct history *history, const char *path);

#endif
