/*
 * Whether the routes carry every domain's mail in and out, each message one way, past its signer.
 */
#include "confgen/topology/load.h"
#include "confgen/topology/rules.h"

#include <strings.h>

static const char *name_of(const struct node *node)
{
	return node->head.name.value;
}

/* --- each route on its own --- */

/* A node behind a proxy may reach the Internet from the proxy's address (NAT). */
static bool leaves_beside_proxy(const struct node *node)
{
	for (size_t i = 0; i < node->listeners.count; i++)
		if (node->listeners.items[i].proxy &&
		    node_attachment(node->listeners.items[i].proxy, NULL))
			return true;
	return false;
}

static void verify_repetition(const struct route *route, struct diagnostics *list)
{
	for (size_t i = 0; i < route->hop_count; i++)
		for (size_t j = 0; j < i; j++)
			if (route->hops[i] == route->hops[j]) {
				report(list, ROUTE_LOOP, route->hop_at[i],
				       "the path comes back to '%s'", name_of(route->hops[i]));
				break;
			}
}

static void verify_inbound_ends(const struct route *route, struct diagnostics *list)
{
	const struct node *last = route->hops[route->hop_count - 1];

	if (route->hops[0]->kind.value != KIND_INTERNET) {
		report(list, ROUTE_SHAPE, route->hop_at[0],
		       "a route to a domain starts at the internet, not at '%s'",
		       name_of(route->hops[0]));
		diagnostics_hint(list, "path: [internet, ..., %s]", name_of(last));
	}
	if (last->kind.value != KIND_DMS) {
		report(list, ROUTE_SHAPE, route->hop_at[route->hop_count - 1],
		       "a route to a domain ends where mailboxes are, not at '%s'", name_of(last));
		return;
	}
	for (size_t i = 0; i < route->domains.count; i++)
		if (route->domains.items[i].domain->home &&
		    route->domains.items[i].domain->home != last) {
			report(list, UNDELIVERED, route->domains.items[i].at,
			       "the route ends at '%s', but the mailboxes of %s are at '%s'",
			       name_of(last), route->domains.items[i].domain->head.name.value,
			       name_of(route->domains.items[i].domain->home));
			diagnostics_hint(list, "let the path end at '%s', or move the mailboxes",
					 name_of(route->domains.items[i].domain->home));
		}
}

static void verify_outbound_ends(const struct route *route, struct diagnostics *list)
{
	const struct node *first = route->hops[0], *last = route->hops[route->hop_count - 1];

	if (first->kind.value > KIND_DMS)
		report(list, ROUTE_SHAPE, route->hop_at[0],
		       "a route from a domain starts at one of your nodes, not at '%s'",
		       name_of(first));
	if (last->kind.value != KIND_INTERNET && last->kind.value != KIND_SMARTHOST) {
		report(list, ROUTE_SHAPE, route->hop_at[route->hop_count - 1],
		       "a route from a domain ends at the internet or at a smarthost, not at '%s'",
		       name_of(last));
		diagnostics_hint(list, "path: [..., %s, internet]", name_of(last));
	}
}

static void verify_middle(const struct route *route, struct diagnostics *list)
{
	for (size_t i = 1; i + 1 < route->hop_count; i++)
		if (route->hops[i]->kind.value != KIND_POSTFIX) {
			report(list, ROUTE_SHAPE, route->hop_at[i],
			       "'%s' cannot pass mail on from one node to another",
			       name_of(route->hops[i]));
			if (route->hops[i]->kind.value == KIND_SMARTHOST)
				diagnostics_hint(
					list,
					"a smarthost ends the route: drop what comes after it");
			else
				diagnostics_hint(
					list,
					"only nodes of kind postfix stand in the middle of a path");
		}
}

static void verify_hop(const struct topology *topology, const struct route *route, size_t i,
		       struct diagnostics *list)
{
	const struct node *a = route->hops[i], *b = route->hops[i + 1];
	const struct position at = route->hop_at[i + 1];
	const struct node *edge = a->kind.value == KIND_INTERNET ? b : a;

