/* Takes comments out of configuration files; see comments.h. The rules are those of libconfuse. */
#include "common/comments.h"

/* The length of a comment at `text`, with its end but without a newline; 0 if there is none. */
static size_t comment_length(const char *text, bool word_begins)
{
	const char *end;

	if (text[0] == '#' || (word_begins && text[0] == '/' && text[1] == '/'))
		return strcspn(text, "\n");
	if (text[0] != '/' || text[1] != '*')
		return 0;
	end = strstr(text + 2, "*/");
	return end ? (size_t)(end + 2 - text) : strlen(text) + 1;
}

/* The length of a quoted string at `text`, more than what is left if it has no end. */
static size_t string_length(const char *text)
{
	size_t i;

	for (i = 1; text[i] && text[i] != text[0]; i++) {
		const char *brace;

		if (text[i] == '\\' && text[i + 1])
			i++;
		else if (text[0] == '"' && text[i] == '$' && text[i + 1] == '{' &&
			 (brace = strchr(text + i, '}')))
			i = (size_t)(brace - text);
	}
	return i + 1;
}

static struct position position_of(const struct source *source, const char *text, const char *at)
{
	struct position position = {source, 1, 1};

	for (; text < at; text++) {
		position.column += ((unsigned char)*text & 0xc0) != 0x80;
		if (*text == '\n') {
			position.line++;
			position.column = 1;
		}
	}
	return position;
}

static void report_endless(const struct source *source, struct diagnostics *list, const char *text,
			   const char *at)
{
	static const char *const names[] = {['"'] = "string", ['\''] = "string", ['{'] = "section"};
	unsigned char first = (unsigned char)*at;
	const char *name = first < sizeof(names) / sizeof(names[0]) ? names[first] : NULL;

	diagnostics_add(list, SEVERITY_ERROR, NULL, position_of(source, text, at),
			"the %s that begins here has no end", name ? name : "comment");
}

char *comments_blank(struct arena *arena, const struct source *source, struct diagnostics *list)
{
	char *text = arena_strndup(arena, source->text, source->length), *p = text;
	const char *end = text + source->length, *outermost = NULL;
	bool word_begins = true;
	size_t depth = 0;

	while (p < end) {
		bool quoted = *p == '"' || *p == '\'';
		size_t length = quoted ? string_length(p) : comment_length(p, word_begins);

		if (length > (size_t)(end - p)) {
			report_endless(source, list, text, p);
			return NULL;
		}
		if (*p == '{' && depth++ == 0)
			outermost = p;
		else if (*p == '}' && depth > 0)
			depth--;
		for (size_t i = 0; i < length && !quoted; i++)
			p[i] = p[i] == '\n' ? '\n' : ' ';
		p += length ? length : 1;
		word_begins = strchr(" \t\r\n={}(),+\"'", p[-1]) != NULL;
	}
	if (depth) {
		report_endless(source, list, text, outermost);
		return NULL;
	}
	return text;
}
