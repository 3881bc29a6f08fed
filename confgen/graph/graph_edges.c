/* The routes of the picture: an edge for each hop, with what holds between its two ends. */
#include "confgen/derive/hops.h"
#include "confgen/graph/graph_private.h"
#include "confgen/topology/schema.h"

#define MOST_PARALLEL 4 /* edges that routes have between two places; more share one */
#define MOST_NAMED    3 /* of the routes that share one */

/* The edges of one direction between two places. */
struct bundle {
	size_t edges[MOST_PARALLEL];
	size_t count; /* of routes */
};

struct drawing {
	struct graph *graph;
	struct name_map *bundles;
	const struct route *route;
	size_t color;
};

/* --- what is said of a hop --- */

static void say_trust(struct graph *graph, struct graph_edge *edge, const struct route_hop *hop)
{
	const struct link *link = hop->link;

	if (hop->known == KNOWN_LOGIN)
		graph_say(graph, &edge->lines, "with a login");
	else if (hop->known == KNOWN_ADDRESS)
		graph_say(graph, &edge->lines, "trusts %s", hop->from->head.name.value);
	else if (hop->known == KNOWN_NETWORK)
		graph_warn(graph, &edge->dangers,
			   arena_printf(graph->arena, "trusts all of %s",
					link->network->head.name.value),
			   link->trust.at,
			   "%s trusts all of the network %s: whatever runs there may relay",
			   hop->to->head.name.value, link->network->head.name.value);
}

static void say_clear(struct graph *graph, struct graph_edge *edge, const struct route_hop *hop)
{
	if (hop->clear)
		graph_warn(graph, &edge->dangers, "may cross the Internet in clear", hop->at,
			   "mail from %s to %s may cross the Internet in clear: the TLS level is "
			   "%s",
			   hop->from->head.name.value, hop->to->head.name.value,
			   tls_level_words[hop->tls]);
}

static void say_egress(struct graph *graph, struct graph_edge *edge, const struct egress *egress)
{
	if (egress && egress->ipv4.value)
		graph_say(graph, &edge->lines, "from %s", egress->ipv4.value);
	if (egress && egress->ipv6.value)
		graph_say(graph, &edge->lines, "from %s", egress->ipv6.value);
}

static void say_passage(struct graph *graph, struct graph_edge *edge, const struct route_hop *hop)
{
	const char *to = hop->to->head.name.value, *proxy = hop->from->head.name.value;

	graph_say(graph, &edge->lines, "PROXY %s, port %lu%s",
		  proxy_protocol_words[hop->from->proxy_protocol.value], hop->port,
		  hop->listener->through.value == THROUGH_GATE ? " by postern-gate" : "");
	if (listener_is_exposed(graph->topology, hop->to, hop->listener))
		graph_warn(graph, &edge->dangers, "others reach this port", hop->at,
			   "%s believes any PROXY header at port %lu, and others than %s reach "
			   "it: the firewall file postern.nft must be loaded",
			   to, hop->port, proxy);
}

static void say_hop(struct graph *graph, struct graph_edge *edge, const struct route_hop *hop)
{
	if (hop->listener)
		say_passage(graph, edge, hop);
	else if (hop->tls_known)
		graph_say(graph, &edge->lines, "port %lu, TLS %s%s", hop->port,
			  tls_level_words[hop->tls], hop->wrapper ? " from the first octet" : "");
	else
		graph_say(graph, &edge->lines, "port %lu", hop->port);
	say_trust(graph, edge, hop);
	say_clear(graph, edge, hop);
	say_egress(graph, edge, hop->egress);
}

/* --- edges --- */

static struct bundle *bundle_of(struct drawing *drawing, size_t from, size_t to)
{
	struct arena *arena = drawing->graph->arena;
	const char *key =
		arena_printf(arena, "%zu %zu %d", from, to, route_is_outbound(drawing->route));
	struct bundle *bundle = name_map_find(drawing->bundles, key);

	if (!bundle) {
		bundle = arena_alloc(arena, sizeof(*bundle));
		name_map_add(drawing->bundles, key, bundle);
	}
	return bundle;
}

/* One edge more than there is room for: the last that there is stands for it as well. */
static void share_edge(struct graph *graph, struct graph_edge *edge, const struct route *route)
{
	edge->routes++;
	if (edge->routes <= MOST_NAMED)
		edge->lines.items[0] = arena_printf(graph->arena, "%s, %s", edge->lines.items[0],
						    route->label.value);
	else if (edge->routes == MOST_NAMED + 1)
		edge->lines.items[0] =
			arena_printf(graph->arena, "%s and more", edge->lines.items[0]);
}

static void add_edge(struct drawing *drawing, const struct route_hop *hop)
{
	struct graph *graph = drawing->graph;
	const size_t from = graph_place_of(graph, hop->from), to = graph_place_of(graph, hop->to);
	struct bundle *bundle = bundle_of(drawing, from, to);
	struct graph_edge *edge;

	if (bundle->count++ >= MOST_PARALLEL) {
		share_edge(graph, &graph->edges.items[bundle->edges[MOST_PARALLEL - 1]],
			   drawing->route);
		return;
	}
	bundle->edges[bundle->count - 1] = graph->edges.count;
	edge = arena_push(graph->arena, &graph->edges);
	edge->flow = route_is_outbound(drawing->route) ? GRAPH_OUT : GRAPH_IN;
	edge->from = from;
	edge->to = to;
	edge->color = drawing->color;
	edge->routes = 1;
	graph_say(graph, &edge->lines, "%s", drawing->route->label.value);
	say_hop(graph, edge, hop);
}

void graph_add_routes(struct graph *graph)
{
	const struct route_list *routes = &graph->topology->routes;
	struct drawing drawing = {.graph = graph,
				  .bundles = name_map_new(graph->arena, routes->count)};

	for (size_t i = 0; i < routes->count; i++) {
		const struct route_hops hops =
			hops_of_route(graph->arena, graph->topology, &routes->items[i]);

		drawing.route = &routes->items[i];
		drawing.color = i % GRAPH_COLORS;
		for (size_t hop = 0; hop < hops.count; hop++)
			add_edge(&drawing, &hops.items[hop]);
	}
}
