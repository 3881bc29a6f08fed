/* Restrictions that do nothing, or what nobody means; the rows are in rows_relay.h. */
#include "confgen/lint/helpers_relay.h"
#include "confgen/lint/helpers_syntax.h"
#include "confgen/lint/rules.h"

#include <strings.h>

/* Ends a list for everybody. */
static bool is_end(const struct restriction_use *use)
{
	static const char *const names[] = {"permit", "reject", "defer"};

	for (size_t i = 0; use->restriction && !use->warn_only && i < 3; i++)
		if (strcmp(use->restriction->name, names[i]) == 0)
			return true;
	return false;
}

static void check_reach(const struct lint *lint, const struct lint_rule *rule,
			const struct syntax_setting *setting)
{
	struct restriction_uses uses;

	if (setting->kind != PARAMETER_RESTRICTIONS)
		return;
	uses = restrictions_read(lint->arena, &setting->value->text);
	for (size_t i = 0; i + 1 < uses.count; i++) {
		const struct text *next = &uses.items[i + 1].name->text;

		if (!is_end(&uses.items[i]))
			continue;
		lint_report(lint, rule, syntax_place(lint, setting, next),
			    "'%s' is never reached: '%s' stands before it", next->text,
			    uses.items[i].name->text.text);
		diagnostics_hint(lint->list, "put '%s' at the end, or delete it",
				 uses.items[i].name->text.text);
		return;
	}
}

void lint_R23(const struct lint *lint, const struct lint_rule *rule)
{
	syntax_each(lint, rule, check_reach);
}

/* Lists that were closed, and when. Some answered with everybody's address since. */
static const struct {
	const char *zone;
	unsigned year;
} closed[] = {
	{"dnsbl.sorbs.net", 2024},	{"spam.dnsbl.sorbs.net", 2024},
	{"bl.spamcannibal.org", 2018},	{"dnsbl.ahbl.org", 2015},
	{"rhsbl.ahbl.org", 2015},	{"dnsbl.njabl.org", 2013},
	{"combined.njabl.org", 2013},	{"bhnc.njabl.org", 2013},
	{"dsn.rfc-ignorant.org", 2012}, {"bogusmx.rfc-ignorant.org", 2012},
	{"list.dsbl.org", 2008},	{"unconfirmed.dsbl.org", 2008},
	{"multihop.dsbl.org", 2008},	{"relays.ordb.org", 2006},
	{"opm.blitzed.org", 2006},	{"relays.osirusoft.com", 2003},
};

/* The year in which the list of this name was closed; 0: none that is known. `length` of `name`. */
static unsigned closed_in(const char *name, size_t length)
{
	for (size_t i = 0; i < sizeof(closed) / sizeof(*closed); i++) {
		size_t tail = strlen(closed[i].zone);

		if (length >= tail &&
		    strncasecmp(name + length - tail, closed[i].zone, tail) == 0 &&
		    (length == tail || name[length - tail - 1] == '.'))
			return closed[i].year;
	}
	return 0;
}

static void check_zone(const struct lint *lint, const struct lint_rule *rule,
		       const struct syntax_setting *setting, const struct text *item)
{
	size_t length = strcspn(item->text, "=*");
	unsigned year = closed_in(item->text, length);

	if (!year)
		return;
	lint_report(
		lint, rule, syntax_place(lint, setting, item),
		"'%.*s' was closed in %u: each client waits for it, and one day it may list all",
		(int)length, item->text, year);
	diagnostics_hint(lint->list, "delete it");
}

static void check_zones(const struct lint *lint, const struct lint_rule *rule,
			const struct syntax_setting *setting)
{
	struct restriction_uses uses;
	struct list list;

	if (strcmp(setting->name, "postscreen_dnsbl_sites") == 0) {
		list = list_split(lint->arena, &setting->value->text);
		for (size_t i = 0; i < list.count; i++)
			check_zone(lint, rule, setting, &list.items[i].text);
	}
	if (setting->kind != PARAMETER_RESTRICTIONS)
		return;
	uses = restrictions_read(lint->arena, &setting->value->text);
	for (size_t i = 0; i < uses.count; i++)
		if (uses.items[i].restriction && uses.items[i].argument &&
		    uses.items[i].restriction->argument == RESTRICTION_WITH_DOMAIN)
			check_zone(lint, rule, setting, &uses.items[i].argument->text);
}

void lint_R24(const struct lint *lint, const struct lint_rule *rule)
{
	syntax_each(lint, rule, check_zones);
}

/* Whether the restrictions about HELO refuse some name. */
static bool refuses_names(const struct lint *lint, const struct service *service)
{
	struct relay_steps steps = relay_steps(lint, service, "smtpd_helo_restrictions");

	for (size_t i = 0; i < steps.count; i++) {
		const struct restriction *restriction = steps.items[i].use->restriction;

		if (restriction && !steps.items[i].warn_only &&
		    (strstr(restriction->name, "helo") || strstr(restriction->name, "hostname")))
			return true;
	}
	return false;
}

void lint_R25(const struct lint *lint, const struct lint_rule *rule)
{
	struct relay_seen seen = {0};
	const struct service *service;

	for (size_t next = 0; relay_next_server(lint, &next, &service);) {
		const struct configuration *configuration = lint->configuration;
		const struct value *value =
			configuration_value(configuration, service, "smtpd_helo_restrictions");

		if (!value->set || !relay_is_public_port(service) ||
		    !relay_is_reachable(lint, service) ||
		    configuration_yes(configuration, service, "smtpd_helo_required") ||
		    !refuses_names(lint, service) || !relay_is_new(lint, &seen, value->set))
			continue;
		lint_report(lint, rule, configuration_position(configuration, service, value),
			    "a client that sends no HELO passes by these");
		diagnostics_hint(lint->list, "set smtpd_helo_required = yes");
	}
}
