/* TLS, as a client and as a server; the rows are in rows_tls.h, logins in rules_sasl.c. */
#include "confgen/lint/helpers_fix.h"
#include "confgen/lint/helpers_listener.h"
#include "confgen/lint/helpers_tls.h"
#include "confgen/lint/rules.h"

#include <stdio.h>
#include <strings.h>
#include <sys/stat.h>

static bool wraps(const struct lint *lint, const struct service *client)
{
	return configuration_yes(lint->configuration, client, "smtp_tls_wrappermode");
}

void lint_A06(const struct lint *lint, const struct lint_rule *rule)
{
	const struct hops hops = *lint->hops;
	struct places places = {0};
	enum tls_level level;

	for (size_t i = 0; i < hops.count; i++) {
		const struct hop *hop = &hops.items[i];
		bool wrapped = wraps(lint, hop->client);

		if (routing_port(hop->next.port, 25) != 465 || routing_is_loopback(&hop->next) ||
		    (wrapped && (!tls_hop_level(lint, hop, &level) || level >= TLS_ENCRYPT)) ||
		    !routing_first(lint, &places, hop->at))
			continue;
		lint_report(lint, rule, hop->at,
			    wrapped ? "'%s' speaks TLS at once, for which "
				      "Postfix wants level encrypt: mail waits"
				    : "'%s' speaks TLS at once, and Postfix waits for a greeting",
			    hop->next.text.text);
		diagnostics_hint(lint->list, "smtp_tls_wrappermode = yes, with "
					     "smtp_tls_security_level = encrypt or stronger, for "
					     "the client that goes there; or port 587");
	}
}

void lint_A13(const struct lint *lint, const struct lint_rule *rule)
{
	const struct hops hops = *lint->hops;
	struct places places = {0};

	for (size_t i = 0; i < hops.count; i++) {
		const struct hop *hop = &hops.items[i];
		unsigned port = routing_port(hop->next.port, 25);

		if ((port != 25 && port != 587) || hop->next.socket || !*hop->next.host ||
		    !wraps(lint, hop->client) || !routing_first(lint, &places, hop->at))
			continue;
		lint_report(lint, rule, hop->at,
			    "port %u of '%s' greets first, and Postfix begins with TLS", port,
			    hop->next.host);
		diagnostics_hint(lint->list,
				 "smtp_tls_wrappermode = no for that client, or port 465");
	}
}

/* Whether mail for strangers comes to this host at all. */
static bool takes_mail(const struct lint *lint)
{
	static const char *const classes[] = {"relay_domains", "virtual_mailbox_domains",
					      "virtual_alias_domains", "mydestination"};
	const struct configuration *configuration = lint->configuration;
	const struct value *host = configuration_value(configuration, NULL, "myhostname");

	for (size_t i = 0; i < sizeof(classes) / sizeof(*classes); i++) {
		struct list list = list_split(
			lint->arena, &configuration_value(configuration, NULL, classes[i])->text);

		for (size_t j = 0; j < list.count; j++) {
			const char *name = list.items[j].text.text;

			if (strncasecmp(name, "localhost", 9) != 0 &&
			    strcasecmp(name, host->text.text) != 0)
				return true;
		}
	}
	return false;
}

void lint_A10(const struct lint *lint, const struct lint_rule *rule)
{
	struct listeners listeners = listener_list(lint, "smtpd");
	struct places places = {0};

	for (size_t i = 0; takes_mail(lint) && i < listeners.count; i++) {
		const struct service *service = listeners.items[i].service;
		const struct value *level = configuration_value(lint->configuration, service,
								"smtpd_tls_security_level");
		struct position at = configuration_position(lint->configuration, service, level);

		if (listeners.items[i].port != 25 || listeners.items[i].reach != LISTENER_ANY ||
		    !service || tls_server_level(lint, service) != TLS_ENCRYPT ||
		    configuration_yes(lint->configuration, service, "smtpd_tls_wrappermode") ||
		    configuration_yes(lint->configuration, service, "smtpd_tls_req_ccert") ||
		    listener_is_closed(lint, service) || !routing_first(lint, &places, at))
			continue;
		lint_report(lint, rule, at, "hosts that have no TLS cannot send mail here");
		diagnostics_hint(lint->list, "set 'may' for port 25 (RFC 3207 section 4), and "
					     "'encrypt' for submission in master.cf");
	}
}

