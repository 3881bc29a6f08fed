/*
 * Shows texts of strangers on a terminal: print_escaped() of diagnostics.h, and source lines with a
 * caret, which stays in its column whatever the line holds.
 */
#include "common/excerpt.h"
#include "common/utf8.h"

#include <stdint.h>
#include <strings.h>

#define SHOWN 120 /* octets of a long line, around the caret */

/* What moves a terminal's cursor, or lets a text look like another. */
static bool is_deceptive(uint32_t code)
{
	static const struct {
		uint32_t first, last;
	} ranges[] = {
		{0x00, 0x1f},	  {0x7f, 0x9f},	    {0x061c, 0x061c}, {0x200b, 0x200f},
		{0x2028, 0x202e}, {0x2066, 0x2069}, {0xfeff, 0xfeff}, {0xfff9, 0xfffb},
	};

	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
		if (code >= ranges[i].first && code <= ranges[i].last)
			return true;
	return false;
}

/* The octets of the first character, and whether it is to be escaped. */
static size_t measure(const char *text, size_t left, bool *escape)
{
	uint32_t code;
	size_t step = utf8_decode(text, left, &code);

	*escape = step == 0 || is_deceptive(code);
	return step ? step : 1;
}

void print_escaped(FILE *out, const char *text, size_t length)
{
	while (length) {
		bool escape;
		size_t step = measure(text, length, &escape);

		if (!escape)
			fwrite(text, 1, step, out);
		for (size_t i = 0; escape && i < step; i++)
			fprintf(out, "\\x%02x", (unsigned char)text[i]);
		text += step;
		length -= step;
	}
}

/* How long it is when escaped: each such octet becomes four. */
static size_t escaped_length(const char *text, size_t length)
{
	size_t total = 0;

	for (size_t at = 0, step; at < length; at += step) {
		bool escape;

		step = measure(text + at, length - at, &escape);
		total += escape ? 4 * step : step;
	}
	return total;
}

const char *text_escaped(struct arena *arena, const char *text)
{
	const size_t length = strlen(text), needed = escaped_length(text, length);
	static const char digits[] = "0123456789abcdef";
	char *all, *end;

	if (needed == length)
		return text;
	all = end = arena_alloc(arena, needed + 1);
	for (size_t at = 0, step; at < length; at += step) {
		bool escape;

		step = measure(text + at, length - at, &escape);
		if (!escape)
			end = (char *)memcpy(end, text + at, step) + step;
		for (size_t i = at; escape && i < at + step; i++) {
			const unsigned char octet = (unsigned char)text[i];

			*end++ = '\\';
			*end++ = 'x';
			*end++ = digits[octet >> 4];
			*end++ = digits[octet & 15];
		}
	}
	return all;
}

static size_t line_length(const struct source *source, const char *line)
{
	size_t left = (size_t)(source->text + source->length - line);
	const char *stop = memchr(line, '\n', left);
	size_t length = stop ? (size_t)(stop - line) : left;

	return length && line[length - 1] == '\r' ? length - 1 : length;
}

static const char *find_line(struct excerpt_cursor *cursor, const struct source *source,
			     unsigned line)
{
	const char *end = source->text + source->length;

	if (cursor->source != source || cursor->line > line) {
		bool mark = source->length >= 3 && memcmp(source->text, "\xef\xbb\xbf", 3) == 0;

		*cursor = (struct excerpt_cursor){
			.source = source, .line = 1, .text = source->text + (mark ? 3 : 0)};
	}
	while (cursor->line < line) {
		const char *stop = memchr(cursor->text, '\n', (size_t)(end - cursor->text));

		if (!stop)
			return NULL;
		cursor->text = stop + 1;
		cursor->line++;
	}
	return cursor->text;
}

const char *excerpt_line(struct excerpt_cursor *cursor, struct position at)
{
	if (!at.source || !at.source->text || at.line == 0)
		return NULL;
	return find_line(cursor, at.source, at.line);
}

static bool mentions_secret(const char *line, size_t length)
{
	static const char *const words[] = {"passw",	  "passphrase", "secret", "token",
					    "credential", "api_key",	"apikey", "private key"};

	for (size_t w = 0; w < sizeof(words) / sizeof(words[0]); w++)
		for (size_t i = 0, n = strlen(words[w]); i + n <= length; i++)
			if (strncasecmp(line + i, words[w], n) == 0)
				return true;
	return false;
}

