/* Expansion of parameters in values; see expand.h. Comparisons are in compare.c. */
#include "confgen/configuration/expand.h"
#include "confgen/configuration/compare.h"
#include "confgen/configuration/list.h"
#include "confgen/configuration/rules.h"

#include <ctype.h>

#define LEVELS	  100
#define NAMES	  250 /* names within names, also through comparisons */
#define RESULT	  ((size_t)1 << 20)
#define REFERENCE 16 /* what one costs, and each piece of text */

/* A text being read, from `at` on, up to `end`. */
struct cursor {
	const struct text *text;
	size_t at, end;
};

struct frame {
	const struct frame *outer;
	const char *name;
};

struct expansion {
	const struct expand_context *context;
	struct text_writer *out;
	const struct frame *frame; /* the parameter whose value is being read */
	const struct text *cause;  /* and where it was asked for, if its value is from no file */
	size_t cause_at;
	unsigned level, depth;
};

static bool read_text(struct expansion *expansion, struct cursor cursor);

__attribute__((format(printf, 5, 6))) static bool fail(struct expansion *expansion,
						       const char *rule, const struct text *text,
						       size_t at, const char *format, ...)
{
	struct position position = text_position_at(text, at);
	struct arena *arena = expansion->context->arena;
	va_list args;

	if (!expansion->context->list)
		return false;
	if (!position.source && expansion->cause)
		position = text_position_at(expansion->cause, expansion->cause_at);
	va_start(args, format);
	diagnostics_add(expansion->context->list, SEVERITY_ERROR, rule, position, "%s",
			arena_vprintf(arena, format, args));
	va_end(args);
	if (strcmp(rule, RULE_EXPANSION_RECURSION) == 0)
		diagnostics_hint(expansion->context->list,
				 "write out what it stands for: a value cannot be added to");
	else
		diagnostics_hint(expansion->context->list,
				 "write $name, ${name}, ${name?{text}:{text}}, or $$ for a '$'");
	return false;
}

/* A mistake at the cursor. */
#define syntax(expansion, cursor, ...) \
	fail((expansion), RULE_EXPANSION, (cursor)->text, (cursor)->at, __VA_ARGS__)

/* Whether the budget allows for it. What exceeds it once leaves nothing for the rest. */
static bool spend(struct expansion *expansion, size_t cost)
{
	if (*expansion->context->budget < cost) {
		*expansion->context->budget = 0;
		return false;
	}
	*expansion->context->budget -= cost;
	return true;
}

static bool add_literal(struct expansion *expansion, const struct text *text, size_t start,
			size_t length)
{
	if (length > RESULT - expansion->out->buf.length)
		return fail(expansion, RULE_EXPANSION, text, start,
			    "the value grows beyond 1 MiB when it is expanded");
	if (!spend(expansion, length + REFERENCE)) /* a piece has a place to keep */
		return fail(expansion, RULE_EXPANSION, text, start,
			    "expanding all values takes too long");
	if (text->map || !expansion->cause)
		text_writer_add(expansion->out, text, start, length);
	else
		text_writer_add_for(expansion->out, text->text + start, length, expansion->cause,
				    expansion->cause_at);
	return true;
}