	if (a->kind.value == KIND_SMARTHOST || b->kind.value == KIND_SMARTHOST || a == b)
		return;
	if (a->kind.value == KIND_INTERNET || b->kind.value == KIND_INTERNET) {
		if (edge->kind.value == KIND_INTERNET || !edge->addresses.count ||
		    node_attachment(edge, NULL) || leaves_beside_proxy(edge))
			return;
		report(list, NO_SHARED_NETWORK, at, "'%s' has no address in the internet",
		       name_of(edge));
		diagnostics_hint(list, "addresses: {internet: ...} at the node, or another path");
		return;
	}
	if (topology_link(topology, a, b) || !a->addresses.count || !b->addresses.count)
		return;
	for (size_t j = 0; j < a->addresses.count; j++)
		if (node_attachment(b, a->addresses.items[j].network)) {
			report(list, NO_LINK, at, "no link joins '%s' and '%s'", name_of(a),
			       name_of(b));
			diagnostics_hint(list, "add to links: {between: [%s, %s], over: %s}",
					 name_of(a), name_of(b),
					 a->addresses.items[j].head.name.value);
			return;
		}
	report(list, NO_SHARED_NETWORK, at, "'%s' and '%s' share no network", name_of(a),
	       name_of(b));
	diagnostics_hint(list, "give both an address in one network, and link them over it");
}

static bool verify_route(const struct topology *topology, const struct route *route,
			 struct diagnostics *list)
{
	if (!route->to.count == !route->from.count) {
		report(list, ROUTE_SHAPE, route->head.at,
		       "a route has either 'to' or 'from' domains");
		diagnostics_hint(list, "write two routes: one for each direction");
		return false;
	}
	if (route->hop_count < 2) {
		report(list, ROUTE_SHAPE, route->head.at, "a path has at least two nodes");
		return false;
	}
	verify_repetition(route, list);
	if (route_is_outbound(route))
		verify_outbound_ends(route, list);
	else
		verify_inbound_ends(route, list);
	verify_middle(route, list);
	for (size_t i = 0; i + 1 < route->hop_count; i++)
		verify_hop(topology, route, i, list);
	return true;
}

/* --- all routes of a domain --- */

/* Two inbound routes that part at a node: Postfix has one transport for a domain. */
static void verify_inbound(const struct topology *topology, const struct domain *domain,
			   struct diagnostics *list)
{
	const struct route *any = NULL;

	for (size_t i = 0; i < topology->routes.count; i++) {
		const struct route *route = &topology->routes.items[i];

		if (route_is_outbound(route) || !route_serves(route, domain))
			continue;
		if (any && any->hops[any->hop_count - 1] != route->hops[route->hop_count - 1])
			report(list, DELIVERED_TWICE, route->head.at,
			       "mail for %s ends at '%s' by one route and at '%s' by another",
			       domain->head.name.value, name_of(any->hops[any->hop_count - 1]),
			       name_of(route->hops[route->hop_count - 1]));
		any = any ? any : route;
		for (size_t j = 1; j + 1 < route->hop_count; j++) {
			const struct route *first =
				topology_route_in(topology, route->hops[j], domain);

			if (route_next(first, route->hops[j]) == route->hops[j + 1])
				continue;
			report(list, ROUTE_CONFLICT, route->hop_at[j],
			       "'%s' sends mail for %s to '%s' by the route '%s'",
			       name_of(route->hops[j]), domain->head.name.value,
			       name_of(route_next(first, route->hops[j])),
			       first->label.value ? first->label.value : "?");
			diagnostics_hint(list, "a relay passes a domain's mail on to one host");
		}
	}
	if (!any) {
		report(list, UNDELIVERED, domain->head.name.at, "no route brings mail to %s",
		       domain->head.name.value);
		diagnostics_hint(list, "add a route with to: [%s], path: [internet, ..., %s]",
				 domain->head.name.value, domain->mailboxes.value);
	}
}

static void verify_signer(const struct domain *domain, const struct route *route,
			  struct diagnostics *list)
{
	if (!domain->dkim.signer)
		return;
	for (size_t i = 0; i < route->hop_count; i++)
		if (route->hops[i] == domain->dkim.signer)
			return;
	report(list, UNSIGNED_PATH, route->hop_at[0],
	       "mail from %s leaves by this path unsigned: its signer '%s' is not on it",
	       domain->head.name.value, name_of(domain->dkim.signer));
	diagnostics_hint(list, "sign at the node where all outbound paths of the domain begin");
}

static void verify_outbound(const struct topology *topology, const struct domain *domain,
			    struct diagnostics *list)
{
	bool leaves_home = false;

