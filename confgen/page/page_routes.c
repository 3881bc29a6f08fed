/* The routes of the page, hop by hop. */
#include "confgen/derive/hops.h"
#include "confgen/page/page_private.h"
#include "confgen/topology/schema.h"

#define MOST_ADDRESSES 4

/* The addresses of an attachment with a port: "192.0.2.1:25". */
static const char *sockets(struct arena *arena, const struct attachment *in, unsigned long port)
{
	const char *all = "";
	char text[IP_TEXT_SIZE];

	for (size_t i = 0; in && i < in->addresses.count && i < MOST_ADDRESSES; i++) {
		const struct ip_address *address = &in->addresses.items[i].value;

		ip_format(address, text);
		all = arena_printf(arena, "%s%s%s%s%s:%lu", all, i ? ", " : "",
				   address->family == IP_V6 ? "[" : "", text,
				   address->family == IP_V6 ? "]" : "", port);
	}
	return all;
}

/* Where the sender connects to. */
static const char *where(struct arena *arena, const struct page *page, const struct route_hop *hop)
{
	const struct attachment *met;

	if (hop->to->kind.value == KIND_INTERNET)
		return arena_printf(arena, "each recipient's mail hosts, port %lu", hop->port);
	if (hop->to->kind.value == KIND_SMARTHOST || hop->link)
		return facts_next_hop(arena, page->topology, hop->from, hop->to);
	met = hop->from->kind.value == KIND_INTERNET ? node_attachment(hop->to, NULL)
						     : node_meets(hop->to, hop->from);
	return met ? sockets(arena, met, hop->port) : arena_printf(arena, "port %lu", hop->port);
}

static const char *known(struct arena *arena, const struct route_hop *hop)
{
	const char *to = hop->to->head.name.value;

	switch (hop->known) {
	case KNOWN_LOGIN:
		return "a login";
	case KNOWN_ADDRESS:
		return arena_printf(arena, "%s's address", hop->from->head.name.value);
	case KNOWN_NETWORK:
		return arena_printf(arena, "any address in %s",
				    hop->link->network->head.name.value);
	case KNOWN_NOT:
		break;
	}
	if (hop->listener)
		return hop->listener->through.value == THROUGH_GATE
			       ? "the proxy's address, by postern-gate; then the PROXY header"
			       : "the PROXY header";
	if (hop->to->kind.value == KIND_PROXY)
		return "nothing: it passes connections on";
	if (hop->to->kind.value == KIND_INTERNET || hop->to->kind.value == KIND_SMARTHOST)
		return "nothing: theirs to say";
	return arena_printf(arena, "nothing: %s takes mail to its own domains only", to);
}

static const char *tls(struct arena *arena, const struct route_hop *hop)
{
	if (hop->listener)
		return "as its clients ask: the proxy passes it through";
	if (hop->tls_known)
		return page_tls(arena, hop->tls, hop->wrapper);
	if (hop->to->kind.value == KIND_POSTFIX && !hop->to->tls.head.given)
		return "none: no certificate";
	return "where the sender asks for it";
}

/* How many of the route's domains are signed at the node; which is in `first`. */
static size_t signed_at(const struct route *route, const struct node *node, const char **first)
{
	size_t count = 0;

	for (size_t i = 0; route_is_outbound(route) && i < route->domains.count; i++)
		if (route->domains.items[i].domain->dkim.signer == node && !count++)
			*first = route->domains.items[i].domain->head.name.value;
	return count;
}

static json_t *egress(struct arena *arena, const struct egress *egress)
{
	const char *ipv4, *ipv6;

	if (!egress)
		return json_false();
	ipv4 = egress->ipv4.value ? egress->ipv4.value : "";
	ipv6 = egress->ipv6.value ? egress->ipv6.value : "";
	return page_textf(arena, "%s%s%s", ipv4, *ipv4 && *ipv6 ? ", " : "", ipv6);
}

static json_t *signs(struct arena *arena, const struct route *route, const struct node *node)
{
	const char *first = NULL;
	const size_t count = signed_at(route, node, &first);

	if (!count)
		return json_false();
	return count == 1 ? page_text(arena, first) : page_textf(arena, "%zu domains", count);
}

static json_t *hop_entry(struct arena *arena, const struct page *page, const struct route *route,
			 const struct route_hop *hop, size_t number)
{
	json_t *entry = json_object();
	const bool danger =
		hop->clear || hop->known == KNOWN_NETWORK ||
		(hop->listener && listener_is_exposed(page->topology, hop->to, hop->listener));

	page_set(entry, "number", page_textf(arena, "%zu", number));
	page_set(entry, "from", page_text(arena, hop->from->head.name.value));
	page_set(entry, "to", page_text(arena, hop->to->head.name.value));
	page_set(entry, "where", page_text(arena, where(arena, page, hop)));
	page_set(entry, "network",
		 page_text(arena, hop->link && hop->link->network
					  ? hop->link->network->head.name.value
					  : NULL));
	page_set(entry, "tls", page_text(arena, tls(arena, hop)));
	page_set(entry, "known", page_text(arena, known(arena, hop)));
	page_set(entry, "signs", signs(arena, route, hop->from));
	page_set(entry, "egress", egress(arena, hop->egress));
	page_set(entry, "danger", json_boolean(danger));
	page_set(entry, "origin", page_place(arena, hop->at));
	return entry;
}

static json_t *domains(struct arena *arena, const struct route *route)
{
	struct page_names names = page_names_begin(arena);

	for (size_t i = 0; i < route->domains.count; i++)
		page_names_add(&names, route->domains.items[i].domain->head.name.value);
	for (size_t i = 0; i < route->senders.count; i++)
		page_names_add(&names, route->senders.items[i].address);
	return page_names_end(&names);
}

static json_t *route_entry(struct arena *arena, const struct page *page, size_t index)
{
	const struct route *route = &page->topology->routes.items[index];
	const struct route_hops hops = hops_of_route(arena, page->topology, route);
	json_t *entry = json_object(), *array = json_array();

	for (size_t i = 0; i < hops.count; i++)
		view_push(array, hop_entry(arena, page, route, &hops.items[i], i + 1));
	page_set(entry, "name", page_text(arena, route->label.value));
	page_set(entry, "color", page_textf(arena, "%zu", index % GRAPH_COLORS));
	page_set(entry, "outbound", json_boolean(route_is_outbound(route)));
	page_set(entry, "domains", domains(arena, route));
	page_set(entry, "hops", array);
	page_set(entry, "origin", page_place(arena, route->head.at));
	return entry;
}

json_t *page_routes(struct arena *arena, const struct page *page)
{
	const size_t count = page->topology->routes.count;
	json_t *rows = json_array();

	for (size_t i = 0; i < count && i < PAGE_MOST_ROWS; i++)
		view_push(rows, route_entry(arena, page, i));
	return page_rows(arena, rows, count);
}
