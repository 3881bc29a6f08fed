/*
 * rspamd's dkim_signing.conf, as far as it names keys:
 *
 *	domain { NAME { path = "..."; selector = "..."; } }
 *	domain { NAME { selectors [ { path = "..."; selector = "..."; }, ... ] } }
 */
#include "confgen/keys/import.h"
#include "confgen/keys/rules.h"
#include "confgen/topology/syntax.h"

#include <strings.h>

#define DEEPEST	  16
#define MOST_KEYS 100000

struct frame {
	const char *name; /* NULL: an item of a list */
	const char *path, *selector;
	struct position at;
};

struct parser {
	struct arena *arena;
	const struct source *source;
	const char *next, *end;
	unsigned line;
	struct frame frames[DEEPEST]; /* the first is the file itself */
	size_t depth;
	struct import_keys *keys;
	struct diagnostics *list;
};

static struct position here(const struct parser *parser)
{
	return (struct position){parser->source, parser->line, 1};
}

static void wrong(struct parser *parser, struct position at, const char *what)
{
	keys_report(parser->list, IMPORT, at, "%s", what);
	diagnostics_hide_source(parser->list);
}

/* Over blanks and comments. */
static void skip(struct parser *parser)
{
	bool comment = false;

	for (; parser->next < parser->end; parser->next++) {
		char c = *parser->next;

		if (c == '\n') {
			parser->line++;
			comment = false;
		} else if (!comment && c == '#') {
			comment = true;
		} else if (!comment && c != ' ' && c != '\t' && c != '\r' && c != ';' && c != ',') {
			return;
		}
	}
}

/* A word, or a text in quotes. NULL at a sign that is neither. */
static const char *take_word(struct parser *parser)
{
	const char *start = parser->next, *p = start;

	if (p < parser->end && (*p == '"' || *p == '\'')) {
		for (p++; p < parser->end && *p != *start && *p != '\n';)
			p++;
		parser->next = p < parser->end && *p == *start ? p + 1 : p;
		return arena_strndup(parser->arena, start + 1, (size_t)(p - start - 1));
	}
	while (p < parser->end && !strchr(" \t\r\n;,={}[]\"':#", *p))
		p++;
	parser->next = p;
	return p == start ? NULL : arena_strndup(parser->arena, start, (size_t)(p - start));
}

/* The block that ends held a key: its domain is the block within "domain". */
static void finish(struct parser *parser, const struct frame *frame)
{
	const char *domain = parser->depth > 2 ? parser->frames[2].name : NULL;

	if (!frame->path && !frame->selector)
		return;
	if (!domain || !parser->frames[1].name || strcmp(parser->frames[1].name, "domain") != 0)
		return;
	if (!frame->path || !frame->selector)
		wrong(parser, frame->at, "a key here lacks its path or its selector");
	else if (check_domain(domain))
		wrong(parser, frame->at, "a block here is named after no domain");
	else if (check_selector(frame->selector))
		wrong(parser, frame->at, "a selector here is none");
	else if (parser->keys->count < MOST_KEYS)
		*arena_push(parser->arena, parser->keys) =
			(struct import_key){.domain = domain,
					    .selector = frame->selector,
					    .path = frame->path,
					    .at = frame->at};
}

static bool open_block(struct parser *parser, const char *name)
{
	parser->next++;
	if (parser->depth == DEEPEST) {
		wrong(parser, here(parser), "the blocks here are nested too deeply");
		return false;
	}
	parser->frames[parser->depth++] = (struct frame){.name = name, .at = here(parser)};
	return true;
}

static void close_block(struct parser *parser)
{
	parser->next++;
	if (parser->depth < 2)
		return;
	finish(parser, &parser->frames[parser->depth - 1]);
	parser->depth--;
}

static void take_value(struct parser *parser, const char *key)
{
	struct frame *frame = &parser->frames[parser->depth - 1];
	const char *value;

	parser->next++;
	skip(parser);
	value = take_word(parser);
	if (value && strcmp(key, "path") == 0)
		frame->path = value;
	else if (value && strcmp(key, "selector") == 0)
		frame->selector = value;
}

/* One step. False: no more can be made of it. */
static bool step(struct parser *parser)
{
	char c = *parser->next;
	const char *word;

	if (c == '{' || c == '[')
		return open_block(parser, NULL);
	if (c == '}' || c == ']') {
		close_block(parser);
		return true;
	}
	word = take_word(parser);
	if (!word) {
		parser->next++;
		return true;
	}
	skip(parser);
	if (parser->next == parser->end)
		return false;
	if (*parser->next == '=' || *parser->next == ':')
		take_value(parser, word);
	else if (*parser->next == '{' || *parser->next == '[')
		return open_block(parser, word);
	return true;
}

void import_rspamd(struct arena *arena, const struct source *source, struct import_keys *keys,
		   struct diagnostics *list)
{
	struct parser parser = {
		.arena = arena,
		.source = source,
		.next = source->text,
		.end = source->text + source->length,
		.line = 1,
		.depth = 1,
		.keys = keys,
		.list = list,
	};

	for (skip(&parser); parser.next < parser.end; skip(&parser))
		if (!step(&parser))
			return;
}
