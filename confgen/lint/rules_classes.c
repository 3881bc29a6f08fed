/* For which domains this host takes mail, and where that goes; the rows are in rows_relay.h. */
#include "confgen/lint/helpers_relay.h"
#include "confgen/lint/rules.h"

#include <strings.h>

/* The domains of an address class, as far as they can be read. */
struct domains {
	struct text *items;
	size_t count;
	bool partial; /* there may be more */
	struct {
		const struct table_contents **items;
		size_t count;
	} patterns; /* which more domains may fit */
};

static void add_table(const struct lint *lint, const struct table *table, struct domains *out)
{
	const struct table_contents *contents = table->type ? relay_contents(lint, table) : NULL;

	if (contents && relay_is_expression(table))
		*arena_push(lint->arena, &out->patterns) = contents;
	if (!contents || !contents->index) {
		out->partial = true;
		return;
	}
	for (size_t i = 0; i < contents->count; i++) {
		const struct text *key = &contents->items[i].key;

		/* virtual_alias_maps holds domains among addresses */
		if (!contents->items[i].beaten_by && !strchr(key->text, '@') &&
		    strchr(key->text, '.') && key->text[0] != '.')
			*arena_push(lint->arena, out) = *key;
	}
}

static struct domains domains_of(const struct lint *lint, const char *parameter)
{
	const struct value *value = configuration_value(lint->configuration, NULL, parameter);
	struct relay_patterns patterns = relay_patterns(lint, value);
	struct domains domains = {.partial = patterns.partial};

	for (size_t i = 0; i < patterns.count; i++) {
		const struct list_item *item = &patterns.items[i];
		const struct table *table = relay_table(lint, item);

		if (item->negated)
			domains.partial = true;
		else if (table)
			add_table(lint, table, &domains);
		else
			*arena_push(lint->arena, &domains) = item->text;
	}
	return domains;
}

static struct position place_of(const struct lint *lint, const char *parameter,
				const struct text *part)
{
	const struct value *value = configuration_value(lint->configuration, NULL, parameter);

	return configuration_part_position(lint->configuration, NULL, value, part);
}

static const char *why_wild(const struct lint *lint, const struct list_item *item)
{
	const struct table *table = relay_table(lint, item);
	const struct table_contents *contents;

	if (!table)
		return strchr(item->text.text, '*')
			       ? "matches no domain: patterns of domains know no '*'"
			       : NULL;
	if (text_equal(&table->type_name, "static"))
		return "makes every domain a relay domain: an open relay";
	if (!relay_is_expression(table))
		return NULL;
	contents = relay_contents(lint, table);
	for (size_t i = 0; contents && i < contents->count; i++)
		if (relay_fits_all(&contents->items[i]))
			return "holds a pattern that makes every domain a relay domain: an open "
			       "relay";
	return NULL;
}

void lint_R09(const struct lint *lint, const struct lint_rule *rule)
{
	const struct value *value = configuration_value(lint->configuration, NULL, "relay_domains");
	struct relay_patterns patterns = relay_patterns(lint, value);

	for (size_t i = 0; value->set && i < patterns.count; i++) {
		const struct list_item *item = &patterns.items[i];
		const char *why = item->negated ? NULL : why_wild(lint, item);

		if (!why)
			continue;
		lint_report(lint, rule, place_of(lint, "relay_domains", &item->text), "'%s' %s",
			    item->text.text, why);
		diagnostics_hint(lint->list, "list the domains; clients that may send to all "
					     "others belong in mynetworks, or log in");
	}
}

/* Postfix itself warns of these, when the domain is first seen. */
static const char *const pairs[][2] = {
	{"mydestination", "virtual_alias_domains"},
	{"mydestination", "virtual_mailbox_domains"},
	{"virtual_alias_domains", "virtual_mailbox_domains"},
	{"virtual_alias_domains", "relay_domains"},
	{"virtual_mailbox_domains", "relay_domains"},
};

