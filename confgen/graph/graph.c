/* The places of the picture, and the networks around them; see graph.h. */
#include "confgen/graph/graph_private.h"
#include "confgen/graph/rules.h"
#include "confgen/topology/schema.h"

#define MOST_ADDRESSES 8 /* of a node in one network that are shown */

const struct graph_rule_row graph_rules[GRAPH_RULE_COUNT] = {
#define X(id, name, severity, summary) [GRAPH_RULE_##id] = {name, SEVERITY_##severity, summary},
	GRAPH_RULES(X)
#undef X
};

/* Dark enough on white for text, and told apart by those who see red and green alike. */
static const char *const colors[GRAPH_COLORS] = {
	"#0b63b5", "#1b7a4b", "#8a4fb0", "#a35200", "#0f7c8a", "#7a5c00", "#5b6470", "#3f3fbf",
};

bool graph_is_route(const struct graph_edge *edge)
{
	return edge->flow == GRAPH_IN || edge->flow == GRAPH_OUT;
}

const char *graph_color_of(const struct graph_edge *edge)
{
	if (edge->dangers.count)
		return GRAPH_RED;
	return graph_is_route(edge) ? colors[edge->color] : GRAPH_INK;
}

void graph_say(struct graph *graph, struct graph_lines *lines, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	*arena_push(graph->arena, lines) = arena_vprintf(graph->arena, format, args);
	va_end(args);
}

void graph_warn(struct graph *graph, struct graph_lines *marks, const char *mark,
		struct position at, const char *format, ...)
{
	char *sentence;
	va_list args;

	*arena_push(graph->arena, marks) = mark;
	va_start(args, format);
	sentence = arena_vprintf(graph->arena, format, args);
	va_end(args);
	if (!name_map_add(graph->told, sentence, sentence))
		*arena_push(graph->arena, &graph->dangers) = (struct graph_danger){sentence, at};
}

/* Places stand in the order of the nodes; the Internet comes last. */
size_t graph_place_of(const struct graph *graph, const struct node *node)
{
	const struct node_list *nodes = &graph->topology->nodes;

	return node == &graph->topology->internet ? nodes->count : (size_t)(node - nodes->items);
}

/* --- networks --- */

static void add_clusters(struct graph *graph)
{
	const struct named_network_list *networks = &graph->topology->networks;
	char text[IP_TEXT_SIZE];

	graph->cluster_count = networks->count;
	graph->clusters = arena_array(graph->arena, networks->count, sizeof(*graph->clusters));
	for (size_t i = 0; i < networks->count; i++) {
		struct graph_cluster *cluster = &graph->clusters[i];

		cluster->network = &networks->items[i];
		graph_say(graph, &cluster->lines, "%s", cluster->network->head.name.value);
		for (size_t j = 0; j < cluster->network->cidrs.count && j < MOST_ADDRESSES; j++)
			graph_say(graph, &cluster->lines, "%s",
				  ip_network_format(&cluster->network->cidrs.items[j].value, text));
	}
}

static size_t cluster_of(struct graph *graph, const struct network *network)
{
	size_t index = (size_t)(network - graph->topology->networks.items);

	graph->clusters[index].used = true;
	return index + 1;
}

/* A place can be drawn in one network only: the first that is not the Internet. */
static size_t home_of(struct graph *graph, const struct node *node)
{
	for (size_t i = 0; i < node->addresses.count; i++)
		if (node->addresses.items[i].network)
			return cluster_of(graph, node->addresses.items[i].network);
	return 0;
}

/* --- what is said of a node --- */

static void say_addresses(struct graph *graph, struct graph_lines *lines, const struct node *node)
{
	char text[IP_TEXT_SIZE];

	for (size_t i = 0; i < node->addresses.count; i++) {
		const struct attachment *in = &node->addresses.items[i];

		for (size_t j = 0; j < in->addresses.count && j < MOST_ADDRESSES; j++)
			graph_say(graph, lines, "%s: %s%s", in->head.name.value,
				  ip_format(&in->addresses.items[j].value, text),
				  node_is_container(node) && !in->network ? " (the host's, by NAT)"
									  : "");
		if (in->addresses.count > MOST_ADDRESSES)
			graph_say(graph, lines, "%s: %zu more", in->head.name.value,
				  in->addresses.count - MOST_ADDRESSES);
	}
}