/* What stands behind the "smtp" or "smtpd" of a name; the name as a whole where nothing does. */
static const char *behind_program(const char *name)
{
	const char *line = strchr(name, '_');

	return line ? line + 1 : name;
}

/*
 * use_tls and enforce_tls by the level that they stand for, where that is plain: no service has its
 * own, and the other of the two says nothing. Where a level is set, they do nothing.
 */
static void fix_old_level(const struct lint *lint, const struct assignment *set)
{
	static const char *const parts[] = {"use_tls", "enforce_tls", "tls_security_level"};
	const char *part = behind_program(set->name.text), *instead;
	const char *program =
		arena_strndup(lint->arena, set->name.text, (size_t)(part - set->name.text - 1));
	const char *names[3];
	bool on[2];

	if (strcmp(part, parts[0]) != 0 && strcmp(part, parts[1]) != 0)
		return;
	for (size_t i = 0; i < 3; i++) {
		names[i] = arena_printf(lint->arena, "%s_%s", program, parts[i]);
		if (fix_is_overridden(lint, names[i]))
			return;
	}
	for (size_t i = 0; i < 2; i++)
		on[i] = configuration_yes(lint->configuration, NULL, names[i]);
	if (configuration_value(lint->configuration, NULL, names[2])->text.length ||
	    (!on[0] && !on[1]) || (on[1] && strcmp(part, parts[0]) == 0)) {
		fix_delete(lint, set);
		return;
	}
	/* a client verifies the name then, unless told otherwise; an empty level stands elsewhere
	 */
	if ((on[1] && strcmp(program, "smtpd") != 0) ||
	    configuration_value(lint->configuration, NULL, names[2])->set)
		return;
	instead = strcmp(part, parts[on[1]]) == 0 ? (on[1] ? "encrypt" : "may") : NULL;
	if (instead)
		fix_replace(lint, set, arena_printf(lint->arena, "%s = %s", names[2], instead));
	else
		fix_delete(lint, set);
}

void lint_A12(const struct lint *lint, const struct lint_rule *rule)
{
	static const struct {
		const char *name, *instead;
	} old[] = {
		{"smtp_use_tls", "smtp_tls_security_level = may"},
		{"smtp_enforce_tls", "smtp_tls_security_level = encrypt"},
		{"smtp_tls_enforce_peername", "smtp_tls_security_level = verify"},
		{"smtp_tls_per_site", "smtp_tls_policy_maps"},
		{"smtpd_use_tls", "smtpd_tls_security_level = may"},
		{"smtpd_enforce_tls", "smtpd_tls_security_level = encrypt"},
		{"lmtp_use_tls", "lmtp_tls_security_level = may"},
		{"lmtp_enforce_tls", "lmtp_tls_security_level = encrypt"},
		{"lmtp_tls_per_site", "lmtp_tls_policy_maps"},
		{"smtp_tls_cipherlist", "smtp_tls_mandatory_ciphers"},
		{"smtpd_tls_cipherlist", "smtpd_tls_mandatory_ciphers"},
		{"smtpd_tls_dh512_param_file", NULL},
		{"smtpd_tls_dh1024_param_file", NULL},
		{"smtpd_tls_eecdh_grade", NULL},
	};
	const struct configuration *configuration = lint->configuration;

	for (size_t i = 0; i < configuration->main.count; i++) {
		const struct assignment *set = configuration->main.items[i];

		for (size_t j = 0; j < sizeof(old) / sizeof(*old); j++) {
			if (set->overridden || !text_equal(&set->name, old[j].name))
				continue;
			lint_report(lint, rule, text_position(&set->name), "'%s' is obsolete",
				    old[j].name);
			if (old[j].instead)
				diagnostics_hint(lint->list, "use %s", old[j].instead);
			else
				diagnostics_hint(lint->list,
						 "delete it: what is built in is better");
			fix_old_level(lint, set);
		}
	}
}

