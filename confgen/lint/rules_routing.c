/* Where mail goes next, and from which address; the rows are in rows_routing.h. */
#include "confgen/lint/helpers_listener.h"
#include "confgen/lint/helpers_relay.h"
#include "confgen/lint/helpers_routing.h"
#include "confgen/lint/rules.h"

#include <strings.h>

/* The address that a client binds to; false for none, or one that binds to nothing. */
static bool bound_to(const struct lint *lint, const struct service *client, const char *name,
		     struct ip_address *out)
{
	const struct value *value = configuration_value(lint->configuration, client, name);

	return value->text.length && ip_parse(value->text.text, out) == IP_OK &&
	       !ip_is_unspecified(out);
}

void lint_B01(const struct lint *lint, const struct lint_rule *rule)
{
	const struct hops hops = *lint->hops;
	struct places places = {0};
	struct ip_address bound;

	for (size_t i = 0; i < hops.count; i++) {
		const struct hop *hop = &hops.items[i];
		const char *name = hop->next.address.family == IP_V6 ? "smtp_bind_address6"
								     : "smtp_bind_address";
		const struct value *value =
			configuration_value(lint->configuration, hop->client, name);
		struct position at =
			configuration_position(lint->configuration, hop->client, value);

		if (!hop->client || !routing_is_loopback(&hop->next) ||
		    !bound_to(lint, hop->client, name, &bound) || ip_is_loopback(&bound) ||
		    !routing_first(lint, &places, at))
			continue;
		lint_report(lint, rule, at, "'%s' connects to %s on this host, from %s",
			    hop->client->fields[SERVICE_NAME].text, hop->next.text.text,
			    value->text.text);
		diagnostics_hint(lint->list,
				 "give that service '-o %s=' in master.cf: what listens on "
				 "loopback seldom lets other addresses in",
				 name);
	}
}

static void judge_bind_address(const struct lint *lint, const struct lint_rule *rule,
			       const struct service *client, const char *name,
			       enum ip_family family)
{
	const struct configuration *configuration = lint->configuration;
	const struct value *value = configuration_value(configuration, client, name);
	struct ip_address address = {IP_NONE, {0}};

	if (!value->set || !value->text.length ||
	    (ip_parse(value->text.text, &address) == IP_OK && address.family == family))
		return;
	lint_report(lint, rule,
		    configuration_part_position(configuration, client, value, &value->text),
		    "'%s' is no IPv%c address", value->text.text, family == IP_V4 ? '4' : '6');
	if (address.family != IP_NONE)
		diagnostics_hint(lint->list, "that belongs in %s%s", "smtp_bind_address",
				 family == IP_V4 ? "6" : "");
	else
		diagnostics_hint(lint->list, "one address of this host, without a port; the "
					     "source port cannot be chosen");
}

void lint_B02(const struct lint *lint, const struct lint_rule *rule)
{
	struct clients clients = routing_clients(lint);
	struct places places = {0};

	for (size_t i = 0; i < clients.count; i++) {
		const struct service *client = clients.items[i];
		struct position at = configuration_position(
			lint->configuration, client,
			configuration_value(lint->configuration, client, "smtp_bind_address"));
		struct position at6 = configuration_position(
			lint->configuration, client,
			configuration_value(lint->configuration, client, "smtp_bind_address6"));

		if (routing_first(lint, &places, at))
			judge_bind_address(lint, rule, client, "smtp_bind_address", IP_V4);
		if (routing_first(lint, &places, at6))
			judge_bind_address(lint, rule, client, "smtp_bind_address6", IP_V6);
	}
}

void lint_B03(const struct lint *lint, const struct lint_rule *rule)
{
	static const char *const names[] = {"smtp_bind_address", "smtp_bind_address6"};
	struct clients clients = routing_clients(lint);
	struct places places = {0};
	struct ip_address bound;

	for (size_t i = 0; i < 2 * clients.count; i++) {
		const struct service *client = clients.items[i / 2];
		const struct value *value =
			configuration_value(lint->configuration, client, names[i % 2]);
		struct position at = configuration_position(lint->configuration, client, value);

		if (configuration_yes(lint->configuration, client, "smtp_bind_address_enforce") ||
		    !bound_to(lint, client, names[i % 2], &bound) || ip_is_loopback(&bound) ||
		    !routing_first(lint, &places, at))
			continue;
		lint_report(lint, rule, at,
			    "where %s is not there, mail leaves from another address",
			    value->text.text);
		diagnostics_hint(lint->list,
				 "set smtp_bind_address_enforce = yes: mail waits then");
	}
}

