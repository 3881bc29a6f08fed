/* What the picture shows besides routes: clients that submit mail, and ports behind proxies. */
#include "confgen/derive/hops.h"
#include "confgen/graph/graph_private.h"
#include "confgen/topology/schema.h"

#define MOST_SERVICES 8 /* of a proxy that are named */
#define SUBMISSION    587

/* A network with more addresses than these is none that one person oversees. */
#define WIDE_IPV4 16 /* prefix, in bits */
#define WIDE_IPV6 48

/* --- clients --- */

static bool is_wide(const struct ip_network *network)
{
	return network->prefix < (network->address.family == IP_V6 ? WIDE_IPV6 : WIDE_IPV4);
}

static void judge_clients(struct graph *graph, struct graph_edge *edge, const struct node *node,
			  size_t client)
{
	const struct network *network = node->client_networks[client];
	char text[IP_TEXT_SIZE];

	for (size_t i = 0; i < network->cidrs.count; i++) {
		const struct ip_network *cidr = &network->cidrs.items[i].value;

		if (!is_wide(cidr))
			continue;
		graph_warn(graph, &edge->dangers, "open to a very wide network",
			   node->clients.items[client].at,
			   "whoever has an address in %s may submit mail to %s without a login",
			   ip_network_format(cidr, text), node->head.name.value);
		return;
	}
}

static void add_clients(struct graph *graph, const struct node *node, size_t client)
{
	const struct network *network = node->client_networks[client];
	const size_t cluster = (size_t)(network - graph->topology->networks.items);
	const size_t index = graph->places.count;
	struct graph_place *place = arena_push(graph->arena, &graph->places);
	struct graph_edge *edge = arena_push(graph->arena, &graph->edges);

	place->role = GRAPH_CLIENTS;
	place->cluster = cluster + 1;
	graph->clusters[cluster].used = true;
	graph_say(graph, &place->lines, "clients");
	graph_say(graph, &place->lines, "of %s", network->head.name.value);
	edge->flow = GRAPH_SUBMIT;
	edge->from = index;
	edge->to = graph_place_of(graph, node);
	graph_say(graph, &edge->lines, "submission");
	graph_say(graph, &edge->lines, "port %d, no login", SUBMISSION);
	judge_clients(graph, edge, node, client);
}

/* --- ports behind proxies --- */

/* Whether a route goes through the proxy to the listener: then the port is drawn already. */
static bool is_on_route(const struct topology *topology, const struct node *node,
			const struct listener *listener)
{
	for (size_t i = 0; i < topology->routes.count; i++) {
		const struct route *route = &topology->routes.items[i];

		for (size_t j = 0; j < route->proxies.count; j++)
			if (route->proxies.items[j].proxy == listener->proxy &&
			    route->hops[route->proxies.items[j].before] == node)
				return true;
	}
	return false;
}

static void say_port(struct graph *graph, struct graph_edge *edge, const struct listener *listener)
{
	const char *service = service_words[listener->service.value];

	if (listener->through.value == THROUGH_SECOND_PORT)
		graph_say(graph, &edge->lines, "%s, port %lu to %lu", service, listener->port.value,
			  listener->proxy_port.value);
	else
		graph_say(graph, &edge->lines, "%s, port %lu", service, listener->port.value);
}

/* Between this proxy and the node, one edge for all that is on no route. */
static void add_ports(struct graph *graph, const struct node *node, const struct node *proxy)
{
	struct graph_edge *edge = NULL;
	size_t count = 0;

	for (size_t i = 0; i < node->listeners.count; i++) {
		const struct listener *listener = &node->listeners.items[i];

		if (listener->proxy != proxy || (listener->service.value == SERVICE_SMTP &&
						 is_on_route(graph->topology, node, listener)))
			continue;
		if (!edge) {
			edge = arena_push(graph->arena, &graph->edges);
			edge->flow = GRAPH_SERVICES;
			edge->from = graph_place_of(graph, proxy);
			edge->to = graph_place_of(graph, node);
			graph_say(graph, &edge->lines, "PROXY %s",
				  proxy_protocol_words[proxy->proxy_protocol.value]);
		}
		if (count++ < MOST_SERVICES)
			say_port(graph, edge, listener);
		if (!edge->dangers.count && listener_is_exposed(graph->topology, node, listener))
			graph_warn(graph, &edge->dangers, "others reach these ports",
				   listener->head.at,
				   "%s believes any PROXY header at port %lu, and others than %s "
				   "reach it: the firewall file postern.nft must be loaded",
				   node->head.name.value, listener_proxied_port(listener),
				   proxy->head.name.value);
	}
	if (count > MOST_SERVICES)
		graph_say(graph, &edge->lines, "%zu more", count - MOST_SERVICES);
}

/* Whether an earlier listener of the node has the same proxy. */
static bool is_repeated(const struct node *node, size_t listener)
{
	for (size_t i = 0; i < listener; i++)
		if (node->listeners.items[i].proxy == node->listeners.items[listener].proxy)
			return true;
	return false;
}

void graph_add_services(struct graph *graph)
{
	const struct node_list *nodes = &graph->topology->nodes;

	for (size_t i = 0; i < nodes->count; i++) {
		const struct node *node = &nodes->items[i];

		for (size_t j = 0; j < node->listeners.count; j++)
			if (!is_repeated(node, j))
				add_ports(graph, node, node->listeners.items[j].proxy);
		for (size_t j = 0; j < node->client_count; j++)
			add_clients(graph, node, j);
	}
}