void lint_A14(const struct lint *lint, const struct lint_rule *rule)
{
	struct listeners listeners = listener_list(lint, "smtpd");

	for (size_t i = 0; i < listeners.count; i++) {
		const struct listener *listener = &listeners.items[i];
		const struct value *value = configuration_value(
			lint->configuration, listener->service, "smtpd_tls_wrappermode");
		bool wrapped = text_equal_case(&value->text, "yes");
		struct position at = configuration_position(lint->configuration, listener->service,
							    wrapped ? value : NULL);

		if (!listener->service || listener->passed || (!wrapped && !listener_whole(lint)) ||
		    !(wrapped ? listener->port == 25 || listener->port == 587
			      : listener->port == 465))
			continue;
		lint_report(lint, rule, at,
			    wrapped ? "clients of port %u wait for a greeting, not for TLS"
				    : "clients of port %u begin with TLS, and the server greets",
			    listener->port);
		diagnostics_hint(lint->list, "set '-o smtpd_tls_wrappermode=%s' for that service",
				 wrapped ? "no" : "yes");
	}
}

/* Whether a server has a certificate, or needs none. */
static bool has_certificate(const struct lint *lint, const struct service *service)
{
	static const char *const names[] = {"smtpd_tls_chain_files", "smtpd_tls_cert_file",
					    "smtpd_tls_eccert_file", "smtpd_tls_dcert_file"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const struct value *value =
			configuration_value(lint->configuration, service, names[i]);

		if (value->text.length || value->failed)
			return true;
	}
	return false;
}

void lint_A15(const struct lint *lint, const struct lint_rule *rule)
{
	struct listeners listeners = listener_list(lint, "smtpd");
	struct places places = {0};

	for (size_t i = 0; lint->configuration->has_main && i < listeners.count; i++) {
		const struct service *service = listeners.items[i].service;
		const struct value *level = configuration_value(lint->configuration, service,
								"smtpd_tls_security_level");
		struct position at = configuration_position(lint->configuration, service, level);

		/* without a whole master.cf, a service may have what main.cf lacks */
		if (!service || !listener_whole(lint) ||
		    tls_server_level(lint, service) == TLS_NONE || has_certificate(lint, service) ||
		    !routing_first(lint, &places, at))
			continue;
		lint_report(lint, rule, at, "'%s' has no certificate, so it speaks no TLS",
			    service->fields[SERVICE_NAME].text);
		diagnostics_hint(lint->list,
				 "set smtpd_tls_chain_files = KEY, CERTIFICATE-CHAIN (or "
				 "smtpd_tls_cert_file and smtpd_tls_key_file)");
	}
}

/* Whether a list of protocols names old ones, and none that is not outdated. */
static bool is_outdated(const struct lint *lint, const struct text *text)
{
	struct list list = list_split(lint->arena, text);
	size_t named = 0;

	for (size_t i = 0; i < list.count; i++) {
		const char *name = list.items[i].text.text;

		if (list.items[i].negated)
			continue;
		if (strpbrk(name, "<>=") || strcasecmp(name, "TLSv1.2") == 0 ||
		    strcasecmp(name, "TLSv1.3") == 0 || strchr(name, ':'))
			return false;
		named++;
	}
	return named > 0;
}