void lint_B04(const struct lint *lint, const struct lint_rule *rule)
{
	const struct service *service;
	size_t at = 0;

	while ((service = configuration_next(lint->configuration, NULL, &at))) {
		const char *daemon = service_daemon(service);

		if (strcmp(daemon, "smtpd") != 0 && strcmp(daemon, "postscreen") != 0)
			continue;
		for (size_t i = 0; i < service->overrides.count; i++) {
			const struct assignment *set = service->overrides.items[i];

			if (strncmp(set->name.text, "smtp_bind_address", 17) != 0)
				continue;
			lint_report(lint, rule, text_position(&set->name),
				    "'%s/%s' runs %s(8), which sends no mail",
				    service->fields[SERVICE_NAME].text,
				    service->fields[SERVICE_TYPE].text, daemon);
			diagnostics_hint(lint->list,
					 "set it for the clients, 'smtp unix' and 'relay unix'");
		}
	}
}

void lint_B05(const struct lint *lint, const struct lint_rule *rule)
{
	struct clients clients = routing_clients(lint);
	struct places places = {0};
	struct ip_address bound;

	for (size_t i = 0; i < clients.count; i++) {
		const struct configuration *configuration = lint->configuration;
		const struct service *client = clients.items[i];
		bool four = bound_to(lint, client, "smtp_bind_address", &bound);
		bool six = bound_to(lint, client, "smtp_bind_address6", &bound);
		const char *name = four ? "smtp_bind_address" : "smtp_bind_address6";
		const struct value *protocols =
			configuration_value(configuration, client, "inet_protocols");
		const struct value *value = configuration_value(configuration, client, name);
		bool both = strcasestr(protocols->text.text, "all") ||
			    (strcasestr(protocols->text.text, "ipv4") &&
			     strcasestr(protocols->text.text, "ipv6"));
		struct position at = configuration_position(configuration, client, value);

		if (four == six || !both || !bound_to(lint, client, name, &bound) ||
		    ip_is_loopback(&bound) || !routing_first(lint, &places, at))
			continue;
		lint_report(lint, rule, at, "IPv%c is bound, IPv%c leaves from any address",
			    four ? '4' : '6', four ? '6' : '4');
		diagnostics_hint(lint->list, "set %s as well, or inet_protocols = ipv%c",
				 four ? "smtp_bind_address6" : "smtp_bind_address",
				 four ? '4' : '6');
	}
}

/* Whether the client looks up MX records at all. */
static bool uses_mx(const struct lint *lint, const struct service *client)
{
	const struct value *level =
		configuration_value(lint->configuration, client, "smtp_dns_support_level");

	return !configuration_yes(lint->configuration, client, "disable_dns_lookups") &&
	       !text_equal_case(&level->text, "disabled");
}

/* Whether a name looks like that of a host, not of a mail domain. */
static bool looks_like_host(const char *name)
{
	static const char *const labels[] = {"smtp", "mail",  "relay",	  "mx",	    "smtp-relay",
					     "mta",  "email", "outbound", "mailout"};
	size_t length = strcspn(name, ".");

	for (size_t i = 0; i < sizeof(labels) / sizeof(*labels); i++)
		if (strlen(labels[i]) == length && strncasecmp(name, labels[i], length) == 0 &&
		    strchr(name + length, '.') != strrchr(name, '.'))
			return true;
	return false;
}

void lint_B06(const struct lint *lint, const struct lint_rule *rule)
{
	const struct hops hops = *lint->hops;
	struct places places = {0};

	for (size_t i = 0; i < hops.count; i++) {
		const struct hop *hop = &hops.items[i];
		const struct next_hop *next = &hop->next;
		const struct value *srv =
			configuration_value(lint->configuration, hop->client, "use_srv_lookup");

		if (next->bracketed || next->socket || next->address.family != IP_NONE ||
		    !*next->host || srv->text.length || !uses_mx(lint, hop->client) ||
		    (!*next->port && !looks_like_host(next->host)) ||
		    !routing_first(lint, &places, hop->at))
			continue;
		lint_report(lint, rule, hop->at, "mail goes to the MX hosts of '%s', not to it",
			    next->host);
		diagnostics_hint(lint->list, "for the host itself write [%s]%s%s", next->host,
				 *next->port ? ":" : "", next->port);
	}
}

