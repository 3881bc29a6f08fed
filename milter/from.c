/*
 * Reads From fields as a reader of mail would; see from.h.
 *
 * A field decides whether a message must be signed, so the parser never guesses: it follows the
 * grammar of RFC 5322, goes on after what it cannot read, and says that it could not.
 */
#include "milter/from.h"
#include "milter/idna.h"

#include <ctype.h>
#include <errno.h>

#define LONGEST_DOMAIN IDNA_LONGEST

struct parser {
	struct arena *arena;
	const char *next; /* NUL-terminated */
	struct from *from;
	bool in_group, out_of_memory;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* What ends a word: RFC 5322 specials, blanks and the end of the field. '.' is handled by callers.
 */
static bool is_special(char c)
{
	return c == '\0' || is_blank(c) || strchr("()<>[]:;@\\,\"", c) != NULL;
}

/* Skips to the end of a comment, which may hold others; at its opening parenthesis on entry. */
static void skip_comment(struct parser *parser)
{
	size_t depth = 0;

	for (; *parser->next; parser->next++) {
		if (*parser->next == '\\' && parser->next[1])
			parser->next++;
		else if (*parser->next == '(')
			depth++;
		else if (*parser->next == ')' && --depth == 0)
			break;
	}
	if (*parser->next)
		parser->next++;
	else
		parser->from->malformed = true;
}

/* Skips blanks, folds and comments. */
static void skip_blanks(struct parser *parser)
{
	for (;;) {
		while (is_blank(*parser->next))
			parser->next++;
		if (*parser->next != '(')
			return;
		skip_comment(parser);
	}
}

/* Skips a quoted string; at its opening quote on entry. */
static void skip_quoted(struct parser *parser)
{
	for (parser->next++; *parser->next && *parser->next != '"'; parser->next++)
		if (*parser->next == '\\' && parser->next[1])
			parser->next++;
	if (*parser->next)
		parser->next++;
	else
		parser->from->malformed = true;
}

/*
 * Skips words, dots and quoted strings: a local part or a display name. In a display name, stray
 * brackets are common and harmless: "[Ticket 5] Support <support@example.com>".
 */
static void skip_words(struct parser *parser)
{
	for (;;) {
		skip_blanks(parser);
		if (*parser->next == '"')
			skip_quoted(parser);
		else if (!is_special(*parser->next) ||
			 (*parser->next && strchr("[])\\", *parser->next)))
			parser->next++;
		else
			return;
	}
}

static void add_domain(struct parser *parser, const char *text, size_t length)
{
	struct from *from = parser->from;
	char *copy;
	int error;

	while (length && text[length - 1] == '.')
		length--;
	if (length == 0 || from->count == FROM_MOST_ADDRESSES) {
		from->malformed = true;
		return;
	}
	error = idna_to_ascii(parser->arena, text, length, &copy);
	if (error == -ENOMEM) {
		parser->out_of_memory = true;
		return;
	}
	if (error)
		from->malformed = true;
	from->domains[from->count++] = copy;
}

/* [192.0.2.1]; at its opening bracket on entry. No domain of a configuration looks like it. */
static void skip_literal(struct parser *parser)
{
	while (*parser->next && *parser->next != ']')
		parser->next++;
	if (*parser->next)
		parser->next++;
	else
		parser->from->malformed = true;
}

/*
 * Reads what follows an '@'. Blanks and comments may stand around the dots (RFC 5322 4.4), but two
 * words without a dot between them are two things: the domain ends after the first.
 */
static void read_domain(struct parser *parser)
{
	char text[LONGEST_DOMAIN + 1];
	size_t length = 0;

	skip_blanks(parser);
	if (*parser->next == '[') {
		skip_literal(parser);
		return;
	}
	for (;; parser->next++) {
		if (is_blank(*parser->next) || *parser->next == '(') {
			bool after_dot = length && text[length - 1] == '.';

			skip_blanks(parser);
			if (!after_dot && *parser->next != '.')
				break;
		}
		if (is_special(*parser->next))
			break;
		if (length == LONGEST_DOMAIN || iscntrl((unsigned char)*parser->next)) {
			parser->from->malformed = true;
			return;
		}
		text[length++] = *parser->next;
	}
	add_domain(parser, text, length);
}

/* <local@domain>, or the obsolete <@relay,@relay:local@domain>; at the '<' on entry. */
static void read_angle(struct parser *parser)
{
	parser->next++;
	skip_blanks(parser);
	if (*parser->next == '@') {
		size_t route = strcspn(parser->next, ":<>\"(");

		if (parser->next[route] == ':')
			parser->next += route + 1;
	}
	skip_words(parser);
	if (*parser->next == '@') {
		parser->next++;
		read_domain(parser);
	}
	skip_blanks(parser);
	if (*parser->next == '>')
		parser->next++;
	else
		parser->from->malformed = true;
}

/* After an address nothing but the end of the list entry may follow. */
static void end_address(struct parser *parser)
{
	skip_blanks(parser);
	if (*parser->next == ',' || *parser->next == ';' || !*parser->next)
		return;
	parser->from->malformed = true;
}

/*
 * "user@example.com <user@example.com>" lacks quotes but means one thing when both domains agree.
 * Entered after the first address, at the '<'.
 */
static void read_address_as_name(struct parser *parser, size_t first)
{
	struct from *from = parser->from;

	read_angle(parser);
	if (from->count != first + 2 || strcmp(from->domains[first], from->domains[first + 1]) != 0)
		from->malformed = true;
	else
		from->count--;
}

/* One entry of the list: an address, or the name of a group. */
static void read_entry(struct parser *parser)
{
	size_t first = parser->from->count;

	skip_words(parser);
	switch (*parser->next) {
	case '<':
		read_angle(parser);
		break;
	case '@':
		parser->next++;
		read_domain(parser);
		skip_blanks(parser);
		if (*parser->next == '<')
			read_address_as_name(parser, first);
		break;
	case ':':
		parser->from->malformed |= parser->in_group;
		parser->in_group = true;
		parser->next++;
		return;
	default:
		break;
	}
	end_address(parser);
}

int from_parse(struct arena *arena, const char *value, struct from *out)
{
	struct from from = {.count = 0};
	struct parser parser = {.arena = arena, .next = value, .from = &from};

	for (;;) {
		const char *before;

		skip_blanks(&parser);
		if (!*parser.next)
			break;
		if (*parser.next == ',' || *parser.next == ';') {
			parser.in_group &= *parser.next == ',';
			parser.next++;
			continue;
		}
		before = parser.next;
		read_entry(&parser);
		if (parser.next == before) {
			from.malformed = true;
			parser.next++;
		}
	}
	if (parser.out_of_memory)
		return -ENOMEM;
	*out = from;
	return 0;
}
