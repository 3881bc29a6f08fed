/* Which networks are trusted; the rows are in rows_relay.h. */
#include "confgen/lint/helpers_relay.h"
#include "confgen/lint/rules.h"

/* Narrower public networks may well be a site's own. */
#define WIDE_V4 24
#define WIDE_V6 47

/* Called for each network that mynetworks of a service trusts, but for what '!' excludes. */
typedef void (*network_check)(const struct lint *lint, const struct lint_rule *rule,
			      struct position at, const struct ip_network *network,
			      const char *text);

static void check_table(const struct lint *lint, const struct lint_rule *rule,
			const struct table *table, network_check check)
{
	const struct table_contents *contents = relay_contents(lint, table);

	for (size_t i = 0; contents && i < contents->count; i++) {
		const struct table_entry *entry = &contents->items[i];
		struct position at = text_position(&entry->key);

		if (entry->kind == TABLE_ENTRY && !entry->negated && at.source)
			check(lint, rule, at, &entry->network, entry->key.text);
	}
}

static void check_networks(const struct lint *lint, const struct lint_rule *rule,
			   const struct service *service, const struct value *value,
			   network_check check)
{
	struct relay_patterns patterns = relay_patterns(lint, value);

	for (size_t i = 0; i < patterns.count; i++) {
		const struct list_item *item = &patterns.items[i];
		const struct table *table = relay_table(lint, item);
		struct ip_network network;

		if (item->negated)
			continue;
		if (ip_network_parse(item->text.text, &network) == IP_OK)
			check(lint, rule,
			      configuration_part_position(lint->configuration, service, value,
							  &item->text),
			      &network, item->text.text);
		else if (table && table->type && strcmp(table->type->name, "cidr") == 0)
			check_table(lint, rule, table, check);
	}
}

/* Whether being in mynetworks is what lets a client relay. */
static bool trust_counts(const struct lint *lint, const struct service *service)
{
	struct text at;

	return relay_is_reachable(lint, service) &&
	       relay_uses(lint, service, "permit_mynetworks") &&
	       relay_passes(lint, service, RELAY_TRUSTED, &at);
}

/* Checks mynetworks of each service in which it counts, once for each place that sets it. */
static void check_trust(const struct lint *lint, const struct lint_rule *rule, network_check check)
{
	struct relay_seen seen = {0};
	const struct service *service;

	for (size_t next = 0; relay_next_server(lint, &next, &service);) {
		const struct value *value =
			configuration_value(lint->configuration, service, "mynetworks");

		if (value->set && trust_counts(lint, service) &&
		    relay_is_new(lint, &seen, value->set))
			check_networks(lint, rule, service, value, check);
	}
}

static void check_public(const struct lint *lint, const struct lint_rule *rule, struct position at,
			 const struct ip_network *network, const char *text)
{
	unsigned wide = network->address.family == IP_V4 ? WIDE_V4 : WIDE_V6;

	if (network->prefix > wide || ip_network_is_private(network) ||
	    ip_is_multicast(&network->address))
		return;
	if (network->prefix == 0)
		lint_report(lint, rule, at, "'%s' is everybody, and may relay", text);
	else
		lint_report(lint, rule, at, "'%s' is public, and may relay", text);
	diagnostics_hint(lint->list, "name single hosts: ADDRESS/%d",
			 network->address.family == IP_V4 ? 32 : 128);
}

void lint_R01(const struct lint *lint, const struct lint_rule *rule)
{
	struct relay_seen seen = {0};
	const struct service *service;

	check_trust(lint, rule, check_public);
	for (size_t next = 0; relay_next_server(lint, &next, &service);) {
		const struct value *value =
			configuration_value(lint->configuration, service, "mynetworks");
		struct list list = list_split(lint->arena, &value->text);

		if (!value->set || !trust_counts(lint, service) ||
		    !relay_is_new(lint, &seen, value->set))
			continue;
		for (size_t i = 0; i < list.count; i++) {
			const struct list_item *item = &list.items[i];
			const struct table *table = relay_table(lint, item);

			if (!table || item->negated || !text_equal(&table->type_name, "static"))
				continue;
			lint_report(lint, rule,
				    configuration_part_position(lint->configuration, service, value,
								&item->text),
				    "'%s' is everybody, and may relay", item->text.text);
			diagnostics_hint(lint->list, "name networks, or a table that holds them");
		}
	}
}

