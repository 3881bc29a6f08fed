/*
 * New files tried before they are in place: with postconf, postmap, postfix check and
 * postern-milter, in a folder that looks as Postfix's own will look. One thread.
 */
#ifndef CONFGEN_APPLY_TRIAL_H
#define CONFGEN_APPLY_TRIAL_H

#include "confgen/apply/plan.h"

/*
 * Whether the Postfix here has every type of table that the node's rendered files name; an error
 * in `list` for each that it lacks. Returns 0 or -errno: -ENOENT where Postfix is not installed.
 */
int trial_check_types(struct arena *arena, const struct plan *plan, const struct place *place,
		      struct diagnostics *list);

/*
 * Makes the indexes of tables below the transaction's new files, and lets the programs judge these.
 * What they refuse is an error in `list`, what they only complain of a warning. Returns 0 or
 * -errno.
 */
int trial_run(struct arena *arena, const struct plan *plan, const struct transaction *transaction,
	      struct diagnostics *list);

#endif
