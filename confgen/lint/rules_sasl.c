/* Logins, as a client and as a server; the rows are in rows_tls.h. */
#include "confgen/lint/helpers_fix.h"
#include "confgen/lint/helpers_listener.h"
#include "confgen/lint/helpers_relay.h"
#include "confgen/lint/helpers_tls.h"
#include "confgen/lint/rules.h"

#include <strings.h>
#include <sys/stat.h>

static bool logs_in(const struct lint *lint, const struct service *client)
{
	return configuration_yes(lint->configuration, client, "smtp_sasl_auth_enable");
}

static const struct value *passwords(const struct lint *lint, const struct service *client)
{
	return configuration_value(lint->configuration, client, "smtp_sasl_password_maps");
}

/* Where it is set whether a client logs in. */
static struct position login_position(const struct lint *lint, const struct service *client)
{
	return configuration_position(
		lint->configuration, client,
		configuration_value(lint->configuration, client, "smtp_sasl_auth_enable"));
}

/* static:user:password and inline:{...}: a password that everybody may read, or none. */
static void judge_table(const struct lint *lint, const struct lint_rule *rule,
			const struct service *client, const struct table *table)
{
	bool fixed = table->type && strcmp(table->type->name, "static") == 0;
	bool braced = table->type && table->type->braces && table->name.text[0] == '{';
	const char *name = table->name.text;
	const char *colon = strrchr(name, ':');

	for (size_t i = 0; i < table->parts.count; i++)
		judge_table(lint, rule, client, table->parts.items[i]);
	if (!fixed && !(braced && strcmp(table->type->name, "inline") == 0))
		return;
	lint_report(lint, rule,
		    configuration_part_position(lint->configuration, client,
						passwords(lint, client), &table->reference),
		    fixed && colon && !colon[1]
			    ? "the password is empty: Postfix knows no environment variables"
			    : "everybody on this host may read a password here");
	diagnostics_hide_source(lint->list);
	diagnostics_hint(lint->list, "put it into a table of mode 0600: texthash:FILE with lines "
				     "'[HOST]:PORT USER:PASSWORD'");
}

/* LDAP and SQL settings in main.cf, as before Postfix 2.2. */
static void judge_assignments(const struct lint *lint, const struct lint_rule *rule)
{
	const struct configuration *configuration = lint->configuration;

	for (size_t i = 0; i < configuration->main.count; i++) {
		const struct assignment *set = configuration->main.items[i];
		const char *name = set->name.text;
		size_t length = set->name.length;

		if (set->overridden || !set->value.length || parameter_find(name) ||
		    !((length > 8 && strcmp(name + length - 8, "_bind_pw") == 0) ||
		      (length > 9 && strcmp(name + length - 9, "_password") == 0)))
			continue;
		lint_report(lint, rule, text_position(&set->name),
			    "everybody on this host may read a password here");
		diagnostics_hide_source(lint->list);
		diagnostics_hint(lint->list,
				 "put the settings of the table into a file of mode 0640");
	}
}

void lint_A01(const struct lint *lint, const struct lint_rule *rule)
{
	struct clients clients = routing_clients(lint);
	struct places places = {0};

	for (size_t i = 0; i < clients.count; i++) {
		const struct service *client = clients.items[i];
		const struct value *value = passwords(lint, client);
		struct tables tables = configuration_tables(lint->configuration, value);

		if (!routing_first(lint, &places,
				   configuration_position(lint->configuration, client, value)))
			continue;
		for (size_t j = 0; j < tables.count; j++)
			judge_table(lint, rule, client, tables.items[j]);
	}
	judge_assignments(lint, rule);
}

/* Entries that are compared with each hop; a hop that is not among more is not judged. */
#define MOST_PASSWORDS 1000

/* What the password tables say of a hop. */
struct credentials {
	bool found, whole;
	bool by_sender;			/* keys with '@', looked up */
	size_t count;			/* of entries */
	const struct table_entry *near; /* of the same host, written in another way */
};

static void look_up(const struct lint *lint, const struct hop *hop, struct credentials *out)
{
	struct readable readable = routing_readable(lint, passwords(lint, hop->client));
	bool senders = configuration_yes(lint->configuration, hop->client,
					 "smtp_sender_dependent_authentication");

	*out = (struct credentials){.whole = readable.whole};
	for (size_t i = 0; i < readable.count; i++) {
		const struct table_contents *contents = readable.items[i];

		out->count += contents->count;
		out->found |= !contents->index || table_find(contents, hop->next.text.text) ||
			      table_find(contents, hop->next.host);
		out->whole &= out->found || contents->count <= MOST_PASSWORDS;
		for (size_t j = 0; !out->found && j < contents->count && j < MOST_PASSWORDS; j++) {
			const struct table_entry *entry = &contents->items[j];
			struct next_hop key = routing_next_hop(lint->arena, &entry->key);

			if (strchr(entry->key.text, '@'))
				out->by_sender |= senders;
			else if (*key.host && strcasecmp(key.host, hop->next.host) == 0)
				out->near = entry;
		}
	}
}

