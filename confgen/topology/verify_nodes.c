/* Whether domains, networks and nodes make sense, each on its own and beside one another. */
#include "confgen/topology/load.h"
#include "confgen/topology/providers.h"
#include "confgen/topology/rules.h"
#include "confgen/topology/schema.h"
#include "confgen/topology/syntax.h"

#include <ctype.h>
#include <strings.h>

#define IN_POSTFIX   (1U << KIND_POSTFIX)
#define IN_DMS	     (1U << KIND_DMS)
#define IN_SMARTHOST (1U << KIND_SMARTHOST)
#define IN_PROXY     (1U << KIND_PROXY)

/* Which keys a kind of node may have, and which it must. */
static const struct {
	const char *key;
	unsigned allowed, required;
} node_keys[] = {
	{"hostname", IN_POSTFIX | IN_DMS, IN_POSTFIX | IN_DMS},
	{"addresses", IN_POSTFIX | IN_DMS | IN_PROXY, IN_POSTFIX | IN_DMS | IN_PROXY},
	{"tls", IN_POSTFIX, 0},
	{"map_type", IN_POSTFIX, 0},
	{"postfix", IN_POSTFIX | IN_DMS, 0},
	{"postmaster", IN_POSTFIX, 0},
	{"message_size_limit", IN_POSTFIX | IN_DMS, 0},
	{"egress", IN_POSTFIX | IN_DMS, 0},
	{"docker_network", IN_DMS, 0},
	{"outbound_tls", IN_POSTFIX, 0},
	{"provider", IN_SMARTHOST, 0},
	{"region", IN_SMARTHOST, 0},
	{"listeners", IN_POSTFIX | IN_DMS, 0},
	{"dovecot", IN_DMS, 0},
	{"tlsa", IN_POSTFIX | IN_DMS, 0},
	{"verify", IN_POSTFIX, 0},
	{"software", IN_PROXY, IN_PROXY},
	{"proxy_protocol", IN_PROXY, 0},
	{"deployment", IN_POSTFIX, 0},
	{"clients", IN_POSTFIX, 0},
	{"allowed_sender_domains", IN_POSTFIX, 0},
	{"masquerade", IN_POSTFIX, 0},
	{"extra", IN_POSTFIX | IN_DMS, 0},
	{"host", IN_SMARTHOST, 0},
	{"lookup", IN_SMARTHOST, 0},
	{"spf_include", IN_SMARTHOST, 0},
	{"port", IN_SMARTHOST, 0},
	{"tls_level", IN_SMARTHOST, 0},
	{"fingerprints", IN_SMARTHOST, 0},
	{"tls_mode", IN_SMARTHOST, 0},
	{"credentials", IN_SMARTHOST, 0},
	{"sender_credentials", IN_SMARTHOST, 0},
};

static struct position first_at(const struct text_list *list)
{
	return list->count ? list->items[0].at : (struct position){0};
}

/* Where a key of the node was given; line 0 if it was not. In the order of node_keys. */
static struct position given_at(const struct node *node, size_t key)
{
	const struct position none = {0};
	const struct position places[] = {
		node->hostname.at,
		node->addresses.count ? node->addresses.items[0].head.at : none,
		node->tls.head.at,
		node->map_type.at,
		node->postfix.head.at,
		node->postmaster.at,
		node->message_size_limit.at,
		node->egress.head.at,
		node->docker_network.at,
		node->outbound_tls.at,
		node->provider.at,
		node->region.at,
		node->listeners.count ? node->listeners.items[0].head.name.at : none,
		node->dovecot.head.at,
		first_at(&node->tlsa),
		node->verify.at,
		node->software.at,
		node->proxy_protocol.at,
		node->deployment.head.at,
		first_at(&node->clients),
		first_at(&node->allowed_sender_domains),
		first_at(&node->masquerade),
		node->extra.count ? node->extra.items[0].head.name.at : none,
		node->host.at,
		node->lookup.at,
		first_at(&node->spf_include),
		node->port.at,
		node->tls_level.at,
		node->fingerprints.count ? node->fingerprints.items[0].at : none,
		node->tls_mode.at,
		node->credentials.head.at,
		node->sender_credentials.count ? node->sender_credentials.items[0].head.at : none,
	};

	_Static_assert(sizeof(places) / sizeof(places[0]) ==
			       sizeof(node_keys) / sizeof(node_keys[0]),
		       "one place a key");
	return places[key];
}

/* A container is given its address by the network it joins. */
static bool is_required(const struct node *node, size_t key)
{
	return node_keys[key].required & (1U << node->kind.value) &&
	       !(node_is_container(node) && strcmp(node_keys[key].key, "addresses") == 0);
}

