/* The ports of the page: who connects to which, and what they may say there. */
#include "common/name_map.h"
#include "confgen/derive/hops.h"
#include "confgen/page/page_private.h"
#include "confgen/topology/schema.h"

#include <stdlib.h>

#define SUBMISSION 587

/* A port of a node that some hop of a route, a proxy, or clients lead to. */
struct port {
	const struct node *node;
	unsigned long number;
	const struct listener *listener; /* behind a proxy; or NULL */
	const char *service;
	struct position at;
	bool clients;		/* of networks, without a login */
	bool login;		/* peers log in */
	struct name_map *known; /* who connects, for finding out whether it is said already */
	struct page_names from;
};

struct ports {
	struct arena *arena;
	const struct topology *topology;
	struct name_map *index;
	struct {
		struct port **items;
		size_t count;
	} list;
};

static const char *service_name(unsigned long port)
{
	for (int i = SERVICE_SMTP; i <= SERVICE_SIEVE; i++)
		if (service_port(i) == port)
			return service_words[i];
	return "smtp";
}

static struct port *find_port(struct ports *ports, const struct node *node, unsigned long number,
			      const struct listener *listener)
{
	struct arena *arena = ports->arena;
	/* what comes by a proxy is another row than what comes to the same port directly */
	const char *key = arena_printf(arena, "%s %lu %s", node->head.name.value, number,
				       listener ? listener->head.name.value : "");
	struct port *port = name_map_find(ports->index, key);

	if (port)
		return port;
	port = arena_alloc(arena, sizeof(*port));
	*port = (struct port){.node = node,
			      .number = number,
			      .listener = listener,
			      .service = listener ? service_words[listener->service.value]
						  : service_name(number),
			      .known = name_map_new(arena, 0),
			      .from = page_names_begin(arena)};
	name_map_add(ports->index, key, port);
	*arena_push(arena, &ports->list) = port;
	return port;
}

static void add_sender(struct port *port, const char *name)
{
	if (!name_map_add(port->known, name, port))
		page_names_add(&port->from, name);
}

static void add_hop(struct ports *ports, const struct route_hop *hop)
{
	struct port *port;

	if (!facts_has(hop->to))
		return;
	port = find_port(ports, hop->to, hop->port, hop->listener);
	port->at = hop->at;
	port->login |= hop->known == KNOWN_LOGIN;
	add_sender(port, hop->from->kind.value == KIND_INTERNET ? "anyone on the Internet"
								: hop->from->head.name.value);
}

/* What is behind a proxy, or submitted by clients, is on no route. */
static void add_services(struct ports *ports, const struct node *node)
{
	for (size_t i = 0; i < node->listeners.count; i++) {
		const struct listener *listener = &node->listeners.items[i];
		struct port *front = find_port(ports, listener->proxy, listener->port.value, NULL);
		struct port *port =
			find_port(ports, node, listener_proxied_port(listener), listener);

		front->at = listener->head.at;
		front->service = service_words[listener->service.value];
		if (!front->from.count)
			add_sender(front, "anyone who reaches the proxy");
		port->at = listener->head.at;
		add_sender(port, listener->proxy->head.name.value);
	}
	for (size_t i = 0; i < node->client_count; i++) {
		struct port *port = find_port(ports, node, SUBMISSION, NULL);

		port->clients = true;
		port->at = node->clients.items[i].at;
		add_sender(port, arena_printf(ports->arena, "clients in %s",
					      node->client_networks[i]->head.name.value));
	}
}

static const char *proxy_header(struct arena *arena, const struct port *port)
{
	const struct listener *listener = port->listener;

	if (!listener)
		return NULL;
	return arena_printf(
		arena, "%s, from %s%s", proxy_protocol_words[listener->proxy->proxy_protocol.value],
		listener->proxy->head.name.value,
		listener->through.value == THROUGH_GATE
			? "; postern-gate believes no one else, and lets direct clients in"
			: "");
}

static const char *rules_of(const struct port *port)
{
	if (port->node->kind.value == KIND_PROXY)
		return "passes connections on";
	if (port->clients)
		return "submits for its sender domains, without a login";
	if (port->login)
		return "relays after a login";
	if (port->listener && !service_is_smtp(port->listener->service.value))
		return "reads mail after a login, by Dovecot";
	if (port->listener && port->listener->service.value != SERVICE_SMTP)
		return "submits after a login";
	return "delivers to the node's domains; relays if trusted, see below";
}

/* By node, in their order, and by port. */
static int compare(const void *a, const void *b)
{
	const struct port *x = *(struct port *const *)a, *y = *(struct port *const *)b;

	if (x->node != y->node)
		return x->node < y->node ? -1 : 1;
	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	return (x->listener > y->listener) - (x->listener < y->listener);
}

static json_t *entry_of(struct ports *ports, struct port *port)
{
	struct arena *arena = ports->arena;
	const struct listener *listener = port->listener;
	json_t *entry = json_object();

	page_set(entry, "node", page_text(arena, port->node->head.name.value));
	page_set(entry, "port", page_textf(arena, "%lu", port->number));
	page_set(entry, "service", page_text(arena, port->service));
	page_set(entry, "from", page_names_end(&port->from));
	page_set(entry, "header", page_text(arena, proxy_header(arena, port)));
	page_set(entry, "rules", page_text(arena, rules_of(port)));
	page_set(entry, "exposed",
		 json_boolean(listener &&
			      listener_is_exposed(ports->topology, port->node, listener)));
	page_set(entry, "origin", page_place(arena, port->at));
	return entry;
}

json_t *page_listeners(struct arena *arena, const struct page *page)
{
	const struct topology *topology = page->topology;
	struct ports ports = {
		.arena = arena, .topology = topology, .index = name_map_new(arena, 0)};
	json_t *rows = json_array();

	for (size_t i = 0; i < topology->routes.count; i++) {
		const struct route_hops hops =
			hops_of_route(arena, topology, &topology->routes.items[i]);

		for (size_t j = 0; j < hops.count; j++)
			add_hop(&ports, &hops.items[j]);
	}
	for (size_t i = 0; i < topology->nodes.count; i++)
		add_services(&ports, &topology->nodes.items[i]);
	if (ports.list.count)
		qsort(ports.list.items, ports.list.count, sizeof(*ports.list.items), compare);
	for (size_t i = 0; i < ports.list.count; i++) {
		json_t *entry = entry_of(&ports, ports.list.items[i]);

		if (i < PAGE_MOST_ROWS)
			view_push(rows, entry);
		else
			json_decref(entry);
	}
	return page_rows(arena, rows, ports.list.count);
}