static void say_signs(struct graph *graph, struct graph_lines *lines, const struct node *node)
{
	const struct domain_list *domains = &graph->topology->domains;
	const char *first = NULL;
	size_t count = 0;

	for (size_t i = 0; i < domains->count; i++)
		if (domains->items[i].dkim.signer == node && !count++)
			first = domains->items[i].head.name.value;
	if (count == 1)
		graph_say(graph, lines, "signs %s", first);
	if (count > 1)
		graph_say(graph, lines, "signs %zu domains", count);
}

static void say_kind(struct graph *graph, struct graph_lines *lines, const struct node *node)
{
	static const char *const kinds[] = {
		[KIND_POSTFIX] = "Postfix",	[KIND_DMS] = "docker-mailserver",
		[KIND_SMARTHOST] = "smarthost", [KIND_PROXY] = "proxy",
		[KIND_INTERNET] = "Internet",
	};

	if (node->kind.value == KIND_PROXY)
		graph_say(graph, lines, "proxy, %s", software_words[node->software.value]);
	else
		graph_say(graph, lines, "%s%s", kinds[node->kind.value],
			  node_is_container(node) ? " in a container" : "");
}

static enum graph_role role_of(const struct node *node)
{
	static const enum graph_role roles[] = {
		[KIND_POSTFIX] = GRAPH_POSTFIX,	    [KIND_DMS] = GRAPH_DMS,
		[KIND_SMARTHOST] = GRAPH_SMARTHOST, [KIND_PROXY] = GRAPH_PROXY,
		[KIND_INTERNET] = GRAPH_INTERNET,
	};

	return roles[node->kind.value];
}

static void add_node(struct graph *graph, const struct node *node)
{
	struct graph_place *place = arena_push(graph->arena, &graph->places);

	place->role = role_of(node);
	place->node = node;
	place->cluster = home_of(graph, node);
	graph_say(graph, &place->lines, "%s", node->head.name.value);
	say_kind(graph, &place->lines, node);
	if (node->hostname.value)
		graph_say(graph, &place->lines, "%s", node->hostname.value);
	if (node->kind.value == KIND_SMARTHOST && node->host.value)
		graph_say(graph, &place->lines, "%s", node->host.value);
	say_addresses(graph, &place->lines, node);
	say_signs(graph, &place->lines, node);
}

static void add_internet(struct graph *graph)
{
	struct graph_place *place = arena_push(graph->arena, &graph->places);

	place->role = GRAPH_INTERNET;
	place->node = &graph->topology->internet;
	graph_say(graph, &place->lines, "Internet");
}

/* Without a certificate, strangers cannot use TLS even if they want to. */
static void judge_doors(struct graph *graph)
{
	const struct topology *topology = graph->topology;

	for (size_t i = 0; i < topology->routes.count; i++) {
		const struct route *route = &topology->routes.items[i];
		const struct node *door = route_next(route, &topology->internet);
		struct graph_place *place;

		if (!door || door->kind.value != KIND_POSTFIX || door->tls.head.given)
			continue;
		place = &graph->places.items[graph_place_of(graph, door)];
		if (place->dangers.count)
			continue;
		graph_warn(graph, &place->dangers, "no certificate: mail comes in in clear",
			   door->head.at,
			   "%s has no certificate, so all mail from the Internet comes to it in "
			   "clear",
			   door->head.name.value);
	}
}

static void hide_internet(struct graph *graph)
{
	const size_t internet = graph_place_of(graph, &graph->topology->internet);
	bool used = false;

	for (size_t i = 0; i < graph->edges.count; i++)
		used |= graph->edges.items[i].from == internet ||
			graph->edges.items[i].to == internet;
	graph->places.items[internet].hidden = !used;
}

struct graph *graph_of_topology(struct arena *arena, const struct topology *topology)
{
	struct graph *graph = arena_alloc(arena, sizeof(*graph));

	graph->arena = arena;
	graph->topology = topology;
	graph->told = name_map_new(arena, 0);
	add_clusters(graph);
	for (size_t i = 0; i < topology->nodes.count; i++)
		add_node(graph, &topology->nodes.items[i]);
	add_internet(graph);
	judge_doors(graph);
	graph_add_routes(graph);
	graph_add_services(graph);
	hide_internet(graph);
	return graph;
}
