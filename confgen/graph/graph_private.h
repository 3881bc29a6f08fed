/* What the parts of graph.h share. */
#ifndef CONFGEN_GRAPH_PRIVATE_H
#define CONFGEN_GRAPH_PRIVATE_H

#include "confgen/graph/graph.h"

/* Of what is dangerous, and of all that is on no route, on white. */
#define GRAPH_RED "#b3001b"
#define GRAPH_INK "#1f2933"

/* Whether it is a route, which has a colour of its own. */
bool graph_is_route(const struct graph_edge *edge);

/* The colour of its line and its text. */
const char *graph_color_of(const struct graph_edge *edge);

/* Adds a line. */
void graph_say(struct graph *graph, struct graph_lines *lines, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Tells of a danger: `mark` stands at the place or edge, `format` is the whole sentence. */
void graph_warn(struct graph *graph, struct graph_lines *marks, const char *mark,
		struct position at, const char *format, ...) __attribute__((format(printf, 5, 6)));

/* How a language writes the lines of a place or an edge. */
struct graph_markup {
	const char *special;	     /* what stands there by its code, */
	const char *code;	     /* which begins so, and ends with a semicolon */
	const char *next;	     /* before each line but the first */
	const char *bold, *bold_end; /* around the first */
	const char *danger, *danger_end;
};

/* The first line in bold, the others below, what is dangerous at the end. `dangers` may be NULL. */
void graph_write_lines(const struct graph *graph, struct strbuf *out,
		       const struct graph_markup *markup, const struct graph_lines *lines,
		       const struct graph_lines *dangers);

/* The place of a node. */
size_t graph_place_of(const struct graph *graph, const struct node *node);

/* Adds the edges of all routes; the places are there. graph_edges.c */
void graph_add_routes(struct graph *graph);

/* Adds those of clients and of what proxies pass on besides. graph_services.c */
void graph_add_services(struct graph *graph);

#endif
