/* "Did you mean ...": the word of a list that is nearest to what was written. Thread-safe. */
#ifndef POSTERN_SUGGEST_H
#define POSTERN_SUGGEST_H

#include <stddef.h>

/*
 * The nearest of `count` words to `wrong` by optimal string alignment distance (insertion,
 * deletion, substitution, swap of neighbours), or NULL when none is near enough to be a slip. Ties
 * go to the earlier word. NULL words are skipped. Words over 64 octets are never suggested.
 */
const char *suggest(const char *wrong, const char *const *words, size_t count);

#endif
