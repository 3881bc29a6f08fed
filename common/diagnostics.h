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

/* A mechanical fix: `length` octets of the source, from `start` on, become `text`. */
struct fix {
	const struct source *source;
	size_t start, length;
	const char *text;
};

struct diagnostic {
	enum severity severity;
	bool hide_source; /* its line must not be shown, nor its fix */
	bool repeated;	  /* says what the one before it says; set by sorting */
	const char *rule; /* NULL: none */
	struct position at;
	const char *message, *hint; /* not escaped; `hint` may be NULL */
	const struct fix *fix;	    /* or NULL */
	size_t order;		    /* in which it was added: keeps sorting stable */
};

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

/* Gives the one added last a fix, which is copied; its text is not. */
void diagnostics_fix(struct diagnostics *list, const struct fix *fix);

/* Sorts by file, line and column, and marks what is said twice. Printing does so, too. */
void diagnostics_sort(struct diagnostics *list);

/*
 * The next one from `*at` on, which begins with 0 and is stepped; NULL when there is none. What is
 * said twice is left out once the list is sorted.
 */
const struct diagnostic *diagnostics_next(const struct diagnostics *list, size_t *at);

/* Whether one is to go, and where one is: for the functions below. */
typedef bool diagnostic_test(void *user, const struct diagnostic *item);
typedef const char *diagnostic_text(void *user, const struct diagnostic *item, const char *text);
typedef struct position diagnostic_place(void *user, struct position at);

/* Removes those that `drop` says yes to; it is asked once for each, in their order. */
void diagnostics_drop(struct diagnostics *list, diagnostic_test *drop, void *user);

/*
 * Gives each the position that `place` makes of its own: for texts that were made from others. What
 * has another source then has no fix any more.
 */
void diagnostics_relocate(struct diagnostics *list, diagnostic_place *place, void *user);

/* Gives each message and each hint the text that `rewrite` makes of it. */
void diagnostics_rewrite(struct diagnostics *list, diagnostic_text *rewrite, void *user);

/* Appends those of `from`, whose texts must live as long as `list`. */
void diagnostics_append(struct diagnostics *list, const struct diagnostics *from);

/* How many there are of at least this severity. */
size_t diagnostics_count(const struct diagnostics *list, enum severity at_least);

/* How many there are, at no cost. */
size_t diagnostics_size(const struct diagnostics *list);

/*
 * Prints all, sorted by file, line and column, duplicates left out: "file:line:col: error: message
 * [rule]", the source line with a caret, and the hint. A source line that seems to hold a password
 * is not shown. `color` uses ANSI colours.
 */
void diagnostics_print(struct diagnostics *list, FILE *out, bool color);

/* Whether colour is wanted on `out`: a terminal, and NO_COLOR unset (see no-color.org). */
bool diagnostics_want_color(FILE *out);

/* "error", "warning" or "info". */
const char *severity_name(enum severity severity);

/* Writes text with control characters, and octets that are not UTF-8, as \xNN. */
void print_escaped(FILE *out, const char *text, size_t length);

/* The text escaped in that way: itself where nothing is to be escaped, else in the arena. */
const char *text_escaped(struct arena *arena, const char *text);

#endif
