/*
 * Whether one way out of a node can stand in for another. The first is taken, the others are
 * Postfix's smtp_fallback_relay: a list of hosts that a client service tries after those of the
 * first way, from the same address, with the same TLS mode, and with a login that is looked up by
 * sender first.
 */
#include "confgen/topology/load.h"
#include "confgen/topology/rules.h"

static const char *name_of(const struct node *node)
{
	return node->head.name.value;
}

/* The routes that lead on from a node to different ones, in their order. */
struct ways {
	const struct route *routes[MOST_WAYS];
	size_t count;
};

/* Those of a domain, or of a sender address; of all mail where both are NULL. */
static struct ways ways_of(const struct topology *topology, const struct node *node,
			   const struct domain *domain, const char *address)
{
	struct ways ways = {.count = 0};

	for (size_t i = 0; i < topology->routes.count; i++) {
		const struct route *route = &topology->routes.items[i];
		const struct node *next = route_next(route, node);
		bool known = false;

		if (!next || !route_is_outbound(route) ||
		    (domain && !route_serves(route, domain)) ||
		    (address && !route_names_sender(route, address)))
			continue;
		for (size_t j = 0; j < ways.count && j < MOST_WAYS; j++)
			known |= route_next(ways.routes[j], node) == next;
		if (!known && ways.count < MOST_WAYS)
			ways.routes[ways.count] = route;
		ways.count += !known;
	}
	return ways;
}

static bool same_routes(const struct ways *a, const struct ways *b)
{
	return a->count == b->count &&
	       memcmp(a->routes, b->routes, a->count * sizeof(a->routes[0])) == 0;
}

/* Whether they lead to the same nodes. */
static bool same_ways(const struct node *node, const struct ways *a, const struct ways *b)
{
	for (size_t i = 0; i < a->count && i < MOST_WAYS && a->count == b->count; i++)
		if (route_next(a->routes[i], node) != route_next(b->routes[i], node))
			return false;
	return a->count == b->count;
}

/* --- what a client service has one of --- */

/* The addresses that mail of the route is bound to when it leaves `node` for `next`; or NULL. */
static const struct egress *egress_by(const struct topology *topology, const struct route *route,
				      const struct node *node, const struct node *next)
{
	const struct link *link = topology_link(topology, node, next);

	if (route->egress.head.given && next->kind.value >= KIND_SMARTHOST)
		return &route->egress;
	for (size_t i = 0; link && i < link->egress.count; i++)
		if (link->egress.items[i].node == node)
			return &link->egress.items[i];
	return node->egress.head.given ? &node->egress : NULL;
}

static bool same_text(const struct text *a, const struct text *b)
{
	return a->value && b->value ? strcmp(a->value, b->value) == 0 : a->value == b->value;
}

static bool same_egress(const struct egress *a, const struct egress *b)
{
	return a == b || (a && b && same_text(&a->ipv4, &b->ipv4) &&
			  same_text(&a->ipv6, &b->ipv6) && same_text(&a->helo, &b->helo));
}

static bool is_wrapped(const struct node *next)
{
	return next->kind.value == KIND_SMARTHOST && next->tls_mode.value == TLS_WRAPPER;
}

static const struct network *network_to(const struct topology *topology, const struct node *node,
					const struct node *next)
{
	const struct link *link = topology_link(topology, node, next);

	return link ? link->network : NULL;
}

static void verify_address(const struct topology *topology, const struct node *node,
			   const struct route *first, const struct route *route,
			   struct diagnostics *list)
{
	const struct node *one = route_next(first, node), *other = route_next(route, node);
	const struct egress *egress = egress_by(topology, first, node, one);

	if (same_egress(egress, egress_by(topology, route, node, other)) &&
	    (!egress || (!egress->ipv4.value && !egress->ipv6.value) ||
	     network_to(topology, node, one) == network_to(topology, node, other)))
		return;
	report(list, ROUTE_CONFLICT, route->head.at,
	       "'%s' cannot fall back from '%s' on '%s': mail leaves from another address there",
	       name_of(node), name_of(one), name_of(other));
	diagnostics_hint(list,
			 "Postfix binds both to one address: give both routes the same egress, "
			 "or none");
}

static void verify_login(const struct node *node, const struct node *login,
			 const struct node *other, const struct route *route,
			 struct diagnostics *list)
{
	if (login->kind.value != KIND_SMARTHOST || !login->sender_credentials.count)
		return;
	report(list, CREDENTIALS, route->head.at,
	       "'%s' would present the logins of '%s' to '%s' as well: they are chosen by sender",
	       name_of(node), name_of(login), name_of(other));
	diagnostics_hint(list,
			 "'%s' cannot have sender_credentials where another way stands in for "
			 "it, or it for another",
			 name_of(login));
}

