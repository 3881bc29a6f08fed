/* Whether the addresses that mail is bound to are there, and can be bound where they are asked for.
 */
#include "confgen/topology/load.h"
#include "confgen/topology/rules.h"
#include "confgen/topology/syntax.h"

static bool has_address(const struct attachment *attachment, const char *text)
{
	struct ip_address address;

	if (!attachment || ip_parse(text, &address) != IP_OK)
		return false;
	for (size_t i = 0; i < attachment->addresses.count; i++)
		if (ip_equal(&attachment->addresses.items[i].value, &address))
			return true;
	return false;
}

static bool is_dual(const struct attachment *attachment)
{
	bool ipv4 = false, ipv6 = false;

	for (size_t i = 0; attachment && i < attachment->addresses.count; i++) {
		ipv4 |= attachment->addresses.items[i].value.family == IP_V4;
		ipv6 |= attachment->addresses.items[i].value.family == IP_V6;
	}
	return ipv4 && ipv6;
}

static void verify_address(const struct text *address, const struct attachment *attachment,
			   const struct node *node, const char *where, struct diagnostics *list)
{
	if (!address->value || has_address(attachment, address->value))
		return;
	report(list, EGRESS, address->at, "'%s' does not have the address %s in %s",
	       node->head.name.value, address->value, where);
	diagnostics_hint(list,
			 "mail cannot leave from an address that the node does not have: list it "
			 "under the node's addresses, or choose one that is there");
}

/* The protocols that the user's own parameter leaves the node; NULL: those of its addresses. */
static const char *own_protocols(const struct node *node)
{
	for (size_t i = 0; i < node->extra.count; i++)
		if (strcmp(node->extra.items[i].head.name.value, "inet_protocols") == 0)
			return node->extra.items[i].value.value;
	return NULL;
}

static void verify_family(const struct text *address, const char *family, const struct node *node,
			  struct diagnostics *list)
{
	const char *protocols = own_protocols(node);

	if (!address->value || !protocols || !*protocols || strstr(protocols, "all") ||
	    strstr(protocols, family))
		return;
	report(list, EGRESS, address->at, "'%s' cannot send from %s: inet_protocols is '%s' there",
	       node->head.name.value, address->value, protocols);
	diagnostics_hint(list, "drop inet_protocols from the node's extra: it follows from the "
			       "node's addresses");
}

/* An egress of `node` towards `network` (NULL: the Internet). */
static void verify_one(const struct egress *egress, const struct node *node,
		       const struct network *network, struct diagnostics *list)
{
	const struct attachment *attachment = node_attachment(node, network);
	const char *where = network ? network->head.name.value : "the internet";

	if (!egress->ipv4.at.line && !egress->ipv6.at.line && !egress->helo.at.line) {
		report(list, EGRESS, egress->head.at,
		       "the egress says nothing: give ipv4, ipv6 or helo");
		return;
	}
	verify_address(&egress->ipv4, attachment, node, where, list);
	verify_address(&egress->ipv6, attachment, node, where, list);
	verify_family(&egress->ipv4, "ipv4", node, list);
	verify_family(&egress->ipv6, "ipv6", node, list);
	if (is_dual(attachment) && !egress->ipv4.value != !egress->ipv6.value) {
		report(list, EGRESS_HALF, egress->head.at,
		       "only %s is bound, but '%s' can also leave over the other family",
		       egress->ipv4.value ? "IPv4" : "IPv6", node->head.name.value);
		diagnostics_hint(list, "give the %s address as well",
				 egress->ipv4.value ? "ipv6" : "ipv4");
	}
}

/* docker-mailserver lets overrides change services, but not make new ones. */
static void verify_sender_kind(const struct node *node, struct position at,
			       struct diagnostics *list)
{
	if (node->kind.value != KIND_DMS)
		return;
	report(list, EGRESS, at,
	       "'%s' can bind all of its mail only, not that of one route or link",
	       node->head.name.value);
	diagnostics_hint(list, "give the egress to the node itself");
}

