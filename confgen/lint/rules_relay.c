/* Who may send through this host: restrictions. The rows are in rows_relay.h. */
#include "confgen/lint/helpers_relay.h"
#include "confgen/lint/rules.h"

#include <strings.h>

static const char relay[] = "smtpd_relay_restrictions",
		  recipient[] = "smtpd_recipient_restrictions";

/* The list that decides about relaying, to point at: one that was set, if there is one. */
static const struct value *deciding(const struct lint *lint, const struct service *service)
{
	const struct value *first = configuration_value(lint->configuration, service, relay);
	const struct value *second = configuration_value(lint->configuration, service, recipient);

	return first->set || !second->set ? first : second;
}

static struct position place_of(const struct lint *lint, const struct service *service,
				const struct text *part)
{
	return configuration_part_position(lint->configuration, service, deciding(lint, service),
					   part);
}

/* Whether smtpd(8) gives up at the first command, for want of a restriction that it demands. */
static bool is_refused(const struct lint *lint, const struct service *service)
{
	return !relay_has_required(lint, service, relay) &&
	       !relay_has_required(lint, service, recipient);
}

/* Whether a permit for everybody is to blame: its place. */
static bool find_permit(const struct lint *lint, const struct service *service, struct text *at)
{
	return relay_passes(lint, service, RELAY_STRANGER, at) && at->text;
}

static void hint_required(const struct lint *lint)
{
	diagnostics_hint(lint->list, "smtpd_relay_restrictions = permit_mynetworks, "
				     "permit_sasl_authenticated, reject_unauth_destination");
}

static void report_absent(const struct lint *lint, const struct lint_rule *rule,
			  const struct service *service)
{
	const struct value *value = deciding(lint, service);

	lint_report(lint, rule, configuration_position(lint->configuration, service, value),
		    is_refused(lint, service)
			    ? "neither %s nor %s holds reject_unauth_destination or its kin: "
			      "smtpd(8) refuses to work"
			    : "neither %s nor %s keeps strangers from relaying",
		    relay, recipient);
	if (value->origin == VALUE_DEFAULT)
		diagnostics_hint(lint->list,
				 "compatibility_level = 3.6 gives %s a default that "
				 "is safe",
				 relay);
	else
		hint_required(lint);
}

void lint_R07(const struct lint *lint, const struct lint_rule *rule)
{
	struct relay_seen seen = {0};
	const struct service *service;
	struct text at;

	for (size_t next = 0; relay_next_server(lint, &next, &service);) {
		const struct value *value = deciding(lint, service);

		/* a broken main.cf has other troubles, and may lack lines */
		if (find_permit(lint, service, &at) ||
		    (lint->configuration->main.broken && !value->set))
			continue;
		if (!is_refused(lint, service) &&
		    (!relay_is_reachable(lint, service) ||
		     !relay_passes(lint, service, RELAY_STRANGER, &at)))
			continue;
		if (value->set ? relay_is_new(lint, &seen, value->set)
			       : relay_is_new(lint, &seen, rule))
			report_absent(lint, rule, service);
	}
}

void lint_R08(const struct lint *lint, const struct lint_rule *rule)
{
	const struct service *service;
	struct text at;

	for (size_t next = 0; relay_next_server(lint, &next, &service);) {
		if (!find_permit(lint, service, &at) ||
		    (!is_refused(lint, service) && !relay_is_reachable(lint, service)))
			continue;
		lint_report(lint, rule, place_of(lint, service, &at),
			    is_refused(lint, service)
				    ? "'%s' permits everything before relaying is refused: "
				      "smtpd(8) refuses to work"
				    : "'%s' permits everything before relaying is refused: an "
				      "open relay",
			    at.text);
		diagnostics_hint(lint->list, "put reject_unauth_destination before it, or remove "
					     "it: what no restriction refuses is permitted");
	}
}

/* Reports what lets a sort of client through that strangers can make themselves. */
static void report_permits(const struct lint *lint, const struct lint_rule *rule, unsigned client,
			   bool (*applies)(const struct lint *lint, const struct service *service),
			   const char *why, const char *hint)
{
	const struct service *service;
	struct text at;

	for (size_t next = 0; relay_next_server(lint, &next, &service);) {
		if (!relay_is_reachable(lint, service) || !applies(lint, service) ||
		    relay_passes(lint, service, RELAY_STRANGER, &at) ||
		    !relay_passes(lint, service, client, &at) || !at.text)
			continue;
		lint_report(lint, rule, place_of(lint, service, &at), "'%s' %s", at.text, why);
		diagnostics_hint(lint->list, "%s", hint);
	}
}

static bool asks_for_certificates(const struct lint *lint, const struct service *service)
{
	return configuration_yes(lint->configuration, service, "smtpd_tls_ask_ccert") ||
	       configuration_yes(lint->configuration, service, "smtpd_tls_req_ccert");
}

