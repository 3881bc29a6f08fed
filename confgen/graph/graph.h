/*
 * A topology as a picture: places, the networks that they are in, and how mail goes between them.
 *
 *	graph = graph_of_topology(arena, topology);
 *	graph_write_dot(graph, &out);
 *
 * One model for all ways to draw it: what is said of a place, which colour a route has and what is
 * dangerous is decided here, how that is spelled in the writers. The same topology always gives the
 * same text. All memory belongs to the arena. Not thread-safe.
 */
#ifndef CONFGEN_GRAPH_H
#define CONFGEN_GRAPH_H

#include "common/name_map.h"
#include "common/strbuf.h"
#include "confgen/topology/model.h"

/* What a place is, which decides its shape. */
enum graph_role {
	GRAPH_POSTFIX,
	GRAPH_DMS,
	GRAPH_SMARTHOST,
	GRAPH_PROXY,
	GRAPH_INTERNET,
	GRAPH_CLIENTS, /* hosts of a network that submit mail */
	GRAPH_ROLES
};

/* What goes along an edge, which decides how its line looks. */
enum graph_flow {
	GRAPH_IN,	/* mail to the domains of a route */
	GRAPH_OUT,	/* mail from them */
	GRAPH_SUBMIT,	/* mail of clients */
	GRAPH_SERVICES, /* whatever a proxy passes on that is on no route */
	GRAPH_FLOWS
};

/* Lines of text as they are: writers escape them. */
struct graph_lines {
	const char **items;
	size_t count;
};

struct graph_cluster {
	const struct network *network;
	struct graph_lines lines; /* its name and what it holds */
	bool used;		  /* some place is in it */
};

struct graph_place {
	enum graph_role role;
	const struct node *node; /* NULL: clients */
	size_t cluster;		 /* index + 1; 0: in none */
	bool hidden;		 /* the Internet, where no mail comes from there or goes there */
	struct graph_lines lines;
	struct graph_lines dangers;
};

/* The number of colours that routes have; those of more routes are repeated. */
#define GRAPH_COLORS 8

struct graph_edge {
	enum graph_flow flow;
	size_t from, to; /* indices of places */
	size_t color;	 /* below GRAPH_COLORS; of a route */
	size_t routes;	 /* how many it stands for */
	struct graph_lines lines;
	struct graph_lines dangers;
};

/* What a picture shows in red, as a sentence. */
struct graph_danger {
	const char *text;
	struct position at;
};

struct graph {
	struct arena *arena;
	const struct topology *topology;
	struct graph_cluster *clusters;
	size_t cluster_count;
	struct {
		struct graph_place *items;
		size_t count;
	} places;
	struct {
		struct graph_edge *items;
		size_t count;
	} edges;
	struct {
		struct graph_danger *items;
		size_t count;
	} dangers; /* each sentence once */
	struct name_map *told;
};

/* From a topology without errors, which must outlive the graph. */
struct graph *graph_of_topology(struct arena *arena, const struct topology *topology);

/* Which way mail from the Internet flows in a picture that Graphviz draws. */
enum graph_layout { GRAPH_ACROSS, GRAPH_DOWN };

/* As the language of Graphviz's dot. */
void graph_write_dot(const struct graph *graph, enum graph_layout layout, struct strbuf *out);

/* As a flowchart of Mermaid. */
void graph_write_mermaid(const struct graph *graph, struct strbuf *out);

/*
 * As SVG, drawn by Graphviz's dot, which must be installed: see run.h. The text is whole, with the
 * XML declaration. Returns 0; -ENOENT where there is no dot, -ETIMEDOUT where it takes too long,
 * -EIO where it fails, with what it says in `errors` (else NULL), or another -errno.
 */
int graph_draw_svg(const struct graph *graph, enum graph_layout layout, const char **svg,
		   size_t *length, const char **errors);

#endif
