/*
 * Mustache templates over JSON data: the engine behind templates/.
 *
 * The language is that of mustache(5) and its own test cases (github.com/mustache/spec) without the
 * optional modules: variables, sections, inverted sections, partials, comments, set delimiters,
 * dotted names, the implicit iterator. False, null, the empty list and an absent name are "no" to a
 * section; everything else, 0 and the empty text included, is "yes".
 *
 * Two things differ on demand. Postfix's files are not HTML, and a typing mistake in a template
 * must not quietly become an empty parameter: see `html` and `strict`.
 *
 * Reads its arguments only; not thread-safe where an arena or a list is shared.
 */
#ifndef POSTERN_CONFGEN_RENDER_MUSTACHE_H
#define POSTERN_CONFGEN_RENDER_MUSTACHE_H

#include "common/arena.h"
#include "common/diagnostics.h"
#include "common/strbuf.h"

#include <jansson.h>
#include <stdbool.h>

/* Where partials come from. Sources must outlive the diagnostics, and stay the same for a name. */
struct mustache_loader {
	/* the source of partial `name`, NULL if there is none */
	const struct source *(*find)(void *context, const char *name);
	void *context;
};

/* The most octets that a template may yield, and the most steps on the way there. */
#define MUSTACHE_LIMIT ((size_t)64 << 20)

struct mustache_options {
	const struct mustache_loader *partials; /* NULL: there are none */
	bool html; /* {{x}} escapes & " < > as the language says; else it writes the value as it is
		    */
	/*
	 * These are errors: a name that the data lacks, in whichever tag (data says "none" by
	 * false, null or an empty list); a missing partial; a list or mapping written as text; and
	 * in {{x}} a value with a line break or another control character, because a Postfix file
	 * must not gain lines through a value. {{{x}}} and {{&x}} are for values that are meant to
	 * have them.
	 */
	bool strict;
	size_t limit; /* stands in for MUSTACHE_LIMIT; 0: that one */
};

/*
 * Appends to `out` what `template` yields for `data`. `arena` must be one without limit; `template`
 * must outlive the diagnostics. Takes time linear in the template and in what is rendered.
 *
 * Returns 0, or -1 with one or more errors in `list`, at their place in the template or partial;
 * `out` is then untouched. Errors name the tag, never the value: it may be a secret.
 */
int mustache_render(struct arena *arena, const struct source *template, json_t *data,
		    const struct mustache_options *options, struct strbuf *out,
		    struct diagnostics *list);

#endif
