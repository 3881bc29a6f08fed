/* The host's name, limits, and what was left on; the rows are in rows_operation.h. */
#include "confgen/lint/helpers_listener.h"
#include "confgen/lint/helpers_routing.h"
#include "confgen/lint/helpers_relay.h"
#include "confgen/lint/rules.h"

#include <stdio.h>
#include <strings.h>

/* Twelve hexadecimal digits, as container engines name what has no name. */
static bool is_container_id(const char *name)
{
	size_t length = strcspn(name, ".");

	return length == 12 && strspn(name, "0123456789abcdef") >= 12 &&
	       strcspn(name, "0123456789") < 12;
}

/* What is wrong with a host's name; NULL: nothing. */
static const char *name_problem(const char *name)
{
	if (strncasecmp(name, "localhost", 9) == 0 && (name[9] == '\0' || name[9] == '.'))
		return "every host is called that";
	if (is_container_id(name))
		return "the id of a container changes, and no DNS knows it";
	if (!strchr(name, '.'))
		return "it is not fully qualified";
	return NULL;
}

void lint_I01(const struct lint *lint, const struct lint_rule *rule)
{
	const struct configuration *configuration = lint->configuration;
	const struct value *value = configuration_value(configuration, NULL, "myhostname");
	const struct service *client;
	const char *problem;

	if (!value->set || value->failed || !value->text.length)
		return;
	problem = name_problem(value->text.text);
	/* who introduces itself by another name, and answers to nobody, is well */
	if (!problem ||
	    (routing_default_client(lint, &client) &&
	     !name_problem(
		     configuration_value(configuration, client, "smtp_helo_name")->text.text)))
		return;
	lint_report(lint, rule,
		    configuration_part_position(configuration, NULL, value, &value->text),
		    "'%s' goes into EHLO and Received: %s", value->text.text, problem);
	diagnostics_hint(lint->list,
			 "the name that DNS has for this host's address, such as mail.example.com");
}

void lint_I02(const struct lint *lint, const struct lint_rule *rule)
{
	const struct hops hops = *lint->hops;
	const struct value *name = configuration_value(lint->configuration, NULL, "myhostname");

	for (size_t i = 0; name->set && i < hops.count; i++) {
		const struct hop *hop = &hops.items[i];

		if (strcasecmp(hop->next.host, name->text.text) != 0)
			continue;
		lint_report(lint, rule, hop->at,
			    "'%s' is myhostname here: mail that comes back by that name loops",
			    hop->next.text.text);
		diagnostics_hint(lint->list, "give each host a myhostname of its own");
	}
}

/* Whether a transport's mail is put into files by `daemon`. */
static bool delivers_by(const struct lint *lint, const char *parameter, const char *daemon)
{
	const struct value *value = configuration_value(lint->configuration, NULL, parameter);
	const char *name =
		arena_strndup(lint->arena, value->text.text, strcspn(value->text.text, ":"));
	const struct service *service = master_cf_find(&lint->configuration->master, name, "unix");

	return service ? strcmp(service_daemon(service), daemon) == 0
		       : !lint->configuration->has_master && strcmp(name, daemon) == 0;
}

static void judge_limit(const struct lint *lint, const struct lint_rule *rule, const char *name)
{
	const struct configuration *configuration = lint->configuration;
	const struct value *limit = configuration_value(configuration, NULL, name);
	const struct value *message =
		configuration_value(configuration, NULL, "message_size_limit");
	long most, largest;

	if (!value_number(limit, &most) || !value_number(message, &largest) || most <= 0 ||
	    (largest > 0 && largest <= most) || (!limit->set && !message->set))
		return;
	lint_report(lint, rule,
		    configuration_position(configuration, NULL, limit->set ? limit : message),
		    "%s = %ld is less than message_size_limit = %ld: nothing is delivered", name,
		    most, largest);
	diagnostics_hint(lint->list, "raise %s, or set it to 0 for none", name);
}

void lint_I07(const struct lint *lint, const struct lint_rule *rule)
{
	const struct configuration *configuration = lint->configuration;

	if (delivers_by(lint, "local_transport", "local") &&
	    configuration_value(configuration, NULL, "mydestination")->text.length)
		judge_limit(lint, rule, "mailbox_size_limit");
	if (delivers_by(lint, "virtual_transport", "virtual") &&
	    configuration_value(configuration, NULL, "virtual_mailbox_domains")->text.length)
		judge_limit(lint, rule, "virtual_mailbox_limit");
}

void lint_I08(const struct lint *lint, const struct lint_rule *rule)
{
	const struct value *value =
		configuration_value(lint->configuration, NULL, "message_size_limit");
	long limit;

	if (!value_number(value, &limit) || limit != 0)
		return;
	lint_report(lint, rule, configuration_position(lint->configuration, NULL, value),
		    "one message can fill the queue's disk");
	diagnostics_hint(lint->list, "set what the next hop takes, such as 52428800");
}

