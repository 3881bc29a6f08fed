/*
 * Fingerprints: the same finding has the same one tomorrow, although lines above it came or went.
 *
 * Made from the rule, the file and the text of its line (not its number), and from how many alike
 * were there before. A line that may hold a secret counts by what stands before its value, so that
 * nobody can guess the secret from the fingerprint. Constant from release to release.
 */
#ifndef CONFGEN_FINGERPRINT_H
#define CONFGEN_FINGERPRINT_H

#include "common/diagnostics.h"
#include "common/excerpt.h"
#include "common/name_map.h"

#define FINGERPRINT_DIGITS 32

struct fingerprints {
	struct arena *arena;
	struct name_map *seen; /* how often each came already */
	struct excerpt_cursor cursor;
};

void fingerprints_init(struct fingerprints *fingerprints, struct arena *arena);

/* The fingerprint of a finding, in hexadecimal; lives in the arena. Ask in sorted order, once. */
const char *fingerprint_make(struct fingerprints *fingerprints, const struct diagnostic *item);

#endif
