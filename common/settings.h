/*
 * The assignments in a configuration file, in order and with their places, whatever they mean.
 *
 * The syntax is libconfuse's: NAME = VALUE, NAME = {VALUE, VALUE}, and titled sections with
 * assignments in them. This is the only module that knows libconfuse.
 */
#ifndef POSTERN_SETTINGS_H
#define POSTERN_SETTINGS_H

#include "common/sections.h"

/* One value of an assignment. */
struct setting {
	const struct section *section; /* that it stands in, or NULL */
	const char *name;
	const char *value; /* NULL for an empty list */
	struct position at;
	bool first; /* of its assignment; false for further values of a list */
};

struct settings {
	struct setting *items;
	size_t count;
	struct sections sections;
	bool complete; /* false: the text could be read only up to a mistake */
};

/* The names that a file may use. */
struct vocabulary {
	const char *const *names; /* outside of sections; ends with NULL */
	const struct section_kind *kinds;
	size_t kind_count; /* at most SETTINGS_MOST_KINDS */
};

#define SETTINGS_MOST_KINDS 6

/*
 * Reads `source`, whose text must be NUL-terminated. Mistakes go to `list`. What is found lives in
 * `arena`, which has no limit. Not for several threads at once: libconfuse's scanner is global.
 */
void settings_read(struct arena *arena, const struct source *source,
		   const struct vocabulary *vocabulary, struct diagnostics *list,
		   struct settings *out);

/* Whether an assignment before the one at `index` has its name, in the same section. */
bool settings_given_before(const struct settings *settings, size_t index);

#endif
