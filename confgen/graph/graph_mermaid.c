/*
 * The picture as a flowchart of Mermaid. In its quoted labels a character may be written by its
 * code, "#35;", which is how everything that means something to Mermaid or to HTML stands here.
 */
#include "confgen/graph/graph_private.h"

static const struct {
	const char *name, *open, *close, *fill;
} roles[GRAPH_ROLES] = {
	[GRAPH_POSTFIX] = {"postfix", "[", "]", "#e8f1fb"},
	[GRAPH_DMS] = {"dms", "[", "]", "#e6f4ea"},
	[GRAPH_SMARTHOST] = {"smarthost", "[", "]", "#f3ecf9"},
	[GRAPH_PROXY] = {"proxy", "{{", "}}", "#fdf3e1"},
	[GRAPH_INTERNET] = {"internet", "([", "])", "#f1f3f5"},
	[GRAPH_CLIENTS] = {"clients", "[", "]", "#f1f3f5"},
};

/* Mermaid has no arrow that points against its edge, so outward mail goes as it goes. */
static const char *const arrows[GRAPH_FLOWS] = {
	[GRAPH_IN] = "-->",
	[GRAPH_OUT] = "-.->",
	[GRAPH_SUBMIT] = "-->",
	[GRAPH_SERVICES] = "-.->",
};

static const struct graph_markup markup = {
	.special = "#&<>\"'`\\|;*_~$%{}[]()",
	.code = "#",
	.next = "<br/>",
	.bold = "<b>",
	.bold_end = "</b>",
	.danger = "<b>",
	.danger_end = "</b>",
};

static void add_label(const struct graph *graph, struct strbuf *out,
		      const struct graph_lines *lines, const struct graph_lines *dangers)
{
	strbuf_addch(out, '"');
	graph_write_lines(graph, out, &markup, lines, dangers);
	strbuf_addch(out, '"');
}

static void add_place(const struct graph *graph, struct strbuf *out, size_t index)
{
	const struct graph_place *place = &graph->places.items[index];

	strbuf_addf(out, "\t%sn%zu%s", place->cluster ? "\t" : "", index, roles[place->role].open);
	add_label(graph, out, &place->lines, &place->dangers);
	strbuf_addf(out, "%s:::%s\n", roles[place->role].close,
		    place->dangers.count ? "danger" : roles[place->role].name);
}

static void add_cluster(const struct graph *graph, struct strbuf *out, size_t index)
{
	const struct graph_cluster *cluster = &graph->clusters[index];

	if (!cluster->used)
		return;
	strbuf_addf(out, "\tsubgraph network%zu [", index);
	add_label(graph, out, &cluster->lines, NULL);
	strbuf_adds(out, "]\n");
	for (size_t i = 0; i < graph->places.count; i++)
		if (graph->places.items[i].cluster == index + 1)
			add_place(graph, out, i);
	strbuf_adds(out, "\tend\n");
}

static void add_edge(const struct graph *graph, struct strbuf *out, const struct graph_edge *edge)
{
	strbuf_addf(out, "\tn%zu %s|", edge->from, arrows[edge->flow]);
	add_label(graph, out, &edge->lines, &edge->dangers);
	strbuf_addf(out, "| n%zu\n", edge->to);
}

/* Mermaid knows links by their number. */
static void add_style(struct strbuf *out, const struct graph_edge *edge, size_t index)
{
	const char *color = graph_color_of(edge);

	strbuf_addf(out, "\tlinkStyle %zu stroke:%s,color:%s\n", index, color, color);
}

void graph_write_mermaid(const struct graph *graph, struct strbuf *out)
{
	strbuf_adds(out, "flowchart LR\n");
	for (size_t i = 0; i < graph->cluster_count; i++)
		add_cluster(graph, out, i);
	for (size_t i = 0; i < graph->places.count; i++)
		if (!graph->places.items[i].cluster && !graph->places.items[i].hidden)
			add_place(graph, out, i);
	for (size_t i = 0; i < graph->edges.count; i++)
		add_edge(graph, out, &graph->edges.items[i]);
	for (size_t i = 0; i < graph->edges.count; i++)
		add_style(out, &graph->edges.items[i], i);
	for (size_t i = 0; i < GRAPH_ROLES; i++)
		strbuf_addf(out, "\tclassDef %s fill:%s,stroke:" GRAPH_INK ",color:" GRAPH_INK "\n",
			    roles[i].name, roles[i].fill);
	strbuf_adds(out, "\tclassDef danger fill:#fdecee,stroke:" GRAPH_RED ",color:" GRAPH_RED
			 ",stroke-width:2px\n");
}
