/*
 * What postern-milter is told of the services and peers before it, as JSON for the templates; see
 * view.h. The milter knows a service by its macro {daemon_name}, which is the host name where
 * master.cf says nothing else.
 */
#include "confgen/derive/facts_private.h"
#include "confgen/derive/view_private.h"

/* Adds a word to a set, which may get one for each of 100,000 domains. */
static void push_word(struct arena *arena, struct entry_list *set, const char *word)
{
	facts_push_entry(arena, set, word, "", (struct position){0});
}

static json_t *words(const struct entry_list *set)
{
	json_t *array = json_array();

	for (size_t i = 0; i < set->count; i++)
		view_push(array, json_pack("{s:s, s:b, s:b}", "value", set->items[i].key, "first",
					   !i, "last", i + 1 == set->count));
	return array;
}

/* --- listeners --- */

static void push_proxies(struct arena *arena, struct entry_list *set, const struct proxied *proxied)
{
	char text[IP_TEXT_SIZE];

	for (size_t i = 0; i < proxied->from->addresses.count; i++)
		push_word(arena, set,
			  arena_strdup(arena,
				       ip_format(&proxied->from->addresses.items[i].value, text)));
}

static void push_listener(struct arena *arena, json_t *array, const char *name, bool proxied,
			  const struct entry_list *proxies, const struct listener *cause)
{
	view_push(array,
		  json_pack("{s:s, s:b, s:o, s:s}", "name", name, "proxied", proxied, "proxies",
			    words(proxies), "origin", view_place(arena, cause->head.name.at)));
}

/* Each service that reads a PROXY header, and the one without beside it at the same port. */
static void push_proxied(struct arena *arena, json_t *array, const struct proxied *proxied)
{
	const struct listener *listener = proxied->listener;
	const char *name = listener->head.name.value;
	struct entry_list proxies = {0};

	push_proxies(arena, &proxies, proxied);
	push_listener(arena, array, name, true, &proxies, listener);
	if (listener->through.value == THROUGH_GATE)
		push_listener(arena, array, arena_printf(arena, "%s-direct", name), false, &proxies,
			      listener);
}

json_t *view_milter_listeners(struct arena *arena, const struct facts *facts)
{
	const struct listener *first = NULL;
	struct entry_list all = {0};
	json_t *array = json_array();

	for (size_t i = 0; i < facts->proxied.count; i++) {
		const struct proxied *proxied = &facts->proxied.items[i];

		if (!service_is_smtp(proxied->listener->service.value))
			continue;
		push_proxied(arena, array, proxied);
		push_proxies(arena, &all, proxied);
		first = first ? first : proxied->listener;
	}
	/* every other service, such as the plain port: a proxy's own address there is a header lost
	 */
	if (first && facts->hostname)
		push_listener(arena, array, facts->hostname, false, &all, first);
	return array;
}

/* --- sender bindings --- */

static bool is_loopback(const struct ip_network *network)
{
	return ip_is_loopback(&network->address);
}

/* Postfix's own mail comes from loopback, and bounces among it: they are not bound. */
static json_t *networks(struct arena *arena, const struct sender_limit *limit)
{
	struct entry_list set = {0};
	char text[IP_TEXT_SIZE];

	for (size_t i = 0; i < limit->clients.count; i++)
		if (!is_loopback(&limit->clients.items[i].network))
			push_word(arena, &set,
				  arena_strdup(arena,
					       ip_network_format(&limit->clients.items[i].network,
								 text)));
	return words(&set);
}

/* The domains, with those below them but for others' own, as Postfix's table of the same limit has
 * them. A sender address of its own counts as its domain here. */
static json_t *domains(struct arena *arena, const struct sender_limit *limit)
{
	struct entry_list set = {0};

	for (size_t i = 0; i < limit->senders.count; i++) {
		const struct entry *entry = &limit->senders.items[i];
		const char *at = strchr(entry->key, '@');

		if (strcmp(entry->value, "OK") != 0 || strcmp(entry->key, "<>") == 0)
			continue;
		push_word(arena, &set, at ? at + 1 : entry->key);
		if (!at)
			push_word(arena, &set, arena_printf(arena, "*.%s", entry->key));
	}
	for (size_t i = 0; i < limit->senders.count; i++) {
		const struct entry *entry = &limit->senders.items[i];

		if (strcmp(entry->value, "OK") == 0)
			continue;
		if (!facts_find_entry(&set, entry->key))
			push_word(arena, &set, arena_printf(arena, "!%s", entry->key));
		push_word(arena, &set, arena_printf(arena, "!*.%s", entry->key));
	}
	return words(&set);
}

static bool has_address_in(const struct node *node, const struct trusted_list *clients)
{
	for (size_t i = 0; i < node->addresses.count; i++)
		for (size_t j = 0; j < node->addresses.items[i].addresses.count; j++)
			for (size_t k = 0; k < clients->count; k++)
				if (ip_network_contains(
					    &clients->items[k].network,
					    &node->addresses.items[i].addresses.items[j].value))
					return true;
	return false;
}

/* Whether mail that strangers wrote comes from there: their senders must pass. */
static bool brings_strangers(const struct facts *facts, const struct sender_limit *limit)
{
	for (size_t i = 0; i < facts->topology->routes.count; i++) {
		const struct route *route = &facts->topology->routes.items[i];
		const struct node *previous = route_previous(route, facts->node);

		if (!route_is_outbound(route) && previous &&
		    has_address_in(previous, &limit->clients))
			return true;
	}
	return limit->inbound;
}

static json_t *login(struct arena *arena, const struct sender_limit *limit)
{
	struct entry_list set = {0};

	if (limit->username)
		push_word(arena, &set, limit->username);
	return words(&set);
}

static void push_binding(struct arena *arena, json_t *array, const struct sender_limit *limit)
{
	json_t *addresses = networks(arena, limit), *users = login(arena, limit);
	bool by_address = json_array_size(addresses) > 0, by_login = json_array_size(users) > 0;

	/* one that names nobody would bind everybody */
	if (!by_address && !by_login) {
		json_decref(addresses);
		json_decref(users);
		return;
	}
	view_push(array,
		  json_pack("{s:s, s:s, s:b, s:o, s:b, s:o, s:o, s:b, s:b, s:s}", "name",
			    view_limit_class(arena, limit), "peer", limit->name, "has_networks",
			    by_address, "networks", addresses, "has_users", by_login, "users",
			    users, "domains", domains(arena, limit), "forwards", !limit->submits,
			    "null_sender", name_map_find(limit->senders.index, "<>") != NULL,
			    "origin", view_place(arena, limit->at)));
}

json_t *view_milter_bindings(struct arena *arena, const struct facts *facts)
{
	json_t *array = json_array();

	for (size_t i = 0; i < facts->limits.count; i++)
		if (!brings_strangers(facts, &facts->limits.items[i]))
			push_binding(arena, array, &facts->limits.items[i]);
	return array;
}
