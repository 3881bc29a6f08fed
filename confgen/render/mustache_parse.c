/*
 * Templates into trees: finds the tags, applies the rules about tags that stand alone on their
 * line, and matches the ends of sections with their beginnings. See mustache_tree.h.
 */
#include "confgen/render/mustache_tree.h"

struct slice {
	const char *text;
	size_t length;
};

struct parser {
	struct arena *arena;
	struct diagnostics *list;
	const char *text;
	const char *here, *end; /* what is still to be read */
	/* delimiters, and the ends of {{{name}}} and {{=<% %>=}} */
	struct slice open, close, raw_close, set_close;
	struct mustache_node **tail;				  /* where the next node is hung */
	struct mustache_node *sections[MUSTACHE_DEEPEST_SECTION]; /* the open ones */
	size_t depth;
	const char *counted; /* the place that `position` tells */
	struct position position;
};

struct tag {
	const char *start, *end;
	char sigil; /* 0 for {{name}} */
	struct slice content;
	struct position at;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_space(char c)
{
	return is_blank(c) || c == '\n' || c == '\r';
}

static struct slice trim(struct slice slice)
{
	while (slice.length && is_space(slice.text[0])) {
		slice.text++;
		slice.length--;
	}
	while (slice.length && is_space(slice.text[slice.length - 1]))
		slice.length--;
	return slice;
}

static bool starts_line(const struct parser *parser, const char *place)
{
	return place == parser->text || place[-1] == '\n';
}

/* Counts on from the last call, whose place was not behind this one: linear over a template. */
static struct position position_of(struct parser *parser, const char *place)
{
	for (; parser->counted < place; parser->counted++) {
		if (*parser->counted == '\n') {
			parser->position.line++;
			parser->position.column = 1;
		} else if ((*parser->counted & 0xc0) != 0x80) {
			parser->position.column++;
		}
	}
	return parser->position;
}

static struct mustache_node *add_node(struct parser *parser, enum mustache_kind kind)
{
	struct mustache_node *node = arena_alloc(parser->arena, sizeof(*node));

	node->kind = kind;
	*parser->tail = node;
	parser->tail = &node->next;
	return node;
}

static void add_line(struct parser *parser, const char *start, const char *end)
{
	struct mustache_node *node = add_node(parser, MUSTACHE_TEXT);

	node->begins_line = starts_line(parser, start);
	node->text = start;
	node->length = (size_t)(end - start);
}

static void add_text(struct parser *parser, const char *start, const char *end)
{
	while (start < end) {
		const char *newline = memchr(start, '\n', (size_t)(end - start));
		const char *stop = newline ? newline + 1 : end;

		add_line(parser, start, stop);
		start = stop;
	}
}

/* Delimiters: the new ones, each once more with the sign that ends a longer tag. */
static struct slice prefixed(struct arena *arena, char c, struct slice slice)
{
	char *text = arena_alloc(arena, slice.length + 1);

