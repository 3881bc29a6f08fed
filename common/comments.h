/*
 * Comments of a configuration file: taken out before libconfuse reads it, which loses count of the
 * lines in them, and refuses them inside of lists.
 */
#ifndef POSTERN_COMMENTS_H
#define POSTERN_COMMENTS_H

#include "common/diagnostics.h"

/*
 * The text of `source`, which must be NUL-terminated, with blanks in place of comments; lines and
 * columns stay. A string or comment without an end is added to `list`, and NULL returned:
 * libconfuse would go on inside of it in the next file. `arena` has no limit.
 */
char *comments_blank(struct arena *arena, const struct source *source, struct diagnostics *list);

#endif