void lint_A02(const struct lint *lint, const struct lint_rule *rule)
{
	const struct hops hops = *lint->hops;
	struct places places = {0};
	struct credentials credentials;

	for (size_t i = 0; i < hops.count; i++) {
		const struct hop *hop = &hops.items[i];
		bool relay = strcmp(hop->parameter, "relayhost") == 0 ||
			     strcmp(hop->parameter, "sender_dependent_relayhost_maps") == 0;

		if (!logs_in(lint, hop->client) || hop->next.socket || !*hop->next.host)
			continue;
		look_up(lint, hop, &credentials);
		if (credentials.found || !credentials.whole || credentials.by_sender ||
		    !routing_first(lint, &places, hop->at))
			continue;
		if (credentials.near)
			lint_report(lint, rule, hop->at,
				    "the table of passwords has '%s', not '%s'",
				    credentials.near->key.text, hop->next.text.text);
		else if (relay && credentials.count && !routing_is_private(&hop->next) &&
			 (hop->next.bracketed || hop->next.address.family != IP_NONE))
			lint_report(lint, rule, hop->at, "the table of passwords lacks '%s'",
				    hop->next.text.text);
		else
			continue;
		diagnostics_hint(lint->list, "the key of its line must be exactly '%s'",
				 hop->next.text.text);
	}
}

void lint_A03(const struct lint *lint, const struct lint_rule *rule)
{
	const struct hops hops = *lint->hops;
	struct places places = {0};
	enum tls_level level;

	for (size_t i = 0; i < hops.count; i++) {
		const struct hop *hop = &hops.items[i];
		const struct value *options = configuration_value(lint->configuration, hop->client,
								  "smtp_sasl_security_options");
		const struct value *filter = configuration_value(lint->configuration, hop->client,
								 "smtp_sasl_mechanism_filter");
		struct position at = options->set ? configuration_position(lint->configuration,
									   hop->client, options)
						  : login_position(lint, hop->client);

		if (!logs_in(lint, hop->client) || !*hop->next.host ||
		    !tls_hop_level(lint, hop, &level) || level == TLS_NONE ||
		    !tls_has_word(lint, hop->client, "smtp_sasl_tls_security_options",
				  "noplaintext") ||
		    (filter->text.length && !strcasestr(filter->text.text, "plain") &&
		     !strcasestr(filter->text.text, "login")) ||
		    !routing_first(lint, &places, at))
			continue;
		lint_report(lint, rule, at,
			    "nearly all relays offer nothing but PLAIN and LOGIN, which "
			    "'noplaintext' forbids");
		diagnostics_hint(lint->list, "set smtp_sasl_tls_security_options = noanonymous: "
					     "TLS protects the password");
	}
}

/* Whether a list of mechanisms leaves ANONYMOUS out; no where a table decides. */
static bool filters_anonymous(const struct lint *lint, const struct service *client)
{
	const struct value *filter =
		configuration_value(lint->configuration, client, "smtp_sasl_mechanism_filter");
	struct list list = list_split(lint->arena, &filter->text);

	for (size_t i = 0; i < list.count; i++)
		if (list.items[i].negated || list.items[i].kind != LIST_ITEM_PLAIN ||
		    text_equal_case(&list.items[i].text, "anonymous"))
			return false;
	return list.count > 0;
}

void lint_A04(const struct lint *lint, const struct lint_rule *rule)
{
	struct clients clients = routing_clients(lint);
	struct places places = {0};

	for (size_t i = 0; i < clients.count; i++) {
		const struct service *client = clients.items[i];
		const struct value *value = configuration_value(lint->configuration, client,
								"smtp_sasl_security_options");
		struct position at = configuration_position(lint->configuration, client, value);

		if (!logs_in(lint, client) || !value->set || value->failed || value->text.length ||
		    filters_anonymous(lint, client) || !routing_first(lint, &places, at))
			continue;
		lint_report(lint, rule, at, "any mechanism will do, ANONYMOUS as well");
		diagnostics_hint(lint->list, "set it to noanonymous");
		if (value->origin == VALUE_MAIN && !value->raw.length)
			fix_replace(lint, value->set, "smtp_sasl_security_options = noanonymous");
	}
}

