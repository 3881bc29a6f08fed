/* How diagnostics show the text they are about. No state of their own but the cursor. */
#ifndef POSTERN_EXCERPT_H
#define POSTERN_EXCERPT_H

#include "common/diagnostics.h"

/*
 * Remembers the last line: where it was found, whether it is about a secret, and how far a
 * character of it stands from its start. So printing in the order of the file stays linear, and a
 * line that holds a thousand mistakes is looked at once.
 */
struct excerpt_cursor {
	const struct source *source;
	unsigned line;
	const char *text;
	const char *judged; /* the line that `secret` is about; NULL: none yet */
	bool secret;
	size_t characters, octets; /* into the judged line */
};

/*
 * Prints the line at `at` with a caret below the column, or the part of a long line around it, or
 * nothing where there is no such line. When `hide` is set, or the line or one that it stands
 * below seems to be about a password, prints only that it is not shown.
 */
void excerpt_print(struct excerpt_cursor *cursor, struct position at, bool hide, FILE *out);

/* The start of the line at `at`, or NULL: quick where lines are asked for in their order. */
const char *excerpt_line(struct excerpt_cursor *cursor, struct position at);

/* Whether the line that begins at `line`, or one that it stands below, seems to be about a secret.
 */
bool excerpt_is_secret(const struct source *source, const char *line);

#endif
