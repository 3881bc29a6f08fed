/*
 * Finds sections with a scanner of its own, which knows just enough of libconfuse's syntax: words,
 * strings, assignments and braces. What it cannot make sense of it copies, for libconfuse to
 * complain of; see sections.h.
 */
#include "common/sections.h"
#include "common/strbuf.h"
#include "common/suggest.h"

#include <ctype.h>

#define DEEPEST 8

struct scanner {
	struct arena *arena;
	const struct source *source;
	const struct section_kind *kinds;
	size_t kind_count;
	struct diagnostics *list;
	const char *next, *copied; /* what is before `copied` is in `out` */
	struct position at;	   /* of `place` */
	const char *place;
	struct strbuf out;
	struct section *open[DEEPEST]; /* from the outermost to the innermost */
	size_t depth;
	struct sections sections;
};

/* A word or a string of the text. */
struct token {
	const char *start, *end;
};

static struct position position_at(struct scanner *scanner, const char *text)
{
	for (; scanner->place < text; scanner->place++) {
		scanner->at.column += ((unsigned char)*scanner->place & 0xc0) != 0x80;
		if (*scanner->place == '\n') {
			scanner->at.line++;
			scanner->at.column = 1;
		}
	}
	return scanner->at;
}

static void skip_blanks(struct scanner *scanner)
{
	while (isspace((unsigned char)*scanner->next))
		scanner->next++;
}

/* Takes a word or a quoted string, if one is next. */
static bool take_text(struct scanner *scanner, struct token *token)
{
	const char *p = scanner->next;

	token->start = p;
	if (*p == '"' || *p == '\'') {
		for (p++; *p && *p != *token->start; p++)
			if (*p == '\\' && p[1])
				p++;
		if (*p)
			p++;
	} else {
		p += strcspn(p, " \t\r\n\v\f={}(),+\"'");
	}
	token->end = scanner->next = p;
	return p > token->start;
}

/* What a title says: in double quotes \ escapes, and ${NAME} is of the environment. */
static const char *decode(struct scanner *scanner, struct token token)
{
	char quote = *token.start;
	struct strbuf text = STRBUF_INIT;
	const char *copy;

	if (quote != '"' && quote != '\'')
		return arena_strndup(scanner->arena, token.start,
				     (size_t)(token.end - token.start));
	for (const char *p = token.start + 1; p < token.end - 1; p++) {
		const char *brace = p[0] == '$' && p[1] == '{' ? strchr(p, '}') : NULL;

		if (quote == '"' && brace && brace < token.end) {
			char *name = arena_strndup(scanner->arena, p + 2, (size_t)(brace - p - 2));
			const char *value = getenv(name);

			strbuf_adds(&text, value ? value : "");
			p = brace;
			continue;
		}
		if (*p == '\\' && p + 1 < token.end - 1 && (quote == '"' || p[1] == quote))
			p++;
		strbuf_addch(&text, *p);
	}
	copy = arena_strdup(scanner->arena, strbuf_text(&text));
	strbuf_done(&text);
	return copy;
}

static const struct section_kind *find_kind(const struct scanner *scanner, struct token name)
{
	size_t length = (size_t)(name.end - name.start);

	for (size_t i = 0; i < scanner->kind_count; i++)
		if (strncmp(scanner->kinds[i].name, name.start, length) == 0 &&
		    !scanner->kinds[i].name[length])
			return &scanner->kinds[i];
	return NULL;
}

static void add_newlines(struct strbuf *out, const char *start, const char *end)
{
	for (; start < end; start++)
		if (*start == '\n')
			strbuf_addch(out, '\n');
}

static void copy_to(struct scanner *scanner, const char *end)
{
	strbuf_add(&scanner->out, scanner->copied, (size_t)(end - scanner->copied));
	scanner->copied = end;
}

/* Leaves a section out, from its name to its closing brace; after the opening one on entry. */
static void leave_out(struct scanner *scanner, const char *start)
{
	struct token token;

	copy_to(scanner, start);
	for (size_t depth = 1; depth && *scanner->next;) {
		skip_blanks(scanner);
		if (take_text(scanner, &token) || !*scanner->next)
			continue;
		depth += *scanner->next == '{';
		depth -= *scanner->next == '}';
		scanner->next++;
	}
	add_newlines(&scanner->out, start, scanner->next);
	scanner->copied = scanner->next;
}

static void report_unknown(struct scanner *scanner, struct token name)
{
	const char *text =
		arena_strndup(scanner->arena, name.start, (size_t)(name.end - name.start));
	const char *nearest = NULL;

	diagnostics_add(scanner->list, SEVERITY_ERROR, NULL, position_at(scanner, name.start),
			"unknown setting '%s'", text);
	for (size_t i = 0; i < scanner->kind_count && !nearest; i++)
		nearest = suggest(text, &scanner->kinds[i].name, 1);
	if (nearest)
		diagnostics_hint(scanner->list, "did you mean '%s'?", nearest);
}

