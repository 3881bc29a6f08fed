/* Proxies and what is behind them as JSON for the templates; see view.h. */
#include "confgen/derive/view.h"
#include "confgen/topology/schema.h"

static bool is_same_port(const struct listener *listener)
{
	return listener->through.value == THROUGH_SAME_PORT;
}

/* As part of a name that logs show: fail2ban knows letters, digits and '_' there. */
static const char *log_name(struct arena *arena, const struct listener *listener)
{
	char *name = arena_strdup(arena, listener->head.name.value);

	for (char *p = name; *p; p++)
		if (*p == '-')
			*p = '_';
	return name;
}

/* What master.cf calls the PROXY port. */
static const char *master_name(struct arena *arena, const struct listener *listener)
{
	return listener->proxy_port.value == 25
		       ? "smtp"
		       : arena_printf(arena, "%lu", listener->proxy_port.value);
}

static json_t *of_listener(struct arena *arena, const struct proxied *proxied)
{
	const struct listener *listener = proxied->listener;
	int service = listener->service.value;
	json_t *view = json_pack(
		"{s:s, s:s, s:s, s:s, s:s, s:i, s:i, s:s}", "name", listener->head.name.value,
		"log_name", log_name(arena, listener), "service", service_words[service], "master",
		master_name(arena, listener), "proxy", listener->proxy->head.name.value, "port",
		(int)listener->port.value, "proxy_port", (int)listener->proxy_port.value, "origin",
		view_place(arena, listener->head.name.at));

	json_object_set_new(view, "smtp", json_boolean(service == SERVICE_SMTP));
	json_object_set_new(view, "login", json_boolean(service != SERVICE_SMTP));
	json_object_set_new(view, "tls_first",
			    json_boolean(service == SERVICE_SUBMISSIONS ||
					 service == SERVICE_IMAPS || service == SERVICE_POP3S));
	json_object_set_new(view, "same_port", json_boolean(is_same_port(listener)));
	json_object_set_new(view, "other_family", json_boolean(proxied->other_family));
	return view;
}

/* The proxy's addresses of one family, or false: {"list": "10.0.0.2, 10.0.0.3"}. */
static json_t *addresses(struct arena *arena, const struct attachment *from, enum ip_family family)
{
	char text[IP_TEXT_SIZE];
	const char *list = NULL;

	for (size_t i = 0; i < from->addresses.count; i++) {
		const struct ip_address *address = &from->addresses.items[i].value;

		if (address->family != family)
			continue;
		ip_format(address, text);
		list = list ? arena_printf(arena, "%s, %s", list, text) : arena_strdup(arena, text);
	}
	return list ? json_pack("{s:s}", "list", list) : json_false();
}

static json_t *of_port(struct arena *arena, const struct proxied *proxied)
{
	json_t *view = of_listener(arena, proxied);

	json_object_set_new(view, "ipv4", addresses(arena, proxied->from, IP_V4));
	json_object_set_new(view, "ipv6", addresses(arena, proxied->from, IP_V6));
	return view;
}

/* --- Postfix --- */

/* The listeners that are Postfix's; `same`: those where PROXY comes on the port itself. */
static json_t *of_postfix(struct arena *arena, const struct facts *facts, bool same)
{
	json_t *array = json_array();

	for (size_t i = 0; i < facts->proxied.count; i++) {
		const struct listener *listener = facts->proxied.items[i].listener;

		if (service_is_smtp(listener->service.value) && is_same_port(listener) == same)
			json_array_append_new(array, of_listener(arena, &facts->proxied.items[i]));
	}
	return array;
}

/* Whether a listener for `service` has PROXY on the port itself, or on a second. */
static bool has_listener(const struct facts *facts, enum service service, enum through through)
{
	for (size_t i = 0; i < facts->proxied.count; i++) {
		const struct listener *listener = facts->proxied.items[i].listener;

		if (listener->service.value == (int)service &&
		    listener->through.value == (int)through)
			return true;
	}
	return false;
}

