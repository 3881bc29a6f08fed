/*
 * The mechanical fixes of findings, put together by file: shown as a unified diff, and written.
 *
 * Of fixes that overlap the first counts; the other ones wait for the next run. Lines that may hold
 * a secret are not shown. Not thread-safe.
 */
#ifndef CONFGEN_FIXES_H
#define CONFGEN_FIXES_H

#include "common/diagnostics.h"

struct fixed_file {
	const struct source *source;
	const struct fix **fixes; /* sorted, without overlaps */
	size_t count;
};

struct fixed_files {
	struct fixed_file *items;
	size_t count;
	size_t waiting; /* fixes that overlap others */
};

/* All lives in `arena` and refers to the list and its sources. */
struct fixed_files fixes_collect(struct arena *arena, const struct diagnostics *list);

/* Prints the difference that a file would see. */
void fixes_diff(struct arena *arena, const struct fixed_file *file, FILE *out);

/* The whole text that the file would have. */
char *fixes_text(struct arena *arena, const struct fixed_file *file, size_t *length);

/*
 * Writes the file: whole or not at all, keeping owner and mode. Returns 0 or -errno: -ESTALE where
 * it is not what was judged any more.
 */
int fixes_write(const struct fixed_file *file);

#endif
