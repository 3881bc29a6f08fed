/* Servers, their ports and restrictions; see helpers_listener.h. */
#include "confgen/lint/helpers_listener.h"
#include "common/network.h"
#include "confgen/lint/helpers_routing.h"

#include <strings.h>

#define MOST_CLASSES 8 /* classes within classes; Postfix itself stops at 100 */

/* The reach of one address or name. */
static enum listener_reach reach_of(const char *host)
{
	struct ip_address address = {IP_NONE, {0}};
	struct ip_network network;

	if (strcasecmp(host, "localhost") == 0 || strcasecmp(host, "loopback-only") == 0)
		return LISTENER_LOOPBACK;
	if (ip_parse(host, &address) != IP_OK)
		return LISTENER_ANY;
	network = ip_host_network(&address);
	if (ip_is_loopback(&address))
		return LISTENER_LOOPBACK;
	return ip_network_is_private(&network) ? LISTENER_PRIVATE : LISTENER_ANY;
}

/* Without a host in its name, a service listens where inet_interfaces says. */
static enum listener_reach reach_of_interfaces(const struct lint *lint,
					       const struct service *service)
{
	const struct value *value =
		configuration_value(lint->configuration, service, "inet_interfaces");
	struct list list = list_split(lint->arena, &value->text);
	enum listener_reach reach = list.count ? LISTENER_LOOPBACK : LISTENER_ANY;

	for (size_t i = 0; i < list.count; i++) {
		enum listener_reach one = reach_of(list.items[i].text.text);

		if (one > reach)
			reach = one;
	}
	return reach;
}

static struct listener describe(const struct lint *lint, const struct service *service)
{
	struct listener listener = {.service = service};
	struct next_hop name = routing_next_hop(
		lint->arena, &(struct text){.text = service->fields[SERVICE_NAME].text,
					    .length = service->fields[SERVICE_NAME].length});
	bool hosted = *name.port != '\0';

	listener.port = routing_port(hosted ? name.port : name.host, 0);
	listener.reach =
		hosted && *name.host ? reach_of(name.host) : reach_of_interfaces(lint, service);
	return listener;
}

/* What is handed over came in by postscreen's port; without postscreen nobody knows. */
static struct listener describe_passed(const struct lint *lint, const struct service *service)
{
	const char *name = service->fields[SERVICE_NAME].text;
	struct listener listener = {service, 0, LISTENER_ANY, true};
	const struct service *screen;
	size_t at = 0;

	while ((screen = configuration_next(lint->configuration, "postscreen", &at))) {
		const struct value *to =
			configuration_value(lint->configuration, screen, "smtpd_service_name");

		if (!text_equal(&to->text, name))
			continue;
		listener = describe(lint, screen);
		listener.service = service;
		listener.passed = true;
		if (listener.port == 25)
			break;
	}
	return listener;
}

struct listeners listener_list(const struct lint *lint, const char *daemon)
{
	struct listeners listeners = {0};
	const struct service *service;
	size_t at = 0;

	if (!lint->configuration->has_master && strcmp(daemon, "smtpd") == 0)
		*arena_push(lint->arena, &listeners) =
			(struct listener){NULL, 25, reach_of_interfaces(lint, NULL), false};
	while ((service = configuration_next(lint->configuration, daemon, &at))) {
		const struct text *type = &service->fields[SERVICE_TYPE];

		if (text_equal(type, "inet"))
			*arena_push(lint->arena, &listeners) = describe(lint, service);
		else if (text_equal(type, "pass"))
			*arena_push(lint->arena, &listeners) = describe_passed(lint, service);
	}
	return listeners;
}

bool listener_whole(const struct lint *lint)
{
	size_t at = 0;

	return configuration_next(lint->configuration, "cleanup", &at) != NULL;
}

static enum listener_has search(const struct lint *lint, const struct service *service,
				const char *parameter, const char *restriction, int depth)
{
	const struct value *value = configuration_value(lint->configuration, service, parameter);
	struct restriction_uses uses = restrictions_read(lint->arena, &value->text);
	enum listener_has has = LISTENER_NO;

	for (size_t i = 0; i < uses.count && has != LISTENER_YES; i++) {
		const struct restriction_use *use = &uses.items[i];
		const char *name = use->name->text.text;
		enum listener_has one = LISTENER_NO;

		if (use->warn_only)
			continue;
		if (strcasecmp(name, restriction) == 0)
			one = LISTENER_YES;
		else if (!use->restriction && use->name->kind == LIST_ITEM_PLAIN && depth)
			one = search(lint, service, name, restriction, depth - 1);
		else if (!use->restriction ||
			 use->restriction->argument == RESTRICTION_WITH_TABLE ||
			 use->restriction->argument == RESTRICTION_WITH_SERVICE)
			one = LISTENER_UNKNOWN;
		if (one > has)
			has = one;
	}
	return has;
}

enum listener_has listener_has(const struct lint *lint, const struct service *service,
			       const char *restriction)
{
	static const char *const lists[] = {
		"smtpd_client_restrictions",	"smtpd_helo_restrictions",
		"smtpd_sender_restrictions",	"smtpd_relay_restrictions",
		"smtpd_recipient_restrictions", "smtpd_data_restrictions"};
	enum listener_has has = LISTENER_NO;

	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
		enum listener_has one = search(lint, service, lists[i], restriction, MOST_CLASSES);

		if (one > has)
			has = one;
	}
	return has;
}

bool listener_is_closed(const struct lint *lint, const struct service *service)
{
	return listener_has(lint, service, "reject") == LISTENER_YES ||
	       listener_has(lint, service, "defer") == LISTENER_YES;
}