static bool has_plain_smtp(const struct facts *facts)
{
	for (size_t i = 0; i < facts->proxied.count; i++)
		if (facts->proxied.items[i].listener->proxy_port.value == 25)
			return false;
	return true;
}

/* --- Dovecot --- */

/* Dovecot's login services and the services that each serves. */
static const struct {
	const char *name;
	enum service services[2];
} login_services[] = {
	{"imap-login", {SERVICE_IMAP, SERVICE_IMAPS}},
	{"pop3-login", {SERVICE_POP3, SERVICE_POP3S}},
	{"managesieve-login", {SERVICE_SIEVE, SERVICE_SIEVE}},
};

static json_t *of_dovecot(struct arena *arena, const struct facts *facts)
{
	json_t *array = json_array();

	for (size_t i = 0; i < sizeof(login_services) / sizeof(login_services[0]); i++) {
		json_t *listeners = json_array();

		for (size_t j = 0; j < facts->proxied.count; j++) {
			int service = facts->proxied.items[j].listener->service.value;

			if (service == (int)login_services[i].services[0] ||
			    service == (int)login_services[i].services[1])
				json_array_append_new(listeners,
						      of_listener(arena, &facts->proxied.items[j]));
		}
		if (json_array_size(listeners))
			json_array_append_new(array, json_pack("{s:s, s:o}", "login",
							       login_services[i].name, "listeners",
							       listeners));
		else
			json_decref(listeners);
	}
	return array;
}

/* The addresses of all proxies in front of Dovecot, each once, for haproxy_trusted_networks. */
static json_t *dovecot_proxies(const struct facts *facts)
{
	json_t *set = json_object(), *array = json_array();
	char text[IP_TEXT_SIZE];
	const char *address;
	json_t *ignored;

	for (size_t i = 0; i < facts->proxied.count; i++) {
		const struct attachment *from = facts->proxied.items[i].from;

		if (service_is_smtp(facts->proxied.items[i].listener->service.value))
			continue;
		for (size_t j = 0; j < from->addresses.count; j++)
			json_object_set_new(set, ip_format(&from->addresses.items[j].value, text),
					    json_true());
	}
	json_object_foreach (set, address, ignored)
		json_array_append_new(array, json_pack("{s:s}", "address", address));
	json_decref(set);
	return array;
}

/* --- a node behind proxies --- */

json_t *view_proxied(struct arena *arena, const struct facts *facts)
{
	json_t *ports = json_array(), *second = of_postfix(arena, facts, false), *view;

	for (size_t i = 0; i < facts->proxied.count; i++)
		json_array_append_new(ports, of_port(arena, &facts->proxied.items[i]));
	view = json_pack("{s:o, s:o, s:o, s:o, s:o}", "ports", ports, "same",
			 of_postfix(arena, facts, true), "second", second, "dovecot",
			 of_dovecot(arena, facts), "dovecot_proxies", dovecot_proxies(facts));
	json_object_set_new(view, "plain_smtp", json_boolean(has_plain_smtp(facts)));
	json_object_set_new(view, "has_second", json_boolean(json_array_size(second) > 0));
	json_object_set_new(view, "two_postscreens",
			    json_boolean(has_listener(facts, SERVICE_SMTP, THROUGH_SECOND_PORT)));
	json_object_set_new(view, "version",
			    json_string(dovecot_version_words[facts->node->dovecot.version.value]));
	return view;
}

/* --- a proxy --- */

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