static void verify_keys(const struct node *node, struct diagnostics *list)
{
	unsigned kind = 1U << node->kind.value;

	if (!node->kind.given)
		return;
	for (size_t i = 0; i < sizeof(node_keys) / sizeof(node_keys[0]); i++) {
		struct position at = given_at(node, i);

		if (at.line && !(node_keys[i].allowed & kind))
			report(list, MISPLACED_KEY, at, "a node of kind %s has no '%s'",
			       node_kind_words[node->kind.value], node_keys[i].key);
		else if (!at.line && is_required(node, i))
			report(list, MISSING_KEY, node->head.at, "a node of kind %s needs '%s'",
			       node_kind_words[node->kind.value], node_keys[i].key);
	}
}

/* A smarthost is known by its provider or by its host name. */
static void verify_provider(const struct node *node, struct diagnostics *list)
{
	const struct provider_row *row = &providers[node->provider.value];

	if (!node->provider.given) {
		if (!node->host.at.line)
			report(list, MISSING_KEY, node->head.at,
			       "a node of kind smarthost needs 'host' or 'provider'");
		if (node->region.at.line)
			report(list, MISPLACED_KEY, node->region.at,
			       "a region belongs to a provider");
		return;
	}
	if (node->region.value && !row->regional_host)
		report(list, MISPLACED_KEY, node->region.at, "%s has one host for all regions",
		       provider_words[node->provider.value]);
	if (!node->region.at.line && !row->host && node->provider.value != PROVIDER_OTHER) {
		report(list, MISSING_KEY, node->provider.at, "%s has a host for each region",
		       provider_words[node->provider.value]);
		diagnostics_hint(list, "add region: eu-west-1, or the one that you use");
	}
}

static void verify_attachment(const struct attachment *attachment, struct diagnostics *list)
{
	char text[IP_TEXT_SIZE];

	for (size_t i = 0; attachment->network && i < attachment->addresses.count; i++) {
		const struct address_value *address = &attachment->addresses.items[i];
		bool inside = attachment->network->cidrs.count == 0;

		for (size_t j = 0; j < attachment->network->cidrs.count; j++)
			inside |= ip_network_contains(&attachment->network->cidrs.items[j].value,
						      &address->value);
		if (!inside)
			report(list, OUTSIDE_NETWORK, address->at, "%s is not in the network '%s'",
			       ip_format(&address->value, text), attachment->head.name.value);
	}
}

static const struct address_value *find_address(const struct node *node,
						const struct ip_address *address)
{
	for (size_t i = 0; i < node->addresses.count; i++)
		for (size_t j = 0; j < node->addresses.items[i].addresses.count; j++)
			if (ip_equal(&node->addresses.items[i].addresses.items[j].value, address))
				return &node->addresses.items[i].addresses.items[j];
	return NULL;
}

/* Names become folders and Postfix's own names, where letter case, '-' and '_' may not count. */
static bool same_name(const char *a, const char *b)
{
	for (; *a && *b; a++, b++)
		if (tolower((unsigned char)*a) != tolower((unsigned char)*b) &&
		    !(strchr("-_", *a) && strchr("-_", *b)))
			return false;
	return *a == *b;
}

static void verify_distinct(const struct node *earlier, const struct node *node,
			    struct diagnostics *list)
{
	char text[IP_TEXT_SIZE];

	if (same_name(earlier->head.name.value, node->head.name.value))
		report(list, NAME_TWICE, node->head.name.at,
		       "'%s' is too much like '%s' to tell them apart", node->head.name.value,
		       earlier->head.name.value);

	if (earlier->hostname.value && node->hostname.value &&
	    strcasecmp(earlier->hostname.value, node->hostname.value) == 0) {
		report(list, HOSTNAME_TWICE, node->hostname.at,
		       "'%s' is already the host name of '%s'", node->hostname.value,
		       earlier->head.name.value);
		diagnostics_hint(list,
				 "a server that is greeted with its own name takes it for a mail "
				 "loop; call this one internal-%s, say",
				 node->hostname.value);
	}
	for (size_t i = 0; i < node->addresses.count; i++)
		for (size_t j = 0; j < node->addresses.items[i].addresses.count; j++) {
			const struct address_value *address =
				&node->addresses.items[i].addresses.items[j];

			if (find_address(earlier, &address->value))
				report(list, ADDRESS_TWICE, address->at,
				       "'%s' has the address %s already", earlier->head.name.value,
				       ip_format(&address->value, text));
		}
}

