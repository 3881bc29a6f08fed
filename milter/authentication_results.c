/* The Authentication-Results field; see authentication_results.h. */
#include "milter/authentication_results.h"
#include "common/utf8.h"

#include <ctype.h>
#include <stdint.h>
#include <strings.h>

#define SIGNATURE_LIMIT ((size_t)64 << 10) /* for what is written of one */
#define LONGEST_VALUE	320 /* octets of a text that is quoted: a local part, "@" and a domain */

/* RFC 2045 5.1: what needs no quotes. The '@' of i= is allowed by RFC 8601 2.2 in a pvalue. */
static bool is_token(const char *text)
{
	if (!*text)
		return false;
	for (; *text; text++)
		if ((unsigned char)*text <= ' ' || (unsigned char)*text >= 0x7f ||
		    strchr("()<>,;:\\\"/[]?=", *text))
			return false;
	return true;
}

/* Whether quotes make it safe: no control characters, valid UTF-8 (RFC 6532), no great length. */
static bool can_be_quoted(const char *text)
{
	size_t left = strlen(text);
	uint32_t code = 0;

	if (left > LONGEST_VALUE)
		return false;
	while (left) {
		size_t step = utf8_decode(text, left, &code);

		if (step == 0 || code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x2028 ||
		    code == 0x2029)
			return false;
		text += step;
		left -= step;
	}
	return true;
}

static char *quote(struct arena *arena, const char *text)
{
	char *quoted = arena_alloc(arena, 2 * strlen(text) + 3), *next = quoted;

	if (!quoted)
		return NULL;
	*next++ = '"';
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			*next++ = '\\';
		*next++ = *text;
	}
	*next++ = '"';
	*next = '\0';
	return quoted;
}

/* Adds " header.NAME=VALUE" on a line of its own. */
static char *add_property(struct arena *arena, char *field, const char *name, const char *value)
{
	const char *shown = value;

	if (!field || !value || !*value || !can_be_quoted(value))
		return field;
	if (!is_token(value))
		shown = quote(arena, value);
	return shown ? arena_printf(arena, "%s\n\theader.%s=%s", field, name, shown) : NULL;
}

/* What people read: all of it constants and numbers. */
static char *add_comment(struct arena *arena, char *field, const struct verified_signature *item)
{
	char *text = arena_strdup(arena, item->reason ? item->reason : "");

	if (text && item->bits)
		text = arena_printf(arena, "%s%s%u-bit key", text, *text ? ", " : "", item->bits);
	if (text && item->testing)
		text = arena_printf(arena, "%s%stest mode", text, *text ? ", " : "");
	if (text && item->partial)
		text = arena_printf(arena, "%s%sl= signs %llu of %llu octets of the body", text,
				    *text ? ", " : "", item->signed_octets, item->body_octets);
	if (!text || !field)
		return NULL;
	return *text ? arena_printf(arena, "%s (%s)", field, text) : field;
}

static char *add_signature(struct arena *arena, const struct verified_signature *item)
{
	char *field = arena_printf(arena, ";\n\tdkim=%s", dkim_result_name(item->result));

	field = add_comment(arena, field, item);
	field = add_property(arena, field, "d", item->domain);
	field = add_property(arena, field, "i", item->identity);
	field = add_property(arena, field, "s", item->selector);
	field = add_property(arena, field, "a", item->algorithm);
	return add_property(arena, field, "b", item->prefix);
}

/* Signature by signature: the parts of one are copied often as it grows, the whole once. */
static bool print_all(FILE *out, const char *authserv_id, const struct verification *verification)
{
	struct arena *scratch = arena_new(SIGNATURE_LIMIT);
	bool good = scratch && fputs(authserv_id, out) >= 0;

	if (verification->count == 0)
		good = good && fputs(";\n\tdkim=none", out) >= 0;
	for (size_t i = 0; good && i < verification->count; i++) {
		const char *part = add_signature(scratch, &verification->signatures[i]);

		good = part && fputs(part, out) >= 0;
		arena_reset(scratch);
	}
	arena_free(scratch);
	return good;
}

char *authentication_results_compose(struct arena *arena, const char *authserv_id,
				     const struct verification *verification)
{
	char *text = NULL, *field = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	bool good = out && print_all(out, authserv_id, verification);

	if (out && fclose(out) != 0)
		good = false;
	if (good)
		field = arena_strdup(arena, text);
	free(text);
	return field;
}

/* Skips blanks, folds and comments; NULL when a comment does not end. */
static const char *skip_blanks(const char *text)
{
	size_t depth = 0;

	for (; *text; text++) {
		if (depth && *text == '\\' && text[1])
			text++;
		else if (*text == '(')
			depth++;
		else if (depth && *text == ')')
			depth--;
		else if (depth == 0 && !isspace((unsigned char)*text))
			break;
	}
	return depth ? NULL : text;
}

/*
 * Reads a token or a quoted string and compares it; gives what follows, or NULL when the string
 * does not end. Control characters, which readers may skip, make it the same whatever it is.
 */
static const char *compare_word(const char *text, const char *word, bool *same)
{
	bool quoted = *text == '"', equal = true, odd = false;

	for (text += quoted; *text; text++) {
		char c = *text;

		if (quoted ? c == '"' : isspace((unsigned char)c) || strchr(";(\"", c))
			break;
		if (quoted && c == '\\' && text[1])
			c = *++text;
		odd |= iscntrl((unsigned char)c) || (!quoted && c == '\\');
		/* blanks inside quotes: some readers drop them */
		odd |= quoted && c == ' ';
		equal = equal && *word &&
			tolower((unsigned char)c) == tolower((unsigned char)*word);
		word += *word != '\0';
	}
	*same = odd || (equal && !*word);
	if (!quoted)
		return text;
	return *text == '"' ? text + 1 : NULL;
}

bool authentication_results_is_ours(const char *value, const char *authserv_id)
{
	const char *next = skip_blanks(value);
	bool same;

	if (!next || !*next)
		return true;
	next = compare_word(next, authserv_id, &same);
	if (!next || same)
		return true;
	/* another's id ends at a version number, a semicolon, or the end */
	next = skip_blanks(next);
	if (!next)
		return true;
	while (isdigit((unsigned char)*next))
		next++;
	next = skip_blanks(next);
	return !next || (*next && *next != ';');
}
