/*
 * A DKIM record out of a line of a zone file; see dkim_record.h. ldns could read it, but crashes on
 * some lines that are none.
 */
#include "common/dkim_record.h"

#include <ctype.h>
#include <strings.h>

#define LONGEST_RECORD 16384

struct line {
	const char *next, *end;
};

/* Over blanks, line breaks, brackets and comments. */
static void skip(struct line *line)
{
	for (; line->next < line->end; line->next++) {
		if (*line->next == ';')
			while (line->next < line->end && *line->next != '\n')
				line->next++;
		if (line->next == line->end || !strchr(" \t\r\n()", *line->next))
			return;
	}
}

/* "\"" and "\065"; the number of octets that it takes. */
static size_t escaped(const char *text, size_t left, char *out)
{
	if (left >= 4 && isdigit((unsigned char)text[1]) && isdigit((unsigned char)text[2]) &&
	    isdigit((unsigned char)text[3])) {
		*out = (char)((text[1] - '0') * 100 + (text[2] - '0') * 10 + text[3] - '0');
		return 4;
	}
	*out = left > 1 ? text[1] : '\\';
	return left > 1 ? 2 : 1;
}

/* Appends a string, in quotes or not. False: it does not end, or is too long. */
static bool take_string(struct line *line, char *out, size_t *length)
{
	bool quoted = *line->next == '"';

	line->next += quoted;
	while (line->next < line->end && *length < LONGEST_RECORD) {
		char c = *line->next;
		size_t size = 1;

		if (quoted ? c == '"' : strchr(" \t\r\n();\"", c) != NULL) {
			line->next += quoted;
			return true;
		}
		if (c == '\\')
			size = escaped(line->next, (size_t)(line->end - line->next), &c);
		if (c == '\0')
			return false;
		out[(*length)++] = c;
		line->next += size;
	}
	return !quoted && *length < LONGEST_RECORD;
}

/* Over a word. Whether it is "TXT". */
static bool take_type(struct line *line)
{
	const char *start = line->next;

	while (line->next < line->end && !strchr(" \t\r\n();", *line->next))
		line->next++;
	return line->next - start == 3 && strncasecmp(start, "TXT", 3) == 0;
}

char *dkim_record_read_line(struct arena *arena, const char *text, size_t size)
{
	struct line line = {text, text + size};
	char *out = arena_alloc(arena, LONGEST_RECORD + 1);
	size_t length = 0;
	bool found = false;

	if (!out || memchr(text, '\0', size))
		return NULL;
	for (skip(&line); !found && line.next < line.end; skip(&line))
		found = take_type(&line);
	for (; line.next < line.end; skip(&line))
		if (!take_string(&line, out, &length))
			return NULL;
	return found && length ? out : NULL;
}