	for (size_t i = 0; i < topology->routes.count; i++) {
		const struct route *route = &topology->routes.items[i];

		if (!route_is_outbound(route) || !route_serves(route, domain))
			continue;
		leaves_home |= route->hops[0] == domain->home;
		verify_signer(domain, route, list);
	}
	if (leaves_home || !domain->home)
		return;
	report(list, NO_WAY_OUT, domain->head.name.at, "no route takes mail from %s out of '%s'",
	       domain->head.name.value, name_of(domain->home));
	diagnostics_hint(list, "add a route with from: [%s], path: [%s, ..., internet]",
			 domain->head.name.value, name_of(domain->home));
}

/* A row of its own can give a sender another relay than its domain has, but not take it away. */
static void verify_sender(const struct topology *topology, const struct route *route,
			  const struct route_sender *sender, struct diagnostics *list)
{
	for (size_t i = 0; i + 1 < route->hop_count; i++) {
		const struct route *usual =
			topology_route_out(topology, route->hops[i], sender->domain);

		if (route->hops[i + 1]->kind.value != KIND_INTERNET || !usual ||
		    route_next(usual, route->hops[i])->kind.value == KIND_INTERNET)
			continue;
		report(list, ROUTE_CONFLICT, sender->at,
		       "'%s' cannot leave '%s' directly while its domain leaves through '%s'",
		       sender->address, name_of(route->hops[i]),
		       name_of(route_next(usual, route->hops[i])));
		diagnostics_hint(list, "Postfix can give a sender another relay, but not none");
	}
	verify_signer(sender->domain, route, list);
}

/* --- links and nodes as the routes use them --- */

static void verify_login(const struct topology *topology, const struct route *route, size_t hop,
			 struct diagnostics *list)
{
	const struct node *sender = route->hops[hop], *receiver = route->hops[hop + 1];
	const struct link *link = topology_link(topology, sender, receiver);

	if (!link || link->trust.value != TRUST_SASL)
		return;
	for (size_t i = 0; i < link->credentials.count; i++)
		if (link->credentials.items[i].node == receiver)
			return;
	report(list, CREDENTIALS, link->head.at, "'%s' has no login for '%s' to use",
	       name_of(receiver), name_of(sender));
	diagnostics_hint(list,
			 "credentials: {%s: {username: ..., password: {file: ...}}} in the link",
			 name_of(receiver));
}

/* Whether some outbound route that ends at the smarthost carries mail of this sender. */
static bool sends_through(const struct topology *topology, const struct node *smarthost,
			  const char *sender)
{
	const char *at = strchr(sender, '@'), *name = at ? at + 1 : sender;

	for (size_t i = 0; i < topology->routes.count; i++) {
		const struct route *route = &topology->routes.items[i];

		if (route->hops[route->hop_count - 1] != smarthost)
			continue;
		for (size_t j = 0; j < route->domains.count; j++)
			if (strcasecmp(route->domains.items[j].domain->head.name.value, name) == 0)
				return true;
		for (size_t j = 0; j < route->senders.count; j++)
			if (strcasecmp(route->senders.items[j].address, sender) == 0)
				return true;
	}
	return false;
}

static void verify_sender_logins(const struct topology *topology, const struct node *node,
				 struct diagnostics *list)
{
	for (size_t i = 0; i < node->sender_credentials.count; i++) {
		const struct text *sender = &node->sender_credentials.items[i].head.name;

		if (!sends_through(topology, node, sender->value))
			report(list, CREDENTIALS, sender->at,
			       "no route takes mail from '%s' to '%s'", sender->value,
			       name_of(node));
	}
}

static bool stands_before(const struct node *proxy, const struct node *node)
{
	for (size_t i = 0; i < node->listeners.count; i++)
		if (node->listeners.items[i].proxy == proxy)
			return true;
	return false;
}

static bool is_passed(const struct route *route, const struct node *proxy)
{
	for (size_t i = 0; i < route->proxies.count; i++)
		if (route->proxies.items[i].proxy == proxy)
			return true;
	return false;
}

/* Whether mail passes the node; of a proxy, also whether a node is behind it. */
static bool is_used(const struct topology *topology, const struct node *node)
{
	for (size_t i = 0; i < topology->nodes.count; i++)
		if (stands_before(node, &topology->nodes.items[i]))
			return true;
	for (size_t i = 0; i < topology->routes.count; i++) {
		if (is_passed(&topology->routes.items[i], node))
			return true;
		for (size_t j = 0; j < topology->routes.items[i].hop_count; j++)
			if (topology->routes.items[i].hops[j] == node)
				return true;
	}
	return false;
}

