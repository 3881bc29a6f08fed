/* Fixes; see fixes.h. */
#include "confgen/lint/fixes.h"
#include "common/excerpt.h"
#include "common/file.h"
#include "common/strbuf.h"

#include <assert.h>

#define CONTEXT 3 /* lines around a change, as diff -u has it */

struct fix_list {
	const struct fix **items;
	size_t count;
};

static int compare(const void *a, const void *b)
{
	const struct fix *x = *(const struct fix *const *)a, *y = *(const struct fix *const *)b;
	int order = strcmp(x->source->name, y->source->name);

	if (!order)
		order = (x->start > y->start) - (x->start < y->start);
	return order ? order : (x->length > y->length) - (x->length < y->length);
}

struct fixed_files fixes_collect(struct arena *arena, const struct diagnostics *list)
{
	struct fixed_files files = {0};
	struct fixed_file *file = NULL;
	struct fix_list all = {0};
	const struct diagnostic *item;
	size_t at = 0, end = 0;

	while ((item = diagnostics_next(list, &at)))
		if (item->fix)
			*arena_push(arena, &all) = item->fix;
	if (all.count)
		qsort(all.items, all.count, sizeof(*all.items), compare);
	for (size_t i = 0; i < all.count; i++) {
		const struct fix *fix = all.items[i];

		assert(fix->start + fix->length <= fix->source->length);
		if (!file || strcmp(file->source->name, fix->source->name) != 0) {
			file = arena_push(arena, &files);
			file->source = fix->source;
			file->fixes = all.items + i;
		} else if (fix->start < end || (fix->start == end && !fix->length)) {
			files.waiting++;
			continue;
		}
		file->fixes[file->count++] = fix;
		end = fix->start + fix->length;
	}
	return files;
}

/* Whether a fix adds lines at the end, and leaves the last one as it is. */
static bool adds_lines(const struct fix *fix)
{
	return !fix->length && fix->start == fix->source->length && *fix->text != '\n';
}

/*
 * Appends what the octets from `start` to `end` become; `end` is in no fix. Lines that are added at
 * the end of the file belong to none before: they stand for the nothing that is behind it.
 */
static void add_fixed(const struct fixed_file *file, size_t start, size_t end, struct strbuf *out)
{
	const bool nothing = start == end;

	for (size_t i = 0; i < file->count; i++) {
		const struct fix *fix = file->fixes[i];

		if (fix->start < start || fix->start + fix->length > end ||
		    adds_lines(fix) != nothing)
			continue;
		strbuf_add(out, file->source->text + start, fix->start - start);
		strbuf_adds(out, fix->text);
		start = fix->start + fix->length;
	}
	strbuf_add(out, file->source->text + start, end - start);
}

char *fixes_text(struct arena *arena, const struct fixed_file *file, size_t *length)
{
	struct strbuf buf = STRBUF_INIT;
	char *text;

	add_fixed(file, 0, file->source->length, &buf);
	text = arena_strndup(arena, strbuf_text(&buf), buf.length);
	*length = buf.length;
	strbuf_done(&buf);
	return text;
}

int fixes_write(const struct fixed_file *file)
{
	const struct source *source = file->source;
	struct strbuf buf = STRBUF_INIT;
	int error;

	add_fixed(file, 0, source->length, &buf);
	add_fixed(file, source->length, source->length, &buf);
	error = file_replace(source->name, source->text, source->length, strbuf_text(&buf),
			     buf.length);
	strbuf_done(&buf);
	return error;
}

/* --- the difference --- */

struct offsets {
	size_t *items;
	size_t count;
};

/* The lines of a file: where each begins, and at last where the file ends. */
struct lines {
	const struct source *source;
	size_t *starts;
	size_t count;
};

/* Whole lines that change. */
struct change {
	size_t first, end; /* old lines */
	char *text;	   /* what they become */
	size_t length, lines;
};

struct changes {
	struct change *items;
	size_t count;
};

static struct lines split(struct arena *arena, const struct source *source)
{
	struct offsets starts = {0};
	const char *end = source->text + source->length, *at = source->text;

	while (at < end) {
		const char *feed = memchr(at, '\n', (size_t)(end - at));

		*arena_push(arena, &starts) = (size_t)(at - source->text);
		at = feed ? feed + 1 : end;
	}
	*arena_push(arena, &starts) = source->length;
	return (struct lines){source, starts.items, starts.count - 1};
}

/* The line that holds the octet; the last one for the end of the file. */
static size_t line_of(const struct lines *lines, size_t octet)
{
	size_t low = 0, high = lines->count;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (lines->starts[middle] <= octet)
			low = middle;
		else
			high = middle;
	}
	return low;
}

static size_t count_lines(const char *text, size_t length)
{
	size_t count = length && text[length - 1] != '\n';

	for (size_t i = 0; i < length; i++)
		count += text[i] == '\n';
	return count;
}

static void fill(struct arena *arena, const struct fixed_file *file, const struct lines *lines,
		 struct change *change)
{
	struct strbuf buf = STRBUF_INIT;

	add_fixed(file, lines->starts[change->first], lines->starts[change->end], &buf);
	change->text = arena_strndup(arena, strbuf_text(&buf), buf.length);
	change->length = buf.length;
	change->lines = count_lines(change->text, change->length);
	strbuf_done(&buf);
}

