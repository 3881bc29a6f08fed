/* Questions that a model answers about itself; see model.h. */
#include "confgen/topology/model.h"

#include <strings.h>

struct node *link_other_end(const struct link *link, const struct node *node)
{
	if (link->ends[0] == node)
		return link->ends[1];
	return link->ends[1] == node ? link->ends[0] : NULL;
}

const struct link *topology_link(const struct topology *topology, const struct node *a,
				 const struct node *b)
{
	for (size_t i = 0; i < topology->links.count; i++)
		if (a && b && link_other_end(&topology->links.items[i], a) == b)
			return &topology->links.items[i];
	return NULL;
}

const struct attachment *node_attachment(const struct node *node, const struct network *network)
{
	for (size_t i = 0; i < node->addresses.count; i++) {
		const struct attachment *attachment = &node->addresses.items[i];

		if (attachment->network == network &&
		    (network || strcmp(attachment->head.name.value, "internet") == 0))
			return attachment;
	}
	return NULL;
}

const struct ip_address *attachment_reached(const struct attachment *of,
					    const struct attachment *other)
{
	for (size_t i = 0; i < of->addresses.count; i++)
		for (size_t j = 0; j < other->addresses.count; j++)
			if (of->addresses.items[i].value.family ==
			    other->addresses.items[j].value.family)
				return &of->addresses.items[i].value;
	return NULL;
}

const struct attachment *node_meets(const struct node *node, const struct node *other)
{
	const struct attachment *found = NULL;

	for (size_t i = 0; i < node->addresses.count; i++) {
		const struct attachment *here = &node->addresses.items[i];
		const struct attachment *there = node_attachment(other, here->network);

		if (!there || !attachment_reached(here, there) || (found && !here->network))
			continue;
		if (!found || !found->network)
			found = here;
	}
	return found;
}

bool service_is_smtp(int service)
{
	return service <= SERVICE_SUBMISSIONS;
}

unsigned service_port(int service)
{
	static const unsigned ports[] = {
		[SERVICE_SMTP] = 25,   [SERVICE_SUBMISSION] = 587, [SERVICE_SUBMISSIONS] = 465,
		[SERVICE_IMAP] = 143,  [SERVICE_IMAPS] = 993,	   [SERVICE_POP3] = 110,
		[SERVICE_POP3S] = 995, [SERVICE_SIEVE] = 4190,
	};

	return ports[service];
}

bool node_is_container(const struct node *node)
{
	return node->deployment.as.value == DEPLOY_CONTAINER;
}

bool route_is_outbound(const struct route *route)
{
	return route->from.count > 0;
}

bool route_serves(const struct route *route, const struct domain *domain)
{
	for (size_t i = 0; i < domain->routes.count; i++)
		if (domain->routes.items[i] == route)
			return true;
	return false;
}

bool route_names_sender(const struct route *route, const char *address)
{
	for (size_t i = 0; i < route->senders.count; i++)
		if (strcasecmp(route->senders.items[i].address, address) == 0)
			return true;
	return false;
}

struct node *route_next(const struct route *route, const struct node *node)
{
	for (size_t i = 0; i + 1 < route->hop_count; i++)
		if (route->hops[i] == node)
			return route->hops[i + 1];
	return NULL;
}

struct node *route_previous(const struct route *route, const struct node *node)
{
	for (size_t i = 1; i < route->hop_count; i++)
		if (route->hops[i] == node)
			return route->hops[i - 1];
	return NULL;
}

/* The routes of a domain, or all where it is NULL: a topology may have thousands, a domain a few.
 */
static size_t route_count(const struct topology *topology, const struct domain *domain)
{
	return domain ? domain->routes.count : topology->routes.count;
}

static const struct route *route_at(const struct topology *topology, const struct domain *domain,
				    size_t i)
{
	return domain ? domain->routes.items[i] : &topology->routes.items[i];
}

size_t topology_ways_out(const struct topology *topology, const struct node *node,
			 const struct domain *domain, struct node **next, size_t most)
{
	size_t count = 0;

	for (size_t i = 0; i < route_count(topology, domain); i++) {
		const struct route *route = route_at(topology, domain, i);
		struct node *way = route_next(route, node);
		bool known = false;

		if (!way || !route_is_outbound(route))
			continue;
		for (size_t j = 0; j < count && j < most; j++)
			known |= next[j] == way;
		if (known)
			continue;
		if (count < most)
			next[count] = way;
		count++;
	}
	return count;
}

const struct route *topology_route_out(const struct topology *topology, const struct node *node,
				       const struct domain *domain)
{
	for (size_t i = 0; i < route_count(topology, domain); i++) {
		const struct route *route = route_at(topology, domain, i);

		if (route_is_outbound(route) && route_next(route, node))
			return route;
	}
	return NULL;
}

const struct route *topology_route_in(const struct topology *topology, const struct node *node,
				      const struct domain *domain)
{
	for (size_t i = 0; i < topology->routes.count; i++) {
		const struct route *route = &topology->routes.items[i];

		if (!route_is_outbound(route) && route_next(route, node) &&
		    route_serves(route, domain))
			return route;
	}
	return NULL;
}

enum outcome expectation_outcome(const struct expectation *expect)
{
	if (expect->verdict.given)
		return expect->verdict.value;
	if (expect->code.given)
		return expect->code.value < 500 ? OUTCOME_DEFERRED : OUTCOME_REJECTED;
	if (expect->delivered_at.value)
		return OUTCOME_DELIVERED;
	return expect->relayed_to.value ? OUTCOME_RELAYED : OUTCOME_ANY;
}
