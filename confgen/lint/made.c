/* Configurations that were put together; see made.h. */
#include "confgen/lint/made.h"

#include <stdlib.h>

struct pair {
	const struct made_text *main, *master;
};

void made_init(struct made_text *made, struct arena *arena, const char *name)
{
	*made = (struct made_text){.arena = arena, .source = {.name = name}};
}

void made_add(struct made_text *made, struct position at, const char *format, ...)
{
	va_list args;
	char *line;

	va_start(args, format);
	line = arena_vprintf(made->arena, format, args);
	va_end(args);
	for (char *c = line; *c; c++)
		if (*c == '\n' || *c == '\r')
			*c = ' ';
	*arena_push(made->arena, made) = at;
	strbuf_adds(&made->buf, line);
	strbuf_addch(&made->buf, '\n');
}

const struct source *made_source(struct made_text *made)
{
	made->source.length = made->buf.length;
	made->source.text = arena_strndup(made->arena, strbuf_text(&made->buf), made->buf.length);
	strbuf_done(&made->buf);
	return &made->source;
}

static bool is_made(const struct made_text *made, struct position at)
{
	return made && at.source == &made->source;
}

static struct position cause(void *user, struct position at)
{
	const struct pair *pair = user;
	const struct made_text *made = is_made(pair->main, at)	   ? pair->main
				       : is_made(pair->master, at) ? pair->master
								   : NULL;

	if (!made)
		return at;
	return at.line && at.line <= made->count ? made->items[at.line - 1] : (struct position){0};
}

static bool is_nowhere(void *user, const struct diagnostic *item)
{
	(void)user;
	return !item->at.source;
}

void made_relocate(struct made_text *main, struct made_text *master, struct diagnostics *list)
{
	struct pair pair = {main, master};

	diagnostics_relocate(list, cause, &pair);
	diagnostics_drop(list, is_nowhere, NULL);
}

const struct source *made_no_file(void *user, const char *name)
{
	(void)user;
	(void)name;
	return NULL;
}
