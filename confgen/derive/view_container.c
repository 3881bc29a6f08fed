/* What the templates see of a container, its clients and the user's own parameters; see view.h. */
#include "confgen/derive/view_private.h"
#include "common/strbuf.h"

#include <ctype.h>

#define DEFAULT_BASE "debian:bookworm-slim"
#define HEALTH_PORT  8893 /* of the milter, on loopback */

/*
 * A name as Kubernetes and Compose take it: lower case, digits and '-', from a letter to a letter
 * or digit (RFC 1035 label).
 */
static const char *label(struct arena *arena, const char *name)
{
	char *copy = arena_printf(arena, "%s%s", isalpha((unsigned char)*name) ? "" : "n", name);
	char *end = copy;

	for (char *p = copy; *p; p++) {
		*p = isalnum((unsigned char)*p) ? (char)tolower((unsigned char)*p) : '-';
		end = *p == '-' ? end : p + 1;
	}
	*end = '\0';
	return copy;
}

static const char *or_default(const char *value, const char *preset)
{
	return value ? value : preset;
}

static json_t *joined(struct arena *arena, const struct text_list *list)
{
	struct strbuf all = STRBUF_INIT;
	json_t *result = json_false();

	for (size_t i = 0; i < list->count; i++)
		strbuf_addf(&all, "%s%s", i ? " " : "", list->items[i].value);
	if (list->count)
		result = json_pack("{s:s, s:s}", "value", all.text, "origin",
				   view_place(arena, list->items[0].at));
	strbuf_done(&all);
	return result;
}

json_t *view_of_masquerade(struct arena *arena, const struct node *node)
{
	return joined(arena, &node->masquerade);
}

json_t *view_of_clients(struct arena *arena, const struct node *node)
{
	if (!node->client_count)
		return json_false();
	return json_pack("{s:s}", "origin", view_place(arena, node->clients.items[0].at));
}

json_t *view_of_extra(struct arena *arena, const struct node *node)
{
	json_t *array = json_array();

	for (size_t i = 0; i < node->extra.count; i++) {
		const struct setting *setting = &node->extra.items[i];
		const char *value = setting->value.value;

		json_array_append_new(array, json_pack("{s:s, s:s, s:b, s:s}", "name",
						       setting->head.name.value, "value", value,
						       "given", *value != '\0', "origin",
						       view_place(arena, setting->head.name.at)));
	}
	return array;
}

/* --- networks --- */

static bool is_on(const struct attachment *attachment, const struct ip_network *cidr)
{
	for (size_t i = 0; attachment && i < attachment->addresses.count; i++)
		if (ip_network_contains(cidr, &attachment->addresses.items[i].value))
			return true;
	return false;
}

/* The node's first address of a family, or false. */
static json_t *address_of(const struct attachment *attachment, enum ip_family family)
{
	char text[IP_TEXT_SIZE];

	for (size_t i = 0; attachment && i < attachment->addresses.count; i++)
		if (attachment->addresses.items[i].value.family == family)
			return json_string(ip_format(&attachment->addresses.items[i].value, text));
	return json_false();
}

/*
 * The CIDRs become the network's subnets only where the node has an address: only then do they say
 * what the network is, and not just whom to trust.
 */
static json_t *network_entry(struct arena *arena, const struct node *node,
			     const struct network *network, struct position at)
{
	const struct attachment *attachment = node_attachment(node, network);
	json_t *subnets = json_array();
	bool ipv6 = false;
	char text[IP_TEXT_SIZE];

	for (size_t i = 0; i < network->cidrs.count; i++) {
		const struct ip_network *cidr = &network->cidrs.items[i].value;

		ipv6 |= cidr->address.family == IP_V6;
		if (is_on(attachment, cidr))
			json_array_append_new(
				subnets, json_pack("{s:s}", "cidr", ip_network_format(cidr, text)));
	}
	return json_pack("{s:s, s:o, s:o, s:b, s:b, s:o, s:b, s:s}", "name",
			 network->head.name.value, "ipv4_address", address_of(attachment, IP_V4),
			 "ipv6_address", address_of(attachment, IP_V6), "has_address",
			 attachment != NULL, "has_subnets", json_array_size(subnets) > 0, "subnets",
			 subnets, "ipv6", ipv6, "origin", view_place(arena, at));
}

static void push_network(struct arena *arena, json_t *array, const struct node *node,
			 const struct network *network, struct position at)
{
	size_t i;
	json_t *known;

	if (!network)
		return;
	json_array_foreach (array, i, known)
		if (strcmp(json_string_value(json_object_get(known, "name")),
			   network->head.name.value) == 0)
			return;
	json_array_append_new(array, network_entry(arena, node, network, at));
}

