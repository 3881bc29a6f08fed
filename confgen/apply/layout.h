/*
 * main.cf and master.cf as whoever edits them sees them: which physical lines an entry takes.
 *
 * The configuration folder knows the place of every octet; to edit a file without touching what
 * stands around an entry, its lines are enough. Everything lives in the arena and refers to the
 * source. Not thread-safe.
 *
 * Sources: postconf(5), master(5).
 */
#ifndef CONFGEN_APPLY_LAYOUT_H
#define CONFGEN_APPLY_LAYOUT_H

#include "common/diagnostics.h"

enum layout_kind {
	LAYOUT_NONE,	 /* not such a file: a table, another program's file */
	LAYOUT_SETTINGS, /* main.cf: name = value */
	LAYOUT_SERVICES, /* master.cf */
};

struct words {
	const char **items; /* { } protects white space */
	size_t count;
};

struct entry {
	const char *key;    /* "relayhost"; "smtp/inet" */
	const char *value;  /* words joined by single blanks: equal ones mean the same to Postfix */
	struct words words; /* of a service: all its fields, the name first */
	size_t start, end;  /* its lines in the source, with comments between them */
};

struct layout {
	const struct source *source;
	struct entry *items; /* in the order of the file */
	size_t count;
	struct entry **by_key; /* sorted; of equal keys the last in the file is the last here */
};

/*
 * Whether the file can be edited: an error in `list`, and false, where it is too large, holds a
 * NUL, or is a template that has yet to be rendered.
 */
bool layout_check(const struct source *source, struct diagnostics *list);

struct layout layout_read(struct arena *arena, const struct source *source, enum layout_kind kind);

/* The entry in force (the last of that key), or NULL. */
const struct entry *layout_find(const struct layout *layout, const char *key);

/* The lines of an entry, as they are, comments between them included. */
const char *layout_lines(struct arena *arena, const struct layout *layout,
			 const struct entry *entry);

/* The lines of comments and blanks between the lines of an entry; "" for none. */
const char *layout_comments(struct arena *arena, const struct layout *layout,
			    const struct entry *entry);

#endif
