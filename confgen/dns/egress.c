/*
 * Where mail really leaves from: the address that Postfix binds, or all that the host has, or the
 * proxy's, or a provider's hosts. SPF, PTR and HELO records all follow from it.
 */
#include "confgen/dns/build.h"
#include "confgen/dns/rules.h"
#include "confgen/topology/providers.h"

#include <strings.h>

/* Where a route hands mail to the world. */
struct exit {
	const struct route *route;
	const struct node *node, *next;
};

static bool find_exit(const struct route *route, struct exit *out)
{
	for (size_t i = 1; i < route->hop_count; i++) {
		if (route->hops[i]->kind.value != KIND_SMARTHOST &&
		    route->hops[i]->kind.value != KIND_INTERNET)
			continue;
		*out = (struct exit){route, route->hops[i - 1], route->hops[i]};
		return out->node->kind.value <= KIND_DMS;
	}
	return false;
}

static bool enters_by_proxy(const struct route *route, const struct node *node)
{
	return !route_is_outbound(route) && route->proxies.count && route->hop_count > 1 &&
	       route->hops[1] == node && route->proxies.items[0].before == 1;
}

bool build_is_proxied(const struct builder *builder, const struct node *node)
{
	for (size_t i = 0; i < node->listeners.count; i++)
		if (node->listeners.items[i].proxy)
			return true;
	for (size_t i = 0; i < builder->topology->routes.count; i++)
		if (enters_by_proxy(&builder->topology->routes.items[i], node))
			return true;
	return false;
}

static void push_addresses(struct arena *arena, struct address_list *list, const struct node *node)
{
	const struct attachment *attachment = node_attachment(node, NULL);

	for (size_t i = 0; attachment && i < attachment->addresses.count; i++) {
		const struct address_value *address = &attachment->addresses.items[i];
		bool known = false;

		for (size_t j = 0; j < list->count; j++)
			known |= ip_equal(&list->items[j].value, &address->value);
		if (!known)
			*arena_push(arena, list) = *address;
	}
}

struct address_list build_public_addresses(struct builder *builder, const struct node *node)
{
	struct address_list list = {0};

	for (size_t i = 0; i < node->listeners.count; i++)
		if (node->listeners.items[i].proxy)
			push_addresses(builder->arena, &list, node->listeners.items[i].proxy);
	if (list.count == 0)
		push_addresses(builder->arena, &list, node);
	return list;
}

/* The protocols that the user's own parameter leaves the node. */
static bool speaks(const struct node *node, enum ip_family family)
{
	for (size_t i = 0; i < node->extra.count; i++) {
		const char *value = node->extra.items[i].value.value;

		if (strcmp(node->extra.items[i].head.name.value, "inet_protocols") == 0 && value &&
		    *value && !strstr(value, "all"))
			return strstr(value, family == IP_V4 ? "ipv4" : "ipv6") != NULL;
	}
	return true;
}

/* Whether the text is an address of the node in the internet. */
static bool has_address(const struct attachment *attachment, const struct text *text,
			struct ip_address *out)
{
	if (!attachment || !text->value || ip_parse(text->value, out) != IP_OK)
		return false;
	for (size_t i = 0; i < attachment->addresses.count; i++)
		if (ip_equal(&attachment->addresses.items[i].value, out))
			return true;
	return false;
}

/* The node's own egress counts towards the internet only if its addresses are there. */
static bool own_fits(const struct node *node)
{
	const struct attachment *attachment = node_attachment(node, NULL);
	struct ip_address unused;

	return node->egress.head.given &&
	       (!node->egress.ipv4.value || has_address(attachment, &node->egress.ipv4, &unused)) &&
	       (!node->egress.ipv6.value || has_address(attachment, &node->egress.ipv6, &unused));
}

static const struct text *bound_to(const struct exit *way, enum ip_family family)
{
	const struct egress *route = &way->route->egress, *own = &way->node->egress;
	const struct text *special = family == IP_V4 ? &route->ipv4 : &route->ipv6;
	const struct text *usual = family == IP_V4 ? &own->ipv4 : &own->ipv6;

	if (special->value)
		return special;
	return own_fits(way->node) && usual->value ? usual : NULL;
}

static const char *greeting(const struct exit *way)
{
	if (way->route->egress.helo.value)
		return way->route->egress.helo.value;
	if (own_fits(way->node) && way->node->egress.helo.value)
		return way->node->egress.helo.value;
	return way->node->hostname.value;
}

