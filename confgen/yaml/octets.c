/*
 * Checks the characters of a YAML text. libyaml checks them too, but only as it gets to them, and
 * it says "control characters are not allowed" for a dozen different mishaps.
 */
#include "confgen/yaml/octets.h"
#include "confgen/yaml/rules.h"
#include "common/utf8.h"

#include <assert.h>

struct refused {
	uint32_t first, last;
	const char *what, *hint;
};

static const struct refused refused[] = {
	{0x0000, 0x0000, "NUL octet", "This is no text file, or one in UTF-16: save it as UTF-8."},
	{0x0001, 0x0008, "control character", "Remove it."},
	{0x000b, 0x000c, "control character", "Remove it."},
	{0x000d, 0x000d, "carriage return that no line feed follows",
	 "Save the file with the line ends of Unix (LF) or Windows (CRLF)."},
	{0x000e, 0x001f, "control character", "Remove it."},
	{0x007f, 0x009f, "control character", "Remove it."},
	{0x2028, 0x2029, "Unicode line separator", "Begin a new line instead."},
	{0xfeff, 0xfeff, "byte order mark inside the text",
	 "Remove it: it is left where files that begin with one were joined."},
	{0xfffe, 0xffff, "code point that is no character", "Remove it."},
};

static const struct refused *find_refused(uint32_t code)
{
	if (code >= 0x20 && code < 0x7f)
		return NULL;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if (code >= refused[i].first && code <= refused[i].last)
			return &refused[i];
	return NULL;
}

size_t octets_mark(const struct source *source)
{
	return source->length >= 3 && memcmp(source->text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
}

static bool is_utf16(const struct source *source)
{
	return source->length >= 2 && (memcmp(source->text, "\xff\xfe", 2) == 0 ||
				       memcmp(source->text, "\xfe\xff", 2) == 0);
}

static bool refuse_octet(struct diagnostics *list, struct position at, char octet)
{
	diagnostics_add(list, SEVERITY_ERROR, YAML_RULE_ENCODING, at,
			"the octet 0x%02x is not UTF-8 text", (unsigned char)octet);
	diagnostics_hint(list,
			 "Save the file as UTF-8; one in the Western encoding is converted by "
			 "'iconv -f ISO-8859-1 -t UTF-8'.");
	return false;
}

static bool refuse_character(struct diagnostics *list, struct position at, uint32_t code,
			     const struct refused *why)
{
	diagnostics_add(list, SEVERITY_ERROR, YAML_RULE_ENCODING, at, "%s (U+%04X) in the text",
			why->what, (unsigned)code);
	diagnostics_hint(list, "%s", why->hint);
	return false;
}

/* libyaml compares every %TAG with every other: a file full of them would take it hours. */
static bool refuse_directive(struct diagnostics *list, struct position at)
{
	diagnostics_add(list, SEVERITY_ERROR, YAML_RULE_TAG, at,
			"a line cannot begin with '%%TAG'");
	diagnostics_hint(list, "Remove the line: tags are not accepted.");
	return false;
}

bool octets_check(const struct source *source, struct diagnostics *list)
{
	struct position at = {.source = source};
	const char *text = source->text;
	size_t step;

	if (is_utf16(source)) {
		diagnostics_add(list, SEVERITY_ERROR, YAML_RULE_ENCODING, at,
				"the file is in UTF-16 or UTF-32");
		diagnostics_hint(list, "Save it as UTF-8.");
		return false;
	}
	at.line = at.column = 1;
	for (size_t i = octets_mark(source); i < source->length; i += step) {
		const struct refused *why;
		uint32_t code;

		if (at.column == 1 && source->length - i >= 4 && memcmp(text + i, "%TAG", 4) == 0)
			return refuse_directive(list, at);
		step = utf8_decode(text + i, source->length - i, &code);
		if (step == 0)
			return refuse_octet(list, at, text[i]);
		why = find_refused(code);
		if (why && !(code == '\r' && i + 1 < source->length && text[i + 1] == '\n'))
			return refuse_character(list, at, code, why);
		at.column++;
		if (code == '\n') {
			at.line++;
			at.column = 1;
		}
	}
	return true;
}

const char *octets_find_refused(const char *text, size_t length, uint32_t *code)
{
	size_t step;

	for (size_t i = 0; i < length; i += step) {
		const struct refused *why;
		uint32_t found = 0;

		step = utf8_decode(text + i, length - i, &found);
		assert(step); /* libyaml gives valid UTF-8 only */
		why = found == '\r' ? NULL : find_refused(found);
		if (why) {
			*code = found;
			return why->what;
		}
	}
	return NULL;
}

const char *octets_skip(const char *text, const char *end, size_t count)
{
	uint32_t code;

	for (; count && text < end; count--) {
		size_t step = utf8_decode(text, (size_t)(end - text), &code);

		assert(step); /* octets_check() has seen to it */
		text += step;
	}
	return text;
}
