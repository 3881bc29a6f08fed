/* The PROXY protocol; the rows are in rows_proxy.h. */
#include "confgen/lint/helpers_fix.h"
#include "confgen/lint/helpers_listener.h"
#include "confgen/lint/helpers_routing.h"
#include "confgen/lint/rules.h"

static const struct {
	const char *name, *daemon;
} protocols[] = {{"smtpd_upstream_proxy_protocol", "smtpd"},
		 {"postscreen_upstream_proxy_protocol", "postscreen"}};

#define PROTOCOL_COUNT (sizeof(protocols) / sizeof(*protocols))

/* main.cf sets it, and no service of that program is there that takes connections itself. */
static void judge_main(const struct lint *lint, const struct lint_rule *rule, size_t which)
{
	const struct configuration *configuration = lint->configuration;
	const struct value *value = configuration_value(configuration, NULL, protocols[which].name);
	struct listeners listeners = listener_list(lint, protocols[which].daemon);

	if (!listener_whole(lint) || !value->set || !value->text.length)
		return;
	for (size_t i = 0; i < listeners.count; i++)
		if (!listeners.items[i].passed || which == 0)
			return;
	lint_report(lint, rule, configuration_position(configuration, NULL, value),
		    "no service here runs %s(8)", protocols[which].daemon);
	diagnostics_hint(lint->list, "%s(8) reads %s", protocols[!which].daemon,
			 protocols[!which].name);
}

void lint_P01(const struct lint *lint, const struct lint_rule *rule)
{
	const struct service *service;
	size_t at = 0;

	while ((service = configuration_next(lint->configuration, NULL, &at)))
		for (size_t i = 0; i < PROTOCOL_COUNT; i++) {
			const struct assignment *set = service_override(service, protocols[i].name);
			const char *daemon = service_daemon(service);

			if (!set || !set->value.length || strcmp(daemon, protocols[i].daemon) == 0)
				continue;
			lint_report(lint, rule, text_position(&set->name),
				    "%s(8) does not read it, and takes the header for a command",
				    daemon);
			if (strcmp(daemon, protocols[!i].daemon) == 0)
				diagnostics_hint(lint->list, "here it is %s", protocols[!i].name);
			else
				diagnostics_hint(lint->list, "set it for a service that runs %s(8)",
						 protocols[i].daemon);
		}
	for (size_t i = 0; i < PROTOCOL_COUNT; i++)
		judge_main(lint, rule, i);
}

void lint_P02(const struct lint *lint, const struct lint_rule *rule)
{
	const struct configuration *configuration = lint->configuration;

	for (size_t i = 0; i < PROTOCOL_COUNT; i++) {
		struct listeners listeners = listener_list(lint, protocols[i].daemon);
		size_t away = 0;

		/* with a proxy on this host, all listeners may be on loopback */
		for (size_t j = 0; j < listeners.count; j++)
			away += listeners.items[j].reach != LISTENER_LOOPBACK &&
				!listeners.items[j].passed;
		for (size_t j = 0; away && j < listeners.count; j++) {
			const struct service *service = listeners.items[j].service;
			const struct value *value =
				configuration_value(configuration, service, protocols[i].name);

			if (!service || listeners.items[j].reach != LISTENER_LOOPBACK ||
			    listeners.items[j].passed || !value->text.length ||
			    value->origin != VALUE_MAIN)
				continue;
			lint_report(lint, rule,
				    configuration_position(configuration, service, value),
				    "'%s' is for this host's own programs, which send no PROXY "
				    "header",
				    service->fields[SERVICE_NAME].text);
			diagnostics_hint(lint->list,
					 "set it in master.cf with -o, for the services that the "
					 "proxy connects to");
		}
	}
}

/* Whether postscreens may have this cache open at the same time. */
static bool can_share(const char *map)
{
	static const char *const types[] = {"proxy:", "memcache:", "lmdb:", "socketmap:", "tcp:"};

	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		if (strncmp(map, types[i], strlen(types[i])) == 0)
			return true;
	return !*map;
}