/* Whether a table can be read, and has nothing for the key; adds its entries up. */
static bool lacks(const struct lint *lint, const struct table *table, const char *key,
		  size_t *entries)
{
	const struct table_contents *contents;
	const struct table_entry *ignored;
	size_t budget = RELAY_MOST_PATTERNS;

	while (table->type && table->type->prefix && table->parts.count)
		table = table->parts.items[0];
	if (!table->type || configuration_contents(lint->configuration, table, lint->list,
						   &contents) != CONTENTS_READ)
		return false;
	*entries += contents->count;
	if (relay_is_expression(table))
		return table_match(contents, key, &budget, &ignored) == TABLE_FITS_NOT;
	return contents->index && !table_find(contents, key);
}

void lint_B08(const struct lint *lint, const struct lint_rule *rule)
{
	const struct configuration *configuration = lint->configuration;
	const struct value *maps =
		configuration_value(configuration, NULL, "sender_dependent_relayhost_maps");
	const struct value *null =
		configuration_value(configuration, NULL, "empty_address_relayhost_maps_lookup_key");
	struct tables tables = configuration_tables(configuration, maps);
	size_t entries = 0;

	if (!maps->text.length ||
	    configuration_value(configuration, NULL, "relayhost")->text.length)
		return;
	for (size_t i = 0; i < tables.count; i++)
		if (!lacks(lint, tables.items[i], null->text.text, &entries))
			return;
	if (!entries)
		return;
	lint_report(lint, rule, configuration_position(configuration, NULL, maps),
		    "bounces have no sender, and leave without a relay");
	diagnostics_hint(lint->list, "add an entry '%s [HOST]:PORT' to the table, or set relayhost",
			 null->text.text);
}

void lint_B09(const struct lint *lint, const struct lint_rule *rule)
{
	const struct configuration *configuration = lint->configuration;
	const struct value *value = configuration_value(configuration, NULL, "inet_interfaces");
	struct list list = list_split(lint->arena, &value->text);
	struct clients clients = routing_clients(lint);
	const struct list_item *only[IP_V6 + 1] = {NULL};
	size_t counts[IP_V6 + 1] = {0};
	struct ip_address address;

	for (size_t i = 0; i < list.count; i++)
		if (ip_parse(list.items[i].text.text, &address) == IP_OK &&
		    !ip_is_loopback(&address) && !ip_is_unspecified(&address) &&
		    !counts[address.family]++)
			only[address.family] = &list.items[i];
	for (int family = IP_V4; family <= IP_V6; family++) {
		const char *name = family == IP_V4 ? "smtp_bind_address" : "smtp_bind_address6";
		bool free = false;

		for (size_t i = 0; i < clients.count; i++)
			free |= !configuration_value(configuration, clients.items[i], name)
					 ->text.length;
		if (counts[family] != 1 || counts[family] != list.count || !free)
			continue;
		lint_report(lint, rule,
			    configuration_part_position(configuration, NULL, value,
							&only[family]->text),
			    "mail leaves from %s alone, also to this host's own programs",
			    only[family]->text.text);
		diagnostics_hint(lint->list, "set %s to say what mail shall leave from", name);
	}
}

/* What has a rule of its own. */
static bool is_judged_elsewhere(const char *name)
{
	return strncmp(name, "smtp_bind_address", 17) == 0 ||
	       strcmp(name, "smtpd_upstream_proxy_protocol") == 0 ||
	       strcmp(name, "postscreen_upstream_proxy_protocol") == 0;
}

/* Whether something else that the service sets refers to the name. */
static bool is_referred_to(const struct configuration *configuration, const struct service *service,
			   const char *name)
{
	for (size_t i = 0; i < service->overrides.count; i++)
		if (strstr(service->overrides.items[i]->value.text, name))
			return true;
	for (size_t i = 0; i < configuration->main.count; i++) {
		const char *found = strstr(configuration->main.items[i]->value.text, name);

		if (found && strchr(configuration->main.items[i]->value.text, '$'))
			return true;
	}
	return false;
}

