/* Which lines the entries of a file take; see layout.h. */
#include "confgen/apply/layout.h"
#include "confgen/configuration/lines.h"
#include "confgen/configuration/list.h"
#include "confgen/configuration/main_cf.h"

#define BLANKS " \t\r\n\v\f"

/* The words of a text, joined by single blanks. */
static const char *join_words(struct arena *arena, const char *text)
{
	char *joined = arena_strdup(arena, text), *to = joined;

	for (text += strspn(text, BLANKS); *text; text += strspn(text, BLANKS)) {
		size_t length = strcspn(text, BLANKS);

		if (to != joined)
			*to++ = ' ';
		memcpy(to, text, length);
		to += length;
		text += length;
	}
	*to = '\0';
	return joined;
}

static struct words split_words(struct arena *arena, const struct text *line)
{
	struct words words = {0};
	size_t at = 0, start, length;

	while (list_next(line, MASTER_SEPARATORS, true, &at, &start, &length))
		*arena_push(arena, &words) = arena_strndup(arena, line->text + start, length);
	return words;
}

/* The physical lines that a logical one came from. */
static void find_lines(const struct source *source, const struct text *line, struct entry *entry)
{
	const struct text_span *first = &line->map->items[0];
	const struct text_span *last = &line->map->items[line->map->count - 1];
	const char *end = source->text + source->length, *tail, *feed;

	/* a NUL ends the line for Postfix, and what was read behind it is not in its length */
	while (last > first && last->start >= line->length)
		last--;
	tail = last->raw + (line->length - last->start);
	feed = tail < end ? memchr(tail, '\n', (size_t)(end - tail)) : NULL;
	entry->start = (size_t)(first->raw - source->text);
	entry->end = (size_t)((feed ? feed + 1 : end) - source->text);
}

static bool read_entry(struct arena *arena, const struct text *line, enum layout_kind kind,
		       struct entry *entry)
{
	struct text name, value;
	size_t at;

	if (kind == LAYOUT_SETTINGS) {
		if (assignment_split(arena, line, &name, &value, &at))
			return false;
		entry->key = name.text;
		entry->value = join_words(arena, value.text);
		return true;
	}
	entry->words = split_words(arena, line);
	if (entry->words.count < 2)
		return false;
	entry->key = arena_printf(arena, "%s/%s", entry->words.items[0], entry->words.items[1]);
	entry->value = join_words(arena, line->text);
	return true;
}

static int compare_entries(const void *a, const void *b)
{
	const struct entry *x = *(struct entry *const *)a, *y = *(struct entry *const *)b;
	int order = strcmp(x->key, y->key);

	return order ? order : (x->start > y->start) - (x->start < y->start);
}

struct layout layout_read(struct arena *arena, const struct source *source, enum layout_kind kind)
{
	struct layout layout = {.source = source};
	struct line_reader reader;
	struct text line;

	if (kind == LAYOUT_NONE)
		return layout;
	line_reader_init(&reader, arena, source, NULL);
	while (line_reader_next(&reader, &line)) {
		struct entry entry = {0};

		if (!read_entry(arena, &line, kind, &entry))
			continue;
		find_lines(source, &line, &entry);
		*arena_push(arena, &layout) = entry;
	}
	layout.by_key = arena_array(arena, layout.count + 1, sizeof(struct entry *));
	for (size_t i = 0; i < layout.count; i++)
		layout.by_key[i] = &layout.items[i];
	if (layout.count)
		qsort(layout.by_key, layout.count, sizeof(struct entry *), compare_entries);
	return layout;
}

bool layout_check(const struct source *source, struct diagnostics *list)
{
	const struct position whole = {.source = source};

	if (source->length <= CONFIGURATION_FILE_LIMIT)
		return lines_check(source, list);
	diagnostics_add(list, SEVERITY_ERROR, NULL, whole,
			"the file is larger than a configuration can be");
	return false;
}

const struct entry *layout_find(const struct layout *layout, const char *key)
{
	size_t low = 0, high = layout->count;

	/* the place behind the last that is not greater */
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(layout->by_key[middle]->key, key) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (!low || strcmp(layout->by_key[low - 1]->key, key) != 0)
		return NULL;
	return layout->by_key[low - 1];
}

const char *layout_lines(struct arena *arena, const struct layout *layout,
			 const struct entry *entry)
{
	return arena_strndup(arena, layout->source->text + entry->start, entry->end - entry->start);
}

/* Whether Postfix skips the line. */
static bool is_void(const char *line, size_t length)
{
	size_t blanks = 0;

	while (blanks < length && text_is_space(line[blanks]))
		blanks++;
	return blanks == length || line[blanks] == '#';
}

const char *layout_comments(struct arena *arena, const struct layout *layout,
			    const struct entry *entry)
{
	const char *at = layout->source->text + entry->start;
	const char *end = layout->source->text + entry->end;
	char *comments = arena_alloc(arena, entry->end - entry->start + 1), *to = comments;

	while (at < end) {
		const char *feed = memchr(at, '\n', (size_t)(end - at));
		size_t length = feed ? (size_t)(feed + 1 - at) : (size_t)(end - at);

		if (is_void(at, length)) {
			memcpy(to, at, length);
			to += length;
		}
		at += length;
	}
	return comments;
}
