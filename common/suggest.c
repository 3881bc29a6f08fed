/* The nearest word of a list; see suggest.h. */
#include "common/suggest.h"

#include <ctype.h>

#define LONGEST 64

/* How far a slip may lead from a word: about every fourth letter. */
static size_t farthest(size_t a, size_t b)
{
	return 1 + (a < b ? a : b) / 4;
}

static size_t least(size_t a, size_t b, size_t c)
{
	size_t ab = a < b ? a : b;

	return ab < c ? ab : c;
}

static size_t distance(const char *a, size_t alen, const char *b, size_t blen)
{
	size_t rows[3][LONGEST + 1];
	size_t *before = rows[0], *last = rows[1], *now = rows[2];

	for (size_t j = 0; j <= blen; j++)
		last[j] = j;
	for (size_t i = 1; i <= alen; i++) {
		size_t *spare = before;

		now[0] = i;
		for (size_t j = 1; j <= blen; j++) {
			int x = tolower((unsigned char)a[i - 1]),
			    y = tolower((unsigned char)b[j - 1]);

			now[j] = least(last[j] + 1, now[j - 1] + 1, last[j - 1] + (x != y));
			if (i > 1 && j > 1 && x == tolower((unsigned char)b[j - 2]) &&
			    y == tolower((unsigned char)a[i - 2]) && before[j - 2] + 1 < now[j])
				now[j] = before[j - 2] + 1;
		}
		before = last;
		last = now;
		now = spare;
	}
	return last[blen];
}

const char *suggest(const char *wrong, const char *const *words, size_t count)
{
	size_t length = strlen(wrong), best = 0;
	const char *nearest = NULL;

	if (length == 0 || length > LONGEST)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		size_t other = words[i] ? strlen(words[i]) : LONGEST + 1;
		size_t apart = length < other ? other - length : length - other, steps;

		/* each octet of difference in length is a step: no need to count further */
		if (other > LONGEST || apart > farthest(length, other))
			continue;
		steps = distance(wrong, length, words[i], other);
		if (steps > farthest(length, other) || steps >= length)
			continue;
		if (!nearest || steps < best) {
			nearest = words[i];
			best = steps;
		}
	}
	return nearest;
}