static void verify_node(const struct topology *topology, const struct node *node,
			struct diagnostics *list)
{
	verify_keys(node, list);
	if (node->kind.given && node->kind.value == KIND_SMARTHOST)
		verify_provider(node, list);
	if (strcmp(node->head.name.value, "internet") == 0)
		report(list, RESERVED_NAME, node->head.name.at,
		       "'internet' is the language's own name for everyone else");
	if (same_name(node->head.name.value, "README"))
		report(list, RESERVED_NAME, node->head.name.at,
		       "'%s' is a file of the output, where each node has a folder",
		       node->head.name.value);
	if (node->postmaster.value && node->hostname.value &&
	    strcasecmp(strrchr(node->postmaster.value, '@') + 1, node->hostname.value) == 0)
		report(list, BAD_VALUE, node->postmaster.at,
		       "nobody can read mail at '%s': the host has no mailboxes",
		       node->hostname.value);
	for (size_t i = 0; i < node->addresses.count; i++)
		verify_attachment(&node->addresses.items[i], list);
	for (const struct node *earlier = topology->nodes.items; earlier < node; earlier++)
		verify_distinct(earlier, node, list);
	for (size_t i = 0; i < topology->domains.count && node->kind.value == KIND_POSTFIX; i++)
		if (node->hostname.value && topology->domains.items[i].mailboxes.at.line &&
		    strcasecmp(node->hostname.value, topology->domains.items[i].head.name.value) ==
			    0) {
			report(list, HOSTNAME_IS_DOMAIN, node->hostname.at,
			       "'%s' is also a mail domain, but '%s' only relays",
			       node->hostname.value, node->head.name.value);
			diagnostics_hint(list, "call the host mail.%s, say", node->hostname.value);
		}
}

static void verify_network(const struct topology *topology, const struct network *network,
			   struct diagnostics *list)
{
	char text[IP_TEXT_SIZE];

	if (strcmp(network->head.name.value, "internet") == 0)
		report(list, RESERVED_NAME, network->head.name.at,
		       "'internet' is the language's own name for the network of everyone else");
	for (const struct network *earlier = topology->networks.items; earlier < network; earlier++)
		if (same_name(earlier->head.name.value, network->head.name.value))
			report(list, NAME_TWICE, network->head.name.at,
			       "'%s' is too much like '%s' to tell them apart",
			       network->head.name.value, earlier->head.name.value);
	for (size_t i = 0; i < network->cidrs.count; i++) {
		const struct network_value *cidr = &network->cidrs.items[i];

		for (const struct network *earlier = topology->networks.items; earlier < network;
		     earlier++)
			for (size_t j = 0; j < earlier->cidrs.count; j++)
				if (ip_network_overlaps(&cidr->value,
							&earlier->cidrs.items[j].value))
					report(list, NETWORKS_OVERLAP, cidr->at,
					       "%s shares addresses with the network '%s'",
					       ip_network_format(&cidr->value, text),
					       earlier->head.name.value);
	}
}

/* Only a domain that is sent from, and not to, needs no mailboxes. */
static void verify_mailboxes(const struct topology *topology, const struct domain *domain,
			     struct diagnostics *list)
{
	bool from = false, to = false;

	if (!domain->head.given || domain->mailboxes.at.line)
		return;
	for (size_t i = 0; i < topology->routes.count; i++)
		if (route_serves(&topology->routes.items[i], domain)) {
			from |= route_is_outbound(&topology->routes.items[i]);
			to |= !route_is_outbound(&topology->routes.items[i]);
		}
	if (from && !to)
		return;
	report(list, MISSING_KEY, domain->head.at, "a domain needs the key 'mailboxes'");
	diagnostics_hint(list, "the node that holds them; only a domain that mail is sent from, "
			       "and not to, does without");
}

static void verify_domain(const struct domain *domain, struct diagnostics *list)
{
	const char *name = domain->head.name.value;

	if (domain->home && domain->home->kind.given && domain->home->kind.value != KIND_DMS) {
		report(list, MISPLACED_KEY, domain->mailboxes.at,
		       "'%s' holds no mailboxes: its kind is %s", domain->mailboxes.value,
		       domain->home->kind.value == KIND_INTERNET
			       ? "the internet"
			       : node_kind_words[domain->home->kind.value]);
		diagnostics_hint(list, "mailboxes live on a node of kind dms");
	}
	if (domain->dkim.signer && domain->dkim.signer->kind.value > KIND_DMS)
		report(list, MISPLACED_KEY, domain->dkim.sign_at.at, "no milter runs at '%s'",
		       domain->dkim.sign_at.value);
	for (size_t i = 0; i < domain->recipients.count; i++) {
		const struct text *recipient = &domain->recipients.items[i];

		if (strcasecmp(strrchr(recipient->value, '@') + 1, name) != 0)
			report(list, BAD_VALUE, recipient->at,
			       "'%s' is no address of the domain %s", recipient->value, name);
	}
	for (size_t i = 0; i < domain->dkim.subdomains.count; i++)
		if (!domain_is_within(domain->dkim.subdomains.items[i].value, name))
			report(list, BAD_VALUE, domain->dkim.subdomains.items[i].at,
			       "'%s' does not lie below %s, so its mail cannot be signed for it",
			       domain->dkim.subdomains.items[i].value, name);
}

void topology_verify_nodes(const struct topology *topology, struct diagnostics *list)
{
	for (size_t i = 0; i < topology->networks.count; i++)
		verify_network(topology, &topology->networks.items[i], list);
	for (size_t i = 0; i < topology->nodes.count; i++)
		verify_node(topology, &topology->nodes.items[i], list);
	for (size_t i = 0; i < topology->domains.count; i++) {
		verify_mailboxes(topology, &topology->domains.items[i], list);
		verify_domain(&topology->domains.items[i], list);
	}
}