void lint_I09(const struct lint *lint, const struct lint_rule *rule)
{
	const struct configuration *configuration = lint->configuration;
	const struct service *service = NULL;
	struct places places = {0};
	size_t at = 0;

	do {
		const struct value *value =
			configuration_value(configuration, service, "soft_bounce");
		struct position where = configuration_position(configuration, service, value);

		if (!value->set || !text_equal_case(&value->text, "yes") ||
		    !routing_first(lint, &places, where))
			continue;
		lint_report(lint, rule, where,
			    "what is refused for good stays in queues, here and elsewhere");
		diagnostics_hint(lint->list, "it is for tests: set soft_bounce = no");
	} while ((service = configuration_next(configuration, NULL, &at)));
}

void lint_I10(const struct lint *lint, const struct lint_rule *rule)
{
	static const int newest[] = {
		[POSTFIX_3_5] = 305, [POSTFIX_3_7] = 307, [POSTFIX_3_10] = 310};
	const struct configuration *configuration = lint->configuration;
	const struct value *value = configuration_value(configuration, NULL, "compatibility_level");
	int major = 0, minor = 0;

	if (!configuration->has_main || value->failed)
		return;
	if (!value->set) {
		lint_report(lint, rule, configuration_position(configuration, NULL, value),
			    "defaults of Postfix 2 hold, for want of a compatibility_level");
		diagnostics_hint(lint->list, "set compatibility_level = 3.6, or 2 before Postfix "
					     "3.6, and read COMPATIBILITY_README");
	} else if (sscanf(value->text.text, "%d.%d", &major, &minor) >= 1 &&
		   major * 100 + minor > newest[configuration->release]) {
		lint_report(lint, rule, configuration_position(configuration, NULL, value),
			    "level %s is of a later release than %d.%d", value->text.text,
			    newest[configuration->release] / 100,
			    newest[configuration->release] % 100);
		diagnostics_hint(lint->list, "name the release of the files with "
					     "--target-postfix, or lower the level");
	}
}

/*
 * Whether another setting keeps smuggled mail out: DATA must be the last of a group of commands,
 * and the smuggled one is not. At other commands pipelining is allowed.
 */
static bool pipelining_is_refused(const struct lint *lint, const struct service *service)
{
	struct relay_steps steps = relay_steps(lint, service, "smtpd_data_restrictions");

	for (size_t i = 0; i < steps.count; i++)
		if (steps.items[i].use->restriction && !steps.items[i].warn_only &&
		    strcmp(steps.items[i].use->restriction->name, "reject_unauth_pipelining") == 0)
			return true;
	return configuration_yes(lint->configuration, service, "smtpd_forbid_unauth_pipelining");
}

/* I11 for those who said no, I12 for those who said nothing. */
static void judge_newlines(const struct lint *lint, const struct lint_rule *rule, bool said)
{
	struct listeners listeners = listener_list(lint, "smtpd");
	struct places places = {0};

	for (size_t i = 0; i < listeners.count; i++) {
		const struct listener *listener = &listeners.items[i];
		const struct value *value = configuration_value(
			lint->configuration, listener->service, "smtpd_forbid_bare_newline");
		struct position at =
			value->set ? configuration_position(lint->configuration, listener->service,
							    value)
				   : configuration_position(lint->configuration, NULL, value);

		if (!lint->configuration->has_main || listener->reach == LISTENER_LOOPBACK ||
		    !text_equal_case(&value->text, "no") || (value->set != NULL) != said ||
		    (!said && pipelining_is_refused(lint, listener->service)) ||
		    listener_is_closed(lint, listener->service) ||
		    !routing_first(lint, &places, at))
			continue;
		lint_report(lint, rule, at,
			    "a line feed alone may end a message: forged mail follows it");
		diagnostics_hint(lint->list,
				 "set smtpd_forbid_bare_newline = normalize (yes before 3.8.5, "
				 "3.7.10, 3.6.14 and 3.5.24)");
	}
}

void lint_I11(const struct lint *lint, const struct lint_rule *rule)
{
	judge_newlines(lint, rule, true);
}

void lint_I12(const struct lint *lint, const struct lint_rule *rule)
{
	judge_newlines(lint, rule, false);
}

void lint_I13(const struct lint *lint, const struct lint_rule *rule)
{
	const struct value *value =
		configuration_value(lint->configuration, NULL, "maximal_queue_lifetime");
	long seconds;

	if (!value->set || !value_seconds(value, &seconds) || seconds >= 86400)
		return;
	lint_report(lint, rule, configuration_position(lint->configuration, NULL, value),
		    "when a host is down for %s, its mail goes back",
		    seconds ? value->text.text : "a moment");
	diagnostics_hint(lint->list, "RFC 5321 section 4.5.4.1 asks for four to five days");
}