static void verify_link(const struct link *link, struct diagnostics *list)
{
	for (size_t i = 0; i < link->egress.count; i++) {
		const struct egress *egress = &link->egress.items[i];

		if (!egress->node)
			continue;
		if (egress->node != link->ends[0] && egress->node != link->ends[1]) {
			report(list, EGRESS, egress->head.name.at,
			       "'%s' is not an end of this link", egress->head.name.value);
			continue;
		}
		verify_sender_kind(egress->node, egress->head.name.at, list);
		verify_one(egress, egress->node, link->network, list);
	}
}

/*
 * Postfix chooses the client service for each recipient by the recipient and the sender. What a
 * listener could say instead, FILTER or content_filter, holds for all recipients of a message, so
 * that mail for the node's own and relayed domains would leave with the rest.
 */
static void verify_listener(const struct listener *listener, struct diagnostics *list)
{
	if (!listener->egress.head.given)
		return;
	report(list, EGRESS, listener->egress.head.at,
	       "mail cannot be bound by the listener that it came in through: Postfix chooses by "
	       "sender");
	diagnostics_hint(list,
			 "give the egress to the route from the domains of those who use '%s'",
			 listener->head.name.value);
}

/* The last node of the user's own on an outbound path: it hands the mail to the world. */
static void verify_route(const struct route *route, struct diagnostics *list)
{
	const struct node *last;

	if (!route->egress.head.given || route->hop_count < 2)
		return;
	if (!route_is_outbound(route)) {
		report(list, EGRESS, route->egress.head.at,
		       "mail that comes in is bound by the egress of a link or node");
		return;
	}
	last = route->hops[route->hop_count - 2];
	verify_sender_kind(last, route->egress.head.at, list);
	verify_one(&route->egress, last, NULL, list);
}

/* The network that the node's mail leaves through: NULL for the Internet. */
static const struct network *way_out(const struct topology *topology, const struct node *node)
{
	const struct route *route = topology_route_out(topology, node, NULL);
	const struct link *link =
		route ? topology_link(topology, node, route_next(route, node)) : NULL;

	return link ? link->network : NULL;
}

/* Whether some mail of the node is bound to an address. */
static bool binds(const struct topology *topology, const struct node *node)
{
	bool bound = node->egress.ipv4.value || node->egress.ipv6.value;

	for (size_t i = 0; i < topology->links.count; i++) {
		const struct link *link = &topology->links.items[i];

		for (size_t j = 0; j < link->egress.count; j++)
			bound |= link->egress.items[j].node == node &&
				 (link->egress.items[j].ipv4.value ||
				  link->egress.items[j].ipv6.value);
	}
	for (size_t i = 0; i < topology->routes.count; i++) {
		const struct route *route = &topology->routes.items[i];

		bound |= route->hop_count > 1 && route->hops[route->hop_count - 2] == node &&
			 (route->egress.ipv4.value || route->egress.ipv6.value);
	}
	return bound;
}

/* Where it cannot bind (the address is not there yet, or no more), such a Postfix only logs that.
 */
static void verify_enforced(const struct topology *topology, const struct node *node,
			    struct diagnostics *list)
{
	const struct text *version = &node->postfix.version;

	if (node->postfix.number >= POSTFIX_BIND_ENFORCE || !version->value ||
	    !binds(topology, node))
		return;
	report(list, EGRESS_LOOSE, version->at,
	       "where Postfix %s cannot bind its egress address, mail leaves '%s' from another",
	       version->value, node->head.name.value);
	diagnostics_hint(list,
			 "smtp_bind_address_enforce, which makes it wait, is there since Postfix "
			 "3.7: see that the address is up before Postfix starts");
}

void topology_verify_egress(const struct topology *topology, struct diagnostics *list)
{
	for (size_t i = 0; i < topology->nodes.count; i++) {
		const struct node *node = &topology->nodes.items[i];

		if (node->egress.head.given && node->kind.value <= KIND_DMS)
			verify_one(&node->egress, node, way_out(topology, node), list);
		verify_enforced(topology, node, list);
		for (size_t j = 0; j < node->listeners.count; j++)
			verify_listener(&node->listeners.items[j], list);
	}
	for (size_t i = 0; i < topology->links.count; i++)
		verify_link(&topology->links.items[i], list);
	for (size_t i = 0; i < topology->routes.count; i++)
		verify_route(&topology->routes.items[i], list);
}