static struct name_map *map_domains(const struct lint *lint, const struct domains *domains)
{
	struct name_map *map = name_map_new(lint->arena, domains->count);

	for (size_t i = 0; i < domains->count; i++)
		name_map_add(map, domains->items[i].text, &domains->items[i]);
	return map;
}

static void check_pair(const struct lint *lint, const struct lint_rule *rule, const char *first,
		       const char *second)
{
	struct domains firsts = domains_of(lint, first), seconds = domains_of(lint, second);
	struct name_map *map = map_domains(lint, &firsts), *told = name_map_new(lint->arena, 0);

	for (size_t i = 0; i < seconds.count; i++) {
		const char *domain = seconds.items[i].text;

		if (!name_map_find(map, domain) || name_map_add(told, domain, &seconds.items[i]))
			continue;
		lint_report(lint, rule, place_of(lint, second, &seconds.items[i]),
			    "'%s' is in both %s and %s: one of them does not count", domain, first,
			    second);
		diagnostics_hint(lint->list, "a domain has one class: remove it from %s or %s",
				 first, second);
	}
}

/* Domains of one class that a pattern of another takes as well. */
static void check_patterns(const struct lint *lint, const struct lint_rule *rule, const char *first,
			   const char *second, size_t *budget)
{
	struct domains domains = domains_of(lint, first), others = domains_of(lint, second);

	for (size_t i = 0; others.patterns.count && i < domains.count; i++)
		for (size_t j = 0; j < others.patterns.count; j++) {
			const char *domain = domains.items[i].text;
			const struct table_entry *entry;

			if (table_match(others.patterns.items[j], domain, budget, &entry) !=
			    TABLE_FITS)
				continue;
			lint_report(lint, rule, text_position(&entry->key),
				    "'%s' of %s fits this pattern of %s: one of them does not "
				    "count",
				    domain, first, second);
			diagnostics_hint(lint->list, "a domain has one class: leave it out of one");
			break;
		}
}

void lint_R10(const struct lint *lint, const struct lint_rule *rule)
{
	const struct value *relay = configuration_value(lint->configuration, NULL, "relay_domains");
	size_t budget = RELAY_MOST_PATTERNS;

	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++)
		if (relay->set || strcmp(pairs[i][1], "relay_domains") != 0) {
			check_pair(lint, rule, pairs[i][0], pairs[i][1]);
			check_patterns(lint, rule, pairs[i][0], pairs[i][1], &budget);
			check_patterns(lint, rule, pairs[i][1], pairs[i][0], &budget);
		}
}

static bool list_holds(const struct lint *lint, const char *parameter, const char *word)
{
	const struct value *value = configuration_value(lint->configuration, NULL, parameter);
	struct list list = list_split(lint->arena, &value->text);

	for (size_t i = 0; i < list.count; i++)
		if (text_equal_case(&list.items[i].text, word))
			return true;
	return false;
}

/* The tables of a parameter that can be read as keys; false if one cannot. */
static bool read_tables(const struct lint *lint, const char *parameter,
			const struct table_contents ***items, size_t *count)
{
	const struct value *value = configuration_value(lint->configuration, NULL, parameter);
	struct list list = list_split(lint->arena, &value->text);
	struct {
		const struct table_contents **items;
		size_t count;
	} read = {0};

	for (size_t i = 0; i < list.count; i++) {
		const struct table *table = relay_table(lint, &list.items[i]);
		const struct table_contents *contents =
			table && table->type ? relay_contents(lint, table) : NULL;

		if (!contents || !contents->index)
			return false;
		*arena_push(lint->arena, &read) = contents;
	}
	*items = read.items;
	*count = read.count;
	return true;
}

static const struct table_entry *find_key(const struct table_contents *const *tables, size_t count,
					  const char *key)
{
	for (size_t i = 0; i < count; i++) {
		const struct table_entry *entry = table_find(tables[i], key);

		if (entry)
			return entry;
	}
	return NULL;
}