static const char *line_before(const struct source *source, const char *line)
{
	const char *stop = memrchr(source->text, '\n', (size_t)(line - 1 - source->text));

	return stop ? stop + 1 : source->text;
}

/*
 * Whether the line, or a line above that it belongs to by its indentation, mentions a secret:
 * the value may stand below its key. An item "- x" may be indented no more than what it is below,
 * but does not belong to the items before it.
 */
bool excerpt_is_secret(const struct source *source, const char *line)
{
	size_t margin = SIZE_MAX;
	bool item = false;

	for (;;) {
		size_t indent = 0, length;

		while (line + indent < source->text + source->length &&
		       (line[indent] == ' ' || line[indent] == '\t'))
			indent++;
		length = indent < margin ? line_length(source, line) : 0;
		if (indent < length && !(item && indent + 1 == margin && line[indent] == '-')) {
			if (mentions_secret(line, length))
				return true;
			item = line[indent] == '-';
			margin = indent + item;
		}
		if (margin == 0 || line == source->text)
			return false;
		line = line_before(source, line);
	}
}

static bool is_secret_line(struct excerpt_cursor *cursor)
{
	if (cursor->judged != cursor->text) {
		cursor->judged = cursor->text;
		cursor->secret = excerpt_is_secret(cursor->source, cursor->text);
		cursor->characters = cursor->octets = 0;
	}
	return cursor->secret;
}

/* The octets of the judged line, which has `length` of them, before character `count`; at most all.
 */
static size_t skip_characters(struct excerpt_cursor *cursor, size_t length, size_t count)
{
	bool escape;

	if (count < cursor->characters)
		cursor->characters = cursor->octets = 0;
	for (; cursor->characters < count && cursor->octets < length; cursor->characters++)
		cursor->octets +=
			measure(cursor->text + cursor->octets, length - cursor->octets, &escape);
	return cursor->octets;
}

/* As many blanks as print_line() takes columns; tabs stay tabs, whatever their width is. */
static void print_blanks(const char *line, size_t length, FILE *out)
{
	while (length) {
		bool escape;
		size_t step = measure(line, length, &escape);

		if (*line == '\t')
			fputc('\t', out);
		else
			fprintf(out, "%*s", escape ? (int)(4 * step) : 1, "");
		line += step;
		length -= step;
	}
}

static void print_line(const char *line, size_t length, FILE *out)
{
	for (const char *tab; (tab = memchr(line, '\t', length)); line = tab + 1) {
		print_escaped(out, line, (size_t)(tab - line));
		fputc('\t', out);
		length -= (size_t)(tab + 1 - line);
	}
	print_escaped(out, line, length);
}

/* The nearest place at or before `at` where a character begins. */
static size_t character_start(const char *line, size_t at)
{
	for (unsigned back = 0; back < 3 && at && ((unsigned char)line[at] & 0xc0) == 0x80; back++)
		at--;
	return at;
}

void excerpt_print(struct excerpt_cursor *cursor, struct position at, bool hide, FILE *out)
{
	size_t length, caret, start = 0, stop;
	const char *line;

	line = excerpt_line(cursor, at);
	if (!line)
		return;
	if (is_secret_line(cursor) || hide) {
		fputs("  | (line not shown: it may hold a secret)\n", out);
		return;
	}
	length = stop = line_length(at.source, line);
	caret = skip_characters(cursor, length, at.column ? at.column - 1 : 0);
	if (length > SHOWN && caret > SHOWN / 2)
		start = character_start(line, caret - SHOWN / 2);
	if (stop - start > SHOWN)
		stop = character_start(line, start + SHOWN);
	fprintf(out, "  | %s", start ? "..." : "");
	print_line(line + start, stop - start, out);
	fprintf(out, "%s\n", stop < length ? "..." : "");
	if (at.column == 0)
		return;
	fprintf(out, "  | %s", start ? "   " : "");
	print_blanks(line + start, caret - start, out);
	fputs("^\n", out);
}
