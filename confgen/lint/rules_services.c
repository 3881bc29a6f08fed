/* Services of master.cf, and what refers to them; the rows are in rows_syntax.h. */
#include "common/suggest.h"
#include "confgen/lint/helpers_fix.h"
#include "confgen/lint/helpers_relay.h"
#include "confgen/lint/helpers_syntax.h"
#include "confgen/lint/rules.h"

#include <strings.h>

void lint_S10(const struct lint *lint, const struct lint_rule *rule)
{
	const struct master_cf *master = &lint->configuration->master;

	for (size_t i = 0; i < master->count; i++) {
		const struct service *service = master->items[i];
		const struct text *fields = service->fields;

		if (!service->replaced)
			continue;
		lint_report(lint, rule, text_position(&fields[SERVICE_NAME]),
			    "the service '%s %s' is defined already, in line %u: only this one "
			    "counts",
			    fields[SERVICE_NAME].text, fields[SERVICE_TYPE].text,
			    text_position(&service->replaced->fields[SERVICE_NAME]).line);
		diagnostics_hint(lint->list, "remove one of them, with its options");
	}
}

static const char *nearest_service(const struct lint *lint, const char *name)
{
	const struct master_cf *master = &lint->configuration->master;
	const char **names = arena_array(lint->arena, master->count, sizeof(*names));
	size_t count = 0;

	for (size_t i = 0; i < master->count; i++)
		if (text_equal(&master->items[i]->fields[SERVICE_TYPE], "unix"))
			names[count++] = master->items[i]->fields[SERVICE_NAME].text;
	return lint_suggest(lint, name, names, count);
}

/* Judges "transport:nexthop", which stands at `at`. */
static void check_transport(const struct lint *lint, const struct lint_rule *rule,
			    struct position at, const char *text)
{
	const struct master_cf *master = &lint->configuration->master;
	const char *name = arena_strndup(lint->arena, text, strcspn(text, ": \t"));
	const char *near;

	/* $1 is filled in by a pattern table */
	if (!*name || strchr(name, '$') || master_cf_find(master, name, "unix"))
		return;
	lint_report(lint, rule, at,
		    "master.cf has no service '%s' of type unix: mail that goes there waits", name);
	near = nearest_service(lint, name);
	if (near)
		diagnostics_hint(lint->list, "did you mean '%s'?", near);
	else if (master_cf_find(master, name, NULL))
		diagnostics_hint(lint->list, "that of another type is a server, not a way out");
	else
		diagnostics_hint(lint->list, "add a service, such as '%s unix - - n - - smtp'",
				 name);
}

/* Tables whose results are transports. */
static bool holds_transports(const char *name)
{
	static const char *const names[] = {"transport_maps",
					    "sender_dependent_default_transport_maps",
					    "mailbox_transport_maps", "fallback_transport_maps"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

static void check_entry(const struct lint *lint, const struct lint_rule *rule, bool transports,
			const struct table_entry *entry)
{
	const char *value = entry->value.text;
	struct position at = text_position(&entry->value);

	if (entry->kind != TABLE_ENTRY || !at.source)
		return;
	if (transports && strcasecmp(value, "DUNNO") != 0)
		check_transport(lint, rule, at, value);
	else if (!transports && strncasecmp(value, "FILTER", 6) == 0 && text_is_space(value[6]))
		check_transport(lint, rule, at, value + 6 + strspn(value + 6, " \t"));
}

static void check_tables(const struct lint *lint, const struct lint_rule *rule,
			 const struct syntax_setting *setting)
{
	struct tables tables = configuration_tables(lint->configuration, setting->value);
	bool transports = holds_transports(setting->name);

	if (!transports && setting->kind != PARAMETER_RESTRICTIONS &&
	    !strstr(setting->name, "_checks"))
		return;
	for (size_t i = 0; i < tables.count; i++) {
		const struct table_contents *contents = relay_contents(lint, tables.items[i]);

		for (size_t j = 0; contents && j < contents->count; j++)
			check_entry(lint, rule, transports, &contents->items[j]);
	}
}

static void check_reference(const struct lint *lint, const struct lint_rule *rule,
			    const struct syntax_setting *setting)
{
	if (setting->kind == PARAMETER_TRANSPORT)
		check_transport(lint, rule, syntax_place(lint, setting, &setting->value->text),
				setting->value->text.text);
	else
		check_tables(lint, rule, setting);
}

void lint_S11(const struct lint *lint, const struct lint_rule *rule)
{
	if (lint->configuration->has_master && !lint->configuration->master.broken)
		syntax_each(lint, rule, check_reference);
}

/* Daemons of which there can be only one: they do not start otherwise. */
static bool is_alone(const char *daemon)
{
	static const char *const daemons[] = {"anvil", "oqmgr",	 "pickup", "postlogd", "postscreen",
					      "qmgr",  "scache", "tlsmgr", "verify"};

	for (size_t i = 0; i < sizeof(daemons) / sizeof(*daemons); i++)
		if (strcmp(daemon, daemons[i]) == 0)
			return true;
	return false;
}

void lint_S12(const struct lint *lint, const struct lint_rule *rule)
{
	const struct configuration *configuration = lint->configuration;
	const struct service *service;
	size_t next = 0;

	while ((service = configuration_next(configuration, NULL, &next))) {
		const struct text *field = &service->fields[SERVICE_PROCESS_LIMIT];
		long limit = service->process_limit;

		if (limit < 0 &&
		    !value_number(configuration_value(configuration, NULL, "default_process_limit"),
				  &limit))
			continue;
		if (limit == 1 || !is_alone(service_daemon(service)))
			continue;
		lint_report(lint, rule, text_position(field),
			    "%s(8) requires a process limit of 1, but has '%s': it does not start",
			    service_daemon(service), field->text);
		diagnostics_hint(lint->list, "write 1 in the seventh field of '%s'",
				 service->fields[SERVICE_NAME].text);
		lint_fix(lint, field, "1");
	}
}

void lint_S13(const struct lint *lint, const struct lint_rule *rule)
{
	const struct configuration *configuration = lint->configuration;
	const struct value *value = configuration_value(configuration, NULL, "maillog_file");
	const struct value *name = configuration_value(configuration, NULL, "postlog_service_name");

	if (!value->set || !value->text.length || !configuration->has_master ||
	    master_cf_find(&configuration->master, name->text.text, "unix-dgram"))
		return;
	lint_report(lint, rule, configuration_position(configuration, NULL, value),
		    "master.cf has no service '%s' of type unix-dgram: nothing writes this log",
		    name->text.text);
	diagnostics_hint(lint->list, "add '%s unix-dgram n - n - 1 postlogd' to master.cf",
			 name->text.text);
	if (!name->set)
		fix_append(lint, configuration->master.source,
			   "postlog   unix-dgram n  -       n       -       1       postlogd");
}
