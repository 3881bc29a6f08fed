/*
 * The line of the topology behind a line of a rendered file: its block names it in a comment.
 *
 * Pure function, thread-safe.
 */
#ifndef POSTERN_LINT_CAUSE_H
#define POSTERN_LINT_CAUSE_H

#include "common/diagnostics.h"

/*
 * Where comments in the block around `at` point to in `topology`. Of several, the one is preferred
 * whose comment has `what` in it (NULL: none), then the nearest above. The source of the result is
 * NULL where no comment names a line.
 */
struct position cause_find(const struct source *topology, struct position at, const char *what);

#endif
