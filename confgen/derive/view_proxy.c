/* Proxies as JSON for the templates; see view.h. */
#include "confgen/derive/view_private.h"
#include "confgen/topology/schema.h"

/* --- where it leads --- */

static json_t *of_forward(struct arena *arena, const struct forward *forward, int version,
			  bool last)
{
	const struct listener *listener = forward->listener;
	char text[IP_TEXT_SIZE];
	const char *address = arena_strdup(arena, ip_format(&forward->address, text));

	return json_pack(
		"{s:s, s:s, s:s, s:i, s:i, s:s, s:s, s:i, s:s, s:b, s:s}", "section",
		arena_printf(arena, "%s-%s", forward->node->head.name.value,
			     listener->head.name.value),
		"node", forward->node->head.name.value, "service",
		service_words[listener->service.value], "port", (int)listener->port.value,
		"proxy_port", (int)listener->proxy_port.value, "address", address, "target",
		arena_printf(arena, forward->address.family == IP_V6 ? "[%s]:%lu" : "%s:%lu",
			     address, listener->proxy_port.value),
		"version", version == PROXY_V1 ? 1 : 2, "protocol", proxy_protocol_words[version],
		"last", last, "origin", view_place(arena, listener->head.name.at));
}

/* The forwards to one node; of all nodes where it is NULL. */
static json_t *forwards(struct arena *arena, const struct facts *facts, const struct node *node)
{
	json_t *array = json_array();
	size_t left = 0;

	for (size_t i = 0; i < facts->forwards.count; i++)
		left += !node || facts->forwards.items[i].node == node;
	for (size_t i = 0; i < facts->forwards.count; i++)
		if (!node || facts->forwards.items[i].node == node)
			json_array_append_new(array, of_forward(arena, &facts->forwards.items[i],
								facts->node->proxy_protocol.value,
								--left == 0));
	return array;
}

/* --- containers: the proxy, and the nodes of kind dms beside it --- */

static json_t *first_address(const struct attachment *attachment, enum ip_family family)
{
	char text[IP_TEXT_SIZE];

	for (size_t i = 0; i < attachment->addresses.count; i++)
		if (attachment->addresses.items[i].value.family == family)
			return json_string(ip_format(&attachment->addresses.items[i].value, text));
	return json_false();
}

/* A container is a node of kind dms that meets the proxy in a network of the topology's own. */
static bool is_container(const struct forward *forward)
{
	return forward->node->kind.value == KIND_DMS && forward->network;
}

/* Whether the proxy meets a container in the network: then it is Docker's, else the host's. */
static bool is_of_docker(const struct facts *facts, const struct network *network)
{
	for (size_t i = 0; i < facts->forwards.count; i++)
		if (is_container(&facts->forwards.items[i]) &&
		    facts->forwards.items[i].network == network)
			return true;
	return false;
}

/* The fixed place of the proxy or of a container in each of Docker's networks. */
static json_t *places(const struct facts *facts, const struct node *node)
{
	json_t *array = json_array();

	for (size_t i = 0; i < node->addresses.count; i++) {
		const struct attachment *attachment = &node->addresses.items[i];

		if (is_of_docker(facts, attachment->network))
			json_array_append_new(array,
					      json_pack("{s:s, s:o, s:o}", "network",
							attachment->head.name.value, "ipv4",
							first_address(attachment, IP_V4), "ipv6",
							first_address(attachment, IP_V6)));
	}
	return array;
}

static bool serves(const struct node *node, enum service service)
{
	for (size_t i = 0; i < node->listeners.count; i++)
		if (node->listeners.items[i].service.value == (int)service)
			return true;
	return false;
}

static bool signs(const struct topology *topology, const struct node *node)
{
	for (size_t i = 0; i < topology->domains.count; i++)
		if (topology->domains.items[i].dkim.signer == node)
			return true;
	return false;
}

static bool has_container(const struct facts *facts, const struct node *node)
{
	for (size_t i = 0; i < facts->forwards.count; i++)
		if (facts->forwards.items[i].node == node)
			return is_container(&facts->forwards.items[i]);
	return false;
}

