/*
 * The report: one HTML page that shows all that follows from a topology, for people.
 *
 * The page is templates/report in Mustache, HTML-escaped; here its data is gathered. It needs no
 * other file and no network, and works without its script. Whatever comes from the topology is
 * escaped for terminals and bidirectional text as well. Lists are bounded: what a topology of
 * 10,000 domains says is summed up. The same input always gives the same page. Secrets are not in
 * it, since they are not in the data: of files only paths, owners and modes are shown.
 */
#ifndef CONFGEN_PAGE_H
#define CONFGEN_PAGE_H

#include "confgen/dns/records.h"
#include "confgen/graph/graph.h"
#include "confgen/render/files.h"
#include "confgen/trace/checks.h"

/* How a check of the topology went. */
struct page_check {
	const struct check *check;
	const char *why; /* it failed; NULL: it passed */
	const char *got; /* what became of the message, where it is one; or NULL */
};

struct page {
	const struct topology *topology; /* without errors */
	const char *path;		 /* of the topology, as the user wrote it */
	const struct rendered_files *files;
	const struct graph *graph;
	const char *svg;    /* of the graph; NULL: it could not be drawn, */
	const char *tall;   /* the same for narrow screens, or NULL */
	const char *no_svg; /* because of this */
	const struct dns_records *records;
	struct diagnostics *findings; /* are sorted */
	/* what was tried, the topology's own tests first; or none */
	const struct page_check *checks;
	size_t check_count;
};

/*
 * Fills the templates, those in the folder `templates` (or NULL) before those built in. Returns 0;
 * -1 with errors in `list` (a template is wrong); -errno when the folder cannot be used. `out` is
 * untouched then.
 */
int page_render(struct arena *arena, const struct page *page, const char *templates,
		struct diagnostics *list, struct strbuf *out);

#endif
