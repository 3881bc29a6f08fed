/*
 * main.cf: assignments, in the order of the file, each with its places.
 *
 * Read as Postfix reads it. Of assignments to the same name the last wins; the others are kept,
 * because a reader of the file may take one of them for what is in force. Not thread-safe.
 *
 * Source: postconf(5).
 */
#ifndef CONFGEN_CONFIGURATION_MAIN_CF_H
#define CONFGEN_CONFIGURATION_MAIN_CF_H

#include "confgen/configuration/text.h"

struct assignment {
	struct text name, value;	   /* the value without white space at its ends */
	const struct assignment *replaced; /* the one before it that it overrides, or NULL */
	bool overridden;		   /* one that comes later overrides it */
};

struct main_cf {
	const struct source *source;
	struct assignment **items; /* as in the file, overridden ones as well */
	size_t count;
	struct assignment **by_name; /* the same, sorted */
	bool broken;		     /* a line that Postfix does not start with; reported */
};

/*
 * Reads main.cf. Lines that Postfix refuses are reported and left out. `source` passed
 * lines_check().
 */
void main_cf_parse(struct arena *arena, const struct source *source, struct diagnostics *list,
		   struct main_cf *out);

/* The assignment to `name` that is in force, or NULL. Letter case counts. */
const struct assignment *main_cf_find(const struct main_cf *main_cf, const char *name);

/*
 * Splits "name = value", where the name ends at white space or '='. Gives NULL and both parts, or
 * what is wrong, in Postfix's own words; `*at` is where then. Outputs are untouched on failure.
 */
const char *assignment_split(struct arena *arena, const struct text *line, struct text *name,
			     struct text *value, size_t *at);

#endif