void lint_A18(const struct lint *lint, const struct lint_rule *rule)
{
	static const char *const names[] = {"smtpd_tls_mandatory_protocols", "smtpd_tls_protocols",
					    "smtp_tls_mandatory_protocols", "smtp_tls_protocols"};
	const struct configuration *configuration = lint->configuration;
	const struct service *service = NULL;
	struct places places = {0};
	size_t at = 0;

	do {
		for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
			const struct value *value =
				configuration_value(configuration, service, names[i]);
			struct position where =
				configuration_position(configuration, service, value);

			if (!value->set || !is_outdated(lint, &value->text) ||
			    !routing_first(lint, &places, where))
				continue;
			lint_report(lint, rule, where, "'%s' shuts out TLS 1.2 and 1.3",
				    value->text.text);
			diagnostics_hint(lint->list, "say '>=TLSv1.2', or before Postfix 3.6 "
						     "!SSLv2, !SSLv3, !TLSv1, !TLSv1.1");
		}
	} while ((service = configuration_next(configuration, NULL, &at)));
}

/* The client that sends to the Internet, or to a relay that is not on loopback. */
static bool sends_away(const struct lint *lint, const struct service **client, bool *relayed)
{
	const struct configuration *configuration = lint->configuration;
	const struct value *relayhost = configuration_value(configuration, NULL, "relayhost");
	const struct value *transport =
		configuration_value(configuration, NULL, "default_transport");
	struct next_hop next = routing_next_hop(lint->arena, &relayhost->text);

	*relayed = relayhost->text.length || strchr(transport->text.text, ':');
	return configuration->has_main && routing_default_client(lint, client) &&
	       !(relayhost->text.length && routing_is_loopback(&next));
}

/* From compatibility level 3.11 on, Postfix 3.11 uses TLS unless told otherwise. */
static bool tls_is_default(const struct lint *lint)
{
	const struct value *level =
		configuration_value(lint->configuration, NULL, "compatibility_level");
	int major = 0, minor = 0;

	return sscanf(level->text.text, "%d.%d", &major, &minor) == 2 &&
	       (major > 3 || (major == 3 && minor >= 11));
}

void lint_A19(const struct lint *lint, const struct lint_rule *rule)
{
	const struct service *client;
	enum tls_level level;
	bool relayed;

	if (!sends_away(lint, &client, &relayed) || !tls_client_level(lint, client, &level) ||
	    level != TLS_NONE || tls_is_default(lint) ||
	    configuration_value(lint->configuration, client, "smtp_tls_policy_maps")->text.length)
		return;
	lint_report(lint, rule, tls_level_position(lint, client),
		    "outgoing mail is readable on its way, also where the next host has TLS");
	diagnostics_hint(lint->list, "set smtp_tls_security_level = may, or dane");
}

/* Where the level of a server is set; main.cf, where it is not. */
static struct position server_level_position(const struct lint *lint, const struct service *service)
{
	const struct value *value =
		configuration_value(lint->configuration, service, "smtpd_tls_security_level");

	return configuration_position(lint->configuration, value->set ? service : NULL, value);
}

void lint_A20(const struct lint *lint, const struct lint_rule *rule)
{
	struct listeners listeners = listener_list(lint, "smtpd");
	struct places places = {0};

	for (size_t i = 0; lint->configuration->has_main && i < listeners.count; i++) {
		const struct listener *listener = &listeners.items[i];
		struct position at = server_level_position(lint, listener->service);

		if (!listener_whole(lint) || listener->reach != LISTENER_ANY ||
		    (listener->port != 25 && listener->port != 587) ||
		    tls_server_level(lint, listener->service) != TLS_NONE ||
		    listener_is_closed(lint, listener->service) ||
		    !routing_first(lint, &places, at))
			continue;
		lint_report(lint, rule, at, "port %u does not offer STARTTLS", listener->port);
		diagnostics_hint(lint->list,
				 "set smtpd_tls_security_level = may, and a certificate");
	}
}

