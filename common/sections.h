/*
 * The sections of a configuration file, found before libconfuse reads it: it knows neither where a
 * section begins nor what stands around it, and cannot have a section and a setting of one name.
 */
#ifndef POSTERN_SECTIONS_H
#define POSTERN_SECTIONS_H

#include "common/diagnostics.h"

/* A kind of section: NAME "TITLE" { ... }. */
struct section_kind {
	const char *name;
	const char *parent;	  /* the name of the kind that it stands in, or NULL */
	const char *const *names; /* the settings in it; ends with NULL */
};

struct section {
	const struct section_kind *kind;
	const char *title;
	const struct section *parent;
	struct position at;
	size_t number; /* in the list of all */
};

struct sections {
	struct section **items; /* in the order of the text */
	size_t count;
	bool left_out; /* there were others, of no known kind or in the wrong place */
};

/* What libconfuse sees in place of a section's name. */
#define SECTION_PREFIX "section-"

/* The setting that a section begins with, for libconfuse: its number. */
#define SECTION_NUMBER SECTION_PREFIX "number"

/*
 * Rewrites `text`, that of `source` without comments, so that each section is called
 * SECTION_PREFIX and its name, has no title, and begins with its number; lines stay. Sections of no
 * known kind or in the wrong place are added to `list` and left out. `arena` has no limit.
 */
char *sections_find(struct arena *arena, const struct source *source, const char *text,
		    const struct section_kind *kinds, size_t kind_count, struct diagnostics *list,
		    struct sections *out);

#endif
