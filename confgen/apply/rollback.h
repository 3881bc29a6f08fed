/* An earlier state, put together from what the store remembers. One thread. */
#ifndef CONFGEN_APPLY_ROLLBACK_H
#define CONFGEN_APPLY_ROLLBACK_H

#include "confgen/apply/activate.h"
#include "confgen/apply/transaction.h"

struct way_back {
	int number;		    /* of the state, 0: before the first */
	struct changed_files files; /* that are not as they were then */
	struct words by_hand;	    /* those of them that somebody changed since the last apply */
	enum need need;
	const struct owned_list *owned;
	struct timespec folder_time; /* when the folder had changed then */
};

/*
 * What has to change for the files to be as they were after the state `number`, which
 * history_reaches(). Returns 0 or -errno, with an error in `list`.
 */
int rollback_plan(struct arena *arena, const struct place *place, const struct store *store,
		  const struct history *history, int number, struct diagnostics *list,
		  struct way_back *out);

/* The number of the state before the one that is in force; -1: there is none. */
int rollback_previous(const struct history *history);

#endif