void lint_R20(const struct lint *lint, const struct lint_rule *rule)
{
	report_permits(lint, rule, RELAY_CERTIFIED, asks_for_certificates,
		       "lets everybody relay who has a certificate of an authority in "
		       "smtpd_tls_CAfile or smtpd_tls_CApath",
		       "permit_tls_clientcerts, with fingerprints in relay_clientcerts");
}

static bool always(const struct lint *lint, const struct service *service)
{
	(void)lint;
	(void)service;
	return true;
}

void lint_R21(const struct lint *lint, const struct lint_rule *rule)
{
	report_permits(lint, rule, RELAY_PRETENDING, always,
		       "is what a client says of itself, and lets it relay",
		       "put reject_unauth_destination before this table, or give it the result "
		       "permit_auth_destination instead of OK");
}

static bool has_no_networks(const struct lint *lint, const struct service *service)
{
	return configuration_value(lint->configuration, service, "permit_mx_backup_networks")
		       ->text.length == 0;
}

void lint_R22(const struct lint *lint, const struct lint_rule *rule)
{
	report_permits(lint, rule, RELAY_MX_BACKUP, has_no_networks,
		       "relays for every domain whose owner names this host as MX",
		       "list the domains in relay_domains instead, or their primary MX in "
		       "permit_mx_backup_networks");
}

static const char *const lists[] = {"smtpd_relay_restrictions",	 "smtpd_recipient_restrictions",
				    "smtpd_client_restrictions", "smtpd_helo_restrictions",
				    "smtpd_sender_restrictions", "smtpd_data_restrictions"};

void lint_R16(const struct lint *lint, const struct lint_rule *rule)
{
	struct relay_seen seen = {0};
	const struct service *service;

	for (size_t next = 0; relay_next_server(lint, &next, &service);)
		for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
			struct relay_steps steps = relay_steps(lint, service, lists[i]);

			for (size_t j = 0; j < steps.count; j++) {
				const struct relay_step *step = &steps.items[j];

				if (!step->use->restriction || !step->value->set ||
				    strcmp(step->use->restriction->name, "permit_mx_backup") != 0 ||
				    !relay_is_new(lint, &seen, step->value->set))
					continue;
				lint_report(lint, rule,
					    place_of(lint, service, &step->use->name->text),
					    "permit_mx_backup is deprecated from Postfix 3.9 on");
				diagnostics_hint(lint->list, "list the domains in relay_domains");
			}
		}
}

/* Signs that strangers are expected: what only makes sense for their mail. */
static bool expects_strangers(const struct lint *lint, const struct service *service)
{
	static const char *const signs[] = {"reject_rbl_client", "reject_rhsbl_client",
					    "reject_rhsbl_sender", "reject_unknown_client_hostname",
					    "reject_unknown_reverse_client_hostname"};

	if (service && text_equal(&service->fields[SERVICE_TYPE], "pass"))
		return true;
	for (size_t i = 0; i < sizeof(signs) / sizeof(*signs); i++)
		if (relay_uses(lint, service, signs[i]))
			return true;
	return false;
}

/*
 * Whether the service is for users who log in. One that refuses them by an option of its own is
 * for hosts of ours; unless it offers AUTH by an option as well.
 */
static bool is_for_users(const struct lint *lint, const struct service *service,
			 const struct value *value)
{
	const struct value *auth =
		configuration_value(lint->configuration, service, "smtpd_sasl_auth_enable");

	return text_equal_case(&auth->text, "yes") &&
	       (value->origin == VALUE_MAIN || auth->origin == VALUE_SERVICE);
}

void lint_R18(const struct lint *lint, const struct lint_rule *rule)
{
	static const char list[] = "smtpd_client_restrictions";
	const struct service *service;

	for (size_t next = 0; relay_next_server(lint, &next, &service);) {
		const struct value *value = configuration_value(lint->configuration, service, list);
		struct position at = configuration_position(lint->configuration, service, value);

		if (!value->set || !relay_stops(lint, service, list, RELAY_STRANGER))
			continue;
		if (is_for_users(lint, service, value) &&
		    relay_uses(lint, service, "permit_sasl_authenticated") &&
		    relay_stops(lint, service, list, RELAY_WHITELISTED)) {
			lint_report(lint, rule, at,
				    "users who log in are refused, unless in mynetworks");
			diagnostics_hint(lint->list,
					 "add permit_sasl_authenticated before 'reject'");
		} else if (relay_is_public_port(service) && relay_is_reachable(lint, service) &&
			   expects_strangers(lint, service) &&
			   relay_stops(lint, service, list, RELAY_WHITELISTED)) {
			lint_report(lint, rule, at,
				    "mail from other servers is refused: only "
				    "mynetworks may connect");
			diagnostics_hint(lint->list,
					 "leave 'reject' out here: %s keeps strangers "
					 "from relaying",
					 relay);
		}
	}
}