static void push_egress(struct builder *builder, const struct exit *way,
			const struct ip_address *address, struct position at)
{
	struct dns_egress egress = {*address, greeting(way), way->node, at};
	char text[IP_TEXT_SIZE];
	char *key = arena_printf(builder->arena, "%s %s", ip_format(address, text), egress.helo);

	if (name_map_add(builder->egresses, key, key))
		return;
	builder->out->egresses =
		arena_grow(builder->arena, builder->out->egresses, builder->out->egress_count,
			   sizeof(*builder->out->egresses));
	builder->out->egresses[builder->out->egress_count++] = egress;
}

void build_spf_add(struct builder *builder, struct spf_terms *terms, const char *item)
{
	for (size_t i = 0; i < terms->count; i++)
		if (strcasecmp(terms->items[i], item) == 0)
			return;
	terms->items =
		arena_grow(builder->arena, terms->items, terms->count, sizeof(*terms->items));
	terms->items[terms->count++] = item;
	terms->lookups += strncmp(item, "include:", 8) == 0;
}

static void add_address(struct builder *builder, const struct exit *way,
			const struct ip_address *address, struct position at,
			struct spf_terms *terms)
{
	char text[IP_TEXT_SIZE];

	push_egress(builder, way, address, at);
	build_spf_add(builder, terms,
		      arena_printf(builder->arena, "ip%c:%s", address->family == IP_V4 ? '4' : '6',
				   ip_format(address, text)));
}

static void add_family(struct builder *builder, const struct exit *way, enum ip_family family,
		       const struct address_list *all, struct spf_terms *terms)
{
	const struct text *bound = bound_to(way, family);
	struct ip_address address;

	if (!speaks(way->node, family))
		return;
	if (bound && ip_parse(bound->value, &address) == IP_OK) {
		add_address(builder, way, &address, bound->at, terms);
		return;
	}
	for (size_t i = 0; i < all->count; i++)
		if (all->items[i].value.family == family)
			add_address(builder, way, &all->items[i].value, all->items[i].at, terms);
}

static void add_smarthost(struct builder *builder, const struct node *node, struct spf_terms *terms)
{
	const char *usual = providers[node->provider.value].spf;

	for (size_t i = 0; i < node->spf_include.count; i++)
		build_spf_add(builder, terms,
			      arena_printf(builder->arena, "include:%s",
					   node->spf_include.items[i].value));
	if (node->spf_include.count)
		return;
	if (usual) {
		build_spf_add(builder, terms, arena_printf(builder->arena, "include:%s", usual));
		return;
	}
	terms->unknown = true;
	if (name_map_add(builder->told, node->head.name.value, builder))
		return;
	dns_report(builder->list, SPF_UNKNOWN, node->head.name.at,
		   "nothing tells which hosts '%s' sends from: SPF cannot list them",
		   node->head.name.value);
	diagnostics_hint(builder->list,
			 "give the node spf_include: the domain that the provider tells its "
			 "customers to include");
}

static void add_exit(struct builder *builder, const struct exit *way, struct spf_terms *terms)
{
	struct address_list all = {0};

	if (way->next->kind.value == KIND_SMARTHOST) {
		add_smarthost(builder, way->next, terms);
		return;
	}
	push_addresses(builder->arena, &all, way->node);
	/* a host without an address in the internet leaves by that of its proxy (NAT) */
	if (all.count == 0)
		all = build_public_addresses(builder, way->node);
	add_family(builder, way, IP_V4, &all, terms);
	add_family(builder, way, IP_V6, &all, terms);
	if (all.count)
		return;
	terms->unknown = true;
	if (name_map_add(builder->told, way->node->head.name.value, builder))
		return;
	dns_report(builder->list, SPF_UNKNOWN, way->node->head.name.at,
		   "nothing tells the address that mail of '%s' reaches the Internet from",
		   way->node->head.name.value);
	diagnostics_hint(builder->list, "give its addresses internet: that of the host whose NAT "
					"its connections pass");
}

/* Whether the route takes out single senders of the domain. */
static bool takes_senders(const struct route *route, const struct domain *domain)
{
	for (size_t i = 0; i < route->senders.count; i++)
		if (route->senders.items[i].domain == domain)
			return true;
	return false;
}

struct spf_terms build_spf_terms(struct builder *builder, const struct domain *domain)
{
	const struct topology *topology = builder->topology;
	struct spf_terms terms = {0};
	struct exit way;

	for (size_t i = 0; i < domain->routes.count; i++) {
		const struct route *route = domain->routes.items[i];

		if (route_is_outbound(route) && find_exit(route, &way))
			add_exit(builder, &way, &terms);
	}
	for (size_t i = 0; i < topology->routes.count; i++) {
		const struct route *route = &topology->routes.items[i];

		if (takes_senders(route, domain) && find_exit(route, &way))
			add_exit(builder, &way, &terms);
	}
	return terms;
}
