/*
 * Hosts that submit mail without a login: networks that the node trusts on its submission port, for
 * some sender domains; and the address families that a container, which may not know an address of
 * its own, has to speak.
 */
#include "confgen/derive/facts_private.h"

/* The domains that are allowed, or all whose mail goes out from here. */
static void push_senders(struct arena *arena, const struct facts *facts, struct sender_limit *limit)
{
	const struct text_list *allowed = &facts->node->allowed_sender_domains;

	for (size_t i = 0; i < allowed->count; i++)
		facts_push_entry(arena, &limit->senders, allowed->items[i].value, "OK",
				 allowed->items[i].at);
	for (size_t i = 0; i < facts->topology->routes.count && !allowed->count; i++) {
		const struct route *route = &facts->topology->routes.items[i];

		if (!route_is_outbound(route) || !route_next(route, facts->node))
			continue;
		for (size_t j = 0; j < route->domains.count; j++)
			facts_push_entry(arena, &limit->senders,
					 route->domains.items[j].domain->head.name.value, "OK",
					 route->domains.items[j].at);
	}
}

/* A program beside it, in the same pod or host, is a client like the others. */
static void push_loopback(struct arena *arena, struct sender_limit *limit, struct position at)
{
	static const char *const networks[] = {"127.0.0.0/8", "::1/128"};
	struct ip_network network;

	for (size_t i = 0; i < sizeof(networks) / sizeof(networks[0]); i++)
		if (ip_network_parse(networks[i], &network) == IP_OK)
			facts_push_trusted(arena, &limit->clients, network, "loopback", at);
}

static bool signs(const struct facts *facts)
{
	for (size_t i = 0; i < facts->topology->domains.count; i++)
		if (facts->topology->domains.items[i].dkim.signer == facts->node)
			return true;
	return false;
}

void facts_derive_clients(struct arena *arena, struct facts *facts)
{
	const struct node *node = facts->node;

	for (size_t i = 0; i < node->client_count; i++) {
		const struct network *network = node->client_networks[i];
		const struct position at = node->clients.items[i].at;
		const char *name = network->head.name.value;
		/* hosts of a network that a link trusts may forward as well */
		const bool known = facts_find_limit(facts, name, true) != NULL;
		struct sender_limit *limit = facts_limit(arena, facts, name, true, at);

		limit->submits = !known;
		for (size_t j = 0; j < network->cidrs.count; j++) {
			const struct ip_network cidr = network->cidrs.items[j].value;

			facts_push_trusted(arena, &facts->trusted, cidr, name, at);
			facts_push_trusted(arena, &limit->clients, cidr, name, at);
			if (signs(facts))
				facts_push_trusted(arena, &facts->signed_clients, cidr, name, at);
		}
		if (i == 0)
			push_loopback(arena, limit, at);
		push_senders(arena, facts, limit);
	}
}

static void add_family(struct facts *facts, enum ip_family family)
{
	facts->ipv4 |= family == IP_V4;
	facts->ipv6 |= family == IP_V6;
}

static bool has_ipv6(const struct attachment *attachment)
{
	for (size_t i = 0; attachment && i < attachment->addresses.count; i++)
		if (attachment->addresses.items[i].value.family == IP_V6)
			return true;
	return false;
}

/* Whether a route goes on from the node to another of the user's. */
static bool sends_to_node(const struct facts *facts)
{
	for (size_t i = 0; i < facts->topology->routes.count; i++) {
		const struct node *next =
			route_next(&facts->topology->routes.items[i], facts->node);

		if (next && next->kind.value <= KIND_DMS)
			return true;
	}
	return false;
}

/* Whether a route goes on from the node to a smarthost that is known by its IPv6 address. */
static bool smarthost_is_ipv6(const struct facts *facts)
{
	for (size_t i = 0; i < facts->topology->routes.count; i++) {
		const struct node *next =
			route_next(&facts->topology->routes.items[i], facts->node);
		struct ip_address address;

		if (next && next->kind.value == KIND_SMARTHOST &&
		    ip_parse(next->host.value, &address) == IP_OK && address.family == IP_V6)
			return true;
	}
	return false;
}

/*
 * A container speaks IPv6 with its clients where they do; to the Internet only from an address that
 * the topology names, because one without a PTR record gets its mail refused.
 */
void facts_derive_families(struct facts *facts)
{
	const struct node *node = facts->node;

	for (size_t i = 0; i < node->client_count; i++)
		for (size_t j = 0; j < node->client_networks[i]->cidrs.count; j++)
			add_family(facts,
				   node->client_networks[i]->cidrs.items[j].value.address.family);
	if (!node_is_container(node))
		return;
	if (smarthost_is_ipv6(facts))
		add_family(facts, IP_V6);
	if (!node->addresses.count)
		add_family(facts, IP_V4);
	facts->egress_ipv4 = facts->ipv4 && facts->ipv6 && !has_ipv6(node_attachment(node, NULL)) &&
			     !smarthost_is_ipv6(facts) && !sends_to_node(facts);
}