/* One map for both, set in main.cf or nowhere. */
static void fix_cache(const struct lint *lint, const struct value *map, const struct value *other)
{
	if (map->origin == VALUE_SERVICE || other->origin == VALUE_SERVICE)
		return;
	if (map->set)
		lint_fix(lint, &map->set->value,
			 arena_printf(lint->arena, "proxy:%s", map->set->value.text));
	else if (map->origin == VALUE_DEFAULT)
		fix_append(lint, lint->configuration->main.source,
			   arena_printf(lint->arena, "postscreen_cache_map = proxy:%s",
					map->raw.text));
}

void lint_P03(const struct lint *lint, const struct lint_rule *rule)
{
	struct listeners screens = listener_list(lint, "postscreen");

	for (size_t i = 1; i < screens.count; i++)
		for (size_t j = 0; j < i; j++) {
			const struct value *map =
				configuration_value(lint->configuration, screens.items[i].service,
						    "postscreen_cache_map");
			const struct value *other =
				configuration_value(lint->configuration, screens.items[j].service,
						    "postscreen_cache_map");

			if (can_share(map->text.text) ||
			    strcmp(map->text.text, other->text.text) != 0)
				continue;
			lint_report(
				lint, rule,
				text_position(&screens.items[i].service->fields[SERVICE_NAME]),
				"a second postscreen cannot open '%s': it ends, again and again",
				map->text.text);
			diagnostics_hint(lint->list,
					 "set postscreen_cache_map = proxy:%s in main.cf, and "
					 "postscreen_cache_cleanup_interval = 0 for one of them",
					 map->text.text);
			fix_cache(lint, map, other);
			break;
		}
}

/* What an address that a client may choose gains in a service; NULL: nothing. */
static const char *gain(const struct lint *lint, const struct service *service)
{
	const struct value *networks =
		configuration_value(lint->configuration, service, "mynetworks");

	if (listener_has(lint, service, "permit_mynetworks") == LISTENER_YES &&
	    (networks->text.length || networks->failed))
		return "permit_mynetworks";
	if (listener_has(lint, service, "permit_inet_interfaces") == LISTENER_YES)
		return "permit_inet_interfaces";
	return NULL;
}

void lint_P04(const struct lint *lint, const struct lint_rule *rule)
{
	for (size_t i = 0; i < PROTOCOL_COUNT; i++) {
		struct listeners listeners = listener_list(lint, protocols[i].daemon);

		for (size_t j = 0; j < listeners.count; j++) {
			const struct service *service = listeners.items[j].service, *server;
			const struct value *value = configuration_value(lint->configuration,
									service, protocols[i].name);
			const char *why;

			if (!service || listeners.items[j].passed || !value->text.length ||
			    listeners.items[j].reach == LISTENER_LOOPBACK)
				continue;
			server = i == 0 ? service
					: master_cf_find(&lint->configuration->master,
							 configuration_value(lint->configuration,
									     service,
									     "smtpd_service_name")
								 ->text.text,
							 "pass");
			why = server ? gain(lint, server) : NULL;
			if (!why)
				continue;
			lint_report(lint, rule,
				    configuration_position(lint->configuration, service, value),
				    "whoever reaches port '%s' may claim to be 127.0.0.1, which %s "
				    "lets relay",
				    service->fields[SERVICE_NAME].text, why);
			diagnostics_hint(lint->list,
					 "give that service '-o mynetworks=', and let a firewall "
					 "admit the proxy alone: Postfix asks nobody");
		}
	}
}

void lint_P06(const struct lint *lint, const struct lint_rule *rule)
{
	struct places places = {0};

	for (size_t i = 0; i < PROTOCOL_COUNT; i++) {
		struct listeners listeners = listener_list(lint, protocols[i].daemon);

		for (size_t j = 0; j < listeners.count; j++) {
			const struct service *service = listeners.items[j].service;
			const struct value *value = configuration_value(lint->configuration,
									service, protocols[i].name);
			struct position at =
				configuration_position(lint->configuration, service, value);

			if (value->failed || !value->text.length ||
			    text_equal(&value->text, "haproxy") ||
			    !routing_first(lint, &places, at))
				continue;
			lint_report(lint, rule, at, "Postfix knows no protocol '%s'",
				    value->text.text);
			diagnostics_hint(lint->list, "'haproxy' stands for both versions of PROXY, "
						     "from every proxy");
		}
	}
}