/* The forwards to `node`, or, without one, to all nodes of a kind; -1: of any kind. */
static json_t *forwards(struct arena *arena, const struct facts *facts, const struct node *node,
			int kind)
{
	json_t *array = json_array();
	size_t left = 0;

	for (int round = 0; round < 2; round++)
		for (size_t i = 0; i < facts->forwards.count; i++) {
			const struct forward *forward = &facts->forwards.items[i];

			if (node ? forward->node != node
				 : kind >= 0 && forward->node->kind.value != kind)
				continue;
			if (round == 0)
				left++;
			else
				json_array_append_new(array,
						      of_forward(arena, forward,
								 facts->node->proxy_protocol.value,
								 --left == 0));
		}
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

/* A container's fixed place in each network of the topology's own. */
static json_t *places(const struct node *node)
{
	json_t *array = json_array();

	for (size_t i = 0; i < node->addresses.count; i++) {
		const struct attachment *attachment = &node->addresses.items[i];

		if (attachment->network)
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

static bool is_container(const struct facts *facts, const struct node *node)
{
	for (size_t i = 0; i < facts->forwards.count; i++)
		if (facts->forwards.items[i].node == node)
			return node->kind.value == KIND_DMS;
	return false;
}

static json_t *containers(struct arena *arena, const struct facts *facts)
{
	json_t *array = json_array();

	for (size_t i = 0; i < facts->topology->nodes.count; i++) {
		const struct node *node = &facts->topology->nodes.items[i];

		if (!is_container(facts, node))
			continue;
		json_array_append_new(
			array,
			json_pack("{s:s, s:s, s:s, s:b, s:b, s:b, s:b, s:o, s:o}", "name",
				  node->head.name.value, "host", node->hostname.value, "origin",
				  view_place(arena, node->head.name.at), "dovecot_2_4",
				  node->dovecot.version.value == DOVECOT_2_4, "pop3",
				  serves(node, SERVICE_POP3) || serves(node, SERVICE_POP3S),
				  "sieve", serves(node, SERVICE_SIEVE), "signs",
				  signs(facts->topology, node), "places", places(node), "forwards",
				  forwards(arena, facts, node, -1)));
	}
	return array;
}

/* Whether the network joins the proxy or a container beside it. */
static bool joins(const struct facts *facts, const struct network *network)
{
	if (node_attachment(facts->node, network))
		return true;
	for (size_t i = 0; i < facts->forwards.count; i++)
		if (is_container(facts, facts->forwards.items[i].node) &&
		    node_attachment(facts->forwards.items[i].node, network))
			return true;
	return false;
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
		if (joins(facts, network))
			json_array_append_new(array, json_pack("{s:s, s:b, s:O}", "name",
							       network->head.name.value, "ipv6",
							       ipv6, "subnets", subnets));
		json_decref(subnets);
	}
	return array;
}

/* The network in which Traefik meets the containers. */
static json_t *meeting(const struct facts *facts)
{
	for (size_t i = 0; i < facts->forwards.count; i++)
		if (facts->forwards.items[i].node->kind.value == KIND_DMS &&
		    facts->forwards.items[i].network)
			return json_string(facts->forwards.items[i].network->head.name.value);
	return json_false();
}

json_t *view_proxy(struct arena *arena, const struct facts *facts)
{
	const struct node *node = facts->node;
	json_t *view, *hosts;

	if (node->kind.value != KIND_PROXY)
		return json_false();
	hosts = forwards(arena, facts, NULL, KIND_POSTFIX);
	view = json_pack("{s:b, s:b, s:b, s:o, s:o, s:b, s:o, s:o, s:o, s:o}", "ipv4", facts->ipv4,
			 "ipv6", facts->ipv6, "v1", node->proxy_protocol.value == PROXY_V1,
			 "forwards", forwards(arena, facts, NULL, -1), "hosts", hosts, "has_hosts",
			 node->software.value == SOFTWARE_TRAEFIK && json_array_size(hosts) > 0,
			 "containers", containers(arena, facts), "places", places(node), "networks",
			 networks(facts), "meeting", meeting(facts));
	for (int i = 0; software_words[i]; i++)
		json_object_set_new(view, software_words[i],
				    json_boolean(node->software.value == i));
	json_object_set_new(view, "in_container",
			    json_boolean(node->software.value == SOFTWARE_TRAEFIK ||
					 node->software.value == SOFTWARE_CADDY));
	return view;
}