/* The number of a section is not for others to set. */
static void refuse_number(struct scanner *scanner, struct token name)
{
	report_unknown(scanner, name);
	copy_to(scanner, name.start);
	add_newlines(&scanner->out, name.start, scanner->next);
	scanner->copied = scanner->next;
}

static bool stands_right(struct scanner *scanner, const struct section_kind *kind,
			 struct token name)
{
	const struct section *parent = scanner->depth ? scanner->open[scanner->depth - 1] : NULL;

	if (kind->parent ? parent && strcmp(parent->kind->name, kind->parent) == 0 : !parent)
		return true;
	diagnostics_add(scanner->list, SEVERITY_ERROR, NULL, position_at(scanner, name.start),
			"a section '%s' cannot stand here", kind->name);
	if (kind->parent)
		diagnostics_hint(scanner->list, "it belongs into a section '%s'", kind->parent);
	else
		diagnostics_hint(scanner->list, "close the section before it");
	return false;
}

/* A section begins; after its opening brace on entry. */
static void begin_section(struct scanner *scanner, struct token name, struct token title)
{
	const struct section_kind *kind = find_kind(scanner, name);
	struct section *section;

	if (!kind)
		report_unknown(scanner, name);
	if (!kind || !stands_right(scanner, kind, name) || scanner->depth == DEEPEST) {
		leave_out(scanner, name.start);
		scanner->sections.left_out = true;
		return;
	}
	section = arena_alloc(scanner->arena, sizeof(*section));
	*section = (struct section){
		.kind = kind,
		.title = decode(scanner, title),
		.parent = scanner->depth ? scanner->open[scanner->depth - 1] : NULL,
		.at = position_at(scanner, name.start),
		.number = scanner->sections.count,
	};
	*arena_push(scanner->arena, &scanner->sections) = section;
	scanner->open[scanner->depth++] = section;
	copy_to(scanner, name.start);
	strbuf_addf(&scanner->out, SECTION_PREFIX "%s", kind->name);
	add_newlines(&scanner->out, name.start, title.end);
	scanner->copied = title.end;
	copy_to(scanner, scanner->next);
	strbuf_addf(&scanner->out, SECTION_NUMBER "=\"%zu\" ", section->number);
}

/* Skips a value: a string, a word, or a list in braces. */
static void skip_value(struct scanner *scanner)
{
	struct token token;

	skip_blanks(scanner);
	if (*scanner->next != '{') {
		take_text(scanner, &token);
		return;
	}
	while (*scanner->next && *scanner->next != '}') {
		scanner->next++;
		skip_blanks(scanner);
		take_text(scanner, &token);
		skip_blanks(scanner);
	}
	if (*scanner->next)
		scanner->next++;
}

static void read_statement(struct scanner *scanner)
{
	struct token name, title;
	const char *after;

	if (!take_text(scanner, &name)) {
		if (*scanner->next == '}' && scanner->depth)
			scanner->depth--;
		scanner->next++;
		return;
	}
	skip_blanks(scanner);
	if (*scanner->next == '=' || (scanner->next[0] == '+' && scanner->next[1] == '=')) {
		scanner->next += 1 + (*scanner->next == '+');
		skip_value(scanner);
		if (strcmp(decode(scanner, name), SECTION_NUMBER) == 0)
			refuse_number(scanner, name);
		return;
	}
	after = scanner->next;
	if (take_text(scanner, &title)) {
		skip_blanks(scanner);
		if (*scanner->next == '{') {
			scanner->next++;
			begin_section(scanner, name, title);
			return;
		}
	}
	scanner->next = after;
}

char *sections_find(struct arena *arena, const struct source *source, const char *text,
		    const struct section_kind *kinds, size_t kind_count, struct diagnostics *list,
		    struct sections *out)
{
	struct scanner scanner = {
		.arena = arena,
		.source = source,
		.kinds = kinds,
		.kind_count = kind_count,
		.list = list,
		.next = text,
		.copied = text,
		.at = {source, 1, 1},
		.place = text,
		.out = STRBUF_INIT,
	};
	char *copy;

	for (skip_blanks(&scanner); *scanner.next; skip_blanks(&scanner))
		read_statement(&scanner);
	copy_to(&scanner, scanner.next);
	copy = arena_strdup(arena, strbuf_text(&scanner.out));
	strbuf_done(&scanner.out);
	*out = scanner.sections;
	return copy;
}