void lint_R11(const struct lint *lint, const struct lint_rule *rule)
{
	struct domains domains = domains_of(lint, "relay_domains");
	const struct table_contents **tables;
	size_t count;

	if (!configuration_value(lint->configuration, NULL, "relay_domains")->set ||
	    !list_holds(lint, "parent_domain_matches_subdomains", "relay_domains") ||
	    list_holds(lint, "parent_domain_matches_subdomains", "transport_maps") ||
	    !read_tables(lint, "transport_maps", &tables, &count) || find_key(tables, count, "*"))
		return;
	for (size_t i = 0; i < domains.count; i++) {
		const char *domain = domains.items[i].text;
		const struct table_entry *entry = find_key(tables, count, domain);

		if (!entry || domain[0] == '.' ||
		    find_key(tables, count, arena_printf(lint->arena, ".%s", domain)))
			continue;
		lint_report(lint, rule, text_position(&entry->key),
			    "mail for subdomains of '%s' is taken too, but this entry is for the "
			    "domain itself",
			    domain);
		diagnostics_hint(lint->list,
				 "add '.%s' here, or leave relay_domains out of "
				 "parent_domain_matches_subdomains",
				 domain);
	}
}

/* Whether some server asks the next host, or a table, whether a recipient exists. */
static bool verifies_recipients(const struct lint *lint)
{
	const struct service *service;

	for (size_t next = 0; relay_next_server(lint, &next, &service);)
		if (relay_is_public_port(service) &&
		    (relay_uses(lint, service, "reject_unverified_recipient") ||
		     relay_uses(lint, service, "check_recipient_access")))
			return true;
	return false;
}

/* Whether strangers can hand in mail at all: otherwise bounces go to our own. */
static bool takes_from_strangers(const struct lint *lint)
{
	const struct service *service;
	struct text at;

	for (size_t next = 0; relay_next_server(lint, &next, &service);)
		if (relay_is_public_port(service) && relay_is_reachable(lint, service) &&
		    relay_passes(lint, service, RELAY_OURS, &at))
			return true;
	return false;
}

static void report_backscatter(const struct lint *lint, const struct lint_rule *rule,
			       const char *maps, const char *domains)
{
	const struct value *value = configuration_value(lint->configuration, NULL, maps);
	const struct value *class = configuration_value(lint->configuration, NULL, domains);

	lint_report(lint, rule,
		    configuration_position(lint->configuration, NULL, value->set ? value : class),
		    "%s is empty: any recipient is accepted, and those unknown bounce to forged "
		    "senders",
		    maps);
	diagnostics_hint(lint->list,
			 "list the recipients in %s, or use "
			 "reject_unverified_recipient",
			 maps);
}

/* smtpd(8) refuses a recipient at once whose transport is error. */
static bool refuses_all(const struct lint *lint, const char *transport)
{
	const char *text = configuration_value(lint->configuration, NULL, transport)->text.text;

	return strncmp(text, "error", 5) == 0 && (!text[5] || text[5] == ':');
}

void lint_R12(const struct lint *lint, const struct lint_rule *rule)
{
	struct domains relayed = domains_of(lint, "relay_domains");
	struct domains local = domains_of(lint, "mydestination");
	struct name_map *map = map_domains(lint, &local);
	bool some = relayed.partial;

	for (size_t i = 0; i < relayed.count; i++)
		some |= !name_map_find(map, relayed.items[i].text);
	if (!some || !configuration_value(lint->configuration, NULL, "relay_domains")->set ||
	    configuration_value(lint->configuration, NULL, "relay_recipient_maps")->text.length ||
	    verifies_recipients(lint) || !takes_from_strangers(lint) ||
	    refuses_all(lint, "relay_transport"))
		return;
	report_backscatter(lint, rule, "relay_recipient_maps", "relay_domains");
}