void lint_A21(const struct lint *lint, const struct lint_rule *rule)
{
	struct clients clients = routing_clients(lint);
	struct places places = {0};
	enum tls_level level;

	for (size_t i = 0; i < clients.count; i++) {
		const struct service *client = clients.items[i];
		const struct value *dns =
			configuration_value(lint->configuration, client, "smtp_dns_support_level");

		if (!tls_client_level(lint, client, &level) ||
		    (level != TLS_DANE && level != TLS_DANE_ONLY) ||
		    text_equal_case(&dns->text, "dnssec") ||
		    !routing_first(lint, &places, tls_level_position(lint, client)))
			continue;
		lint_report(lint, rule, tls_level_position(lint, client),
			    "without DNSSEC look-ups there is no DANE");
		diagnostics_hint(lint->list, "set smtp_dns_support_level = dnssec, and ask a "
					     "resolver on this host that validates");
	}
}

/* Whether transport_maps may have a way for every domain: yes, unless all of it can be read. */
static bool may_route_all(const struct lint *lint)
{
	const struct value *maps = configuration_value(lint->configuration, NULL, "transport_maps");
	struct readable tables = routing_readable(lint, maps);

	if (!maps->text.length)
		return false;
	for (size_t i = 0; i < tables.count; i++)
		if (!tables.items[i]->index || table_find(tables.items[i], "*"))
			return true;
	return !tables.whole;
}

void lint_A22(const struct lint *lint, const struct lint_rule *rule)
{
	const struct service *client;
	enum tls_level level;
	bool relayed;

	if (!sends_away(lint, &client, &relayed) || relayed || !takes_mail(lint) ||
	    !tls_client_level(lint, client, &level) || level < TLS_ENCRYPT ||
	    configuration_value(lint->configuration, NULL, "sender_dependent_relayhost_maps")
		    ->text.length ||
	    may_route_all(lint) ||
	    configuration_value(lint->configuration, NULL,
				"sender_dependent_default_transport_maps")
		    ->text.length)
		return;
	lint_report(lint, rule, tls_level_position(lint, client),
		    "mail to domains whose hosts cannot do that comes back after days");
	diagnostics_hint(lint->list, "set may or dane, and stronger levels by destination in "
				     "smtp_tls_policy_maps");
}

void lint_A23(const struct lint *lint, const struct lint_rule *rule)
{
	static const char *const names[] = {"smtp_tls_CAfile", "smtp_tls_CApath",
					    "smtp_tls_trust_anchor_file"};
	struct clients clients = routing_clients(lint);
	struct places places = {0};
	enum tls_level level;

	for (size_t i = 0; i < clients.count; i++) {
		const struct service *client = clients.items[i];
		size_t length = 0;

		for (size_t j = 0; j < sizeof(names) / sizeof(*names); j++)
			length += configuration_value(lint->configuration, client, names[j])
					  ->text.length;
		if (!tls_client_level(lint, client, &level) || level < TLS_VERIFY || length ||
		    configuration_yes(lint->configuration, client, "tls_append_default_CA") ||
		    !routing_first(lint, &places, tls_level_position(lint, client)))
			continue;
		lint_report(lint, rule, tls_level_position(lint, client),
			    "no authority is trusted, so no certificate is: mail waits");
		diagnostics_hint(lint->list, "set smtp_tls_CAfile = "
					     "/etc/ssl/certs/ca-certificates.crt");
	}
}

void lint_A25(const struct lint *lint, const struct lint_rule *rule)
{
	static const char *const names[] = {"smtpd_tls_key_file", "smtpd_tls_eckey_file",
					    "smtp_tls_key_file", "smtp_tls_eckey_file"};
	const struct configuration *configuration = lint->configuration;
	struct stat status;

	for (size_t i = 0; lint->permissions && i < sizeof(names) / sizeof(*names); i++) {
		const struct value *value = configuration_value(configuration, NULL, names[i]);
		const char *path = value->set && value->text.length
					   ? configuration_path(configuration, value->text.text)
					   : NULL;

		if (!path || stat(path, &status) < 0 || !(status.st_mode & S_IROTH))
			continue;
		lint_report(lint, rule, configuration_position(configuration, NULL, value),
			    "everybody on this host may read '%s'", value->text.text);
		diagnostics_hint(lint->list, "chmod 600 %s: Postfix reads it as root",
				 value->text.text);
	}
}