static bool link_is_used(const struct topology *topology, const struct link *link)
{
	for (size_t i = 0; i < topology->routes.count; i++)
		for (size_t j = 0; j + 1 < topology->routes.items[i].hop_count; j++)
			if (link_other_end(link, topology->routes.items[i].hops[j]) ==
			    topology->routes.items[i].hops[j + 1])
				return true;
	return false;
}

/* Whether a route brings mail from the Internet to the node, through a proxy or not. */
static bool takes_strangers_mail(const struct topology *topology, const struct node *node)
{
	for (size_t i = 0; i < topology->routes.count; i++) {
		const struct route *route = &topology->routes.items[i];

		if (route->hop_count > 1 && route->hops[0] == &topology->internet &&
		    route->hops[1] == node)
			return true;
	}
	return false;
}

/* Whether the link joins two nodes; if not, that is said elsewhere. */
static bool has_ends(const struct link *link)
{
	return link->ends[0] && link->ends[1] && link->ends[0] != link->ends[1];
}

static void verify_use(const struct topology *topology, struct diagnostics *list)
{
	for (size_t i = 0; i < topology->nodes.count; i++)
		if (!is_used(topology, &topology->nodes.items[i]))
			report(list, UNUSED, topology->nodes.items[i].head.name.at,
			       "no route passes '%s'", name_of(&topology->nodes.items[i]));
	for (size_t i = 0; i < topology->nodes.count; i++) {
		const struct node *node = &topology->nodes.items[i];

		if (!node->verify.value || node->kind.value != KIND_POSTFIX ||
		    takes_strangers_mail(topology, node))
			continue;
		report(list, UNUSED, node->verify.at,
		       "no route brings mail from the Internet to '%s': there is nothing to verify",
		       name_of(node));
		diagnostics_hint(list, "set it on the node where that mail arrives");
	}
	for (size_t i = 0; i < topology->links.count; i++)
		if (has_ends(&topology->links.items[i]) &&
		    !link_is_used(topology, &topology->links.items[i]))
			report(list, UNUSED, topology->links.items[i].head.at,
			       "no route takes this link");
}

static void verify_domains(const struct topology *topology, struct diagnostics *list)
{
	for (size_t i = 0; i < topology->domains.count; i++) {
		const struct domain *domain = &topology->domains.items[i];

		if (domain->home)
			verify_inbound(topology, domain, list);
		if (domain->home || !domain->mailboxes.at.line)
			verify_outbound(topology, domain, list);
	}
	for (size_t i = 0; i < topology->routes.count; i++)
		for (size_t j = 0; j < topology->routes.items[i].senders.count; j++)
			verify_sender(topology, &topology->routes.items[i],
				      &topology->routes.items[i].senders.items[j], list);
	for (size_t i = 0; i < topology->routes.count; i++)
		for (size_t j = 0; j + 1 < topology->routes.items[i].hop_count; j++)
			verify_login(topology, &topology->routes.items[i], j, list);
	for (size_t i = 0; i < topology->nodes.count; i++)
		verify_sender_logins(topology, &topology->nodes.items[i], list);
	verify_use(topology, list);
}

static void verify_names(const struct topology *topology, struct diagnostics *list)
{
	for (size_t i = 0; i < topology->routes.count; i++)
		for (size_t j = 0; j < i; j++) {
			const struct text *name = &topology->routes.items[i].label;
			const struct text *earlier = &topology->routes.items[j].label;

			if (name->value && earlier->value &&
			    strcasecmp(name->value, earlier->value) == 0)
				report(list, NAME_TWICE, name->at,
				       "another route is called '%s' already", name->value);
		}
}

/* What one route says is checked in any case; what all say together only if each makes sense. */
void topology_verify_routes(const struct topology *topology, struct diagnostics *list)
{
	size_t before = diagnostics_count(list, SEVERITY_ERROR);
	bool complete = topology->routes.count > 0;

	verify_names(topology, list);
	for (size_t i = 0; i < topology->routes.count; i++)
		if (topology->routes.items[i].complete)
			complete &= verify_route(topology, &topology->routes.items[i], list);
		else
			complete = false;
	if (!complete)
		return;
	verify_domains(topology, list);
	if (diagnostics_count(list, SEVERITY_ERROR) > before)
		return;
	topology_verify_ways_out(topology, list);
	topology_verify_subdomains(topology, list);
	topology_verify_sizes(topology, list);
}
