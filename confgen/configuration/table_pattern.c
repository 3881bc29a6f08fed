/* Rules of cidr, pcre and regexp tables; see table.h. */
#include "confgen/configuration/table_private.h"

#include <ctype.h>
#include <strings.h>

/* A line, read from left to right. */
struct cursor {
	const struct text *line;
	size_t at;
};

static char peek(const struct cursor *cursor)
{
	return cursor->line->text[cursor->at];
}

static void skip_space(struct cursor *cursor)
{
	while (text_is_space(peek(cursor)))
		cursor->at++;
}

/* '!' and white space, in whatever number and order. */
static bool skip_negation(struct cursor *cursor)
{
	bool negated = false;

	for (; peek(cursor) == '!' || text_is_space(peek(cursor)); cursor->at++)
		negated ^= peek(cursor) == '!';
	return negated;
}

static struct text rest(const struct table_reader *reader, const struct cursor *cursor)
{
	return text_trim(reader->arena, cursor->line, cursor->at,
			 cursor->line->length - cursor->at);
}

static bool warn(const struct table_reader *reader, const struct cursor *cursor, const char *why)
{
	return table_warn(reader, text_position_at(cursor->line, cursor->at), why);
}

/* /pattern/options */
static bool read_expression(const struct table_reader *reader, struct cursor *cursor,
			    struct table_entry *entry)
{
	const char *known = strcmp(reader->type->name, "pcre") == 0 ? "imsxAEUX" : "imx";
	size_t start;
	char delimiter;

	entry->negated = skip_negation(cursor);
	delimiter = peek(cursor);
	if (delimiter == '\0')
		return warn(reader, cursor, "a rule without a pattern");
	for (start = ++cursor->at; peek(cursor) && peek(cursor) != delimiter; cursor->at++)
		if (peek(cursor) == '\\' && cursor->line->text[cursor->at + 1])
			cursor->at++;
	if (peek(cursor) != delimiter)
		return warn(reader, cursor, "a pattern without its closing delimiter");
	entry->key = text_slice(reader->arena, cursor->line, start, cursor->at - start);
	start = ++cursor->at;
	for (; peek(cursor) && !text_is_space(peek(cursor)) && peek(cursor) != '!'; cursor->at++)
		if (!strchr(known, peek(cursor)))
			return warn(reader, cursor, "an unknown option behind a pattern");
	entry->options = text_slice(reader->arena, cursor->line, start, cursor->at - start);
	return true;
}

static bool is_cidr(const struct table_reader *reader)
{
	return strcmp(reader->type->name, "cidr") == 0;
}

/* ADDRESS, ADDRESS/PREFIX, [ADDRESS]/PREFIX, [ADDRESS/PREFIX] */
static enum ip_error parse_network(const struct table_reader *reader, const struct text *key,
				   struct ip_network *out)
{
	bool brackets = key->text[0] == '[' && key->text[key->length - 1] == ']';

	if (!brackets)
		return ip_network_parse(key->text, out);
	return ip_network_parse(arena_strndup(reader->arena, key->text + 1, key->length - 2), out);
}

static bool read_network(const struct table_reader *reader, struct cursor *cursor,
			 struct table_entry *entry)
{
	size_t start;

	entry->negated = skip_negation(cursor);
	start = cursor->at;
	while (peek(cursor) && !text_is_space(peek(cursor)))
		cursor->at++;
	entry->key = text_slice(reader->arena, cursor->line, start, cursor->at - start);
	if (entry->key.length == 0)
		return warn(reader, cursor, "a rule without an address");
	cursor->at = start;
	switch (parse_network(reader, &entry->key, &entry->network)) {
	case IP_OK:
		cursor->at += entry->key.length;
		return true;
	case IP_ERROR_HOST_BITS:
		return warn(reader, cursor, "an address with bits below its prefix length");
	case IP_ERROR_PREFIX:
		return warn(reader, cursor, "a prefix length that does not fit the address");
	default:
		return warn(reader, cursor, "not an address or network");
	}
}

static bool read_key(const struct table_reader *reader, struct cursor *cursor,
		     struct table_entry *entry)
{
	return is_cidr(reader) ? read_network(reader, cursor, entry)
			       : read_expression(reader, cursor, entry);
}

/* Whether the line begins with a word, which a letter or digit does not follow. */
static bool begins(const struct text *line, const char *word)
{
	size_t length = strlen(word);

	return strncasecmp(line->text, word, length) == 0 &&
	       !isalnum((unsigned char)line->text[length]);
}

static bool read_if(struct table_reader *reader, struct cursor *cursor, struct table_entry *entry)
{
	entry->kind = TABLE_IF;
	cursor->at += strlen("if");
	skip_space(cursor);
	if (!read_key(reader, cursor, entry))
		return false;
	entry->value = text_slice(reader->arena, cursor->line, cursor->line->length, 0);
	skip_space(cursor);
	if (peek(cursor) && is_cidr(reader))
		return warn(reader, cursor, "text behind 'if'");
	reader->open++;
	if (peek(cursor) && reader->list) {
		diagnostics_add(reader->list, SEVERITY_WARNING, RULE_TABLE_ENTRY,
				text_position_at(cursor->line, cursor->at),
				"text behind 'if' is ignored");
		diagnostics_hide_source(reader->list);
		diagnostics_hint(reader->list,
				 "no white space before what stands between 'if' and 'endif': it "
				 "would continue the line");
	}
	return true;
}

static bool read_endif(struct table_reader *reader, struct cursor *cursor,
		       struct table_entry *entry)
{
	entry->kind = TABLE_ENDIF;
	entry->key = text_slice(reader->arena, cursor->line, 0, strlen("endif"));
	entry->value = text_slice(reader->arena, cursor->line, cursor->line->length, 0);
	if (reader->open == 0)
		return warn(reader, cursor, "an 'endif' without 'if'");
	if (is_cidr(reader) && cursor->line->text[strlen("endif")])
		return warn(reader, cursor, "text behind 'endif'");
	reader->open--;
	return true;
}

/* Regexp's second pattern, /yes/!/no/, restricts the first; only its syntax is looked at. */
static bool skip_second(const struct table_reader *reader, struct cursor *cursor,
			struct table_entry *entry)
{
	struct table_entry second;

	if (strcmp(reader->type->name, "regexp") != 0 || peek(cursor) != '!')
		return true;
	entry->restricted = true;
	return read_expression(reader, cursor, &second);
}

bool table_read_pattern(struct table_reader *reader, const struct text *line,
			struct table_entry *entry)
{
	bool cidr = is_cidr(reader);
	struct cursor cursor = {line, 0};

	if (begins(line, "if"))
		return read_if(reader, &cursor, entry);
	if (begins(line, "endif"))
		return read_endif(reader, &cursor, entry);
	if (!cidr && isalnum((unsigned char)line->text[0]))
		return warn(reader, &cursor, "neither a pattern nor 'if' nor 'endif'");
	if (!read_key(reader, &cursor, entry) || !skip_second(reader, &cursor, entry))
		return false;
	entry->value = rest(reader, &cursor);
	if (cidr && entry->value.length == 0)
		return warn(reader, &cursor, "a network without a result");
	return true;
}
