/* What the parts of page.h share: each gives a part of the page's data, as the caller's reference.
 */
#ifndef CONFGEN_PAGE_PRIVATE_H
#define CONFGEN_PAGE_PRIVATE_H

#include "confgen/derive/view.h"
#include "confgen/page/page.h"

#include <jansson.h>

/* --- texts --- */

/* A text for people, escaped; false for NULL. */
json_t *page_text(struct arena *arena, const char *text);

/* The same from a format. */
json_t *page_textf(struct arena *arena, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The line of the topology, or false. */
json_t *page_place(struct arena *arena, struct position at);

void page_set(json_t *object, const char *key, json_t *value);

/* "1 route", "2 routes". */
const char *page_count(struct arena *arena, size_t count, const char *one, const char *many);

/* --- lists of names, which can be long --- */

/*
 * The first names stand in the text, more behind a fold, the rest is a number:
 * {"shown": [{"name", "last"}], "more": [...], "has_more", "more_count", "rest"}.
 */
struct page_names {
	struct arena *arena;
	json_t *shown, *more;
	size_t count;
};

struct page_names page_names_begin(struct arena *arena);
void page_names_add(struct page_names *names, const char *name);
json_t *page_names_end(struct page_names *names);

/* --- rows, of which a page has so many --- */

#define PAGE_MOST_ROWS 250

/* {"rows": ..., "rest": how many are left out, or false}; takes `rows`. */
json_t *page_rows(struct arena *arena, json_t *rows, size_t total);

/* --- parts --- */

json_t *page_routes(struct arena *arena, const struct page *page);
json_t *page_listeners(struct arena *arena, const struct page *page);
json_t *page_trust(struct arena *arena, const struct page *page);
json_t *page_dns(struct arena *arena, const struct page *page);
json_t *page_findings(struct arena *arena, const struct page *page);
json_t *page_dangers(struct arena *arena, const struct page *page);
json_t *page_tests(struct arena *arena, const struct page *page);
json_t *page_files(struct arena *arena, const struct page *page);

/* "TLS from the first octet, encrypt": how a hop is protected. */
const char *page_tls(struct arena *arena, enum tls_level level, bool wrapper);

#endif
