/* Listeners behind proxies as JSON for the templates; see view.h. */
#include "confgen/derive/view_private.h"
#include "confgen/topology/schema.h"
#include "common/strbuf.h"

static bool is_same_port(const struct listener *listener)
{
	return listener->through.value == THROUGH_SAME_PORT;
}

static bool is_gated(const struct listener *listener)
{
	return listener->through.value == THROUGH_GATE;
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

/* What master.cf calls the PROXY port, or the service that the gate hands proxied clients to. */
static const char *master_name(struct arena *arena, const struct listener *listener)
{
	if (is_gated(listener))
		return arena_printf(arena, "%s-proxied", listener->head.name.value);
	return listener->proxy_port.value == 25
		       ? "smtp"
		       : arena_printf(arena, "%lu", listener->proxy_port.value);
}

/* The service, as postconf -P names it, that has the parameter: postscreen or smtpd. */
static const char *target(struct arena *arena, const struct node *node,
			  const struct listener *listener, const char *parameter)
{
	bool screened = node->kind.value == KIND_DMS && listener->service.value == SERVICE_SMTP &&
			strncmp(parameter, "postscreen_", strlen("postscreen_")) != 0;

	if (screened)
		return is_same_port(listener)
			       ? "smtpd/pass"
			       : arena_printf(arena, "%s-proxied%s/pass", listener->head.name.value,
					      is_gated(listener) ? "-smtpd" : "");
	if (node->kind.value == KIND_DMS && is_same_port(listener))
		return arena_printf(arena, "%s/inet", service_words[listener->service.value]);
	return arena_printf(arena, "%s/%s", master_name(arena, listener),
			    is_gated(listener) ? "pass" : "inet");
}

/* In single quotes, for a shell. */
static const char *quoted(struct arena *arena, const char *text)
{
	struct strbuf all = STRBUF_INIT;
	const char *result;

	strbuf_addch(&all, '\'');
	for (; *text; text++)
		if (*text == '\'')
			strbuf_adds(&all, "'\\''");
		else
			strbuf_addch(&all, *text);
	strbuf_addch(&all, '\'');
	result = arena_strdup(arena, all.text);
	strbuf_done(&all);
	return result;
}

/* The user's own parameters: as an argument of -o in master.cf, and for postconf -P in a shell. */
static json_t *extra(struct arena *arena, const struct node *node, const struct listener *listener)
{
	json_t *array = json_array();

	for (size_t i = 0; i < listener->extra.count; i++) {
		const struct setting *setting = &listener->extra.items[i];
		const char *name = setting->head.name.value, *value = setting->value.value;
		const char *entry = arena_printf(arena, "%s/%s=%s",
						 target(arena, node, listener, name), name, value);

		view_push(array,
			  json_pack("{s:s, s:s, s:s, s:s}", "argument",
				    arena_printf(arena,
						 strpbrk(value, " \t") ? "{ %s = %s }" : "%s=%s",
						 name, value),
				    "entry", entry, "quoted", quoted(arena, entry), "origin",
				    view_place(arena, setting->head.name.at)));
	}
	return array;
}

static json_t *of_listener(struct arena *arena, const struct node *node,
			   const struct proxied *proxied)
{
	const struct listener *listener = proxied->listener;
	int service = listener->service.value;
	json_t *view = json_pack(
		"{s:s, s:s, s:s, s:s, s:s, s:i, s:i, s:s}", "name", listener->head.name.value,
		"log_name", log_name(arena, listener), "service", service_words[service], "master",
		master_name(arena, listener), "proxy", listener->proxy->head.name.value, "port",
		(int)listener->port.value, "proxy_port", (int)listener->proxy_port.value, "origin",
		view_place(arena, listener->head.name.at));

	json_object_set_new(view, "extra", extra(arena, node, listener));
	json_object_set_new(view, "smtp", json_boolean(service == SERVICE_SMTP));
	json_object_set_new(view, "login", json_boolean(service != SERVICE_SMTP));
	json_object_set_new(view, "tls_first",
			    json_boolean(service == SERVICE_SUBMISSIONS ||
					 service == SERVICE_IMAPS || service == SERVICE_POP3S));
	json_object_set_new(view, "same_port", json_boolean(is_same_port(listener)));
	json_object_set_new(view, "gated", json_boolean(is_gated(listener)));
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

static json_t *of_port(struct arena *arena, const struct node *node, const struct proxied *proxied)
{
	json_t *view = of_listener(arena, node, proxied);

	json_object_set_new(view, "ipv4", addresses(arena, proxied->from, IP_V4));
	json_object_set_new(view, "ipv6", addresses(arena, proxied->from, IP_V6));
	return view;
}

/* --- Postfix --- */

/* The listeners that are Postfix's and get PROXY in that way. */
static json_t *of_postfix(struct arena *arena, const struct facts *facts, enum through through)
{
	json_t *array = json_array();

	for (size_t i = 0; i < facts->proxied.count; i++) {
		const struct listener *listener = facts->proxied.items[i].listener;

		if (service_is_smtp(listener->service.value) &&
		    listener->through.value == (int)through)
			json_array_append_new(
				array, of_listener(arena, facts->node, &facts->proxied.items[i]));
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
				json_array_append_new(
					listeners,
					of_listener(arena, facts->node, &facts->proxied.items[j]));
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

/* --- postern-gate --- */

/* Adds a word to a list of which the template separates the items. */
static void push_word(json_t *array, const char *word)
{
	view_push(array,
		  json_pack("{s:s, s:b}", "value", word, "first", json_array_size(array) == 0));
}

/* Every address of the node, as inet_interfaces = all has it: one that comes up after the gate,
 * such as a VPN's, counts too. */
static json_t *gate_addresses(struct arena *arena, const struct facts *facts,
			      const struct listener *listener)
{
	json_t *array = json_array();

	if (facts->ipv4)
		push_word(array, arena_printf(arena, "0.0.0.0:%lu", listener->port.value));
	if (facts->ipv6)
		push_word(array, arena_printf(arena, "[::]:%lu", listener->port.value));
	return array;
}

/* The addresses that the proxy connects from, of the families that the gate listens for. */
static json_t *gate_trusted(const struct facts *facts, const struct proxied *proxied)
{
	json_t *array = json_array();
	char text[IP_TEXT_SIZE];

	for (size_t i = 0; i < proxied->from->addresses.count; i++) {
		const struct ip_address *address = &proxied->from->addresses.items[i].value;

		if (address->family == IP_V6 ? facts->ipv6 : facts->ipv4)
			push_word(array, ip_format(address, text));
	}
	return array;
}

/* The listeners that postern-gate has, and the two services of each. */
static json_t *of_gate(struct arena *arena, const struct facts *facts)
{
	json_t *array = json_array();

	for (size_t i = 0; i < facts->proxied.count; i++) {
		const struct proxied *proxied = &facts->proxied.items[i];
		const struct listener *listener = proxied->listener;
		json_t *view;

		if (!is_gated(listener))
			continue;
		view = of_listener(arena, facts->node, proxied);
		json_object_set_new(view, "addresses", gate_addresses(arena, facts, listener));
		json_object_set_new(view, "trusted", gate_trusted(facts, proxied));
		json_object_set_new(view, "direct_login",
				    json_boolean(listener->service.value != SERVICE_SMTP ||
						 listener->port.value == facts->submission));
		view_push(array, view);
	}
	return array;
}

/* --- a node behind proxies --- */

json_t *view_proxied(struct arena *arena, const struct facts *facts)
{
	json_t *ports = json_array(), *second = of_postfix(arena, facts, THROUGH_SECOND_PORT),
	       *view;

	for (size_t i = 0; i < facts->proxied.count; i++)
		if (!is_gated(facts->proxied.items[i].listener))
			json_array_append_new(
				ports, of_port(arena, facts->node, &facts->proxied.items[i]));
	view = json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "ports", ports, "same",
			 of_postfix(arena, facts, THROUGH_SAME_PORT), "second", second, "gated",
			 of_gate(arena, facts), "dovecot", of_dovecot(arena, facts),
			 "dovecot_proxies", dovecot_proxies(facts));
	json_object_set_new(view, "guarded", json_boolean(json_array_size(ports) > 0));
	json_object_set_new(view, "has_gate",
			    json_boolean(json_array_size(json_object_get(view, "gated")) > 0));
	json_object_set_new(view, "plain_smtp", json_boolean(has_plain_smtp(facts)));
	json_object_set_new(view, "has_copies",
			    json_boolean(json_array_size(second) +
						 json_array_size(json_object_get(view, "gated")) >
					 0));
	json_object_set_new(view, "two_postscreens",
			    json_boolean(has_listener(facts, SERVICE_SMTP, THROUGH_SECOND_PORT) ||
					 has_listener(facts, SERVICE_SMTP, THROUGH_GATE)));
	json_object_set_new(view, "gate_log",
			    json_string(node_is_container(facts->node) ? "stderr" : "syslog"));
	json_object_set_new(view, "version",
			    json_string(dovecot_version_words[facts->node->dovecot.version.value]));
	return view;
}
