/*
 * Translates libyaml's complaints. They are in terms of its scanner, and often point to where it
 * noticed a mistake and not to where the mistake is; the table below knows both and gives a hint.
 */
#include "confgen/yaml/syntax.h"
#include "confgen/yaml/octets.h"
#include "confgen/yaml/rules.h"

#include <assert.h>

/* Where the problem stands; UNCLOSED: at the end of the text, inside brackets. */
enum spot { ANYWHERE, LINE_START, UNCLOSED };

/* Which has the mistake: one of libyaml's two marks, or the innermost open bracket. */
enum mark { AT_PROBLEM, AT_CONTEXT, AT_BRACKET };

struct translation {
	const char *problem, *context; /* parts of libyaml's words; NULL: any */
	char octet;		       /* at the problem; 0: any */
	enum spot spot;
	enum mark mark;
	const char *rule; /* NULL: YAML_RULE_SYNTAX */
	const char *message;
	const char *began; /* what libyaml's context is, where that is worth telling */
	const char *hint;
};

#define TAB	     "a tab where only spaces may stand"
#define NO_TAB	     "Indent with spaces; 'expand FILE' turns the tabs of a file into spaces."
#define QUOTE_COLONS "Put quotes around IPv6 addresses inside [ ] and { }."
#define QUOTE_TEXT   "Put quotes around a text that begins with this character."
#define CLOSE_QUOTE  "Close it with the quote it began with; inside '...' write '' for a quote."
#define SHOW_HEX     "Write \\x41, \\u0041 or \\U00000041; in single quotes nothing is an escape."
#define ALIGN                                                                                      \
	"The keys of one mapping begin in the same column, and so do the items of one list; what " \
	"belongs to one of them stands further to the right."

/* clang-format off */

/* The first row that fits counts. The last one fits always; its message is libyaml's own. */
static const struct translation translations[] = {
	{.problem = "unexpected end of stream", .context = "quoted scalar", .mark = AT_CONTEXT,
	 .message = "this quote is never closed", .hint = CLOSE_QUOTE},
	{.spot = UNCLOSED, .mark = AT_BRACKET,
	 .message = "this bracket is never closed",
	 .hint = "Write the ']' or '}' that closes it after the last item."},
	{.problem = "cannot start any token", .octet = '\t', .rule = YAML_RULE_TAB,
	 .message = TAB, .hint = NO_TAB},
	{.problem = "found a tab character", .rule = YAML_RULE_TAB,
	 .message = TAB, .hint = NO_TAB},
	{.problem = "cannot start any token",
	 .message = "a text cannot begin with this character", .hint = QUOTE_TEXT},
	{.problem = "mapping values are not allowed",
	 .message = "this ':' would begin a mapping where none can be",
	 .hint = "Put quotes around a text that holds ': '; write a space after the ':' of each "
		 "key; begin the keys of one mapping in the same column."},
	{.problem = "mapping keys are not allowed",
	 .message = "this '?' would begin a mapping where none can be", .hint = QUOTE_TEXT},
	{.problem = "block sequence entries are not allowed",
	 .message = "the item of a list cannot stand here",
	 .hint = "Begin the list on a line of its own, or write [a, b]; put quotes around a text "
		 "that begins with '- '."},
	{.problem = "could not find expected ':'", .mark = AT_CONTEXT,
	 .message = "a text stands where a key with its ':' should be",
	 .hint = "Write 'key: value'; an item of a list begins with '- '."},
	{.problem = "did not find expected key", .spot = LINE_START, .began = "mapping",
	 .message = "this line does not fit the mapping that it seems to belong to",
	 .hint = ALIGN},
	{.problem = "did not find expected key",
	 .message = "the value is complete before this",
	 .hint = "Put quotes around the whole value; inside '...' write '' for a quote."},
	{.problem = "did not find expected '-' indicator", .began = "list",
	 .message = "this does not fit the list that it seems to belong to", .hint = ALIGN},
	{.problem = "expected ',' or ']'", .began = "list",
	 .message = "a ',' or the closing ']' is missing before this",
	 .hint = "Write a ',' between the items and a ']' after the last."},
	{.problem = "expected ',' or '}'", .began = "mapping",
	 .message = "a ',' or the closing '}' is missing before this",
	 .hint = "Write a ',' between the pairs and a '}' after the last."},
	{.problem = "found unexpected ':'",
	 .message = "this ':' would end a key, but no value follows", .hint = QUOTE_COLONS},
	{.problem = "expected node content", .octet = ':',
	 .message = "a value is missing before this ':'", .hint = QUOTE_COLONS},
	{.problem = "expected node content",
	 .message = "a value is missing here", .hint = QUOTE_TEXT},
	{.problem = "unexpected document indicator", .context = "quoted scalar", .mark = AT_CONTEXT,
	 .message = "this quote is not closed before a line that begins with --- or ...",
	 .hint = CLOSE_QUOTE},
	{.problem = "unknown escape character",
	 .message = "this backslash begins no escape that YAML knows",
	 .hint = "Write \\\\ for a backslash, or use single quotes, in which it means itself."},
	{.problem = "expected hexdecimal number",
	 .message = "hexadecimal digits are missing from this escape", .hint = SHOW_HEX},
	{.problem = "invalid Unicode character escape code",
	 .message = "this escape stands for no character", .hint = SHOW_HEX},
	{.context = "an alias", .mark = AT_CONTEXT, .rule = YAML_RULE_ANCHOR,
	 .message = "a text cannot begin with '*'",
	 .hint = "Put quotes around it: in YAML, '*' refers to an anchor."},
	{.context = "an anchor", .mark = AT_CONTEXT, .rule = YAML_RULE_ANCHOR,
	 .message = "a text cannot begin with '&'",
	 .hint = "Put quotes around it: in YAML, '&' begins an anchor."},
	{.context = "directive", .mark = AT_CONTEXT,
	 .message = "a line cannot begin with '%'",
	 .hint = "Remove the line, or put quotes around a text that begins with '%'."},
	{.problem = "duplicate %YAML directive",
	 .message = "the line %YAML stands here a second time", .hint = "Remove it."},
	{.context = "a tag", .mark = AT_CONTEXT, .rule = YAML_RULE_TAG,
	 .message = "a text cannot begin with '!'",
	 .hint = "Put quotes around it: in YAML, '!' begins a tag."},
	{.problem = "undefined tag handle", .rule = YAML_RULE_TAG,
	 .message = "a text cannot begin with '!'",
	 .hint = "Put quotes around it: in YAML, '!' begins a tag."},
	{.context = "block scalar",
	 .message = "the text of '|' or '>' begins on the next line, not here",
	 .hint = "Move it to the next line, further to the right than the key."},
	{.problem = "incompatible YAML document",
	 .message = "this version of YAML is not known", .hint = "Remove the line."},
	{.problem = "expected <document start>",
	 .message = "the document is complete before this",
	 .hint = "A file holds one mapping; its keys all begin in the same column."},
	{.hint = "Look at quotes, brackets and indentation just before this place."},
};

