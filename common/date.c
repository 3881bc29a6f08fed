/* Dates in configuration; see date.h. */
#include "common/date.h"

#include <ctype.h>
#include <string.h>
#include <time.h>

/* Reads exactly `count` digits off `*text`; -1 if they are not there. */
static int take_digits(const char **text, size_t count)
{
	int value = 0;

	for (; count; count--, (*text)++) {
		if (!isdigit((unsigned char)**text))
			return -1;
		value = value * 10 + (**text - '0');
	}
	return value;
}

static bool take(const char **text, const char *wanted)
{
	if (!**text || !strchr(wanted, **text))
		return false;
	(*text)++;
	return true;
}

/* Z, or an offset from UTC: takes it off the seconds. */
static bool read_offset(const char **text, int64_t *seconds)
{
	int sign = **text == '-' ? -1 : 1, hours, minutes;

	if (take(text, "Zz"))
		return true;
	if (!take(text, "+-"))
		return false;
	hours = take_digits(text, 2);
	if (!take(text, ":"))
		return false;
	minutes = take_digits(text, 2);
	if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59)
		return false;
	*seconds -= sign * (hours * 3600LL + minutes * 60LL);
	return true;
}

bool date_parse(const char *text, int64_t *out)
{
	struct tm time = {.tm_year = take_digits(&text, 4) - 1900}, moved;
	int64_t seconds;
	time_t check;

	if (!take(&text, "-"))
		return false;
	time.tm_mon = take_digits(&text, 2) - 1;
	if (!take(&text, "-"))
		return false;
	time.tm_mday = take_digits(&text, 2);
	if (time.tm_year < 70 || time.tm_mon < 0 || time.tm_mon > 11 || time.tm_mday < 1)
		return false;
	moved = time;
	check = timegm(&moved);
	if (moved.tm_mday != time.tm_mday || moved.tm_mon != time.tm_mon)
		return false; /* such as 30 February */
	seconds = check;
	if (*text) {
		int hours, minutes, rest;

		if (!take(&text, "Tt "))
			return false;
		hours = take_digits(&text, 2);
		if (!take(&text, ":"))
			return false;
		minutes = take_digits(&text, 2);
		if (!take(&text, ":"))
			return false;
		rest = take_digits(&text, 2);
		if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59 || rest < 0 || rest > 59)
			return false;
		seconds += hours * 3600LL + minutes * 60LL + rest;
		if (!read_offset(&text, &seconds))
			return false;
	}
	*out = seconds;
	return *text == '\0';
}
