/*
 * Line ends for signing; see line_ends.h. libopendkim could convert them itself
 * (DKIM_LIBFLAGS_FIXCRLF), at the price of a copy of each body and of bad signatures for some
 * folds.
 */
#include "milter/line_ends.h"

static size_t count_lone_lf(const char *text)
{
	size_t count = 0;

	for (const char *lf = strchr(text, '\n'); lf; lf = strchr(lf + 1, '\n'))
		count += lf == text || lf[-1] != '\r';
	return count;
}

static char *append(char *end, const char *text, size_t length)
{
	memcpy(end, text, length);
	return end + length;
}

char *line_ends_header(struct arena *arena, const char *name, const char *separator,
		       const char *value, size_t *length)
{
	size_t before = strlen(name), between = strlen(separator);
	size_t total = before + between + strlen(value) + count_lone_lf(value);
	char *text = arena_alloc(arena, total + 1), *end;

	if (!text)
		return NULL;
	end = append(append(text, name, before), separator, between);
	for (const char *p = value; *p; p++) {
		if (*p == '\n' && (p == value || p[-1] != '\r'))
			*end++ = '\r';
		*end++ = *p;
	}
	*length = total;
	return text;
}

/* The first LF after the first octet that has no CR before it, or `end`. */
static const unsigned char *find_lone_lf(const unsigned char *start, const unsigned char *end)
{
	const unsigned char *lf = start;

	while (++lf < end && (lf = memchr(lf, '\n', (size_t)(end - lf))))
		if (lf[-1] != '\r')
			return lf;
	return end;
}

static bool has_stray_cr(const struct line_ends *state, const unsigned char *start,
			 const unsigned char *end)
{
	if (state->last == '\r' && *start != '\n')
		return true;
	for (const unsigned char *cr = start; (cr = memchr(cr, '\r', (size_t)(end - cr))); cr++)
		if (cr + 1 < end && cr[1] != '\n')
			return true;
	return false;
}

const unsigned char *line_ends_next(struct line_ends *state, const unsigned char **data,
				    size_t *size, size_t *length)
{
	static const unsigned char crlf[] = {'\r', '\n'};
	const unsigned char *start = *data, *end = start + *size;
	bool lone = *start == '\n' && state->last != '\r';
	const unsigned char *stop = lone ? start + 1 : find_lone_lf(start, end);

	state->stray_cr = state->stray_cr || has_stray_cr(state, start, stop);
	state->last = stop[-1];
	state->any = true;
	*data = stop;
	*size = (size_t)(end - stop);
	*length = lone ? sizeof(crlf) : (size_t)(stop - start);
	return lone ? crlf : start;
}

bool line_ends_stray_cr(const struct line_ends *state)
{
	return state->stray_cr || state->last == '\r';
}

bool line_ends_stray_in_header(const char *value)
{
	for (; (value = strpbrk(value, "\r\n")); value++)
		if (*value == '\r' ? value[1] != '\n' : value[1] != ' ' && value[1] != '\t')
			return true;
	return false;
}

bool line_ends_missing(const struct line_ends *state)
{
	return state->any && state->last != '\n';
}
