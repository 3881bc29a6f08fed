/*
 * The assignments in a configuration file, in order and with their places, whatever they mean.
 *
 * The syntax is libconfuse's: NAME = VALUE, NAME = {VALUE, VALUE}, and titled sections with
 * assignments in them. This is the only module that knows libconfuse.
 */
#ifndef POSTERN_SETTINGS_H
#define POSTERN_SETTINGS_H

#include "common/diagnostics.h"

/* One value of an assignment. */
struct setting {
	const char *section; /* title of the section that it stands in, or NULL */
	const char *name;
	const char *value; /* NULL for an empty list */
	struct position at;
	bool first; /* of its assignment; false for further values of a list */
};

struct section {
	const char *title;
	struct position at;
};

struct settings {
	struct setting *items;
	size_t count;
	struct section *sections; /* titles differ, perhaps only in letter case */
	size_t section_count;
	bool complete; /* false: the text could be read only up to a mistake */
};

/* The names that a file may use; the lists end with NULL. */
struct vocabulary {
	const char *const *names;
	const char *section; /* the name of the one kind of section */
	const char *const *section_names;
};

/*
 * Reads `source`, whose text must be NUL-terminated. Mistakes go to `list`. What is found lives in
 * `arena`, which has no limit. Not for several threads at once: libconfuse's scanner is global.
 */
void settings_read(struct arena *arena, const struct source *source,
		   const struct vocabulary *vocabulary, struct diagnostics *list,
		   struct settings *out);

/* Whether an assignment before the one at `index` has its name, in a section of the same title. */
bool settings_given_before(const struct settings *settings, size_t index);

#endif