	text[0] = c;
	memcpy(text + 1, slice.text, slice.length);
	return (struct slice){text, slice.length + 1};
}

static void set_delimiters(struct parser *parser, struct slice open, struct slice close)
{
	parser->open = open;
	parser->close = close;
	parser->raw_close = prefixed(parser->arena, '}', close);
	parser->set_close = prefixed(parser->arena, '=', close);
}

static void parse_delimiters(struct parser *parser, const struct tag *tag)
{
	struct slice both = trim(tag->content), open = both, close;

	open.length = 0;
	while (open.length < both.length && !is_space(both.text[open.length]))
		open.length++;
	close = trim((struct slice){both.text + open.length, both.length - open.length});
	for (size_t i = 0; i < close.length; i++)
		if (is_space(close.text[i]))
			close.length = 0;
	if (open.length == 0 || close.length == 0 || memchr(both.text, '=', both.length)) {
		diagnostics_add(parser->list, SEVERITY_ERROR, NULL, tag->at,
				"a tag that sets delimiters needs two of them, without blanks or "
				"'=' in them");
		diagnostics_hint(parser->list, "write it like {{=<%% %%>=}}");
		return;
	}
	set_delimiters(parser, open, close);
}

/* Reads the tag whose opening delimiter is at `start`. False: it has no end. */
static bool read_tag(struct parser *parser, const char *start, struct tag *tag)
{
	const char *content = start + parser->open.length, *end;
	struct slice ending = parser->close;

	*tag = (struct tag){.start = start, .at = position_of(parser, start)};
	if (content < parser->end && *content && strchr("!#^/>&{=", *content))
		tag->sigil = *content++;
	if (tag->sigil == '{')
		ending = parser->raw_close;
	else if (tag->sigil == '=')
		ending = parser->set_close;
	end = memmem(content, (size_t)(parser->end - content), ending.text, ending.length);
	if (!end) {
		diagnostics_add(parser->list, SEVERITY_ERROR, NULL, tag->at,
				"the tag is not closed: no '%.*s' follows", (int)ending.length,
				ending.text);
		return false;
	}
	tag->content = (struct slice){content, (size_t)(end - content)};
	tag->end = end + ending.length;
	return true;
}

/*
 * Whether the tag has its line (or lines) for itself. Then `*line` is where the line begins and
 * `*next` where the next one does.
 */
static bool stands_alone(const struct parser *parser, const struct tag *tag, const char **line,
			 const char **next)
{
	const char *before = tag->start, *after = tag->end;

	if (!tag->sigil || strchr("&{", tag->sigil))
		return false;
	while (before > parser->here && is_blank(before[-1]))
		before--;
	while (after < parser->end && is_blank(*after))
		after++;
	if (!starts_line(parser, before))
		return false;
	if (after + 1 < parser->end && after[0] == '\r' && after[1] == '\n')
		after++;
	if (after < parser->end && *after++ != '\n')
		return false;
	*line = before;
	*next = after;
	return true;
}

/* A name to look up is ".", or words with dots between them; a partial's may have dots anywhere. */
static bool is_name(struct slice name, bool dotted)
{
	char before = '.';

	if (name.length == 1 && name.text[0] == '.')
		return dotted;
	for (size_t i = 0; i < name.length; before = name.text[i++]) {
		if ((unsigned char)name.text[i] <= ' ' || name.text[i] == 0x7f)
			return false;
		if (dotted && name.text[i] == '.' && before == '.')
			return false;
	}
	return name.length && !(dotted && before == '.');
}

/* The name in the tag; the empty text after telling that there is none. */
static const char *read_name(struct parser *parser, const struct tag *tag)
{
	struct slice name = trim(tag->content);

	if (is_name(name, tag->sigil != '>'))
		return arena_strndup(parser->arena, name.text, name.length);
	diagnostics_add(parser->list, SEVERITY_ERROR, NULL, tag->at, "%s in this tag",
			name.length ? "not a name" : "no name");
	return "";
}

static bool open_section(struct parser *parser, struct mustache_node *node)
{
	if (parser->depth == MUSTACHE_DEEPEST_SECTION) {
		diagnostics_add(parser->list, SEVERITY_ERROR, NULL, node->at,
				"more than %d sections within each other",
				MUSTACHE_DEEPEST_SECTION);
		return false;
	}
	parser->sections[parser->depth++] = node;
	parser->tail = &node->children;
	return true;
}

static void close_section(struct parser *parser, const struct tag *tag, const char *name)
{
	struct mustache_node *open;

	if (parser->depth == 0) {
		diagnostics_add(parser->list, SEVERITY_ERROR, NULL, tag->at,
				"{{/%s}} closes a section, but none is open", name);
		return;
	}
	open = parser->sections[--parser->depth];
	parser->tail = &open->next;
	if (*name && strcmp(open->name, name) != 0)
		diagnostics_add(parser->list, SEVERITY_ERROR, NULL, tag->at,
				"{{/%s}} where {{/%s}} should close the section of line %u", name,
				open->name, open->at.line);
}

/* Acts on a tag; `indent` is the blank text before it if it stands alone. False: give up. */
static bool add_tag(struct parser *parser, const struct tag *tag, const struct slice *indent)
{
	static const enum mustache_kind kinds[256] = {
		[0] = MUSTACHE_VARIABLE,  ['&'] = MUSTACHE_RAW,	     ['{'] = MUSTACHE_RAW,
		['#'] = MUSTACHE_SECTION, ['^'] = MUSTACHE_INVERTED, ['>'] = MUSTACHE_PARTIAL,
	};
	struct mustache_node *node;
	const char *name;

	if (tag->sigil == '!')
		return true;
	if (tag->sigil == '=') {
		parse_delimiters(parser, tag);
		return true;
	}
	name = read_name(parser, tag);
	if (tag->sigil == '/') {
		close_section(parser, tag, name);
		return true;
	}
	node = add_node(parser, kinds[(unsigned char)tag->sigil]);
	node->name = name;
	node->at = tag->at;
	if (node->kind == MUSTACHE_SECTION || node->kind == MUSTACHE_INVERTED)
		return open_section(parser, node);
	if (indent) {
		node->alone = true;
		node->text = indent->text;
		node->length = indent->length;
	}
	return true;
}

/* Text up to the next tag, and the tag. False at the end, or when the rest cannot be understood. */
static bool parse_next(struct parser *parser)
{
	const char *start = memmem(parser->here, (size_t)(parser->end - parser->here),
				   parser->open.text, parser->open.length);
	const char *line, *next;
	struct slice indent;
	struct tag tag;

	if (!start) {
		add_text(parser, parser->here, parser->end);
		parser->here = parser->end;
		return false;
	}
	if (!read_tag(parser, start, &tag))
		return false;
	if (stands_alone(parser, &tag, &line, &next)) {
		add_text(parser, parser->here, line);
		parser->here = next;
		indent = (struct slice){line, (size_t)(start - line)};
		return add_tag(parser, &tag, &indent);
	}
	add_text(parser, parser->here, start);
	if (starts_line(parser, start))
		add_line(parser, start, start);
	parser->here = tag.end;
	return add_tag(parser, &tag, NULL);
}

int mustache_parse(struct arena *arena, const struct source *source, struct diagnostics *list,
		   struct mustache_node **out)
{
	size_t errors_before = diagnostics_count(list, SEVERITY_ERROR);
	const char *text = source->text ? source->text : "";
	struct mustache_node *first = NULL;
	struct parser parser = {
		.arena = arena,
		.list = list,
		.text = text,
		.here = text,
		.end = text + source->length,
		.tail = &first,
		.counted = text,
		.position = {source, 1, 1},
	};

	set_delimiters(&parser, (struct slice){"{{", 2}, (struct slice){"}}", 2});
	while (parse_next(&parser))
		;
	/* where reading stopped early, the ends of sections were not looked at */
	for (size_t i = 0; parser.here == parser.end && i < parser.depth; i++)
		diagnostics_add(list, SEVERITY_ERROR, NULL, parser.sections[i]->at,
				"section '%s' is not closed", parser.sections[i]->name);
	if (diagnostics_count(list, SEVERITY_ERROR) != errors_before)
		return -1;
	*out = first;
	return 0;
}
