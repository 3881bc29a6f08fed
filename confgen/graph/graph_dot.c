/*
 * The picture in Graphviz's language. Labels are its HTML-like ones, so that a text of ours is
 * escaped as in XML; every element has a class, by which a page that embeds the SVG can colour it.
 */
#include "confgen/graph/graph_private.h"

static const struct {
	const char *name, *shape, *fill;
} roles[GRAPH_ROLES] = {
	[GRAPH_POSTFIX] = {"postfix", "shape=box, style=\"filled,rounded\"", "#e8f1fb"},
	[GRAPH_DMS] = {"dms", "shape=box, style=\"filled,rounded\"", "#e6f4ea"},
	[GRAPH_SMARTHOST] = {"smarthost", "shape=box, style=\"filled,rounded\"", "#f3ecf9"},
	[GRAPH_PROXY] = {"proxy", "shape=box, style=filled, peripheries=2", "#fdf3e1"},
	[GRAPH_INTERNET] = {"internet", "shape=ellipse, style=filled", "#f1f3f5"},
	[GRAPH_CLIENTS] = {"clients", "shape=box, style=\"filled,rounded\"", "#f1f3f5"},
};

/*
 * Graphviz draws from left to right along edges: what lies outside stands on the left if mail that
 * goes there is drawn against its edge.
 */
static const struct {
	const char *name, *style;
	bool outward;
} flows[GRAPH_FLOWS] = {
	[GRAPH_IN] = {"in", "solid", false},
	[GRAPH_OUT] = {"out", "dashed", true},
	[GRAPH_SUBMIT] = {"submit", "solid", true},
	[GRAPH_SERVICES] = {"services", "dotted", false},
};

/* A backslash begins an escape of Graphviz's, even there. */
static const struct graph_markup markup = {
	.special = "&<>\"'\\",
	.code = "&#",
	.next = "<BR/>",
	.bold = "<B>",
	.bold_end = "</B>",
	.danger = "<FONT COLOR=\"" GRAPH_RED "\"><B>",
	.danger_end = "</B></FONT>",
};

static void add_place(const struct graph *graph, struct strbuf *out, size_t index)
{
	const struct graph_place *place = &graph->places.items[index];
	const bool danger = place->dangers.count > 0;

	strbuf_addf(out, "%s\tn%zu [label=<", place->cluster ? "\t" : "", index);
	graph_write_lines(graph, out, &markup, &place->lines, &place->dangers);
	strbuf_addf(out, ">, %s, fillcolor=\"%s\", color=\"%s\"", roles[place->role].shape,
		    roles[place->role].fill, danger ? GRAPH_RED : GRAPH_INK);
	strbuf_addf(out, ", class=\"place %s%s\"];\n", roles[place->role].name,
		    danger ? " danger" : "");
}

static void add_cluster(const struct graph *graph, struct strbuf *out, size_t index)
{
	const struct graph_cluster *cluster = &graph->clusters[index];

	if (!cluster->used)
		return;
	strbuf_addf(out, "\tsubgraph cluster_%zu {\n\t\tlabel=<", index);
	graph_write_lines(graph, out, &markup, &cluster->lines, NULL);
	strbuf_adds(out, ">; margin=14; class=\"network\";\n");
	for (size_t i = 0; i < graph->places.count; i++)
		if (graph->places.items[i].cluster == index + 1)
			add_place(graph, out, i);
	strbuf_adds(out, "\t}\n");
}

static void add_edge(const struct graph *graph, struct strbuf *out, const struct graph_edge *edge)
{
	const char *color = graph_color_of(edge);
	const bool outward = flows[edge->flow].outward;

	strbuf_addf(out, "\tn%zu -> n%zu [%s", outward ? edge->to : edge->from,
		    outward ? edge->from : edge->to, outward ? "dir=back, " : "");
	/* a table, for the room around it */
	strbuf_adds(out, "label=<<TABLE BORDER=\"0\" CELLPADDING=\"3\"><TR><TD>");
	graph_write_lines(graph, out, &markup, &edge->lines, &edge->dangers);
	strbuf_addf(out,
		    "</TD></TR></TABLE>>, color=\"%s\", fontcolor=\"%s\", style=%s, penwidth=%s",
		    color, color, flows[edge->flow].style, edge->routes > 1 ? "3" : "1.6");
	strbuf_addf(out, ", class=\"flow %s", flows[edge->flow].name);
	if (graph_is_route(edge))
		strbuf_addf(out, " color-%zu", edge->color);
	strbuf_addf(out, "%s\"];\n", edge->dangers.count ? " danger" : "");
}

void graph_write_dot(const struct graph *graph, enum graph_layout layout, struct strbuf *out)
{
	const bool down = layout == GRAPH_DOWN;

	/* on the way down, room beside arrows is what there is little of */
	strbuf_addf(out, "digraph topology {\n\trankdir=%s; ranksep=%s; nodesep=%s%s;\n",
		    down ? "TB" : "LR", down ? "0.35" : "0.9", down ? "0.25" : "0.45",
		    /* and names of networks would stand under the arrows that come from above */
		    down ? "; labelloc=b; labeljust=l" : "");
	strbuf_adds(out,
		    "\tbgcolor=\"transparent\"; compound=true;\n"
		    "\tfontname=\"Helvetica,Arial,sans-serif\"; fontsize=12; style=\"rounded\"; "
		    "color=\"#8a94a0\"; fontcolor=\"" GRAPH_INK "\"; penwidth=1.2;\n"
		    "\tnode [fontname=\"Helvetica,Arial,sans-serif\", fontsize=11, "
		    "fontcolor=\"" GRAPH_INK "\", penwidth=1.2, margin=\"0.16,0.09\"];\n"
		    "\tedge [fontname=\"Helvetica,Arial,sans-serif\", fontsize=10, "
		    "arrowsize=0.8];\n");
	for (size_t i = 0; i < graph->cluster_count; i++)
		add_cluster(graph, out, i);
	for (size_t i = 0; i < graph->places.count; i++)
		if (!graph->places.items[i].cluster && !graph->places.items[i].hidden)
			add_place(graph, out, i);
	for (size_t i = 0; i < graph->edges.count; i++)
		add_edge(graph, out, &graph->edges.items[i]);
	strbuf_adds(out, "}\n");
}
