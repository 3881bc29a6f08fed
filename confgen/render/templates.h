/*
 * The templates: those built into the program, each of which a file of the same name in a folder of
 * the user's can replace. Not thread-safe.
 */
#ifndef POSTERN_TEMPLATES_H
#define POSTERN_TEMPLATES_H

#include "confgen/render/mustache.h"

/* Ends with a NULL name. */
extern const struct source embedded_templates[];

struct templates {
	struct arena *arena;
	const char *folder; /* of replacements; NULL: none */
	bool html;	    /* values are escaped as in HTML; the caller sets it after _init() */
	struct diagnostics *list;
	struct mustache_loader loader;
};

/* Checks that the folder can be read. Returns 0 or -errno. */
int templates_init(struct templates *templates, struct arena *arena, const char *folder,
		   struct diagnostics *list);

/*
 * Fills the template `name` ("postfix/main.cf") with `data`. Returns 0, or -1 with errors in the
 * list given to templates_init().
 */
int templates_render(struct templates *templates, const char *name, json_t *data,
		     struct strbuf *out);

#endif
