/*
 * What the parser of templates hands to the renderer: private to confgen/render.
 *
 * A template is a list of nodes; sections have such lists in them. All of it lives in the arena and
 * points into the template's source. Not thread-safe: rendering notes in a node what it complained
 * of.
 */
#ifndef POSTERN_CONFGEN_RENDER_MUSTACHE_TREE_H
#define POSTERN_CONFGEN_RENDER_MUSTACHE_TREE_H

#include "common/arena.h"
#include "common/diagnostics.h"

#include <stdbool.h>

/* Deeper nesting of sections in one template is refused: the renderer recurses. */
#define MUSTACHE_DEEPEST_SECTION 64

enum mustache_kind {
	MUSTACHE_TEXT,	   /* at most one line as it is */
	MUSTACHE_VARIABLE, /* {{name}} */
	MUSTACHE_RAW,	   /* {{{name}}}, {{&name}} */
	MUSTACHE_SECTION,  /* {{#name}} */
	MUSTACHE_INVERTED, /* {{^name}} */
	MUSTACHE_PARTIAL,  /* {{>name}} */
};

struct mustache_node {
	enum mustache_kind kind;
	/* text: it begins a line of the template, so a partial's indentation goes before it */
	bool begins_line;
	bool alone;	  /* partial: it stands alone on its line and indents what it brings */
	bool reported;	  /* an error of this node is in the list already */
	const char *text; /* the text; a partial's indentation */
	size_t length;
	const char *name; /* tags: what is in them */
	struct position at;
	struct mustache_node *children, *next;
};

/*
 * Parses `source`. Returns 0 and the first node (NULL for an empty template), or -1 with errors in
 * `list`.
 */
int mustache_parse(struct arena *arena, const struct source *source, struct diagnostics *list,
		   struct mustache_node **out);

#endif
