/*
 * Keeps what strangers cause from filling the log: at most so many lines in an interval, and a
 * count of what was left out. All zero is the state at the start.
 */
#ifndef POSTERN_GATE_LOG_LIMIT_H
#define POSTERN_GATE_LOG_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

struct log_limit {
	int64_t began; /* the interval, in milliseconds */
	unsigned lines, left_out;
};

/*
 * Whether a line may be written now. Then `*left_out` is how many were not since the last one that
 * was, else it is untouched.
 */
bool log_limit_allows(struct log_limit *limit, int64_t now, unsigned most, int64_t interval,
		      unsigned *left_out);

#endif
