/* Which ways mail takes out of a node; see ways.h. */
#include "confgen/topology/ways.h"

#include <string.h>

struct ways ways_of_domain(const struct topology *topology, const struct node *node,
			   const struct domain *domain)
{
	struct ways ways = {.route = topology_route_out(topology, node, domain)};

	ways.count = topology_ways_out(topology, node, domain, ways.nodes, MOST_WAYS);
	if (ways.count > MOST_WAYS)
		ways.count = MOST_WAYS;
	return ways;
}

struct ways ways_of_sender(const struct topology *topology, const struct node *node,
			   const char *address)
{
	struct ways ways = {.count = 0};

	for (size_t i = 0; i < topology->routes.count && ways.count < MOST_WAYS; i++) {
		const struct route *route = &topology->routes.items[i];
		struct node *next = route_next(route, node);

		if (!next || !route_names_sender(route, address))
			continue;
		ways.route = ways.count ? ways.route : route;
		ways.nodes[ways.count++] = next;
	}
	return ways;
}

struct ways ways_of_nobody(const struct topology *topology, const struct node *node)
{
	const struct route *first = topology_route_out(topology, node, NULL);

	if (first && first->domains.count)
		return ways_of_domain(topology, node, first->domains.items[0].domain);
	if (first && first->senders.count)
		return ways_of_sender(topology, node, first->senders.items[0].address);
	return (struct ways){.count = 0};
}

bool ways_same_fallbacks(const struct ways *a, const struct ways *b)
{
	return a->count == b->count &&
	       (a->count < 2 ||
		memcmp(a->nodes + 1, b->nodes + 1, (a->count - 1) * sizeof(a->nodes[0])) == 0);
}

bool ways_are_direct(const struct topology *topology, const struct node *node)
{
	for (size_t i = 0; i < topology->routes.count; i++)
		if (route_is_outbound(&topology->routes.items[i]) &&
		    route_next(&topology->routes.items[i], node) == &topology->internet)
			return true;
	return false;
}

bool ways_are_apart(const struct ways *ways, const struct ways *usual, bool direct)
{
	if (!ways->count)
		return false;
	if (!ways_same_fallbacks(ways, usual))
		return true;
	if (direct)
		return ways->nodes[0]->kind.value != KIND_INTERNET ||
		       ways->route->egress.head.given;
	/* what binds them is the route's, or follows from the next hop */
	return ways->nodes[0] != usual->nodes[0] ||
	       (ways->route != usual->route &&
		(ways->route->egress.head.given || usual->route->egress.head.given));
}

size_t ways_count_apart(const struct topology *topology, const struct node *node)
{
	const struct ways usual = ways_of_nobody(topology, node);
	const bool direct = ways_are_direct(topology, node);
	size_t count = 0;

	for (size_t i = 0; i < topology->domains.count && usual.count; i++) {
		const struct ways ways =
			ways_of_domain(topology, node, &topology->domains.items[i]);

		count += ways_are_apart(&ways, &usual, direct);
	}
	return count;
}