static json_t *networks(struct arena *arena, const struct facts *facts)
{
	const struct topology *topology = facts->topology;
	const struct node *node = facts->node;
	const struct text_list *chosen = &node->deployment.networks;
	json_t *array = json_array();

	for (size_t i = 0; i < chosen->count; i++)
		for (size_t j = 0; j < topology->networks.count; j++)
			if (strcmp(topology->networks.items[j].head.name.value,
				   chosen->items[i].value) == 0)
				push_network(arena, array, node, &topology->networks.items[j],
					     chosen->items[i].at);
	for (size_t i = 0; i < node->client_count && !chosen->count; i++)
		push_network(arena, array, node, node->client_networks[i],
			     node->clients.items[i].at);
	for (size_t i = 0; i < node->addresses.count && !chosen->count; i++)
		push_network(arena, array, node, node->addresses.items[i].network,
			     node->addresses.items[i].head.name.at);
	return array;
}

/* --- files --- */

static json_t *secret(struct arena *arena, const char *name, const char *path, const char *source)
{
	return json_pack("{s:s, s:s, s:s}", "name", label(arena, name), "path", path, "source",
			 source);
}

/* A file that lies on the machine that runs the container, where a host would have it. */
static json_t *mounted(struct arena *arena, const char *name, const char *path)
{
	return secret(arena, name, path, arena_printf(arena, "${POSTERN_SECRETS:-}%s", path));
}

static void push_keys(struct arena *arena, json_t *array, const struct signing_domain *signs)
{
	for (size_t i = 0; i < signs->keys.count; i++) {
		const struct signing_key *key = &signs->keys.items[i];

		json_array_append_new(array, mounted(arena,
						     arena_printf(arena, "dkim-%s-%s", signs->name,
								  key->selector),
						     key->path));
	}
}

static json_t *secrets(struct arena *arena, const struct facts *facts)
{
	const struct node *node = facts->node;
	json_t *array = json_array();

	if (facts->logins.count)
		json_array_append_new(array, secret(arena, "sasl_passwd",
						    "/etc/postfix/sasl_passwd", "./sasl_passwd"));
	for (size_t i = 0; i < facts->signs.count; i++)
		push_keys(arena, array, &facts->signs.items[i]);
	if (node->tls.head.given) {
		json_array_append_new(
			array, mounted(arena, "tls-certificate", node->tls.certificate.value));
		json_array_append_new(array, mounted(arena, "tls-key", node->tls.key.value));
	}
	return array;
}

/* Tables that the image holds: all but those with secrets, which are mounted. */
static json_t *tables(struct arena *arena, const struct facts *facts)
{
	struct table_list all = view_tables(arena, facts);
	json_t *array = json_array();

	for (size_t i = 0; i < all.count; i++)
		if (!all.items[i].secret && !table_is_inline(facts->node, &all.items[i]))
			json_array_append_new(array, json_pack("{s:s}", "name", all.items[i].name));
	return array;
}

/* Tables that postmap has to make when the container starts. */
static json_t *indexed(struct arena *arena, const struct facts *facts)
{
	struct table_list all = view_tables(arena, facts);
	json_t *array = json_array();

	for (size_t i = 0; i < all.count; i++)
		if (table_is_indexed(facts->node, &all.items[i]))
			json_array_append_new(array,
					      json_pack("{s:s, s:s}", "type",
							table_type(facts->node, &all.items[i]),
							"name", all.items[i].name));
	return array;
}

json_t *view_of_container(struct arena *arena, const struct facts *facts)
{
	const struct deployment *deployment = &facts->node->deployment;
	const char *name = facts->node->head.name.value;
	json_t *all_networks, *all_secrets;

	if (!node_is_container(facts->node))
		return json_false();
	all_networks = networks(arena, facts);
	all_secrets = secrets(arena, facts);
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:o, s:b, s:o, s:o, s:o, s:i, s:i, s:s}",
			 "name", label(arena, name), "base",
			 or_default(deployment->base.value, DEFAULT_BASE), "image",
			 or_default(deployment->image.value,
				    arena_printf(arena, "postern-%s", label(arena, name))),
			 "queue",
			 or_default(deployment->volumes.queue.value,
				    arena_printf(arena, "%s-queue", label(arena, name))),
			 "data",
			 or_default(deployment->volumes.data.value,
				    arena_printf(arena, "%s-data", label(arena, name))),
			 "has_networks", json_array_size(all_networks) > 0, "networks",
			 all_networks, "has_secrets", json_array_size(all_secrets) > 0, "secrets",
			 all_secrets, "tables", tables(arena, facts), "indexed",
			 indexed(arena, facts), "port", facts->node->client_count ? 587 : 25,
			 "health_port", HEALTH_PORT, "origin",
			 view_place(arena, deployment->head.at));
}
