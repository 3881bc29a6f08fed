/* What rules about tables share: all tables that values name. */
#ifndef POSTERN_LINT_HELPERS_MAPS_H
#define POSTERN_LINT_HELPERS_MAPS_H

#include "confgen/lint/helpers_syntax.h"

/* A table and where it is used. Tables within pipemap: and its kin come one by one. */
struct maps_use {
	const struct syntax_setting *setting;
	const struct restriction *restriction; /* whose argument it is, or NULL */
	const struct table *table;
	bool proxied; /* behind proxy: */
};

struct maps_uses {
	struct maps_use *items;
	size_t count;
};

/*
 * The tables in all values in force. Not those of lists that only say what may be read, nor what
 * looks like a table, but is an IPv6 address.
 */
struct maps_uses maps_all(const struct lint *lint);

struct position maps_place(const struct lint *lint, const struct maps_use *use);

/* Whether the file of the table is one of aliases(5). */
bool maps_is_aliases(const struct lint *lint, const struct table *table);

/*
 * What it holds; NULL where that is not to be had, and for aliases(5), whose syntax is another.
 * What is wrong with entries is reported the first time.
 */
const struct table_contents *maps_contents(const struct lint *lint, const struct table *table);

/* Whether the type of the table is called so. */
bool maps_is_type(const struct table *table, const char *name);

/* Whether the list holds the word. The list ends with NULL. */
bool maps_is_one_of(const char *name, const char *const *names);

#endif
