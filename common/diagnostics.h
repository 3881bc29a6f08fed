/*
 * Diagnostics: what is wrong with the user's input, where, and how to mend it.
 *
 * A mistake of the user is added to the list and work goes on, so that one run tells all of them.
 * Not thread-safe. Messages and source lines may hold anything: they are escaped when printed, so
 * that a file from a stranger cannot speak to the terminal.
 */
#ifndef POSTERN_DIAGNOSTICS_H
#define POSTERN_DIAGNOSTICS_H

#include "common/arena.h"

#include <stdbool.h>
#include <stdio.h>

/* A text that positions refer to. It must outlive the diagnostics. `text` may be NULL. */
struct source {
	const char *name; /* as the user wrote it */
	const char *text;
	size_t length;
};

/* Line and column count from 1, the column in characters. Line 0: the file as a whole. */
struct position {
	const struct source *source; /* NULL: no file in particular */
	unsigned line, column;
};

enum severity { SEVERITY_ERROR, SEVERITY_WARNING, SEVERITY_INFO };

struct diagnostics;

/* A new, empty list that lives in `arena`, which must be one without limit. */
struct diagnostics *diagnostics_new(struct arena *arena);

/* Adds one. `rule` is a constant, its stable name, printed in brackets; NULL for none. */
void diagnostics_add(struct diagnostics *list, enum severity severity, const char *rule,
		     struct position at, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

/* Gives the one added last a hint: how to mend it. */
void diagnostics_hint(struct diagnostics *list, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Keeps the source line of the one added last from being shown: it may hold a secret. */
void diagnostics_hide_source(struct diagnostics *list);

/* How many there are of at least this severity. */
size_t diagnostics_count(const struct diagnostics *list, enum severity at_least);

/*
 * Prints all, sorted by file, line and column, duplicates left out: "file:line:col: error: message
 * [rule]", the source line with a caret, and the hint. A source line that seems to hold a password
 * is not shown. `color` uses ANSI colours.
 */
void diagnostics_print(struct diagnostics *list, FILE *out, bool color);

/* Whether colour is wanted on `out`: a terminal, and NO_COLOR unset (see no-color.org). */
bool diagnostics_want_color(FILE *out);

/* Writes text with control characters, and octets that are not UTF-8, as \xNN. */
void print_escaped(FILE *out, const char *text, size_t length);

#endif
