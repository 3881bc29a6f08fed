/* Edits of a YAML text; see edit.h. */
#include "confgen/keys/edit.h"

static void push(struct edits *edits, size_t start, size_t length, const char *text)
{
	for (size_t i = 0; i < edits->count; i++) {
		struct edit *edit = &edits->items[i];

		if (edit->start + edit->length != start || length)
			continue;
		edit->text = arena_printf(edits->arena, "%s%s", edit->text, text);
		return;
	}
	*arena_push(edits->arena, edits) = (struct edit){start, length, text};
}

const char *edit_slice(struct edits *edits, struct position from, struct position to)
{
	size_t start = yaml_offset(from), end = yaml_offset(to);

	return arena_strndup(edits->arena, edits->source->text + start, end - start);
}

void edit_replace(struct edits *edits, struct position from, struct position to, const char *text)
{
	size_t start = yaml_offset(from);

	push(edits, start, yaml_offset(to) - start, text);
}

void edit_insert(struct edits *edits, struct position at, const char *text)
{
	push(edits, yaml_offset(at), 0, text);
}

/* Where the line ends that holds the octet: before its line break. */
static size_t line_end(const struct edits *edits, size_t offset)
{
	const struct source *source = edits->source;

	while (offset < source->length && source->text[offset] != '\n' &&
	       source->text[offset] != '\r')
		offset++;
	return offset;
}

static size_t line_start(const struct edits *edits, size_t offset)
{
	while (offset && edits->source->text[offset - 1] != '\n' &&
	       edits->source->text[offset - 1] != '\r')
		offset--;
	return offset;
}

/* The line break of the file. */
static const char *line_break(const struct edits *edits)
{
	const char *feed = memchr(edits->source->text, '\n', edits->source->length);

	return feed && feed > edits->source->text && feed[-1] == '\r' ? "\r\n" : "\n";
}

void edit_insert_line(struct edits *edits, struct position at, unsigned indent, const char *text)
{
	push(edits, line_end(edits, yaml_offset(at)), 0,
	     arena_printf(edits->arena, "%s%*s%s", line_break(edits), (int)indent, "", text));
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static void remove_line(struct edits *edits, size_t start, size_t end)
{
	const char *text = edits->source->text;
	size_t first = line_start(edits, start), last = line_end(edits, end), rest = end;

	while (rest < last && is_blank(text[rest]))
		rest++;
	if (rest < last) { /* a comment */
		push(edits, start, rest - start, "");
		return;
	}
	if (last < edits->source->length && text[last] == '\r')
		last++;
	if (last < edits->source->length && text[last] == '\n')
		last++;
	push(edits, first, last - first, "");
}

/* Among brackets the comma before goes, too, or, for the first pair, the one behind. */
static void remove_between_brackets(struct edits *edits, size_t start, size_t end)
{
	const char *text = edits->source->text;
	size_t before = start, behind = end;

	while (before && strchr(" \t\r\n", text[before - 1]))
		before--;
	while (behind < edits->source->length && strchr(" \t\r\n", text[behind]))
		behind++;
	if (before && text[before - 1] == ',') {
		push(edits, before - 1, end - (before - 1), "");
	} else if (before && text[before - 1] == '{' && behind < edits->source->length &&
		   text[behind] == ',') {
		behind++;
		while (behind < edits->source->length && is_blank(text[behind]))
			behind++;
		push(edits, start, behind - start, "");
	} else {
		edits->failed = true;
	}
}

void edit_remove_pair(struct edits *edits, const struct yaml_node *mapping,
		      const struct yaml_pair *pair)
{
	size_t start = yaml_offset(pair->at), end = yaml_offset(pair->value->end);

	if (mapping->flow)
		remove_between_brackets(edits, start, end);
	else
		remove_line(edits, start, end);
}

unsigned edit_dash(struct edits *edits, const struct yaml_node *item)
{
	const char *text = edits->source->text;
	size_t at = yaml_offset(item->at), start = line_start(edits, at);
	unsigned indent = 0;

	while (text[start + indent] == ' ')
		indent++;
	edits->failed |= text[start + indent] != '-' || start + indent >= at;
	for (size_t i = start + indent + 1; i < at; i++)
		edits->failed |= text[i] != ' ';
	return indent;
}

void edit_report(const struct edits *edits, struct diagnostics *list, struct position at,
		 const char *message)
{
	for (size_t i = 0; i < edits->count; i++) {
		const struct edit *edit = &edits->items[i];
		const struct fix fix = {edits->source, edit->start, edit->length, edit->text};

		/* each has words of its own, or sorting would take them for the same */
		diagnostics_add(list, SEVERITY_INFO, NULL, at, "%s (%zu)", message, i + 1);
		diagnostics_fix(list, &fix);
	}
}
