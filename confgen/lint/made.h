/*
 * A main.cf or master.cf that was put together from something else (an environment, overrides), and
 * where each of its lines comes from, so that findings point at what the administrator edits.
 */
#ifndef CONFGEN_LINT_MADE_H
#define CONFGEN_LINT_MADE_H

#include "common/diagnostics.h"
#include "common/strbuf.h"

struct made_text {
	struct arena *arena;
	struct strbuf buf;
	struct position *items; /* by line */
	size_t count;
	struct source source;
};

void made_init(struct made_text *made, struct arena *arena, const char *name);

/* Adds a line, without its line feed, that was caused at a place. White space inside is kept, but
 * for line feeds, which become blanks. */
void made_add(struct made_text *made, struct position at, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The text as a source, named as in made_init(). Nothing is to be added any more. */
const struct source *made_source(struct made_text *made);

/*
 * Moves findings to the places that caused them, and drops those that have none: what is not said
 * there is for others to judge. `master` may be NULL.
 */
void made_relocate(struct made_text *main, struct made_text *master, struct diagnostics *list);

/* For configuration.find_file, where there is no folder: never a file. */
const struct source *made_no_file(void *user, const char *name);

#endif
