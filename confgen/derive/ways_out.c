/*
 * Which way mail leaves a node, by its sender: the next hop, what stands in when that does not
 * answer, and the client service that knows so. The first way may be the Internet itself, where
 * each recipient has hosts of its own: then only what stands in is a next hop.
 */
#include "confgen/derive/facts_private.h"
#include "confgen/derive/services.h"

/* The ways of some senders. Domains that follow one another often share them. */
struct ways {
	struct node *nodes[MOST_WAYS];
	size_t count;
	const struct route *route; /* the first one */
	const char *hop;	   /* NULL: straight to the hosts of the recipients */
	const char *service;	   /* with a colon, as tables want it; NULL: smtp */
};

static const char *hop_to(struct arena *arena, const struct facts *facts, const struct node *next)
{
	return next->kind.value == KIND_INTERNET
		       ? NULL
		       : facts_next_hop(arena, facts->topology, facts->node, next);
}

/* What Postfix takes for smtp_fallback_relay, in one word: all ways but the first. */
static const char *fallbacks_of(struct arena *arena, const struct facts *facts,
				const struct ways *ways)
{
	const char *list = "";

	for (size_t i = 1; i < ways->count; i++)
		list = arena_printf(arena, "%s%s%s", list, i > 1 ? "," : "",
				    hop_to(arena, facts, ways->nodes[i]));
	return list;
}

static bool same_fallbacks(const struct ways *a, const struct ways *b)
{
	return a->count == b->count &&
	       (a->count < 2 ||
		memcmp(a->nodes + 1, b->nodes + 1, (a->count - 1) * sizeof(a->nodes[0])) == 0);
}

static void find_ways(const struct facts *facts, const struct domain *domain, struct ways *ways)
{
	ways->route = topology_route_out(facts->topology, facts->node, domain);
	ways->count =
		topology_ways_out(facts->topology, facts->node, domain, ways->nodes, MOST_WAYS);
}

/* The ways of an address of its own: those of the routes that name it. */
static void find_sender_ways(const struct facts *facts, const char *address, struct ways *ways)
{
	*ways = (struct ways){0};
	for (size_t i = 0; i < facts->topology->routes.count && ways->count < MOST_WAYS; i++) {
		const struct route *route = &facts->topology->routes.items[i];
		struct node *next = route_next(route, facts->node);

		if (!next || !route_names_sender(route, address))
			continue;
		ways->route = ways->count ? ways->route : route;
		ways->nodes[ways->count++] = next;
	}
}

/* The null sender's: those of the first route that leaves the node, and of the domain it names
 * first. */
static void find_first_ways(const struct facts *facts, struct ways *ways)
{
	const struct route *first = topology_route_out(facts->topology, facts->node, NULL);

	*ways = (struct ways){0};
	if (!first)
		return;
	if (first->domains.count)
		find_ways(facts, first->domains.items[0].domain, ways);
	else if (first->senders.count)
		find_sender_ways(facts, first->senders.items[0].address, ways);
}

/* The first outbound route that goes on from the node to `next`. */
static const struct route *route_to(const struct facts *facts, const struct node *next)
{
	const struct route *route = facts->topology->routes.items;

	while (!route_is_outbound(route) || route_next(route, facts->node) != next)
		route++;
	return route;
}

/* Whether some mail goes straight from the node to the hosts of its recipients. */
static bool has_direct_way(const struct facts *facts)
{
	const struct topology *topology = facts->topology;

	for (size_t i = 0; i < topology->routes.count; i++)
		if (route_is_outbound(&topology->routes.items[i]) &&
		    route_next(&topology->routes.items[i], facts->node) == &topology->internet)
			return true;
	return false;
}

/*
 * What no sender domain decides, such as mail of the host itself, takes the ways of the null
 * sender; but where some mail goes straight out, that goes straight out as well.
 */
static void derive_default(struct arena *arena, struct facts *facts, const struct ways *first)
{
	if (!first->count)
		return;
	if (!has_direct_way(facts)) {
		facts->relayhost = hop_to(arena, facts, first->nodes[0]);
		facts->relayhost_at = first->route->head.at;
	}
	for (size_t i = 1; i < first->count; i++)
		*arena_push(arena, &facts->fallbacks) =
			(struct text){hop_to(arena, facts, first->nodes[i]),
				      route_to(facts, first->nodes[i])->head.at};
}

/* Fills in what follows from the ways. Services are told only what main.cf does not say. */
static void derive_ways(struct arena *arena, struct facts *facts, const struct ways *first,
			struct ways *ways)
{
	const char *special = same_fallbacks(ways, first) ? NULL : fallbacks_of(arena, facts, ways);
	const char *service = services_out(arena, facts, ways->route, ways->nodes[0], special);

	ways->hop = hop_to(arena, facts, ways->nodes[0]);
	ways->service = service ? arena_printf(arena, "%s:", service) : NULL;
}

static void push_sender(struct arena *arena, struct facts *facts, const char *key,
			const struct ways *ways, const char *usual)
{
	const char *service = ways->service ? ways->service : usual;

	if (ways->hop)
		facts_push_entry(arena, &facts->relayhosts, key, ways->hop, ways->route->head.at);
	if (service)
		facts_push_entry(arena, &facts->sender_services, key, service,
				 ways->route->head.at);
}

static void derive_domains(struct arena *arena, struct facts *facts, const struct ways *first)
{
	const struct topology *topology = facts->topology;
	struct ways last = {0}, ways = {0};

	for (size_t i = 0; i < topology->domains.count; i++) {
		const struct domain *domain = &topology->domains.items[i];

		find_ways(facts, domain, &ways);
		if (!ways.count)
			continue;
		if (ways.route != last.route || ways.nodes[0] != last.nodes[0] ||
		    !same_fallbacks(&ways, &last)) {
			derive_ways(arena, facts, first, &ways);
			last = ways;
		}
		push_sender(arena, facts, arena_printf(arena, "@%s", domain->head.name.value),
			    &last, NULL);
	}
}

void facts_derive_ways_out(struct arena *arena, struct facts *facts)
{
	const struct topology *topology = facts->topology;
	struct ways first, ways;

	find_first_ways(facts, &first);
	derive_default(arena, facts, &first);
	derive_domains(arena, facts, &first);
	for (size_t i = 0; i < topology->routes.count; i++) {
		const struct route *route = &topology->routes.items[i];

		/* a row that says smtp undoes the service of the sender's domain */
		for (size_t j = 0; route_next(route, facts->node) && j < route->senders.count;
		     j++) {
			find_sender_ways(facts, route->senders.items[j].address, &ways);
			derive_ways(arena, facts, &first, &ways);
			push_sender(arena, facts, route->senders.items[j].address, &ways, "smtp:");
		}
	}
	if (!first.count)
		return;
	derive_ways(arena, facts, &first, &first);
	push_sender(arena, facts, "<>", &first, NULL);
}
