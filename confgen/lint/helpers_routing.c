/* Next hops and the clients that take them; see helpers_routing.h. */
#include "confgen/lint/helpers_routing.h"

#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

struct next_hop routing_next_hop(struct arena *arena, const struct text *text)
{
	struct next_hop next = {.text = *text, .port = "", .host = ""};
	const char *name = text->text, *end, *colon;

	next.socket = strncmp(name, "unix:", 5) == 0;
	if (next.socket)
		return next;
	if (strncmp(name, "inet:", 5) == 0)
		name += 5;
	end = *name == '[' ? strchr(name, ']') : NULL;
	next.bracketed = end != NULL;
	if (end) {
		next.host = arena_strndup(arena, name + 1, (size_t)(end - name - 1));
		next.port = end[1] == ':' ? end + 2 : "";
	} else {
		colon = strrchr(name, ':');
		next.host = colon ? arena_strndup(arena, name, (size_t)(colon - name)) : name;
		next.port = colon ? colon + 1 : "";
	}
	ip_parse(next.host, &next.address);
	return next;
}

unsigned routing_port(const char *port, unsigned usual)
{
	static const struct {
		const char *name;
		unsigned port;
	} names[] = {{"smtp", 25}, {"smtps", 465}, {"submissions", 465}, {"ssmtp", 465},
		     {"urd", 465}, {"lmtp", 24},   {"submission", 587},	 {"mail", 25}};

	if (!*port)
		return usual;
	if (isdigit((unsigned char)*port))
		return (unsigned)strtoul(port, NULL, 10);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strcasecmp(port, names[i].name) == 0)
			return names[i].port;
	return 0;
}

bool routing_is_loopback(const struct next_hop *next)
{
	return (next->address.family != IP_NONE && ip_is_loopback(&next->address)) ||
	       strcasecmp(next->host, "localhost") == 0;
}

bool routing_is_private(const struct next_hop *next)
{
	struct ip_network network;

	if (next->address.family == IP_NONE)
		return routing_is_loopback(next);
	network = ip_host_network(&next->address);
	return ip_network_is_private(&network);
}

/* Where the place is, or would be. A table may have an entry, and so a place, on each line. */
static struct position *slot_of(const struct places *places, struct position at)
{
	size_t slot = ((uintptr_t)at.source / sizeof(at) + at.line) * 2654435761U + at.column;

	for (;; slot++) {
		struct position *there = &places->slots[slot & (places->size - 1)];

		if (!there->source || (there->source == at.source && there->line == at.line &&
				       there->column == at.column))
			return there;
	}
}

static void enlarge(const struct lint *lint, struct places *places)
{
	struct places larger = {.size = places->size ? 2 * places->size : 16,
				.count = places->count,
				.nowhere = places->nowhere};

	larger.slots = arena_array(lint->arena, larger.size, sizeof(*larger.slots));
	for (size_t i = 0; i < places->size; i++)
		if (places->slots[i].source)
			*slot_of(&larger, places->slots[i]) = places->slots[i];
	*places = larger;
}

bool routing_first(const struct lint *lint, struct places *places, struct position at)
{
	struct position *slot;

	if (!at.source) {
		bool first = !places->nowhere;

		places->nowhere = true;
		return first;
	}
	if (2 * places->count >= places->size)
		enlarge(lint, places);
	slot = slot_of(places, at);
	if (slot->source)
		return false;
	*slot = at;
	places->count++;
	return true;
}

struct clients routing_clients(const struct lint *lint)
{
	struct clients clients = {0};
	const struct service *service;
	size_t at = 0;

	while ((service = configuration_next(lint->configuration, "smtp", &at)))
		*arena_push(lint->arena, &clients) = service;
	if (!clients.count)
		*arena_push(lint->arena, &clients) = NULL;
	return clients;
}

/* The smtp(8) client of this name; false where it is none, or is not known. */
static bool find_client(const struct lint *lint, const char *name, const struct service **out)
{
	const struct service *service;

	*out = NULL;
	if (!lint->configuration->has_master)
		return strcmp(name, "smtp") == 0 || strcmp(name, "relay") == 0;
	service = master_cf_find(&lint->configuration->master, name, "unix");
	if (!service || strcmp(service_daemon(service), "smtp") != 0)
		return false;
	*out = service;
	return true;
}

/* Splits transport:nexthop; without a colon, all of it is a transport. */
static void split_transport(const struct lint *lint, const struct text *text, const char **name,
			    struct text *rest)
{
	size_t length = strcspn(text->text, ":");
	size_t start = length < text->length ? length + 1 : length;

	*name = arena_strndup(lint->arena, text->text, length);
	*rest = text_trim(lint->arena, text, start, text->length - start);
}

bool routing_default_client(const struct lint *lint, const struct service **out)
{
	const struct value *value =
		configuration_value(lint->configuration, NULL, "default_transport");
	const char *name;
	struct text rest;

	split_transport(lint, &value->text, &name, &rest);
	return find_client(lint, name, out);
}

struct gatherer {
	const struct lint *lint;
	struct hops hops;
	const char *parameter;
	const struct value *value;
	const struct table_entry *entry;
};

