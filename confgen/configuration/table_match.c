/*
 * Which entry of a regexp or pcre table fits a key; see table.h.
 *
 * The pattern may be a stranger's, and regcomp(3) can be made to take all memory: repeated groups
 * and counts are copied, nested ones again and again, and references back take exponential time.
 * So only plain patterns are compiled, which are short, and mean the same to regcomp() and to PCRE.
 */
#include "confgen/configuration/table.h"

#include <ctype.h>
#include <regex.h>

#define LONGEST_PATTERN 200
#define LONGEST_KEY	320 /* an address: 64 + 1 + 255 */

/* The octet behind a bracket expression that holds plain characters and ranges; 0: another one. */
static size_t skip_brackets(const char *pattern, size_t at)
{
	at += 1 + (pattern[at + 1] == '^');
	if (pattern[at] == ']')
		return 0;
	for (; pattern[at] && pattern[at] != ']'; at++)
		if (strchr("[\\", pattern[at]))
			return 0;
	return pattern[at] ? at + 1 : 0;
}

static bool is_plain(const char *pattern)
{
	char before = '(';
	size_t at = 0;

	if (strlen(pattern) > LONGEST_PATTERN)
		return false;
	while (pattern[at]) {
		char c = pattern[at];

		/* what repeats must follow what can be repeated: once, and no group by '+' */
		if (strchr("*+?", c) && (strchr("(|^$*+?", before) || (before == ')' && c == '+')))
			return false;
		before = c;
		if (c == '\\') {
			if (!ispunct((unsigned char)pattern[at + 1]) ||
			    strchr("<>`'", pattern[at + 1]))
				return false;
			before = 'x';
			at += 2;
		} else if (c == '[') {
			at = skip_brackets(pattern, at);
			if (!at)
				return false;
			before = 'x';
		} else if (c == '{' || c == '}' || c == ']' || !isprint((unsigned char)c)) {
			return false;
		} else {
			at++;
		}
	}
	return true;
}

static enum table_answer fits(const struct table_entry *entry, const char *key, size_t *budget)
{
	bool exact = entry->options.length && text_equal(&entry->options, "i");
	regex_t regex;
	int status;

	if (entry->restricted || (entry->options.length && !exact) || !*budget ||
	    !is_plain(entry->key.text))
		return TABLE_UNDECIDED;
	--*budget;
	if (regcomp(&regex, entry->key.text, REG_EXTENDED | REG_NOSUB | (exact ? 0 : REG_ICASE)) !=
	    0)
		return TABLE_UNDECIDED;
	status = regexec(&regex, key, 0, NULL, 0);
	regfree(&regex);
	if (status != 0 && status != REG_NOMATCH)
		return TABLE_UNDECIDED;
	return (status == 0) != entry->negated ? TABLE_FITS : TABLE_FITS_NOT;
}

/* The entry behind the "endif" of the "if" at `at`. */
static size_t skip_block(const struct table_contents *contents, size_t at)
{
	size_t level = 0;

	for (; at < contents->count; at++) {
		if (contents->items[at].kind == TABLE_IF)
			level++;
		else if (contents->items[at].kind == TABLE_ENDIF && --level == 0)
			return at + 1;
	}
	return at;
}

enum table_answer table_match(const struct table_contents *contents, const char *key,
			      size_t *budget, const struct table_entry **out)
{
	size_t at = 0;

	if (strlen(key) > LONGEST_KEY)
		return TABLE_UNDECIDED;
	while (at < contents->count) {
		const struct table_entry *entry = &contents->items[at];
		enum table_answer answer =
			entry->kind == TABLE_ENDIF ? TABLE_FITS_NOT : fits(entry, key, budget);

		if (answer == TABLE_UNDECIDED)
			return answer;
		if (entry->kind == TABLE_ENTRY && answer == TABLE_FITS) {
			*out = entry;
			return answer;
		}
		at = entry->kind == TABLE_IF && answer == TABLE_FITS_NOT ? skip_block(contents, at)
									 : at + 1;
	}
	return TABLE_FITS_NOT;
}
