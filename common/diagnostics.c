/* The list of the user's mistakes and how it is printed; see diagnostics.h. */
#include "common/diagnostics.h"
#include "common/strbuf.h"

#include <ctype.h>
#include <stdarg.h>
#include <strings.h>
#include <unistd.h>

struct diagnostic {
	enum severity severity;
	bool hide_source;
	const char *rule;
	struct position at;
	const char *message, *hint;
	size_t order; /* in which it was added: keeps sorting stable */
};

struct diagnostics {
	struct arena *arena;
	struct diagnostic *items;
	size_t count;
};

struct diagnostics *diagnostics_new(struct arena *arena)
{
	struct diagnostics *list = arena_alloc(arena, sizeof(*list));

	list->arena = arena;
	return list;
}

void diagnostics_add(struct diagnostics *list, enum severity severity, const char *rule,
		     struct position at, const char *format, ...)
{
	struct diagnostic *item = arena_push(list->arena, list);
	va_list args;

	item->severity = severity;
	item->rule = rule;
	item->at = at;
	item->order = list->count;
	va_start(args, format);
	item->message = arena_vprintf(list->arena, format, args);
	va_end(args);
}

void diagnostics_hint(struct diagnostics *list, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	list->items[list->count - 1].hint = arena_vprintf(list->arena, format, args);
	va_end(args);
}

void diagnostics_hide_source(struct diagnostics *list)
{
	list->items[list->count - 1].hide_source = true;
}

size_t diagnostics_count(const struct diagnostics *list, enum severity at_least)
{
	size_t count = 0;

	for (size_t i = 0; i < list->count; i++)
		count += list->items[i].severity <= at_least;
	return count;
}

static int compare_number(size_t a, size_t b)
{
	return (a > b) - (a < b);
}

static int compare_place(const struct diagnostic *x, const struct diagnostic *y)
{
	const char *xname = x->at.source ? x->at.source->name : "";
	const char *yname = y->at.source ? y->at.source->name : "";
	int order = strcmp(xname, yname);

	if (!order)
		order = compare_number(x->at.line, y->at.line);
	if (!order)
		order = compare_number(x->at.column, y->at.column);
	return order;
}

static int compare(const void *a, const void *b)
{
	const struct diagnostic *x = a, *y = b;
	int order = compare_place(x, y);

	return order ? order : compare_number(x->order, y->order);
}

/* The length of the valid UTF-8 sequence at `text`, 0 if there is none (RFC 3629). */
static size_t utf8_length(const unsigned char *text, size_t left)
{
	size_t need = text[0] < 0x80 ? 1 : text[0] >= 0xf0 ? 4 : text[0] >= 0xe0 ? 3 : 2;

	if (need == 1)
		return 1;
	if (text[0] < 0xc2 || text[0] > 0xf4 || need > left)
		return 0;
	for (size_t i = 1; i < need; i++)
		if ((text[i] & 0xc0) != 0x80)
			return 0;
	if ((text[0] == 0xe0 && text[1] < 0xa0) || (text[0] == 0xed && text[1] > 0x9f) ||
	    (text[0] == 0xf0 && text[1] < 0x90) || (text[0] == 0xf4 && text[1] > 0x8f))
		return 0;
	return need;
}

void print_escaped(FILE *out, const char *text, size_t length)
{
	const unsigned char *p = (const unsigned char *)text;

	while (length) {
		size_t step = utf8_length(p, length);
		/* C1 controls (U+0080 to U+009F) move terminals as well */
		bool control = step == 1 ? *p < 0x20 || *p == 0x7f : step == 2 && *p == 0xc2 && p[1] < 0xa0;

		if (step == 0 || control) {
			step = step ? step : 1;
			for (size_t i = 0; i < step; i++)
				fprintf(out, "\\x%02x", p[i]);
		} else {
			fwrite(p, 1, step, out);
		}
		p += step;
		length -= step;
	}
}

static const char *find_line(const struct source *source, unsigned line, size_t *length)
{
	const char *text = source->text, *end = text + source->length, *stop;

	for (; line > 1; line--) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));

		if (!newline)
			return NULL;
		text = newline + 1;
	}
	stop = memchr(text, '\n', (size_t)(end - text));
	*length = (size_t)((stop ? stop : end) - text);
	if (*length && text[*length - 1] == '\r')
		--*length;
	return text;
}

static bool mentions_secret(const char *line, size_t length)
{
	static const char *const words[] = {"passw", "secret", "token", "credential"};

	for (size_t w = 0; w < sizeof(words) / sizeof(words[0]); w++)
		for (size_t i = 0, n = strlen(words[w]); i + n <= length; i++)
			if (strncasecmp(line + i, words[w], n) == 0)
				return true;
	return false;
}

#define SHOWN_LINE 160 /* octets of a source line that are worth showing */

/* A caret below character `column` of `line`; tabs are repeated so that it stays in line. */
static void print_caret(const char *line, size_t column, FILE *out)
{
	const unsigned char *p = (const unsigned char *)line;

	for (; column; column--, p++) {
		while ((p[0] & 0xc0) == 0x80)
			p++;
		fputc(*p == '\t' ? '\t' : ' ', out);
	}
	fputs("^\n", out);
}

static void print_source(const struct diagnostic *item, FILE *out)
{
	size_t length = 0, column = item->at.column ? item->at.column - 1 : 0;
	const char *line, *start;

	if (!item->at.source || !item->at.source->text || item->at.line == 0)
		return;
	line = find_line(item->at.source, item->at.line, &length);
	if (!line)
		return;
	if (item->hide_source || mentions_secret(line, length)) {
		fprintf(out, "  | (line not shown: it may hold a secret)\n");
		return;
	}
	if (length > SHOWN_LINE || column > length)
		return;
	start = line;
	fputs("  | ", out);
	for (const char *tab; (tab = memchr(line, '\t', length)); line = tab + 1) {
		print_escaped(out, line, (size_t)(tab - line));
		fputc('\t', out);
		length -= (size_t)(tab + 1 - line);
	}
	print_escaped(out, line, length);
	fputs("\n  | ", out);
	print_caret(start, column, out);
}

void diagnostics_print(struct diagnostics *list, FILE *out, bool color)
{
	static const char *const words[] = {"error", "warning", "info"};
	static const char *const colors[] = {"\033[1;31m", "\033[1;35m", "\033[1;36m"};
	const struct diagnostic *last = NULL;

	if (list->count)
		qsort(list->items, list->count, sizeof(*list->items), compare);
	for (size_t i = 0; i < list->count; last = &list->items[i++]) {
		const struct diagnostic *item = &list->items[i];

		if (last && compare_place(last, item) == 0 && strcmp(last->message, item->message) == 0)
			continue;
		if (item->at.source) {
			print_escaped(out, item->at.source->name, strlen(item->at.source->name));
			fputs(":", out);
			if (item->at.line)
				fprintf(out, "%u:%u:", item->at.line, item->at.column);
			fputs(" ", out);
		}
		fprintf(out, "%s%s:%s ", color ? colors[item->severity] : "", words[item->severity],
			color ? "\033[0m" : "");
		print_escaped(out, item->message, strlen(item->message));
		if (item->rule)
			fprintf(out, " [%s]", item->rule);
		fputc('\n', out);
		print_source(item, out);
		if (item->hint) {
			fputs("  hint: ", out);
			print_escaped(out, item->hint, strlen(item->hint));
			fputc('\n', out);
		}
	}
}

bool diagnostics_want_color(FILE *out)
{
	const char *no_color = getenv("NO_COLOR");

	return isatty(fileno(out)) && (!no_color || !*no_color);
}