void lint_A05(const struct lint *lint, const struct lint_rule *rule)
{
	const struct hops hops = *lint->hops;
	struct places places = {0};
	struct credentials credentials;
	enum tls_level level;

	for (size_t i = 0; i < hops.count; i++) {
		const struct hop *hop = &hops.items[i];
		struct position at = tls_level_position(lint, hop->client);

		if (!logs_in(lint, hop->client) || hop->next.socket || !*hop->next.host ||
		    routing_is_loopback(&hop->next) || !tls_hop_level(lint, hop, &level) ||
		    level >= TLS_ENCRYPT ||
		    tls_has_word(lint, hop->client, "smtp_sasl_security_options", "noplaintext"))
			continue;
		look_up(lint, hop, &credentials);
		/* a relay that has no password gives nothing away */
		if ((credentials.whole && !credentials.found && !credentials.by_sender) ||
		    !routing_first(lint, &places, at))
			continue;
		lint_report(lint, rule, at,
			    "the password for '%s' goes in the clear where TLS is not offered, or "
			    "somebody strips the offer",
			    hop->next.text.text);
		diagnostics_hint(lint->list, "set smtp_tls_security_level = encrypt, or a level "
					     "for that host in smtp_tls_policy_maps");
	}
}

/* Whether some client asks for the passwords of senders: tables are mostly shared. */
static bool by_sender(const struct lint *lint, const struct clients *clients)
{
	for (size_t i = 0; i < clients->count; i++)
		if (configuration_yes(lint->configuration, clients->items[i],
				      "smtp_sender_dependent_authentication"))
			return true;
	return false;
}

void lint_A07(const struct lint *lint, const struct lint_rule *rule)
{
	struct clients clients = routing_clients(lint);
	struct places places = {0};

	if (by_sender(lint, &clients))
		return;
	for (size_t i = 0; i < clients.count; i++) {
		const struct service *client = clients.items[i];
		struct readable readable = routing_readable(lint, passwords(lint, client));

		if (!logs_in(lint, client))
			continue;
		for (size_t j = 0; j < readable.count; j++)
			for (size_t k = 0; k < readable.items[j]->count; k++) {
				const struct text *key = &readable.items[j]->items[k].key;

				if (!strchr(key->text, '@') ||
				    !routing_first(lint, &places, text_position(key)))
					continue;
				lint_report(lint, rule, text_position(key),
					    "the password of '%s' is never looked up", key->text);
				diagnostics_hide_source(lint->list);
				diagnostics_hint(lint->list,
						 "set smtp_sender_dependent_authentication = yes");
				k = readable.items[j]->count - 1; /* one for a table */
			}
	}
}

static void judge_file(const struct lint *lint, const struct lint_rule *rule,
		       const struct service *client, const struct table *table)
{
	const char *path, *file;
	struct stat status;

	while (table->type && table->type->prefix && table->parts.count)
		table = table->parts.items[0];
	if (!table->type || !(table->type->source || table->type->text) ||
	    table->name.text[0] == '{')
		return;
	for (int index = 0; index < 2; index++) {
		if (index && !table->type->index)
			continue;
		file = arena_printf(lint->arena, "%s%s", table->name.text,
				    index ? table->type->index : "");
		path = configuration_path(lint->configuration, file);
		if (!path || stat(path, &status) < 0 || !(status.st_mode & S_IROTH))
			continue;
		lint_report(lint, rule,
			    configuration_part_position(lint->configuration, client,
							passwords(lint, client), &table->reference),
			    "everybody on this host may read '%s'", file);
		diagnostics_hint(lint->list, "chmod 600 %s: Postfix reads it as root", file);
	}
}

void lint_A08(const struct lint *lint, const struct lint_rule *rule)
{
	struct clients clients = routing_clients(lint);
	struct places places = {0};

	for (size_t i = 0; lint->permissions && i < clients.count; i++) {
		const struct service *client = clients.items[i];
		const struct value *value = passwords(lint, client);
		struct tables tables = configuration_tables(lint->configuration, value);

		if (!logs_in(lint, client) ||
		    !routing_first(lint, &places,
				   configuration_position(lint->configuration, client, value)))
			continue;
		for (size_t j = 0; j < tables.count; j++)
			judge_file(lint, rule, client, tables.items[j]);
	}
}

static bool offers_login(const struct lint *lint, const struct listener *listener)
{
	return listener->reach != LISTENER_LOOPBACK &&
	       configuration_yes(lint->configuration, listener->service,
				 "smtpd_sasl_auth_enable") &&
	       !tls_has_word(lint, listener->service, "smtpd_discard_ehlo_keywords", "auth");
}