static void check_private(const struct lint *lint, const struct lint_rule *rule, struct position at,
			  const struct ip_network *network, const char *text)
{
	static const char *const ranges[] = {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16",
					     "100.64.0.0/10", "fc00::/7"};
	struct ip_network range;

	for (size_t i = 0; i < sizeof(ranges) / sizeof(*ranges); i++) {
		ip_network_parse(ranges[i], &range);
		if (!ip_network_equal(network, &range) &&
		    !(i + 1 == sizeof(ranges) / sizeof(*ranges) && network->prefix == 8 &&
		      ip_network_overlaps(network, &range)))
			continue;
		lint_report(lint, rule, at, "all of '%s' is trusted, whoever is in it", text);
		diagnostics_hint(lint->list, "name the networks or hosts that send mail: gateways "
					     "of containers and VPN peers are in such ranges too");
	}
}

void lint_R02(const struct lint *lint, const struct lint_rule *rule)
{
	check_trust(lint, rule, check_private);
}

/* Whether loopback is in the list, or may be in what could not be read. */
static bool holds_loopback(const struct lint *lint, const struct value *value)
{
	struct relay_patterns patterns = relay_patterns(lint, value);
	struct ip_network network, loopback;

	ip_network_parse("127.0.0.1", &loopback);
	for (size_t i = 0; i < patterns.count; i++) {
		const struct list_item *item = &patterns.items[i];
		enum ip_error error = ip_network_parse(item->text.text, &network);

		if (error == IP_OK && ip_network_overlaps(&network, &loopback))
			return true;
		/* a name such as localhost, a table, or what R05 speaks of */
		if (error != IP_OK)
			return true;
	}
	return patterns.partial || patterns.count == 0;
}

void lint_R03(const struct lint *lint, const struct lint_rule *rule)
{
	const struct value *value = configuration_value(lint->configuration, NULL, "mynetworks");
	const struct service *service;
	bool used = false;

	for (size_t next = 0; relay_next_server(lint, &next, &service);)
		used |= configuration_value(lint->configuration, service, "mynetworks")->set ==
				value->set &&
			relay_uses(lint, service, "permit_mynetworks");
	if (!used || !value->set || holds_loopback(lint, value))
		return;
	lint_report(
		lint, rule, configuration_position(lint->configuration, NULL, value),
		"127.0.0.0/8 is missing: programs of this host that send by SMTP may not relay");
	diagnostics_hint(lint->list, "mynetworks = 127.0.0.0/8 [::1]/128 %s", value->raw.text);
}

/* Calls `check` for each item of each list of patterns that is set, by value. */
static void check_items(const struct lint *lint, const struct lint_rule *rule,
			void (*check)(const struct lint *lint, const struct lint_rule *rule,
				      struct position at, const struct list_item *item))
{
	const struct configuration *configuration = lint->configuration;
	size_t count;
	const struct parameter *all = parameter_all(&count);

	for (size_t i = 0; i < count; i++) {
		const struct service *service = NULL;
		size_t next = 0;

		if (all[i].kind != PARAMETER_PATTERNS)
			continue;
		do {
			const struct value *value =
				configuration_value(configuration, service, all[i].name);
			struct relay_patterns patterns;

			if (!value->set || (service && value->origin != VALUE_SERVICE))
				continue;
			patterns = relay_patterns(lint, value);
			for (size_t j = 0; j < patterns.count; j++)
				check(lint, rule,
				      configuration_part_position(configuration, service, value,
								  &patterns.items[j].text),
				      &patterns.items[j]);
		} while ((service = configuration_next(configuration, NULL, &next)));
	}
}

static void check_brackets(const struct lint *lint, const struct lint_rule *rule,
			   struct position at, const struct list_item *item)
{
	const char *text = item->text.text, *slash = strchr(text, '/');
	size_t length = slash ? (size_t)(slash - text) : item->text.length;
	struct ip_address address;

	if (text[0] == '[' ||
	    ip_parse(arena_strndup(lint->arena, text, length), &address) != IP_OK ||
	    address.family != IP_V6)
		return;
	lint_report(lint, rule, at, "'%s' is taken for a table of type '%.*s'", text,
		    (int)strcspn(text, ":"), text);
	diagnostics_hint(lint->list, "[%.*s]%s", (int)length, text, slash ? slash : "");
	lint_fix(lint, &item->text,
		 arena_printf(lint->arena, "[%.*s]%s", (int)length, text, slash ? slash : ""));
}

void lint_R04(const struct lint *lint, const struct lint_rule *rule)
{
	check_items(lint, rule, check_brackets);
}

