/* The hops of a route; see hops.h. */
#include "confgen/derive/hops.h"

#define SMTP_PORT 25

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

/* Relays must know who sends by them, and mailbox hosts must not judge who relays to them. */
static enum known_by known_by(const struct link *link, const struct route *route,
			      const struct node *to)
{
	if (takes_login(link, to))
		return KNOWN_LOGIN;
	if (link->trust.value == TRUST_SASL || (!route_is_outbound(route) && route_next(route, to)))
		return KNOWN_NOT;
	return link->trust.value == TRUST_NETWORK ? KNOWN_NETWORK : KNOWN_ADDRESS;
}

static void fill_link(struct route_hop *hop, const struct route *route)
{
	hop->port = hop->link->port.value;
	hop->tls_known = true;
	hop->tls = (enum tls_level)hop->link->tls.value;
	hop->at = hop->link->head.at;
	hop->clear = !hop->link->network && hop->tls < TLS_ENCRYPT;
	hop->known = known_by(hop->link, route, hop->to);
}

static void fill_smarthost(struct route_hop *hop)
{
	hop->port = hop->to->port.value;
	hop->tls_known = true;
	hop->tls = (enum tls_level)hop->to->tls_level.value;
	hop->wrapper = hop->to->tls_mode.value == TLS_WRAPPER;
	hop->at = hop->to->head.at;
	hop->clear = hop->tls < TLS_ENCRYPT;
	if (hop->to->credentials.head.given || hop->to->sender_credentials.count)
		hop->known = KNOWN_LOGIN;
}

static void fill_proxied(struct route_hop *hop)
{
	hop->listener = listener_behind(hop->from, hop->to);
	if (!hop->listener)
		return;
	hop->port = listener_proxied_port(hop->listener);
	hop->at = hop->listener->head.at;
}

static void add_hop(struct arena *arena, struct route_hops *list, const struct topology *topology,
		    const struct route *route, const struct node *from, const struct node *to)
{
	struct route_hop *hop = arena_push(arena, list);

	*hop = (struct route_hop){.from = from, .to = to, .port = SMTP_PORT, .at = route->head.at};
	hop->link = topology_link(topology, from, to);
	if (from->kind.value == KIND_PROXY)
		fill_proxied(hop);
	else if (hop->link)
		fill_link(hop, route);
	else if (to->kind.value == KIND_SMARTHOST)
		fill_smarthost(hop);
	else if (to->kind.value == KIND_INTERNET) {
		hop->tls_known = true;
		hop->tls = (enum tls_level)from->outbound_tls.value;
	}
	if (to->kind.value != KIND_INTERNET && to->kind.value != KIND_SMARTHOST)
		return;
	if (route->egress.head.given)
		hop->egress = &route->egress;
	else if (from->egress.head.given)
		hop->egress = &from->egress;
}

/* The proxies that stand before a node lie between it and the one before. */
struct route_hops hops_of_route(struct arena *arena, const struct topology *topology,
				const struct route *route)
{
	struct route_hops list = {0};

	for (size_t i = 1; i < route->hop_count; i++) {
		const struct node *from = route->hops[i - 1];

		for (size_t j = 0; j < route->proxies.count; j++) {
			const struct passage *passage = &route->proxies.items[j];

			if (passage->before != i)
				continue;
			add_hop(arena, &list, topology, route, from, passage->proxy);
			from = passage->proxy;
		}
		add_hop(arena, &list, topology, route, from, route->hops[i]);
	}
	return list;
}

bool listener_is_exposed(const struct topology *topology, const struct node *node,
			 const struct listener *listener)
{
	const struct attachment *met = node_meets(node, listener->proxy);

	if (listener->through.value == THROUGH_GATE || !met)
		return false;
	if (node_attachment(node, NULL))
		return true;
	for (size_t i = 0; i < topology->nodes.count; i++) {
		const struct node *other = &topology->nodes.items[i];

		if (other != node && other != listener->proxy &&
		    node_attachment(other, met->network))
			return true;
	}
	return false;
}

unsigned long listener_proxied_port(const struct listener *listener)
{
	return listener->through.value == THROUGH_SECOND_PORT ? listener->proxy_port.value
							      : listener->port.value;
}
