/*
 * Which way mail leaves a node, by its sender: the next hop, what stands in when that does not
 * answer, and the client service that knows so. The first way may be the Internet itself, where
 * each recipient has hosts of its own: then only what stands in is a next hop.
 */
#include "confgen/derive/facts_private.h"
#include "confgen/derive/services.h"
#include "confgen/topology/ways.h"

/* How mail that takes some ways leaves. */
struct departure {
	const char *hop;     /* NULL: straight to the hosts of the recipients */
	const char *service; /* with a colon, as tables want it; NULL: as everywhere */
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

/* The first outbound route that goes on from the node to `next`. */
static const struct route *route_to(const struct facts *facts, const struct node *next)
{
	const struct route *route = facts->topology->routes.items;

	while (!route_is_outbound(route) || route_next(route, facts->node) != next)
		route++;
	return route;
}

/* Domains that follow one another often take the same ways. Services are told only what main.cf
 * does not say. */
static struct departure depart(struct arena *arena, struct facts *facts, const struct ways *first,
			       const struct ways *ways)
{
	const char *special =
		ways_same_fallbacks(ways, first) ? NULL : fallbacks_of(arena, facts, ways);
	const char *service = services_out(arena, facts, ways->route, ways->nodes[0], special);

	return (struct departure){
		.hop = hop_to(arena, facts, ways->nodes[0]),
		.service = service ? arena_printf(arena, "%s:", service) : facts->usual_service,
	};
}

/*
 * What no sender domain decides, such as mail of the host itself, takes the ways of the null
 * sender; but where some mail goes straight out, that goes straight out as well.
 */
static void derive_default(struct arena *arena, struct facts *facts, const struct ways *first)
{
	struct departure departure;

	if (!first->count)
		return;
	if (!ways_are_direct(facts->topology, facts->node)) {
		departure = depart(arena, facts, first, first);
		facts->relayhost = departure.hop;
		facts->relayhost_at = first->route->head.at;
		facts->default_service =
			services_out(arena, facts, first->route, first->nodes[0], NULL);
		facts->usual_service = departure.service ? "smtp:" : NULL;
	}
	for (size_t i = 1; i < first->count; i++)
		*arena_push(arena, &facts->fallbacks) =
			(struct text){hop_to(arena, facts, first->nodes[i]),
				      route_to(facts, first->nodes[i])->head.at};
}

static void push_sender(struct arena *arena, struct facts *facts, const char *key,
			const struct departure *departure, struct position at)
{
	if (departure->hop)
		facts_push_entry(arena, &facts->relayhosts, key, departure->hop, at);
	if (departure->service)
		facts_push_entry(arena, &facts->sender_services, key, departure->service, at);
}

static void derive_domains(struct arena *arena, struct facts *facts, const struct ways *first)
{
	const struct topology *topology = facts->topology;
	struct ways last = {.count = 0}, ways;
	struct departure departure = {0};

	for (size_t i = 0; i < topology->domains.count; i++) {
		const struct domain *domain = &topology->domains.items[i];

		ways = ways_of_domain(topology, facts->node, domain);
		if (!ways.count)
			continue;
		if (ways.route != last.route || ways.nodes[0] != last.nodes[0] ||
		    !ways_same_fallbacks(&ways, &last)) {
			departure = depart(arena, facts, first, &ways);
			last = ways;
		}
		push_sender(arena, facts, arena_printf(arena, "@%s", domain->head.name.value),
			    &departure, ways.route->head.at);
	}
}

/* A row that says smtp undoes the service of the sender's domain. */
static void derive_addresses(struct arena *arena, struct facts *facts, const struct ways *first,
			     const struct route *route)
{
	for (size_t i = 0; route_next(route, facts->node) && i < route->senders.count; i++) {
		const char *address = route->senders.items[i].address;
		const struct ways ways = ways_of_sender(facts->topology, facts->node, address);
		struct departure departure = depart(arena, facts, first, &ways);

		if (!departure.service)
			departure.service = "smtp:";
		push_sender(arena, facts, address, &departure, ways.route->head.at);
	}
}

void facts_derive_ways_out(struct arena *arena, struct facts *facts)
{
	const struct topology *topology = facts->topology;
	const struct ways first = ways_of_nobody(topology, facts->node);
	struct departure departure;

	derive_default(arena, facts, &first);
	derive_domains(arena, facts, &first);
	for (size_t i = 0; i < topology->routes.count; i++)
		derive_addresses(arena, facts, &first, &topology->routes.items[i]);
	if (!first.count)
		return;
	departure = depart(arena, facts, &first, &first);
	push_sender(arena, facts, "<>", &departure, first.route->head.at);
	facts_derive_subdomains(arena, facts);
}
