/*
 * Fixes of whole lines: assignments that go or become others, and lines that are added.
 *
 * For rules; each works on the finding reported last, like lint_fix(), and does nothing where the
 * lines stand in no file as they are, or hold comments between them, which must not get lost.
 */
#ifndef POSTERN_LINT_HELPERS_FIX_H
#define POSTERN_LINT_HELPERS_FIX_H

#include "confgen/lint/lint.h"

/* Octets of a file. */
struct fix_range {
	const struct source *source;
	size_t start, end;
};

/*
 * The lines of an assignment of main.cf, without the last line feed. False where there is no such
 * thing; `out` is untouched then.
 */
bool fix_lines(const struct assignment *assignment, struct fix_range *out);

/* The lines of the assignment go. */
void fix_delete(const struct lint *lint, const struct assignment *assignment);

/* The lines of the assignment become others, without the last line feed. */
void fix_replace(const struct lint *lint, const struct assignment *assignment, const char *text);

/* A line, without its line feed, is added at the end of a file. */
void fix_append(const struct lint *lint, const struct source *source, const char *line);

/* Whether an option of some service sets the parameter. */
bool fix_is_overridden(const struct lint *lint, const char *name);

#endif
