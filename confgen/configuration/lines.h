/*
 * The logical lines of main.cf, master.cf and lookup tables.
 *
 * A line that begins with white space continues the one before; empty lines and those whose first
 * character behind white space is '#' are skipped, also inside a continued line; a logical line
 * that begins with white space, for want of one to continue, is skipped (and reported). Line feeds
 * do not become part of a logical line, the white space behind them does. A carriage return is
 * white space. A NUL ends a logical line, as for the C strings of Postfix.
 *
 * Sources: postconf(5), master(5), postmap(1), "multi-line text" and "blank lines and comments".
 */
#ifndef CONFGEN_CONFIGURATION_LINES_H
#define CONFGEN_CONFIGURATION_LINES_H

#include "confgen/configuration/text.h"

/* Larger files are refused: main.cf and master.cf, and tables. In octets. */
#define CONFIGURATION_FILE_LIMIT ((size_t)1 << 20)
#define TABLE_FILE_LIMIT	 ((size_t)100 << 20)

struct line_reader {
	struct arena *arena;
	const struct source *source;
	struct diagnostics *list; /* NULL: nothing is reported */
	const char *next;
	unsigned line; /* that `next` begins */
};

void line_reader_init(struct line_reader *reader, struct arena *arena, const struct source *source,
		      struct diagnostics *list);

/* Gives the next logical line, never empty. False at the end. */
bool line_reader_next(struct line_reader *reader, struct text *line);

/*
 * Whether the file can be judged at all: reports one error, and says no, where it holds a NUL or is
 * a template (Jinja, Go, ERB) that has yet to be rendered. Comments are not looked at.
 */
bool lines_check(const struct source *source, struct diagnostics *list);

/*
 * Reads `path` into `*source`, named `name`. On failure reports an error with the reason; returns
 * -errno then. `limit` as above.
 */
int lines_load(struct arena *arena, const char *path, const char *name, size_t limit,
	       struct diagnostics *list, const struct source **source);

/*
 * The same for a file of a folder that somebody else may have put together, as in a pull request:
 * symbolic links that lead out of the folder, and out of where we are, are not followed.
 */
int lines_load_inside(struct arena *arena, const char *folder, const char *path, size_t limit,
		      struct diagnostics *list, const struct source **source);

#endif