static bool is_name(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

static void skip_space(struct cursor *cursor)
{
	while (cursor->at < cursor->end && strchr(" \t\r\n", cursor->text->text[cursor->at]))
		cursor->at++;
}

static char peek(const struct cursor *cursor)
{
	return cursor->at < cursor->end ? cursor->text->text[cursor->at] : '\0';
}

/* Whether "{" comes next, white space aside; steps over the white space then. */
static bool find_brace(struct cursor *cursor)
{
	struct cursor ahead = *cursor;

	skip_space(&ahead);
	if (peek(&ahead) != '{')
		return false;
	*cursor = ahead;
	return true;
}

/* Takes "{...}" and the white space behind it; gives what stands inside. */
static bool take_braces(struct expansion *expansion, struct cursor *cursor, struct cursor *inside)
{
	size_t length = list_balanced(cursor->text->text, cursor->at, cursor->end);

	if (length == 0)
		return syntax(expansion, cursor, "a '{' without its '}'");
	*inside = (struct cursor){cursor->text, cursor->at + 1, cursor->at + length - 1};
	cursor->at += length;
	skip_space(cursor);
	return true;
}

/* An operand of a comparison, expanded by itself. */
static bool expand_operand(struct expansion *expansion, struct cursor inside, struct strbuf *out)
{
	struct text_writer writer;
	struct expansion inner = *expansion;
	bool good;

	if (inner.depth++ > NAMES)
		return syntax(expansion, &inside, "comparisons are nested too deeply");
	text_writer_init(&writer, expansion->context->arena);
	inner.out = &writer;
	inner.level = 0;
	good = read_text(&inner, inside);
	if (good)
		strbuf_add(out, strbuf_text(&writer.buf), writer.buf.length);
	text_writer_drop(&writer);
	return good;
}

/* Compares two operands that were taken. */
static bool evaluate(struct expansion *expansion, const struct cursor *place,
		     enum compare_operator operator, struct cursor left, struct cursor right,
		     bool *result)
{
	struct strbuf left_text = STRBUF_INIT, right_text = STRBUF_INIT;
	bool good = expand_operand(expansion, left, &left_text) &&
		    expand_operand(expansion, right, &right_text);

	if (good &&
	    !compare_texts(operator, strbuf_text(&left_text), strbuf_text(&right_text), result))
		good = syntax(expansion, place, "not compatibility levels, such as 3.6");
	strbuf_done(&left_text);
	strbuf_done(&right_text);
	return good;
}

/* {a} OPERATOR {b} */
static bool read_comparison(struct expansion *expansion, struct cursor *cursor, bool *result)
{
	struct cursor left, right, place;
	enum compare_operator operator;
	size_t length;

	if (!take_braces(expansion, cursor, &left))
		return false;
	place = *cursor;
	length = compare_operator(cursor->text->text + cursor->at, cursor->end - cursor->at,
				  &operator);
	if (length == 0)
		return syntax(expansion, cursor,
			      "a comparison wants one of ==, !=, <, <=, >= or > here");
	cursor->at += length;
	if (!find_brace(cursor))
		return syntax(expansion, cursor, "a comparison wants '{' here");
	if (!take_braces(expansion, cursor, &right))
		return false;
	return evaluate(expansion, &place, operator, left, right, result);
}

/* What follows '?' or ':': "{text}", or all that is left. */
static bool take_choice(struct expansion *expansion, struct cursor *cursor, struct cursor *choice)
{
	if (find_brace(cursor))
		return take_braces(expansion, cursor, choice);
	*choice = *cursor;
	cursor->at = cursor->end;
	return true;
}

/* ?text:other, the cursor being at '?' or ':'. */
static bool read_choices(struct expansion *expansion, struct cursor *cursor, bool condition)
{
	struct cursor choice;

	if (cursor->text->text[cursor->at++] == '?') {
		if (!take_choice(expansion, cursor, &choice))
			return false;
		if (condition && !read_text(expansion, choice))
			return false;
		if (cursor->at == cursor->end)
			return true;
		if (peek(cursor) != ':')
			return syntax(expansion, cursor, "':' or the end is expected here");
		cursor->at++;
	}
	if (!take_choice(expansion, cursor, &choice))
		return false;
	if (!condition && !read_text(expansion, choice))
		return false;
	if (cursor->at != cursor->end)
		return syntax(expansion, cursor, "the end is expected here");
	return true;
}

/* a -> b -> a, for people: the names from the first of the loop on. */
static bool report_recursion(struct expansion *expansion, const struct text *name)
{
	const struct frame *frame;
	struct strbuf path = STRBUF_INIT;
	char *reversed;

	strbuf_adds(&path, name->text);
	for (frame = expansion->frame; frame; frame = frame->outer) {
		reversed = strbuf_take(&path);
		strbuf_addf(&path, "$%s, %s", frame->name, reversed);
		free(reversed);
		if (strcmp(frame->name, name->text) == 0 || path.length > 400)
			break;
	}
	fail(expansion, RULE_EXPANSION_RECURSION, name, 0,
	     "the value refers to itself (%s): Postfix does not start", strbuf_text(&path));
	strbuf_done(&path);
	return false;
}

static bool is_recursive(const struct expansion *expansion, const char *name)
{
	for (const struct frame *frame = expansion->frame; frame; frame = frame->outer)
		if (strcmp(frame->name, name) == 0)
			return true;
	return false;
}

/* The value of a parameter, expanded. */
static bool add_value(struct expansion *expansion, const struct text *name,
		      const struct text *value)
{
	struct frame frame = {expansion->frame, name->text};
	struct expansion inner = *expansion;

	if (is_recursive(expansion, name->text))
		return report_recursion(expansion, name);
	inner.frame = &frame;
	inner.depth++;
	if (!value->map && (name->map || !expansion->cause)) {
		inner.cause = name;
		inner.cause_at = 0;
	}
	return read_text(&inner, (struct cursor){value, 0, value->length});
}

/* name, name?..., name:... */
static bool read_named(struct expansion *expansion, struct cursor *cursor)
{
	const struct expand_context *context = expansion->context;
	size_t start;
	struct text name, value;
	bool found;

	skip_space(cursor);
	start = cursor->at;
	while (cursor->at < cursor->end && is_name(cursor->text->text[cursor->at]))
		cursor->at++;
	name = text_slice(context->arena, cursor->text, start, cursor->at - start);
	skip_space(cursor);
	if (name.length == 0)
		return syntax(expansion, cursor, "the name of a parameter is missing here");
	if (peek(cursor) && !strchr("?:", peek(cursor)))
		return syntax(expansion, cursor,
			      "names of parameters have letters, digits and '_'");
	found = context->find(context->user, name.text, &value);
	if (!found && context->undefined)
		context->undefined(context->user, &name);
	if (cursor->at < cursor->end)
		return read_choices(expansion, cursor, found && value.length);
	return !found || value.length == 0 || add_value(expansion, &name, &value);
}

/* What stands behind '$', without the braces. */
static bool read_reference(struct expansion *expansion, struct cursor cursor)
{
	struct expansion inner = *expansion;
	bool result = false;

	if (inner.level++ > LEVELS || inner.depth > NAMES)
		return fail(expansion, RULE_EXPANSION_RECURSION, cursor.text, cursor.at,
			    "parameters are nested too deeply");
	if (!spend(expansion, REFERENCE))
		return syntax(expansion, &cursor, "expanding all values takes too long");
	if (!find_brace(&cursor))
		return read_named(&inner, &cursor);
	if (!read_comparison(&inner, &cursor, &result))
		return false;
	if (cursor.at == cursor.end) {
		struct text truth = text_constant("true");

		return !result || add_literal(&inner, &truth, 0, truth.length);
	}
	if (!strchr("?:", peek(&cursor)))
		return syntax(&inner, &cursor, "'?' or ':' is expected here");
	return read_choices(&inner, &cursor, result);
}

/* The end of ${...} or $(...), whose first octet inside is at `at`; 0 if there is none. */
static size_t find_close(const struct cursor *cursor, char open)
{
	char close = open == '{' ? '}' : ')';
	size_t level = 1;

	for (size_t at = cursor->at + 2; at < cursor->end; at++) {
		level += cursor->text->text[at] == open;
		if (cursor->text->text[at] == close && --level == 0)
			return at;
	}
	return 0;
}

/* A '$' and what belongs to it; steps over both. */
static bool read_dollar(struct expansion *expansion, struct cursor *cursor)
{
	char open = cursor->at + 1 < cursor->end ? cursor->text->text[cursor->at + 1] : '\0';
	struct cursor inside = {cursor->text, cursor->at + 1, cursor->at + 1};

	if (open == '$') {
		cursor->at += 2;
		return add_literal(expansion, cursor->text, cursor->at - 1, 1);
	}
	if (open == '{' || open == '(') {
		inside.at++;
		inside.end = find_close(cursor, open);
		if (inside.end == 0)
			return syntax(expansion, cursor, "'$%s' is never closed",
				      open == '{' ? "{" : "(");
		cursor->at = inside.end + 1;
	} else {
		while (inside.end < cursor->end && is_name(cursor->text->text[inside.end]))
			inside.end++;
		cursor->at = inside.end;
	}
	if (inside.at == inside.end) {
		inside.at--;
		syntax(expansion, &inside, "'$' without the name of a parameter");
		if (expansion->context->list)
			diagnostics_hint(expansion->context->list, "write $$ for a dollar sign");
		return false;
	}
	return read_reference(expansion, inside);
}

static bool read_text(struct expansion *expansion, struct cursor cursor)
{
	while (cursor.at < cursor.end) {
		const char *from = cursor.text->text + cursor.at;
		const char *dollar = memchr(from, '$', cursor.end - cursor.at);
		size_t length = dollar ? (size_t)(dollar - from) : cursor.end - cursor.at;

		if (length && !add_literal(expansion, cursor.text, cursor.at, length))
			return false;
		cursor.at += length;
		if (dollar && !read_dollar(expansion, &cursor))
			return false;
	}
	return true;
}

bool expand_named(const struct expand_context *context, const struct text *name,
		  const struct text *value, struct text *out)
{
	struct text_writer writer;
	struct frame frame = {NULL, name ? name->text : ""};
	struct expansion expansion = {
		.context = context,
		.out = &writer,
		.frame = &frame,
		.cause = value->map ? NULL : name,
	};

	if (!memchr(value->text, '$', value->length)) {
		*out = *value;
		return true;
	}
	text_writer_init(&writer, context->arena);
	if (!read_text(&expansion, (struct cursor){value, 0, value->length})) {
		text_writer_drop(&writer);
		return false;
	}
	*out = text_writer_take(&writer);
	return true;
}

bool expand(const struct expand_context *context, const struct text *value, struct text *out)
{
	return expand_named(context, NULL, value, out);
}