void lint_A09(const struct lint *lint, const struct lint_rule *rule)
{
	struct listeners listeners = listener_list(lint, "smtpd");
	struct places places = {0};

	for (size_t i = 0; i < listeners.count; i++) {
		const struct listener *listener = &listeners.items[i];
		const struct service *service = listener->service;
		const struct value *only =
			configuration_value(lint->configuration, service, "smtpd_tls_auth_only");
		struct position at =
			only->set ? configuration_position(lint->configuration, service, only)
				  : configuration_position(
					    lint->configuration, service,
					    configuration_value(lint->configuration, service,
								"smtpd_sasl_auth_enable"));

		if (!offers_login(lint, listener) || text_equal_case(&only->text, "yes") ||
		    relay_stops(lint, service, "smtpd_client_restrictions", RELAY_WHITELISTED) ||
		    (!only->set && service && !listener_whole(lint)) ||
		    tls_server_level(lint, service) >= TLS_ENCRYPT ||
		    tls_has_word(lint, service, "smtpd_sasl_security_options", "noplaintext") ||
		    !routing_first(lint, &places, at))
			continue;
		lint_report(lint, rule, at, "users' passwords may come in the clear");
		diagnostics_hint(lint->list, "set smtpd_tls_auth_only = yes");
	}
}

void lint_A11(const struct lint *lint, const struct lint_rule *rule)
{
	struct listeners listeners = listener_list(lint, "smtpd");
	struct places places = {0};

	for (size_t i = 0; i < listeners.count; i++) {
		const struct listener *listener = &listeners.items[i];
		struct position at = configuration_position(
			lint->configuration, listener->service,
			configuration_value(lint->configuration, listener->service,
					    "smtpd_sasl_auth_enable"));

		if (!listener->service || listener->port != 25 || listener->reach != LISTENER_ANY ||
		    !offers_login(lint, listener) || !routing_first(lint, &places, at))
			continue;
		lint_report(lint, rule, at,
			    "port 25 takes logins, so strangers try passwords where mail comes in");
		diagnostics_hint(lint->list,
				 "set it to no in main.cf, and '-o smtpd_sasl_auth_enable=yes' for "
				 "submission and submissions in master.cf");
	}
}

void lint_A16(const struct lint *lint, const struct lint_rule *rule)
{
	struct clients clients = routing_clients(lint);
	struct places places = {0};

	for (size_t i = 0; i < clients.count; i++) {
		const struct service *client = clients.items[i];
		const struct value *value = passwords(lint, client);

		if (!logs_in(lint, client) || value->text.length || value->failed ||
		    !routing_first(lint, &places, login_position(lint, client)))
			continue;
		lint_report(lint, rule, login_position(lint, client),
			    "smtp(8) does not start: smtp_sasl_password_maps is empty");
		diagnostics_hint(lint->list, "set smtp_sasl_password_maps, or "
					     "smtp_sasl_auth_enable = no");
	}
}

void lint_A17(const struct lint *lint, const struct lint_rule *rule)
{
	struct clients clients = routing_clients(lint);
	const struct value *value = passwords(lint, NULL);

	if (!value->set || !value->text.length || !lint->configuration->has_master)
		return;
	for (size_t i = 0; i < clients.count; i++)
		if (logs_in(lint, clients.items[i]))
			return;
	lint_report(lint, rule, configuration_position(lint->configuration, NULL, value),
		    "no client logs in: smtp_sasl_auth_enable is no");
	diagnostics_hint(lint->list, "set smtp_sasl_auth_enable = yes");
}

/* Whether a list stops users who log in; no where a table or a server may permit them first. */
static bool stops_users(const struct lint *lint, const struct service *service, const char *list)
{
	struct relay_steps steps = relay_steps(lint, service, list);

	for (size_t i = 0; i < steps.count; i++) {
		const struct restriction *restriction = steps.items[i].use->restriction;

		if (!restriction || restriction->argument == RESTRICTION_WITH_TABLE ||
		    restriction->argument == RESTRICTION_WITH_SERVICE)
			return false;
	}
	return relay_stops(lint, service, list, RELAY_WHITELISTED);
}

void lint_A24(const struct lint *lint, const struct lint_rule *rule)
{
	static const char *const ways[] = {"permit_sasl_authenticated", "permit"};
	struct listeners listeners = listener_list(lint, "smtpd");
	struct places places = {0};

	for (size_t i = 0; i < listeners.count; i++) {
		const struct service *service = listeners.items[i].service;
		struct position at =
			configuration_position(lint->configuration, service,
					       configuration_value(lint->configuration, service,
								   "smtpd_sasl_auth_enable"));
		bool may = false;

		for (size_t j = 0; j < sizeof(ways) / sizeof(*ways); j++)
			may |= listener_has(lint, service, ways[j]) != LISTENER_NO;
		may &= !stops_users(lint, service, "smtpd_relay_restrictions") &&
		       !stops_users(lint, service, "smtpd_recipient_restrictions");
		if (!service || listeners.items[i].port == 25 ||
		    !offers_login(lint, &listeners.items[i]) || may ||
		    !routing_first(lint, &places, at))
			continue;
		lint_report(lint, rule, at, "'%s' takes logins, and lets no user send",
			    service->fields[SERVICE_NAME].text);
		diagnostics_hint(lint->list,
				 "add permit_sasl_authenticated to smtpd_relay_restrictions");
	}
}