/* Adds each destination of a list. */
static void add_hops(struct gatherer *gatherer, const struct service *client,
		     const struct text *text)
{
	const struct lint *lint = gatherer->lint;
	struct list list = list_split(lint->arena, text);

	for (size_t i = 0; i < list.count; i++) {
		struct text *item = &list.items[i].text;

		*arena_push(lint->arena, &gatherer->hops) =
			(struct hop){client, gatherer->parameter, gatherer->entry,
				     routing_next_hop(lint->arena, item),
				     configuration_part_position(lint->configuration, client,
								 gatherer->value, item)};
	}
}

static void add_transport(struct gatherer *gatherer, const struct text *text)
{
	const struct service *client;
	const char *name;
	struct text rest;

	split_transport(gatherer->lint, text, &name, &rest);
	if (*name ? find_client(gatherer->lint, name, &client)
		  : routing_default_client(gatherer->lint, &client))
		add_hops(gatherer, client, &rest);
}

static const struct value *take(struct gatherer *gatherer, const struct service *service,
				const char *parameter)
{
	gatherer->parameter = parameter;
	gatherer->entry = NULL;
	gatherer->value = configuration_value(gatherer->lint->configuration, service, parameter);
	return gatherer->value;
}

static bool is_pattern(const struct table_type *type)
{
	return strcmp(type->name, "regexp") == 0 || strcmp(type->name, "pcre") == 0 ||
	       strcmp(type->name, "cidr") == 0;
}

struct readable routing_readable(const struct lint *lint, const struct value *value)
{
	struct tables tables = configuration_tables(lint->configuration, value);
	struct readable readable = {.whole = true};
	const struct table_contents *contents;

	for (size_t i = 0; i < tables.count; i++) {
		const struct table *table = tables.items[i];

		while (table->type && table->type->prefix && table->parts.count)
			table = table->parts.items[0];
		if (table->type && !is_pattern(table->type) &&
		    configuration_contents(lint->configuration, table, lint->list, &contents) ==
			    CONTENTS_READ)
			*arena_push(lint->arena, &readable) = contents;
		else
			readable.whole = false;
	}
	return readable;
}

/*
 * The client of an entry of sender_dependent_relayhost_maps: the transport that the same sender
 * has, or the default. False: none that is known, or one with a next hop of its own.
 */
static bool sender_client(const struct lint *lint, const struct readable *transports,
			  const struct table_entry *sender, const struct service **out)
{
	const struct table_entry *entry = NULL;
	const char *name;
	struct text rest;

	for (size_t i = 0; !entry && i < transports->count; i++)
		entry = table_find(transports->items[i], sender->key.text);
	if (!entry || text_equal_case(&entry->value, "DUNNO"))
		return routing_default_client(lint, out);
	split_transport(lint, &entry->value, &name, &rest);
	if (rest.length)
		return false;
	return *name ? find_client(lint, name, out) : routing_default_client(lint, out);
}

static void add_tables(struct gatherer *gatherer, const char *parameter, bool transports)
{
	const struct lint *lint = gatherer->lint;
	struct readable readable = routing_readable(lint, take(gatherer, NULL, parameter));
	struct readable senders = {0};
	const struct service *client;

	if (!transports && readable.count)
		senders = routing_readable(
			lint, configuration_value(lint->configuration, NULL,
						  "sender_dependent_default_transport_maps"));

	for (size_t i = 0; i < readable.count; i++)
		for (size_t j = 0; j < readable.items[i]->count; j++) {
			const struct table_entry *entry = &readable.items[i]->items[j];

			gatherer->entry = entry;
			if (entry->kind != TABLE_ENTRY || text_equal_case(&entry->value, "DUNNO"))
				continue;
			if (transports)
				add_transport(gatherer, &entry->value);
			else if (sender_client(lint, &senders, entry, &client))
				add_hops(gatherer, client, &entry->value);
		}
	gatherer->entry = NULL;
}

struct hops routing_hops(const struct lint *lint)
{
	static const char *const transports[] = {"default_transport", "relay_transport",
						 "virtual_transport", "local_transport",
						 "content_filter"};
	struct gatherer gatherer = {.lint = lint};
	struct clients clients = routing_clients(lint);
	const struct service *client, *service;
	size_t at = 0;

	if (routing_default_client(lint, &client))
		add_hops(&gatherer, client, &take(&gatherer, NULL, "relayhost")->text);
	for (size_t i = 0; i < sizeof(transports) / sizeof(*transports); i++)
		add_transport(&gatherer, &take(&gatherer, NULL, transports[i])->text);
	while ((service = configuration_next(lint->configuration, NULL, &at)))
		if (service_override(service, "content_filter"))
			add_transport(&gatherer, &take(&gatherer, service, "content_filter")->text);
	for (size_t i = 0; i < clients.count; i++)
		add_hops(&gatherer, clients.items[i],
			 &take(&gatherer, clients.items[i], "smtp_fallback_relay")->text);
	add_tables(&gatherer, "sender_dependent_relayhost_maps", false);
	add_tables(&gatherer, "transport_maps", true);
	add_tables(&gatherer, "sender_dependent_default_transport_maps", true);
	return gatherer.hops;
}
