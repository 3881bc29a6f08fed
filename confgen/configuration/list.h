/*
 * Values that are lists: restrictions, tables, networks, host names.
 *
 * Items are separated by commas and white space; what stands in balanced braces is not split.
 *
 * Sources: postconf(5) mynetworks (for '!' and file names), access(5), DATABASE_README.
 */
#ifndef CONFGEN_CONFIGURATION_LIST_H
#define CONFGEN_CONFIGURATION_LIST_H

#include "confgen/configuration/text.h"

/* What Postfix separates items of lists with, and fields of master.cf. */
#define LIST_SEPARATORS	  ", \t\r\n"
#define MASTER_SEPARATORS " \t\r\n"

enum list_item_kind {
	LIST_ITEM_PLAIN, /* a name, pattern, network, restriction */
	LIST_ITEM_TABLE, /* type:name */
	LIST_ITEM_FILE,	 /* /file/name, whose contents take its place in lists of patterns */
};

struct list_item {
	struct text text; /* the item without the '!' before it */
	enum list_item_kind kind;
	bool negated; /* an odd number of '!' */
};

struct list {
	struct list_item *items;
	size_t count;
};

/* Splits a value, as a rule an expanded one. Always succeeds. */
struct list list_split(struct arena *arena, const struct text *value);

/*
 * The next piece of `text` at or behind `*at`; steps `*at` over it. False when there is none.
 * Braces protect separators where `braces` says so.
 */
bool list_next(const struct text *text, const char *separators, bool braces, size_t *at,
	       size_t *start, size_t *length);

/* The octets of a balanced "{...}" at `at`, or 0 where it is not one. */
size_t list_balanced(const char *text, size_t at, size_t end);

/*
 * What stands in the braces of a piece that begins with '{', white space trimmed. NULL, or what is
 * wrong with it, in which case `*out` is what Postfix makes of it nevertheless.
 */
const char *list_strip_braces(struct arena *arena, const struct text *piece, struct text *out);

#endif
