/* What is different between two states of a file, by setting or service. Pure functions. */
#ifndef CONFGEN_APPLY_CHANGES_H
#define CONFGEN_APPLY_CHANGES_H

#include "confgen/apply/layout.h"

enum change_kind { CHANGE_ADDED, CHANGE_CHANGED, CHANGE_REMOVED };

struct change {
	enum change_kind kind;
	const char *file; /* as given */
	const char *key;
};

struct changes {
	struct change *items;
	size_t count;
};

/* "added", "changed", "removed" */
const char *change_name(enum change_kind kind);

/* Appends what differs between the texts; sorted by key. */
void changes_find(struct arena *arena, enum layout_kind kind, const char *file,
		  const struct source *before, const struct source *after, struct changes *changes);

/* How many entries of `actual` the rendered file `wanted` does not have. */
size_t changes_count_others(struct arena *arena, enum layout_kind kind, const struct source *actual,
			    const struct source *wanted);

#endif
