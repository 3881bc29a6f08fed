/* The routes of the picture: an edge for each hop, with what holds between its two ends. */
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

/* The listener of `node` that the proxy passes mail to, or NULL. */
static const struct listener *listener_behind(const struct node *proxy, const struct node *node)
{
	for (size_t i = 0; i < node->listeners.count; i++)
		if (node->listeners.items[i].proxy == proxy &&
		    node->listeners.items[i].service.value == SERVICE_SMTP)
			return &node->listeners.items[i];
	return NULL;
}

static bool takes_login(const struct link *link, const struct node *at)
{
	for (size_t i = 0; link->trust.value == TRUST_SASL && i < link->credentials.count; i++)
		if (link->credentials.items[i].node == at)
			return true;
	return false;
}

/* How `to` knows `from`: relays must, and mailbox hosts must not judge who relays to them. */
static void say_trust(struct graph *graph, struct graph_edge *edge, const struct link *link,
		      const struct route *route, const struct node *from, const struct node *to)
{
	const bool trusts = route_is_outbound(route) || !route_next(route, to);

	if (takes_login(link, to))
		graph_say(graph, &edge->lines, "with a login");
	else if (trusts && link->trust.value == TRUST_ADDRESS)
		graph_say(graph, &edge->lines, "trusts %s", from->head.name.value);
	else if (trusts && link->trust.value == TRUST_NETWORK)
		graph_warn(graph, &edge->dangers,
			   arena_printf(graph->arena, "trusts all of %s",
					link->network->head.name.value),
			   link->trust.at,
			   "%s trusts all of the network %s: whatever runs there may relay",
			   to->head.name.value, link->network->head.name.value);
}

static void say_link(struct graph *graph, struct graph_edge *edge, const struct link *link,
		     const struct route *route, const struct node *from, const struct node *to)
{
	graph_say(graph, &edge->lines, "port %lu, TLS %s", link->port.value,
		  tls_level_words[link->tls.value]);
	say_trust(graph, edge, link, route, from, to);
	if (!link->network && link->tls.value < TLS_ENCRYPT)
		graph_warn(graph, &edge->dangers, "may cross the Internet in clear",
			   link->tls.given ? link->tls.at : link->head.at,
			   "mail from %s to %s may cross the Internet in clear: the link's TLS "
			   "level is %s",
			   from->head.name.value, to->head.name.value,
			   tls_level_words[link->tls.value]);
}

static void say_smarthost(struct graph *graph, struct graph_edge *edge, const struct node *from,
			  const struct node *to)
{
	graph_say(graph, &edge->lines, "port %lu, TLS %s%s", to->port.value,
		  tls_level_words[to->tls_level.value],
		  to->tls_mode.value == TLS_WRAPPER ? " from the first octet" : "");
	if (to->credentials.head.given || to->sender_credentials.count)
		graph_say(graph, &edge->lines, "with a login");
	if (to->tls_level.value < TLS_ENCRYPT)
		graph_warn(graph, &edge->dangers, "may cross the Internet in clear",
			   to->tls_level.given ? to->tls_level.at : to->head.at,
			   "mail from %s to the smarthost %s may cross the Internet in clear: its "
			   "TLS level is %s",
			   from->head.name.value, to->head.name.value,
			   tls_level_words[to->tls_level.value]);
}

static void say_egress(struct graph *graph, struct graph_edge *edge, const struct route *route,
		       const struct node *from)
{
	const struct egress *egress = route->egress.head.given	? &route->egress
				      : from->egress.head.given ? &from->egress
								: NULL;

	if (!egress)
		return;
	if (egress->ipv4.value)
		graph_say(graph, &edge->lines, "from %s", egress->ipv4.value);
	if (egress->ipv6.value)
		graph_say(graph, &edge->lines, "from %s", egress->ipv6.value);
}

static void say_passage(struct graph *graph, struct graph_edge *edge, const struct node *proxy,
			const struct node *to)
{
	const struct listener *listener = listener_behind(proxy, to);
	bool gated;

	if (!listener)
		return;
	gated = listener->through.value == THROUGH_GATE;
	graph_say(graph, &edge->lines, "PROXY %s, port %lu%s",
		  proxy_protocol_words[proxy->proxy_protocol.value],
		  gated ? listener->port.value : listener->proxy_port.value,
		  gated ? " by postern-gate" : "");
	if (graph_is_exposed(graph->topology, to, listener))
		graph_warn(graph, &edge->dangers, "others reach this port", listener->head.at,
			   "%s believes any PROXY header at port %lu, and others than %s reach "
			   "it: the firewall file postern.nft must be loaded",
			   to->head.name.value, listener->proxy_port.value, proxy->head.name.value);
}

static void say_hop(struct graph *graph, struct graph_edge *edge, const struct route *route,
		    const struct node *from, const struct node *to)
{
	const struct link *link = topology_link(graph->topology, from, to);

	if (from->kind.value == KIND_PROXY)
		say_passage(graph, edge, from, to);
	else if (link)
		say_link(graph, edge, link, route, from, to);
	else if (to->kind.value == KIND_SMARTHOST)
		say_smarthost(graph, edge, from, to);
	else if (to->kind.value == KIND_INTERNET)
		graph_say(graph, &edge->lines, "port 25, TLS %s",
			  tls_level_words[from->outbound_tls.value]);
	else
		graph_say(graph, &edge->lines, "port 25");
	if (to->kind.value == KIND_INTERNET || to->kind.value == KIND_SMARTHOST)
		say_egress(graph, edge, route, from);
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

static void add_edge(struct drawing *drawing, const struct node *from, const struct node *to)
{
	struct graph *graph = drawing->graph;
	const size_t ends[] = {graph_place_of(graph, from), graph_place_of(graph, to)};
	struct bundle *bundle = bundle_of(drawing, ends[0], ends[1]);
	struct graph_edge *edge;

	if (bundle->count++ >= MOST_PARALLEL) {
		share_edge(graph, &graph->edges.items[bundle->edges[MOST_PARALLEL - 1]],
			   drawing->route);
		return;
	}
	bundle->edges[bundle->count - 1] = graph->edges.count;
	edge = arena_push(graph->arena, &graph->edges);
	edge->flow = route_is_outbound(drawing->route) ? GRAPH_OUT : GRAPH_IN;
	edge->from = ends[0];
	edge->to = ends[1];
	edge->color = drawing->color;
	edge->routes = 1;
	graph_say(graph, &edge->lines, "%s", drawing->route->label.value);
	say_hop(graph, edge, drawing->route, from, to);
}

/* The proxies that stand before the hop lie between it and the last one. */
static void add_hop(struct drawing *drawing, size_t hop)
{
	const struct route *route = drawing->route;
	const struct node *from = route->hops[hop - 1];

	for (size_t i = 0; i < route->proxies.count; i++)
		if (route->proxies.items[i].before == hop) {
			add_edge(drawing, from, route->proxies.items[i].proxy);
			from = route->proxies.items[i].proxy;
		}
	add_edge(drawing, from, route->hops[hop]);
}

void graph_add_routes(struct graph *graph)
{
	const struct route_list *routes = &graph->topology->routes;
	struct drawing drawing = {.graph = graph,
				  .bundles = name_map_new(graph->arena, routes->count)};

	for (size_t i = 0; i < routes->count; i++) {
		drawing.route = &routes->items[i];
		drawing.color = i % GRAPH_COLORS;
		for (size_t hop = 1; hop < drawing.route->hop_count; hop++)
			add_hop(&drawing, hop);
	}
}