/* Names that no mail from elsewhere is for. */
static bool is_local_name(const char *domain)
{
	size_t length = strlen(domain);

	return !strchr(domain, '.') || strncasecmp(domain, "localhost.", 10) == 0 ||
	       (length > 12 && strcasecmp(domain + length - 12, ".localdomain") == 0);
}

void lint_R13(const struct lint *lint, const struct lint_rule *rule)
{
	const struct configuration *configuration = lint->configuration;
	const struct value *maps = configuration_value(configuration, NULL, "local_recipient_maps");
	struct domains local = domains_of(lint, "mydestination");
	bool some = false;

	for (size_t i = 0; i < local.count; i++)
		some |= !is_local_name(local.items[i].text);
	if (!maps->set || maps->text.length || !some || verifies_recipients(lint) ||
	    !takes_from_strangers(lint) ||
	    configuration_value(configuration, NULL, "luser_relay")->text.length ||
	    refuses_all(lint, "local_transport"))
		return;
	report_backscatter(lint, rule, "local_recipient_maps", "mydestination");
}

void lint_R14(const struct lint *lint, const struct lint_rule *rule)
{
	const struct configuration *configuration = lint->configuration;
	const struct value *transport = configuration_value(configuration, NULL, "local_transport");
	struct domains local = domains_of(lint, "mydestination");
	const struct table_contents **tables;
	size_t count;

	if (!transport->set || strncmp(transport->text.text, "error", 5) != 0 ||
	    (!local.count && !local.partial) || !takes_from_strangers(lint) ||
	    !read_tables(lint, "virtual_alias_maps", &tables, &count) ||
	    find_key(tables, count, "postmaster"))
		return;
	for (size_t i = 0; i < local.count; i++) {
		const char *domain = local.items[i].text;

		if (find_key(tables, count, arena_printf(lint->arena, "postmaster@%s", domain)) ||
		    find_key(tables, count, arena_printf(lint->arena, "@%s", domain)))
			return;
	}
	lint_report(lint, rule, configuration_position(configuration, NULL, transport),
		    "mail for postmaster is refused: RFC 5321 wants it to reach somebody");
	diagnostics_hint(lint->list, "virtual_alias_maps with 'postmaster ADDRESS', or an empty "
				     "mydestination");
}

/* The first domain of a class that no entry but '*' is for; NULL if there is none. */
static const char *find_caught(const struct lint *lint, const char *parameter,
			       const struct table_contents *const *tables, size_t count)
{
	struct domains domains = domains_of(lint, parameter);

	for (size_t i = 0; i < domains.count; i++) {
		const char *domain = domains.items[i].text, *dot = domain;
		bool routed = find_key(tables, count, domain) != NULL;

		while (!routed && (dot = strchr(dot + 1, '.')))
			routed = find_key(tables, count, dot) != NULL;
		if (!routed && !is_local_name(domain))
			return domain;
	}
	return NULL;
}

void lint_R15(const struct lint *lint, const struct lint_rule *rule)
{
	static const char *const classes[] = {"mydestination", "virtual_mailbox_domains"};
	const struct table_contents **tables;
	const struct table_entry *all;
	size_t count;

	if (!read_tables(lint, "transport_maps", &tables, &count))
		return;
	all = find_key(tables, count, "*");
	if (!all || text_equal(&all->value, ":"))
		return;
	for (size_t i = 0; i < sizeof(classes) / sizeof(*classes); i++) {
		const char *domain = find_caught(lint, classes[i], tables, count);

		if (!domain)
			continue;
		lint_report(lint, rule, text_position(&all->key),
			    "mail for '%s' in %s goes this way as well", domain, classes[i]);
		diagnostics_hint(lint->list,
				 "add '%s :', or use relayhost, which is for other "
				 "domains alone",
				 domain);
		return;
	}
}