/* Whether a port of the node expects PROXY without postern-gate before it. */
static bool is_guarded(const struct node *node)
{
	for (size_t i = 0; i < node->listeners.count; i++)
		if (node->listeners.items[i].through.value != THROUGH_GATE)
			return true;
	return false;
}

static json_t *containers(struct arena *arena, const struct facts *facts)
{
	json_t *array = json_array();

	for (size_t i = 0; i < facts->topology->nodes.count; i++) {
		const struct node *node = &facts->topology->nodes.items[i];

		if (!has_container(facts, node))
			continue;
		json_array_append_new(
			array,
			json_pack("{s:s, s:s, s:s, s:b, s:b, s:b, s:b, s:b, s:o, s:o}", "name",
				  node->head.name.value, "host", node->hostname.value, "origin",
				  view_place(arena, node->head.name.at), "dovecot_2_4",
				  node->dovecot.version.value == DOVECOT_2_4, "pop3",
				  serves(node, SERVICE_POP3) || serves(node, SERVICE_POP3S),
				  "sieve", serves(node, SERVICE_SIEVE), "signs",
				  signs(facts->topology, node), "guarded", is_guarded(node),
				  "places", places(facts, node), "forwards",
				  forwards(arena, facts, node)));
	}
	return array;
}

static json_t *networks(const struct facts *facts)
{
	json_t *array = json_array();
	char text[IP_TEXT_SIZE];

	for (size_t i = 0; i < facts->topology->networks.count; i++) {
		const struct network *network = &facts->topology->networks.items[i];
		json_t *subnets = json_array();
		bool ipv6 = false;

		for (size_t j = 0; j < network->cidrs.count; j++) {
			const struct ip_network *cidr = &network->cidrs.items[j].value;

			ipv6 |= cidr->address.family == IP_V6;
			json_array_append_new(subnets, json_pack("{s:s}", "subnet",
								 ip_network_format(cidr, text)));
		}
		if (is_of_docker(facts, network))
			json_array_append_new(array, json_pack("{s:s, s:b, s:O}", "name",
							       network->head.name.value, "ipv6",
							       ipv6, "subnets", subnets));
		json_decref(subnets);
	}
	return array;
}

/* The first of Docker's networks in which the proxy meets a container, or false. */
static json_t *meeting(const struct facts *facts)
{
	for (size_t i = 0; i < facts->forwards.count; i++)
		if (is_container(&facts->forwards.items[i]))
			return json_string(facts->forwards.items[i].network->head.name.value);
	return json_false();
}

/* The forwards to hosts that are no containers. */
static json_t *hosts_of(struct arena *arena, const struct facts *facts)
{
	json_t *array = json_array();

	for (size_t i = 0; i < facts->forwards.count; i++)
		if (!is_container(&facts->forwards.items[i]))
			json_array_append_new(array,
					      of_forward(arena, &facts->forwards.items[i],
							 facts->node->proxy_protocol.value, false));
	return array;
}

json_t *view_proxy(struct arena *arena, const struct facts *facts)
{
	const struct node *node = facts->node;
	json_t *view, *hosts;

	if (node->kind.value != KIND_PROXY)
		return json_false();
	hosts = hosts_of(arena, facts);
	view = json_pack("{s:b, s:b, s:b, s:o, s:o, s:b, s:o, s:o, s:o, s:o}", "ipv4", facts->ipv4,
			 "ipv6", facts->ipv6, "v1", node->proxy_protocol.value == PROXY_V1,
			 "forwards", forwards(arena, facts, NULL), "hosts", hosts, "has_hosts",
			 node->software.value == SOFTWARE_TRAEFIK && json_array_size(hosts) > 0,
			 "containers", containers(arena, facts), "places", places(facts, node),
			 "networks", networks(facts), "meeting", meeting(facts));
	for (int i = 0; software_words[i]; i++)
		json_object_set_new(view, software_words[i],
				    json_boolean(node->software.value == i));
	json_object_set_new(view, "in_container",
			    json_boolean(node->software.value == SOFTWARE_TRAEFIK ||
					 node->software.value == SOFTWARE_CADDY));
	return view;
}