/* The line behind the last that changes: a line that loses its end goes together with the next. */
static size_t end_of(const struct lines *lines, const struct fix *fix)
{
	size_t last = fix->start + fix->length - (fix->length != 0), line = line_of(lines, last);
	size_t length = strlen(fix->text);
	bool whole = lines->starts[line_of(lines, fix->start)] == fix->start && !length;

	if (fix->length && lines->source->text[last] == '\n' && !whole &&
	    !(length && fix->text[length - 1] == '\n'))
		line++;
	return line + 1 > lines->count ? lines->count : line + 1;
}

static struct changes find_changes(struct arena *arena, const struct fixed_file *file,
				   const struct lines *lines)
{
	struct changes changes = {0};

	for (size_t i = 0; i < file->count; i++) {
		const struct fix *fix = file->fixes[i];
		bool adds = adds_lines(fix);
		size_t first = adds ? lines->count : line_of(lines, fix->start);
		size_t end = adds ? lines->count : end_of(lines, fix);
		struct change *last = changes.count ? &changes.items[changes.count - 1] : NULL;

		if (!last || first >= last->end) {
			last = arena_push(arena, &changes);
			last->first = first;
		}
		last->end = end;
	}
	for (size_t i = 0; i < changes.count; i++)
		fill(arena, file, lines, &changes.items[i]);
	return changes;
}

static bool is_secret(const struct lines *lines, size_t line)
{
	return excerpt_is_secret(lines->source, lines->source->text + lines->starts[line]);
}

/* How many lines from `line` on, at most `most`, may be shown; downwards or upwards. */
static size_t context(const struct lines *lines, size_t line, size_t most, bool up)
{
	size_t count = 0;

	while (count < most && (up ? line > count : line + count < lines->count) &&
	       !is_secret(lines, up ? line - count - 1 : line + count))
		count++;
	return count;
}

static void print_line(char sign, const char *text, size_t length, FILE *out)
{
	bool feed = length && text[length - 1] == '\n';

	fputc(sign, out);
	for (size_t i = 0, n = length - feed, part; i < n; i += part + (i + part < n)) {
		const char *tab = memchr(text + i, '\t', n - i);

		part = tab ? (size_t)(tab - text) - i : n - i;
		print_escaped(out, text + i, part);
		if (tab)
			fputc('\t', out);
	}
	fputs(feed ? "\n" : "\n\\ No newline at end of file\n", out);
}

static void print_old(const struct lines *lines, char sign, size_t first, size_t end, FILE *out)
{
	for (size_t i = first; i < end; i++)
		print_line(sign, lines->source->text + lines->starts[i],
			   lines->starts[i + 1] - lines->starts[i], out);
}

static void print_change(const struct lines *lines, const struct change *change, FILE *out)
{
	for (size_t i = change->first; i < change->end; i++)
		if (is_secret(lines, i)) {
			fputs("# (lines not shown: they may hold a secret)\n", out);
			return;
		}
	print_old(lines, '-', change->first, change->end, out);
	for (const char *at = change->text, *end = at + change->length; at < end;) {
		const char *feed = memchr(at, '\n', (size_t)(end - at));
		size_t length = feed ? (size_t)(feed + 1 - at) : (size_t)(end - at);

		print_line('+', at, length, out);
		at += length;
	}
}

/* The start of a range in a hunk's heading: for none, the line before. */
static size_t heading(size_t first, size_t count)
{
	return count ? first + 1 : first;
}

/* Prints the changes from `first` to `end` as one hunk; `moved` is what those before them added. */
static void print_hunk(const struct lines *lines, const struct changes *changes, size_t first,
		       size_t end, long moved, FILE *out)
{
	const struct change *head = &changes->items[first], *tail = &changes->items[end - 1];
	size_t before = context(lines, head->first, CONTEXT, true);
	size_t after = context(lines, tail->end, CONTEXT, false);
	size_t start = head->first - before, olds = tail->end + after - start, news = olds;

	for (size_t i = first; i < end; i++)
		news = news + changes->items[i].lines -
		       (changes->items[i].end - changes->items[i].first);
	fprintf(out, "@@ -%zu,%zu +%zu,%zu @@\n", heading(start, olds), olds,
		heading((size_t)((long)start + moved), news), news);
	for (size_t i = first; i < end; i++) {
		print_old(lines, ' ', start, changes->items[i].first, out);
		print_change(lines, &changes->items[i], out);
		start = changes->items[i].end;
	}
	print_old(lines, ' ', start, tail->end + after, out);
}

void fixes_diff(struct arena *arena, const struct fixed_file *file, FILE *out)
{
	struct lines lines = split(arena, file->source);
	struct changes changes = find_changes(arena, file, &lines);
	const char *name = file->source->name;
	long moved = 0;

	fputs("--- ", out);
	print_escaped(out, name, strlen(name));
	fputs("\n+++ ", out);
	print_escaped(out, name, strlen(name));
	fputc('\n', out);
	for (size_t first = 0, end; first < changes.count; first = end) {
		for (end = first + 1; end < changes.count; end++) {
			size_t gap = changes.items[end].first - changes.items[end - 1].end;

			if (gap > (size_t)2 * CONTEXT ||
			    context(&lines, changes.items[end - 1].end, gap, false) < gap)
				break;
		}
		print_hunk(&lines, &changes, first, end, moved, out);
		for (size_t i = first; i < end; i++)
			moved += (long)changes.items[i].lines -
				 (long)(changes.items[i].end - changes.items[i].first);
	}
}