/* Whether mail of the first route can take the other when that fails. */
static void verify_fallback(const struct topology *topology, const struct node *node,
			    const struct route *first, const struct route *route,
			    struct diagnostics *list)
{
	const struct node *one = route_next(first, node), *other = route_next(route, node);

	if (other->kind.value == KIND_INTERNET) {
		report(list, ROUTE_CONFLICT, route->head.at,
		       "'%s' cannot fall back on the internet: there each recipient has hosts of "
		       "its own",
		       name_of(node));
		diagnostics_hint(list, "let the route to the internet come first, and the relays "
				       "stand in for it");
		return;
	}
	if (is_wrapped(one) != is_wrapped(other)) {
		report(list, ROUTE_CONFLICT, route->head.at,
		       "'%s' cannot fall back from '%s' on '%s': one wants TLS from the first "
		       "octet, the other STARTTLS",
		       name_of(node), name_of(one), name_of(other));
		diagnostics_hint(list, "reach both the same way: port 587, or tls_mode: wrapper");
	}
	verify_address(topology, node, first, route, list);
	verify_login(node, one, other, route, list);
	verify_login(node, other, one, route, list);
}

/* Whether all ways but the first can stand in for it. */
static void verify_ways(const struct topology *topology, const struct node *node,
			const struct ways *ways, struct diagnostics *list)
{
	if (ways->count > MOST_WAYS) {
		report(list, ROUTE_CONFLICT, node->head.name.at,
		       "'%s' has %zu ways out: %d is the most to fall back on", name_of(node),
		       ways->count, MOST_WAYS);
		return;
	}
	for (size_t i = 1; i < ways->count; i++)
		verify_fallback(topology, node, ways->routes[0], ways->routes[i], list);
}

/* --- one node --- */

/* docker-mailserver's overrides make no new services: there is one list for the host. */
static void verify_one_list(const struct node *node, const struct domain *domain,
			    const struct ways *all, const struct ways *some,
			    struct diagnostics *list)
{
	const struct route *route = some->routes[0];

	if (node->kind.value != KIND_DMS || !some->count || same_ways(node, all, some))
		return;
	report(list, ROUTE_CONFLICT, route->head.at,
	       "'%s' has fall-back ways out, but %s has not the same ones as the other domains",
	       name_of(node), domain->head.name.value);
	diagnostics_hint(list,
			 "docker-mailserver has one smtp_fallback_relay list: give all domains "
			 "that leave it the same paths, in the same order, or let them fall "
			 "back at a node of kind postfix");
}

static bool has_fallbacks(const struct topology *topology, const struct node *node)
{
	struct node *ways[1];

	for (size_t i = 0; i < topology->domains.count; i++)
		if (topology_ways_out(topology, node, &topology->domains.items[i], ways, 1) > 1)
			return true;
	return false;
}

static void verify_senders(const struct topology *topology, const struct node *node,
			   const struct route *route, struct diagnostics *list)
{
	for (size_t i = 0; i < route->senders.count && route_next(route, node); i++) {
		const struct ways ways =
			ways_of(topology, node, NULL, route->senders.items[i].address);

		if (ways.routes[0] == route)
			verify_ways(topology, node, &ways, list);
	}
}

static void verify_node(const struct topology *topology, const struct node *node,
			struct diagnostics *list)
{
	const struct ways all = ways_of(topology, node, NULL, NULL);
	struct ways some, last = {.count = 0};

	if (all.count < 2)
		return;
	for (size_t i = 0; i < topology->routes.count; i++)
		verify_senders(topology, node, &topology->routes.items[i], list);
	if (!has_fallbacks(topology, node))
		return;
	for (size_t i = 0; i < topology->domains.count; i++) {
		some = ways_of(topology, node, &topology->domains.items[i], NULL);
		verify_one_list(node, &topology->domains.items[i], &all, &some, list);
		/* what is wrong with the routes of one domain is so for the next */
		if (some.count > MOST_WAYS || !same_routes(&some, &last))
			verify_ways(topology, node, &some, list);
		if (some.count > MOST_WAYS)
			return;
		last = some;
	}
}

void topology_verify_ways_out(const struct topology *topology, struct diagnostics *list)
{
	for (size_t i = 0; i < topology->nodes.count; i++)
		verify_node(topology, &topology->nodes.items[i], list);
}
