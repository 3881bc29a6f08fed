/*
 * Baselines: what was found before, so that an old installation can start clean and only what is
 * new counts. A file in JSON holds the fingerprints (fingerprint.h), the rules and the names of the
 * files, but no text of them. Not thread-safe.
 */
#ifndef CONFGEN_BASELINE_H
#define CONFGEN_BASELINE_H

#include "common/diagnostics.h"

struct baseline;

/* An empty one. */
struct baseline *baseline_new(struct arena *arena);

/*
 * Reads one. Returns 0; -errno; or -1 where the file is no baseline, with the reason in `*why`.
 * Outputs are untouched where they say nothing.
 */
int baseline_read(struct arena *arena, const char *path, struct baseline **out, const char **why);

/* Removes from `list`, which it sorts, what the baseline knows. */
void baseline_apply(struct baseline *baseline, struct diagnostics *list);

/* Takes all of `list`, which it sorts, into the baseline. */
void baseline_add(struct baseline *baseline, struct diagnostics *list);

/* How many findings it knows, and how many of them baseline_apply() never saw. */
size_t baseline_count(const struct baseline *baseline);
size_t baseline_stale(const struct baseline *baseline);

/* Writes it, sorted, in place of what is there: whole or not at all. Returns 0 or -errno. */
int baseline_write(const struct baseline *baseline, const char *path);

#endif
