/* Text that knows where it was written; see text.h. */
#include "confgen/configuration/text.h"

#include <assert.h>
#include <strings.h>

bool text_is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

struct text text_constant(const char *text)
{
	return (struct text){text, strlen(text), NULL, 0};
}

struct text text_slice(struct arena *arena, const struct text *text, size_t start, size_t length)
{
	assert(start <= text->length && length <= text->length - start);
	return (struct text){arena_strndup(arena, text->text + start, length), length, text->map,
			     text->offset + start};
}

struct text text_trim(struct arena *arena, const struct text *text, size_t start, size_t length)
{
	while (length && text_is_space(text->text[start])) {
		start++;
		length--;
	}
	while (length && text_is_space(text->text[start + length - 1]))
		length--;
	return text_slice(arena, text, start, length);
}

/* The last span that begins at or before `offset`; the map has at least one, which begins at 0. */
static const struct text_span *find_span(const struct text_map *map, size_t offset)
{
	size_t low = 0, high = map->count;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (map->items[middle].start <= offset)
			low = middle;
		else
			high = middle;
	}
	return &map->items[low];
}

bool text_range(const struct text *text, const struct source **source, size_t *start)
{
	const struct text_span *span;
	size_t last;

	if (!text->map || !text->map->count || !text->length)
		return false;
	span = find_span(text->map, text->offset);
	last = (size_t)(span - text->map->items) + 1;
	if (!span->source || span->whole ||
	    (last < text->map->count && span[1].start < text->offset + text->length))
		return false;
	*source = span->source;
	*start = (size_t)(span->raw - span->source->text) + (text->offset - span->start);
	return true;
}

/* Columns count characters, so the continuation octets of UTF-8 do not count. */
static unsigned column_of(const struct source *source, const char *raw)
{
	unsigned column = 1;

	for (const char *at = raw; at > source->text && at[-1] != '\n'; at--)
		column += ((unsigned char)at[-1] & 0xC0) != 0x80;
	return column;
}

struct position text_position_at(const struct text *text, size_t at)
{
	const struct text_span *span;
	const char *raw, *end;

	if (!text->map || text->map->count == 0)
		return (struct position){NULL, 0, 0};
	span = find_span(text->map, text->offset + at);
	if (!span->source)
		return (struct position){NULL, 0, 0};
	end = span->source->text + span->source->length;
	raw = span->raw;
	if (!span->whole)
		raw += text->offset + at - span->start;
	if (raw > end)
		raw = end;
	return (struct position){span->source, span->line, column_of(span->source, raw)};
}

struct position text_position(const struct text *text)
{
	return text_position_at(text, 0);
}

bool text_equal(const struct text *text, const char *word)
{
	return strcmp(text->text, word) == 0;
}

bool text_equal_case(const struct text *text, const char *word)
{
	return strcasecmp(text->text, word) == 0;
}

void text_writer_init(struct text_writer *writer, struct arena *arena)
{
	*writer = (struct text_writer){.arena = arena,
				       .map = arena_alloc(arena, sizeof(*writer->map))};
}

static void add_span(struct text_writer *writer, const struct text_span *span, size_t start)
{
	struct text_span *added = arena_push(writer->arena, writer->map);

	*added = *span;
	added->start = start;
}

void text_writer_add_raw(struct text_writer *writer, const struct source *source, const char *raw,
			 size_t length, unsigned line)
{
	struct text_span span = {0, source, raw, line, false};

	add_span(writer, &span, writer->buf.length);
	strbuf_add(&writer->buf, raw, length);
}

/* One span for each that the part touches; the first and those without a file need care. */
static void copy_spans(struct text_writer *writer, const struct text *text, size_t start,
		       size_t length)
{
	size_t from = text->offset + start, end = from + length;
	const struct text_span *span = find_span(text->map, from);
	const struct text_span *last = text->map->items + text->map->count;

	for (; span < last && span->start < end; span++) {
		struct text_span copy = *span;
		size_t skipped = span->start < from ? from - span->start : 0;

		if (!copy.whole && copy.source)
			copy.raw += skipped;
		add_span(writer, &copy, writer->buf.length + span->start + skipped - from);
	}
}

void text_writer_add(struct text_writer *writer, const struct text *text, size_t start,
		     size_t length)
{
	static const struct text_span nowhere = {0};

	if (length == 0)
		return;
	if (text->map && text->map->count)
		copy_spans(writer, text, start, length);
	else
		add_span(writer, &nowhere, writer->buf.length);
	strbuf_add(&writer->buf, text->text + start, length);
}

void text_writer_add_for(struct text_writer *writer, const char *octets, size_t length,
			 const struct text *cause, size_t at)
{
	struct text_span span = {0};

	if (length == 0)
		return;
	if (cause->map && cause->map->count) {
		span = *find_span(cause->map, cause->offset + at);
		if (span.source && !span.whole)
			span.raw += cause->offset + at - span.start;
		span.whole = true;
	}
	add_span(writer, &span, writer->buf.length);
	strbuf_add(&writer->buf, octets, length);
}

struct text text_writer_take(struct text_writer *writer)
{
	struct text text = {
		arena_strndup(writer->arena, strbuf_text(&writer->buf), writer->buf.length),
		writer->buf.length, writer->map, 0};

	strbuf_done(&writer->buf);
	return text;
}

void text_writer_drop(struct text_writer *writer)
{
	strbuf_done(&writer->buf);
}