void lint_I14(const struct lint *lint, const struct lint_rule *rule)
{
	const struct configuration *configuration = lint->configuration;
	const struct value *peers = configuration_value(configuration, NULL, "debug_peer_list");
	const struct service *service;
	size_t at = 0;

	while ((service = configuration_next(configuration, NULL, &at)))
		for (size_t i = 0; i < service->arguments.count; i++) {
			const struct text *argument = &service->arguments.items[i];

			if (strncmp(argument->text, "argv=", 5) == 0)
				break;
			if (!text_equal(argument, "-v") && !text_equal(argument, "-vv") &&
			    !text_equal(argument, "-vvv"))
				continue;
			lint_report(lint, rule, text_position(argument),
				    "'%s' logs each step of each session",
				    service->fields[SERVICE_NAME].text);
			diagnostics_hint(lint->list, "delete %s", argument->text);
			break;
		}
	if (!peers->set || !peers->text.length)
		return;
	lint_report(lint, rule, configuration_position(configuration, NULL, peers),
		    "sessions with these hosts are logged in full");
	diagnostics_hint(lint->list, "delete it when the trouble is found");
}

void lint_I15(const struct lint *lint, const struct lint_rule *rule)
{
	struct listeners listeners = listener_list(lint, "smtpd");
	struct places places = {0};

	for (size_t i = 0; i < listeners.count; i++) {
		const struct service *service = listeners.items[i].service;
		const struct value *banner =
			configuration_value(lint->configuration, service, "smtpd_banner");
		const struct value *name =
			configuration_value(lint->configuration, service, "myhostname");
		struct position at = configuration_position(lint->configuration, service, banner);

		if (!banner->set || banner->failed ||
		    listeners.items[i].reach == LISTENER_LOOPBACK ||
		    strchr(banner->raw.text, '$') == banner->raw.text ||
		    (strncasecmp(banner->text.text, name->text.text, name->text.length) == 0) ||
		    !routing_first(lint, &places, at))
			continue;
		lint_report(lint, rule, at, "RFC 5321 wants the name of the host first");
		diagnostics_hint(lint->list, "smtpd_banner = $myhostname ESMTP");
	}
}

void lint_I16(const struct lint *lint, const struct lint_rule *rule)
{
	const struct configuration *configuration = lint->configuration;
	struct listeners listeners = listener_list(lint, "smtpd");
	const struct value *main_filter =
		configuration_value(configuration, NULL, "content_filter");
	size_t filtered = 0, back = 0;

	if (!main_filter->set || !main_filter->text.length || !configuration->has_master)
		return;
	for (size_t i = 0; i < listeners.count; i++) {
		const struct value *filter = configuration_value(
			configuration, listeners.items[i].service, "content_filter");

		back += listeners.items[i].reach == LISTENER_LOOPBACK && !filter->text.length;
		filtered += listeners.items[i].reach != LISTENER_LOOPBACK;
	}
	for (size_t i = 0; filtered && !back && i < listeners.count; i++) {
		const struct listener *listener = &listeners.items[i];

		if (listener->reach != LISTENER_LOOPBACK || !listener->port ||
		    listener->port == 25 || listener->port == 465 || listener->port == 587)
			continue;
		lint_report(lint, rule, text_position(&listener->service->fields[SERVICE_NAME]),
			    "mail that comes back from the filter here goes to '%s' again",
			    main_filter->text.text);
		diagnostics_hint(lint->list, "give this service '-o content_filter='");
	}
}

/* Whether a pattern takes out each field Received, whatever stands in it. */
static bool takes_trace(const struct table_entry *entry)
{
	static const char *const patterns[] = {"^Received",    "^Received:",	"^Received:.*",
					       "^Received:.+", "^\\s*Received", "^Received:.*$"};

	if (entry->kind != TABLE_ENTRY || entry->negated ||
	    strncasecmp(entry->value.text, "IGNORE", strlen("IGNORE")) != 0)
		return false;
	for (size_t i = 0; i < sizeof(patterns) / sizeof(*patterns); i++)
		if (text_equal_case(&entry->key, patterns[i]))
			return true;
	return false;
}

static void check_trace(const struct lint *lint, const struct lint_rule *rule, struct position at)
{
	lint_report(lint, rule, at,
		    "without Received fields no host notices that mail goes in circles");
	diagnostics_hint(lint->list, "take out the ones of your own users alone: header_checks of "
				     "a cleanup service for submission");
}

void lint_I18(const struct lint *lint, const struct lint_rule *rule)
{
	const struct configuration *configuration = lint->configuration;
	const struct value *checks = configuration_value(configuration, NULL, "header_checks");
	const struct value *drop = configuration_value(configuration, NULL, "message_drop_headers");
	struct tables tables = configuration_tables(configuration, checks);
	struct list list = list_split(lint->arena, &drop->text);

	for (size_t i = 0; i < tables.count; i++) {
		const struct table_contents *contents = relay_contents(lint, tables.items[i]);

		for (size_t j = 0; contents && j < contents->count; j++)
			if (takes_trace(&contents->items[j]))
				check_trace(lint, rule, text_position(&contents->items[j].key));
	}
	for (size_t i = 0; i < list.count; i++)
		if (text_equal_case(&list.items[i].text, "received"))
			check_trace(lint, rule,
				    configuration_part_position(configuration, NULL, drop,
								&list.items[i].text));
}
