/*
 * Edits of a YAML text that keep everything else as it stands: for confgen/keys alone.
 *
 * Edits become fixes; those at one place are joined. An edit that would need to understand comments
 * in the middle of a list in brackets is not made: `edits->failed` says so.
 */
#ifndef POSTERN_KEYS_EDIT_H
#define POSTERN_KEYS_EDIT_H

#include "confgen/yaml/tree.h"

struct edit {
	size_t start, length; /* octets that go */
	const char *text;
};

struct edits {
	struct arena *arena;
	const struct source *source;
	struct edit *items;
	size_t count;
	bool failed;
};

/* What stands from the one place to the other. */
const char *edit_slice(struct edits *edits, struct position from, struct position to);

/* Puts text in the place of what stands there. */
void edit_replace(struct edits *edits, struct position from, struct position to, const char *text);

/* Inserts text behind a place. */
void edit_insert(struct edits *edits, struct position at, const char *text);

/* Inserts a line behind that of the place, with so many blanks before it. */
void edit_insert_line(struct edits *edits, struct position at, unsigned indent, const char *text);

/* Removes a pair of a mapping, with its comma, or its line; a comment behind it stays. */
void edit_remove_pair(struct edits *edits, const struct yaml_node *mapping,
		      const struct yaml_pair *pair);

/* How far the dash of a list's item, which has no brackets, is indented. */
unsigned edit_dash(struct edits *edits, const struct yaml_node *item);

/* Adds all to the list, as fixes of an informational diagnostic with this message. */
void edit_report(const struct edits *edits, struct diagnostics *list, struct position at,
		 const char *message);

#endif