/* The network that was meant; false where the text is none. */
static bool clear_host_bits(const struct lint *lint, const char *text, struct ip_network *out)
{
	const char *slash = strchr(text, '/');
	bool brackets = text[0] == '[' && slash && slash > text && slash[-1] == ']';
	struct ip_address address;
	unsigned prefix;

	if (!slash || (text[0] == '[' && !brackets) ||
	    ip_parse(arena_strndup(lint->arena, text, (size_t)(slash - text)), &address) != IP_OK)
		return false;
	prefix = (unsigned)strtoul(slash + 1, NULL, 10);
	for (unsigned bit = prefix; bit < 8 * sizeof(address.octets); bit++)
		address.octets[bit / 8] &= (unsigned char)~(0x80 >> bit % 8);
	*out = (struct ip_network){address, prefix};
	return true;
}

static void check_host_bits(const struct lint *lint, const struct lint_rule *rule,
			    struct position at, const struct list_item *item)
{
	struct ip_network network;
	char shown[IP_TEXT_SIZE];

	if (ip_network_parse(item->text.text, &network) != IP_ERROR_HOST_BITS)
		return;
	lint_report(lint, rule, at, "'%s' has bits set below its prefix: Postfix does not take it",
		    item->text.text);
	if (!clear_host_bits(lint, item->text.text, &network))
		return;
	ip_network_format_postfix(&network, shown);
	diagnostics_hint(lint->list, "the network is %s", shown);
	/* whether a public one is meant as a whole is to be thought about */
	if (ip_network_is_private(&network))
		lint_fix(lint, &item->text, arena_strdup(lint->arena, shown));
}

void lint_R05(const struct lint *lint, const struct lint_rule *rule)
{
	check_items(lint, rule, check_host_bits);
}

void lint_R06(const struct lint *lint, const struct lint_rule *rule)
{
	struct relay_seen seen = {0};
	const struct service *service;

	for (size_t next = 0; relay_next_server(lint, &next, &service);) {
		const struct configuration *configuration = lint->configuration;
		const struct value *style =
			configuration_value(configuration, service, "mynetworks_style");

		if (configuration_value(configuration, service, "mynetworks")->set ||
		    (!text_equal(&style->text, "subnet") && !text_equal(&style->text, "class")) ||
		    !trust_counts(lint, service) ||
		    !relay_is_new(lint, &seen, style->set ? (const void *)style->set : rule))
			continue;
		lint_report(lint, rule,
			    style->set ? configuration_position(configuration, service, style)
				       : configuration_position(configuration, NULL, style),
			    "mynetworks_style is '%s'%s: all neighbours of this host may relay",
			    style->text.text, style->set ? "" : " at this compatibility_level");
		diagnostics_hint(lint->list, "mynetworks_style = host, or list them in mynetworks");
	}
}

static void check_claims(const struct lint *lint, const struct lint_rule *rule,
			 const struct service *service, const char *name)
{
	const struct value *value = configuration_value(lint->configuration, service, name);
	struct relay_patterns patterns = relay_patterns(lint, value);
	struct ip_network network;

	for (size_t i = 0; i < patterns.count; i++) {
		const struct list_item *item = &patterns.items[i];
		const struct table *table = relay_table(lint, item);
		bool all = table && text_equal(&table->type_name, "static");

		if (item->negated ||
		    (!all && (ip_network_parse(item->text.text, &network) != IP_OK ||
			      ip_is_loopback(&network.address) ||
			      network.prefix == (network.address.family == IP_V4 ? 32 : 128))))
			continue;
		lint_report(lint, rule,
			    configuration_part_position(lint->configuration, service, value,
							&item->text),
			    "each client in '%s' may claim %s", item->text.text,
			    strstr(name, "xclient") ? "any address and login"
						    : "any address, for the log and the filters");
		diagnostics_hint(lint->list, "name the hosts of the proxies alone: ADDRESS/32");
	}
}

void lint_R17(const struct lint *lint, const struct lint_rule *rule)
{
	static const char *const names[] = {"smtpd_authorized_xclient_hosts",
					    "smtpd_authorized_xforward_hosts"};
	struct relay_seen seen = {0};
	const struct service *service;

	for (size_t next = 0; relay_next_server(lint, &next, &service);)
		for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
			const struct value *value =
				configuration_value(lint->configuration, service, names[i]);

			if (value->set && relay_is_reachable(lint, service) &&
			    relay_is_new(lint, &seen, value->set))
				check_claims(lint, rule, service, names[i]);
		}
}
