/* Messages without secrets; see redact.h. */
#include "confgen/lint/redact.h"
#include "common/excerpt.h"
#include "common/strbuf.h"
#include "confgen/configuration/parameters.h"

#define REDACTED "..."

struct redactor {
	struct arena *arena;
	struct excerpt_cursor cursor;
};

/* The line that a finding is about; NULL where there is none. */
static const char *find_line(struct redactor *redactor, struct position at, size_t *length)
{
	const char *line = excerpt_line(&redactor->cursor, at);

	if (line)
		*length = strcspn(line, "\n");
	return line;
}

/* Names a file: "/etc/postfix/sasl_passwd", "proxy:hash:/etc/postfix/sasl_passwd". */
static bool names_file(const char *word)
{
	const char *colon;
	const struct table_type *type;

	while (*word != '/') {
		colon = strchr(word, ':');
		type = colon ? table_type_find(word, (size_t)(colon - word)) : NULL;
		if (!type || !(type->source || type->text || type->prefix))
			return false;
		word = colon + 1;
	}
	return true;
}

/* Whether a quoted word comes from the line, and might be a secret. */
static bool is_delicate(const char *word, const char *line, size_t length)
{
	size_t name = strspn(line, " \t");

	name += strcspn(line + name, " \t=:\n");
	if (!*word || parameter_find(word) || names_file(word))
		return false;
	return memmem(line, length, word, strlen(word)) &&
	       !memmem(line, name < length ? name : length, word, strlen(word));
}

static const char *redact(struct redactor *redactor, const char *text, const char *line,
			  size_t length)
{
	struct strbuf buf = STRBUF_INIT;
	const char *made;

	for (const char *open, *close; (open = strchr(text, '\'')); text = close + 1) {
		const char *word;

		close = strchr(open + 1, '\'');
		if (!close)
			break;
		word = arena_strndup(redactor->arena, open + 1, (size_t)(close - open - 1));
		strbuf_add(&buf, text, (size_t)(open + 1 - text));
		strbuf_adds(&buf, is_delicate(word, line, length) ? REDACTED : word);
		strbuf_addch(&buf, '\'');
	}
	strbuf_adds(&buf, text);
	made = arena_strdup(redactor->arena, strbuf_text(&buf));
	strbuf_done(&buf);
	return made;
}

static const char *rewrite(void *user, const struct diagnostic *item, const char *text)
{
	struct redactor *redactor = user;
	size_t length;
	const char *line = find_line(redactor, item->at, &length);

	return line && excerpt_is_secret(item->at.source, line)
		       ? redact(redactor, text, line, length)
		       : text;
}

void redact_findings(struct arena *arena, struct diagnostics *list)
{
	struct redactor redactor = {.arena = arena};

	diagnostics_rewrite(list, rewrite, &redactor);
}
