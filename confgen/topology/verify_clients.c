/*
 * Whether the hosts that submit mail to a node may be let in, and whether their mail has a way out.
 */
#include "confgen/topology/load.h"
#include "confgen/topology/rules.h"
#include "confgen/topology/syntax.h"

#include <strings.h>

#define SUBMISSION 587

static const char *name_of(const struct node *node)
{
	return node->head.name.value;
}

/* Whoever is in these networks may relay: they must be closed to strangers. */
static void verify_network(const struct node *node, const struct network *network,
			   const struct text *item, struct diagnostics *list)
{
	char text[IP_TEXT_SIZE];

	if (!network) {
		report(list, OPEN_RELAY, item->at,
		       "to let the internet submit mail without a login is to be an open relay");
		return;
	}
	for (size_t i = 0; i < network->cidrs.count; i++)
		if (!ip_network_is_private(&network->cidrs.items[i].value)) {
			report(list, OPEN_RELAY, item->at,
			       "%s holds public addresses: strangers could relay through '%s'",
			       ip_network_format(&network->cidrs.items[i].value, text),
			       name_of(node));
			diagnostics_hint(list, "clients are known by private addresses only");
		}
}

static void verify_repetition(const struct text_list *names, struct diagnostics *list)
{
	for (size_t i = 0; i < names->count; i++)
		for (size_t j = 0; j < i; j++)
			if (strcasecmp(names->items[i].value, names->items[j].value) == 0)
				report(list, NAME_TWICE, names->items[i].at,
				       "'%s' is listed already", names->items[i].value);
}

/* Clients and peers that log in would both have port 587, which asks for a login or does not. */
static void verify_port(const struct topology *topology, const struct node *node,
			struct diagnostics *list)
{
	for (size_t i = 0; i < topology->links.count; i++) {
		const struct link *link = &topology->links.items[i];

		if (!link_other_end(link, node) || link->trust.value != TRUST_SASL ||
		    link->port.value != SUBMISSION)
			continue;
		report(list, PORT_TWICE, node->clients.items[0].at,
		       "clients submit to port %d of '%s', where '%s' logs in", SUBMISSION,
		       name_of(node), name_of(link_other_end(link, node)));
		diagnostics_hint(list, "give the link another port");
	}
}

static void verify_clients(const struct topology *topology, const struct node *node,
			   struct diagnostics *list)
{
	verify_repetition(&node->clients, list);
	verify_repetition(&node->allowed_sender_domains, list);
	for (size_t i = 0; node->client_count == node->clients.count && i < node->client_count; i++)
		verify_network(node, node->client_networks[i], &node->clients.items[i], list);
	if (node->clients.count) {
		verify_port(topology, node, list);
	} else if (node->allowed_sender_domains.count && node->kind.value == KIND_POSTFIX) {
		report(list, MISPLACED_KEY, node->allowed_sender_domains.items[0].at,
		       "'%s' has no clients whose senders could be limited", name_of(node));
		diagnostics_hint(list, "clients: [NETWORK] says who may submit mail there");
	}
}

/* What a container runs besides Postfix is the milter: nothing there checks logins. */
static void verify_container(const struct topology *topology, const struct node *node,
			     struct diagnostics *list)
{
	for (size_t i = 0; node_is_container(node) && i < topology->links.count; i++)
		for (size_t j = 0; j < topology->links.items[i].credentials.count; j++) {
			const struct credentials *login =
				&topology->links.items[i].credentials.items[j];

			if (login->node != node)
				continue;
			report(list, CREDENTIALS, login->head.name.at,
			       "'%s' is a container, in which no service checks logins",
			       name_of(node));
			diagnostics_hint(list, "use trust: address, or deployment: host");
		}
}

static void verify_size(const struct node *node, struct diagnostics *list)
{
	const struct number *limit = &node->message_size_limit;

	if (!limit->given || limit->value >= SMALLEST_LIMIT ||
	    (limit->value == 0 && node->kind.value == KIND_POSTFIX))
		return;
	report(list, BAD_VALUE, limit->at, "message_size_limit must be at least %d",
	       SMALLEST_LIMIT);
	if (node->kind.value == KIND_POSTFIX)
		diagnostics_hint(list, "0 is no limit");
}