/* clang-format on */

static bool starts_line(const char *at, const struct source *source)
{
	while (at > source->text && at[-1] == ' ')
		at--;
	return at == source->text || at[-1] == '\n';
}

static bool has_part(const char *text, const char *part)
{
	return !part || (text && strstr(text, part));
}

static bool fits(const struct translation *row, const yaml_parser_t *parser,
		 const struct source *source, bool bracket)
{
	const char *end = source->text + source->length;
	const char *at =
		octets_skip(source->text + octets_mark(source), end, parser->problem_mark.index);

	if (!has_part(parser->problem, row->problem) || !has_part(parser->context, row->context))
		return false;
	if (row->octet && (at == end || *at != row->octet))
		return false;
	switch (row->spot) {
	case LINE_START:
		return starts_line(at, source);
	case UNCLOSED:
		return bracket && at == end;
	case ANYWHERE:
		break;
	}
	return true;
}

struct position syntax_position(const struct source *source, const yaml_mark_t *mark)
{
	return (struct position){.source = source,
				 .line = (unsigned)mark->line + 1,
				 .column = (unsigned)mark->column + 1};
}

static struct position row_position(const struct translation *row, const yaml_parser_t *parser,
				    const struct source *source, const struct position *bracket)
{
	switch (row->mark) {
	case AT_BRACKET:
		assert(bracket);
		return *bracket;
	case AT_CONTEXT:
		return syntax_position(source, &parser->context_mark);
	case AT_PROBLEM:
		break;
	}
	return syntax_position(source, &parser->problem_mark);
}

void syntax_report(const yaml_parser_t *parser, const struct source *source,
		   const struct position *bracket, struct diagnostics *list)
{
	const struct translation *row = translations;
	char began[64] = "";

	assert(parser->error == YAML_SCANNER_ERROR || parser->error == YAML_PARSER_ERROR);
	while (!fits(row, parser, source, bracket != NULL))
		row++;
	if (row->began && parser->context_mark.line != parser->problem_mark.line)
		snprintf(began, sizeof(began), " (the %s that begins on line %zu)", row->began,
			 parser->context_mark.line + 1);
	diagnostics_add(list, SEVERITY_ERROR, row->rule ? row->rule : YAML_RULE_SYNTAX,
			row_position(row, parser, source, bracket), "%s%s",
			row->message ? row->message : parser->problem, began);
	diagnostics_hint(list, "%s", row->hint);
}
