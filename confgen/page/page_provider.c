/*
 * What only others can set: the addresses that mail leaves from, as the Internet sees them, and
 * what a provider or a router has to do for each.
 */
#include "common/name_map.h"
#include "confgen/derive/hops.h"
#include "confgen/page/page_private.h"

struct address_table {
	struct arena *arena;
	struct name_map *known; /* addresses that were told, with the name that they greet with */
	json_t *rows;
	size_t count;
};

static void add_row(struct address_table *table, const struct node *node, const char *address,
		    const char *name, struct position at)
{
	struct arena *arena = table->arena;
	const char *key = arena_printf(arena, "%s %s %s", node->head.name.value,
				       address ? address : "", name ? name : "");
	json_t *entry;

	if (name_map_add(table->known, key, table) || table->count++ >= PAGE_MOST_ROWS)
		return;
	entry = json_object();
	page_set(entry, "node", page_text(arena, node->head.name.value));
	page_set(entry, "address", page_text(arena, address));
	page_set(entry, "name", page_text(arena, name));
	page_set(entry, "nat", json_boolean(node_is_container(node)));
	page_set(entry, "origin", page_place(arena, at));
	view_push(table->rows, entry);
}

static void add_egress(struct address_table *table, const struct node *node,
		       const struct egress *egress, const char *name)
{
	if (egress->helo.value)
		name = egress->helo.value;
	if (egress->ipv4.value)
		add_row(table, node, egress->ipv4.value, name, egress->ipv4.at);
	if (egress->ipv6.value)
		add_row(table, node, egress->ipv6.value, name, egress->ipv6.at);
}

static void add_hop(struct address_table *table, const struct hop *hop)
{
	const struct attachment *in = node_attachment(hop->from, NULL);
	const char *name = hop->from->hostname.value;
	char text[IP_TEXT_SIZE];

	if (hop->to->kind.value != KIND_INTERNET)
		return;
	if (hop->egress && (hop->egress->ipv4.value || hop->egress->ipv6.value)) {
		add_egress(table, hop->from, hop->egress, name);
		return;
	}
	for (size_t i = 0; in && i < in->addresses.count; i++)
		add_row(table, hop->from,
			arena_strdup(table->arena, ip_format(&in->addresses.items[i].value, text)),
			name, in->addresses.items[i].at);
	if (!in)
		add_row(table, hop->from, NULL, name, hop->from->head.at);
}

json_t *page_provider(struct arena *arena, const struct page *page)
{
	const struct route_list *routes = &page->topology->routes;
	struct address_table table = {
		.arena = arena, .known = name_map_new(arena, 0), .rows = json_array()};

	for (size_t i = 0; i < routes->count; i++) {
		const struct hop_list hops =
			hops_of_route(arena, page->topology, &routes->items[i]);

		for (size_t j = 0; j < hops.count; j++)
			add_hop(&table, &hops.items[j]);
	}
	return page_rows(arena, table.rows, table.count);
}