/* Whether each brace has its other half: master.cf has a value with blanks in braces. */
static bool is_balanced(const char *value)
{
	int depth = 0;

	for (; *value && depth >= 0; value++)
		depth += (*value == '{') - (*value == '}');
	return depth == 0;
}

/* Tables that hold their rows in main.cf would hold a password there. */
static void verify_extra(const struct setting *setting, struct diagnostics *list)
{
	static const char maps[] = "sasl_password_maps";
	const char *name = setting->head.name.value, *value = setting->value.value;
	size_t length = strlen(name);

	if (!value || length < strlen(maps) || strcmp(name + length - strlen(maps), maps) != 0 ||
	    (!strstr(value, "static:") && !strstr(value, "inline:")))
		return;
	report(list, CREDENTIALS, setting->head.name.at,
	       "'%s' would put a password into main.cf, which everybody may read", name);
	diagnostics_hint(list, "credentials of a smarthost take it from a file or a variable");
	diagnostics_hide_source(list);
}

/* master.cf takes a value with blanks in braces, but postconf -P, which docker-mailserver uses,
 * none. */
static void verify_blanks(const struct node *node, const struct text *value,
			  struct diagnostics *list)
{
	if (!value->value || !strpbrk(value->value, " \t"))
		return;
	if (node->kind.value == KIND_DMS) {
		report(list, BAD_VALUE, value->at,
		       "docker-mailserver sets parameters of a service with postconf -P, which "
		       "takes "
		       "no blanks");
		diagnostics_hint(list, "separate with commas alone");
	} else if (!is_balanced(value->value)) {
		report(list, BAD_VALUE, value->at,
		       "a value with blanks needs both halves of each brace in master.cf");
	}
}

static void verify_listener_extra(const struct node *node, const struct listener *listener,
				  struct diagnostics *list)
{
	if (listener->extra.count && !service_is_smtp(listener->service.value)) {
		report(list, MISPLACED_KEY, listener->extra.items[0].head.name.at,
		       "'%s' is a service of Dovecot, which has no parameters of Postfix",
		       listener->head.name.value);
		diagnostics_hint(list, "dovecot.cf of docker-mailserver takes settings of Dovecot");
	}
	for (size_t i = 0; i < listener->extra.count; i++) {
		verify_extra(&listener->extra.items[i], list);
		verify_blanks(node, &listener->extra.items[i].value, list);
	}
}

/* Whether a route carries mail of this domain, or of one above it, out of `node`. */
static bool is_carried(const struct topology *topology, const struct node *node, const char *domain)
{
	for (size_t i = 0; i < topology->domains.count; i++)
		if (domain_is_within(domain, topology->domains.items[i].head.name.value) &&
		    topology_route_out(topology, node, &topology->domains.items[i]))
			return true;
	return false;
}

static void verify_ways_out(const struct topology *topology, const struct node *node,
			    struct diagnostics *list)
{
	const struct text_list *allowed = &node->allowed_sender_domains;

	if (node->clients.count && !topology_route_out(topology, node, NULL)) {
		report(list, SENDER_UNROUTED, node->clients.items[0].at,
		       "no route takes mail of the clients out of '%s'", name_of(node));
		diagnostics_hint(list, "add a route with path: [%s, internet]", name_of(node));
		return;
	}
	for (size_t i = 0; i < allowed->count; i++)
		if (!is_carried(topology, node, allowed->items[i].value)) {
			report(list, SENDER_UNROUTED, allowed->items[i].at,
			       "no route takes mail from %s out of '%s'", allowed->items[i].value,
			       name_of(node));
			diagnostics_hint(list, "name it in 'from' of a route through '%s'",
					 name_of(node));
		}
}

void topology_verify_clients(const struct topology *topology, struct diagnostics *list)
{
	for (size_t i = 0; i < topology->nodes.count; i++) {
		const struct node *node = &topology->nodes.items[i];

		verify_clients(topology, node, list);
		verify_container(topology, node, list);
		verify_size(node, list);
		for (size_t j = 0; j < node->extra.count; j++)
			verify_extra(&node->extra.items[j], list);
		for (size_t j = 0; j < node->listeners.count; j++)
			verify_listener_extra(node, &node->listeners.items[j], list);
	}
	/* what is wrong with the routes would only be said again */
	if (diagnostics_count(list, SEVERITY_ERROR))
		return;
	for (size_t i = 0; i < topology->nodes.count; i++)
		verify_ways_out(topology, &topology->nodes.items[i], list);
}
