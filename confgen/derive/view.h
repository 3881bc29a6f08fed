/*
 * Facts as the data that templates see, in JSON: every key is always there, `false` and the empty
 * list say "none". view_of_node() is the list of the keys, for those who write templates.
 */
#ifndef POSTERN_VIEW_H
#define POSTERN_VIEW_H

#include "confgen/derive/facts.h"

#include <jansson.h>

/* How a lookup table of the node is stored and referred to. */
struct table {
	const char *name;  /* file name */
	const char *title; /* what it is for, in its first comment */
	bool secret;	   /* mode 0600, and never inline */
	const struct entry_list *rows;
	bool patterns; /* of type regexp */
};

/* The view of a node. The caller owns the reference. */
json_t *view_of_node(struct arena *arena, const struct facts *facts);

struct table_list {
	struct table *items;
	size_t count;
};

/* The tables that the node's Postfix needs, in a fixed order. */
struct table_list view_tables(struct arena *arena, const struct facts *facts);

/* Whether the table's rows stand in main.cf itself. docker-mailserver takes no files of ours. */
bool table_is_inline(const struct node *node, const struct table *table);

/* The type of the table where it is a file. */
const char *table_type(const struct node *node, const struct table *table);

/* Whether postmap has to make an index of the file. */
bool table_is_indexed(const struct node *node, const struct table *table);

/*
 * The view of the rows `begin` to `end` - 1 of a table. Tables can be long, so they are rendered
 * piece by piece; `first` says yes in the first piece. The caller owns the reference.
 */
json_t *view_of_table(struct arena *arena, const struct facts *facts, const struct table *table,
		      size_t begin, size_t end);

/* Appends to an array, and takes the reference. Aborts for NULL: nothing is left out silently. */
void view_push(json_t *array, json_t *value);

/* "topology.yaml:12". */
const char *view_place(struct arena *arena, struct position at);

#endif
