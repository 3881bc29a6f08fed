/*
 * Overlay: what a topology says becomes part of a file that somebody else wrote. Comments, order,
 * and every entry that the topology does not name stay as they are, octet by octet.
 *
 * A setting or service is edited where it stands, or added at the end below a heading. What was set
 * last time and is not wanted any more is given its former lines again, or removed; but not if
 * somebody changed it since: then it is theirs. Of a service that stays, options ("-o") of other
 * names than the topology's stay as well; and one that every Postfix has, of which the topology
 * says no more than its command, is left alone.
 *
 * Pure functions over one arena. Source: postconf(1) -e, -M for the way of editing.
 */
#ifndef CONFGEN_APPLY_MERGE_H
#define CONFGEN_APPLY_MERGE_H

#include "confgen/apply/layout.h"
#include "confgen/apply/owned.h"

/* The line above what is added. */
#define MERGE_HEADING "# Added by postern-confgen: change the topology, not these lines.\n"

struct merge {
	struct arena *arena;
	enum layout_kind kind;
	const char *file;		 /* as struct owned names it */
	const struct source *actual;	 /* what is there; its text may be empty */
	const struct source *wanted;	 /* the rendered file */
	const struct owned_list *before; /* what was owned, of all files */
	struct owned_list *after;	 /* what is owned now is appended here */
	struct words *left; /* keys that were ours, and changed by hand since: left alone */
};

/* The merged text, NUL-terminated, in the arena. */
const char *merge_files(const struct merge *merge, size_t *length);

#endif
