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

#define BLOCK 64 /* octets that are looked at together */

/*
 * Whether each CR of BLOCK octets has an LF behind it, and no other octet has; the octet behind
 * them is read, too. Without a way out of the loop, so that compilers make it a few vector
 * instructions.
 */
static bool block_is_plain(const unsigned char *p)
{
	unsigned char found = 0;

	for (size_t i = 0; i < BLOCK; i++)
		found |= (unsigned char)((p[i] == '\r') ^ (p[i + 1] == '\n'));
	return !found;
}

/* The first LF after the first octet that has no CR before it, or `end`; notes stray CRs before it.
 */
static const unsigned char *find_lone_lf(struct line_ends *state, const unsigned char *p,
					 const unsigned char *end)
{
	for (; p + 1 < end; p++) {
		while (end - p > BLOCK && block_is_plain(p))
			p += BLOCK;
		if (*p == '\r')
			state->stray_cr = state->stray_cr || (p + 1 < end && p[1] != '\n');
		else if (p + 1 < end && p[1] == '\n')
			return p + 1;
	}
	return end;
}

const unsigned char *line_ends_next(struct line_ends *state, const unsigned char **data,
				    size_t *size, size_t *length)
{
	static const unsigned char crlf[] = {'\r', '\n'};
	const unsigned char *start = *data, *end = start + *size;
	bool lone = *start == '\n' && state->last != '\r';
	const unsigned char *stop = lone ? start + 1 : find_lone_lf(state, start, end);

	if (state->last == '\r' && *start != '\n')
		state->stray_cr = true;
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
