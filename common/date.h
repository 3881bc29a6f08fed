/*
 * Dates as people write them into configuration: a full-date or date-time of RFC 3339. Pure
 * functions, thread-safe.
 */
#ifndef POSTERN_DATE_H
#define POSTERN_DATE_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Reads a date (the beginning of that day) or a date with time, in UTC without an offset: seconds
 * since 1970. False, with `out` untouched, if it is none or there is no such day.
 */
bool date_parse(const char *text, int64_t *out);

#endif