void lint_B10(const struct lint *lint, const struct lint_rule *rule)
{
	const struct service *service;
	size_t at = 0;

	while ((service = configuration_next(lint->configuration, NULL, &at)))
		for (size_t i = 0; i < service->overrides.count; i++) {
			const struct assignment *set = service->overrides.items[i];
			const char *name = set->name.text;
			const struct parameter *parameter = parameter_find(name);

			if (configuration_reads(service, name) || is_judged_elsewhere(name) ||
			    !parameter || !parameter->daemons || !set->value.length ||
			    is_referred_to(lint->configuration, service, name))
				continue;
			lint_report(lint, rule, text_position(&set->name),
				    "%s(8) does not read '%s': it does nothing here",
				    service_daemon(service), name);
			diagnostics_hint(lint->list, "set it where it is read, or delete it");
		}
}

void lint_B11(const struct lint *lint, const struct lint_rule *rule)
{
	static const char *const transports[] = {
		"smtp:", "relay:", "lmtp:", "smtps:", "local:", "error:"};
	const struct hops hops = *lint->hops;

	for (size_t i = 0; i < hops.count; i++) {
		const char *text = hops.items[i].next.text.text;

		if (strcmp(hops.items[i].parameter, "relayhost") != 0 &&
		    strcmp(hops.items[i].parameter, "smtp_fallback_relay") != 0 &&
		    strcmp(hops.items[i].parameter, "sender_dependent_relayhost_maps") != 0)
			continue;
		for (size_t j = 0; j < sizeof(transports) / sizeof(*transports); j++) {
			size_t length = strlen(transports[j]);

			if (strncmp(text, transports[j], length) != 0 ||
			    strspn(text + length, "0123456789") == strlen(text + length))
				continue;
			lint_report(lint, rule, hops.items[i].at,
				    "'%s' belongs to no next hop: mail waits", transports[j]);
			diagnostics_hint(lint->list,
					 "write '%s', or set default_transport for another "
					 "transport",
					 text + length);
		}
	}
}

void lint_B12(const struct lint *lint, const struct lint_rule *rule)
{
	const struct hops hops = *lint->hops;
	struct listeners listeners = listener_list(lint, "smtpd");
	struct listeners screens = listener_list(lint, "postscreen");
	bool listens = false;

	for (size_t i = 0; i < listeners.count; i++)
		listens |= listeners.items[i].service && listeners.items[i].port == 25 &&
			   !listeners.items[i].passed;
	for (size_t i = 0; i < screens.count; i++)
		listens |= screens.items[i].port == 25;
	for (size_t i = 0; listens && i < hops.count; i++) {
		const struct hop *hop = &hops.items[i];

		if (strcmp(hop->parameter, "content_filter") == 0 ||
		    !routing_is_loopback(&hop->next) || routing_port(hop->next.port, 25) != 25)
			continue;
		lint_report(lint, rule, hop->at, "'%s' is this Postfix itself",
			    hop->next.text.text);
		diagnostics_hint(lint->list,
				 "name the host that shall take the mail, or leave it empty");
	}
}

void lint_B13(const struct lint *lint, const struct lint_rule *rule)
{
	const struct configuration *configuration = lint->configuration;
	const struct service *client;
	const struct value *value, *relayhost, *transport;

	if (!routing_default_client(lint, &client) || uses_mx(lint, client))
		return;
	relayhost = configuration_value(configuration, NULL, "relayhost");
	transport = configuration_value(configuration, NULL, "default_transport");
	if (relayhost->text.length || strchr(transport->text.text, ':'))
		return;
	value = configuration_value(configuration, client, "smtp_dns_support_level");
	if (!value->set)
		value = configuration_value(configuration, client, "disable_dns_lookups");
	lint_report(lint, rule, configuration_position(configuration, client, value),
		    "mail for the Internet goes to hosts named like its domains, not to MX hosts");
	diagnostics_hint(lint->list, "delete the setting, or name a relay in relayhost");
}
