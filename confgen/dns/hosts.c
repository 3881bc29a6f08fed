/*
 * The records of hosts: their names lead to where strangers reach them, and the names that they
 * greet with lead back to the addresses that they send from.
 */
#include "confgen/dns/build.h"
#include "confgen/dns/rules.h"

#include <ctype.h>
#include <strings.h>

#define SMTP_PORT 25

static void add_address(struct builder *builder, const char *name, const struct node *node,
			const struct ip_address *address, struct position at, const char *why)
{
	char text[IP_TEXT_SIZE];
	struct dns_record record = {
		.owner = name,
		.type = address->family == IP_V4 ? DNS_A : DNS_AAAA,
		.data = arena_strdup(builder->arena, ip_format(address, text)),
		.purpose = PURPOSE_ADDRESS,
		.why = why,
		.at = at,
		.node = node,
		.address = *address,
	};

	build_add(builder, &record);
}

/* Whether mail leaves from the address with another name than the host's own, and never with that.
 */
static bool has_other_name(const struct builder *builder, const struct node *node,
			   const struct ip_address *address)
{
	bool other = false;

	for (size_t i = 0; i < builder->out->egress_count; i++) {
		const struct dns_egress *egress = &builder->out->egresses[i];

		if (!ip_equal(&egress->address, address))
			continue;
		if (strcasecmp(egress->helo, node->hostname.value) == 0)
			return false;
		other = true;
	}
	return other;
}

/* All addresses by which strangers reach it, but for those that bear another name, if some do not.
 */
static void add_entry(struct builder *builder, const struct node *node)
{
	struct address_list all = build_public_addresses(builder, node);
	bool proxied = build_is_proxied(builder, node);
	size_t own = 0;

	for (size_t i = 0; i < all.count; i++)
		own += proxied || !has_other_name(builder, node, &all.items[i].value);
	for (size_t i = 0; i < all.count; i++)
		if (!own || proxied || !has_other_name(builder, node, &all.items[i].value))
			add_address(builder, node->hostname.value, node, &all.items[i].value,
				    all.items[i].at,
				    proxied ? "the proxy that strangers reach it by"
					    : "where strangers reach it");
}

static void add_tlsa(struct builder *builder, const struct node *node)
{
	for (size_t i = 0; i < node->tlsa.count; i++) {
		struct dns_record record = {
			.owner = arena_printf(builder->arena, "_%u._tcp.%s", SMTP_PORT,
					      node->hostname.value),
			.type = DNS_TLSA,
			.number = SMTP_PORT,
			.purpose = PURPOSE_TLSA,
			.why = "the public key that senders with DANE insist on; the zone must be "
			       "signed (DNSSEC)",
			.at = node->tlsa.items[i].at,
			.node = node,
		};
		const char *hex = "";

		for (const char *p = node->tlsa.items[i].value; *p; p++)
			if (isxdigit((unsigned char)*p))
				hex = arena_printf(builder->arena, "%s%c", hex,
						   tolower((unsigned char)*p));
		record.data = arena_printf(builder->arena, "3 1 1 %s", hex);
		build_add(builder, &record);
	}
}

/* Whether some route that the user asks about passes the node. */
static bool is_used(const struct builder *builder, const struct node *node)
{
	for (size_t i = 0; i < builder->topology->routes.count; i++) {
		const struct route *route = &builder->topology->routes.items[i];

		if (builder->options->domain &&
		    !route_serves(route, build_domain_of(builder, builder->options->domain)))
			continue;
		for (size_t j = 0; j < route->hop_count; j++)
			if (route->hops[j] == node)
				return true;
	}
	return false;
}

/* Bounces have no sender: receivers judge them by the name in HELO (RFC 7208 2.4). */
static void add_helo(struct builder *builder, const struct dns_egress *egress)
{
	struct dns_record record = {
		.owner = egress->helo,
		.type = DNS_TXT,
		.purpose = PURPOSE_SPF_HELO,
		.why = "where bounces, which have no sender, leave from under this name",
		.at = egress->at,
		.node = egress->node,
	};
	const char *text = "v=spf1";
	char address[IP_TEXT_SIZE];

	/* a domain has its own record */
	if (name_map_find(builder->domains, egress->helo))
		return;
	for (size_t i = 0; i < builder->out->egress_count; i++) {
		const struct dns_egress *one = &builder->out->egresses[i];

		if (strcasecmp(one->helo, egress->helo) == 0)
			text = arena_printf(builder->arena, "%s ip%c:%s", text,
					    one->address.family == IP_V4 ? '4' : '6',
					    ip_format(&one->address, address));
	}
	build_add_text(builder, &record, arena_printf(builder->arena, "%s -all", text));
}

static bool leads_to(const struct builder *builder, const char *name,
		     const struct ip_address *address)
{
	for (size_t i = 0; i < builder->out->count; i++) {
		const struct dns_record *record = &builder->out->items[i];

		if (record->purpose == PURPOSE_ADDRESS && strcasecmp(record->owner, name) == 0 &&
		    ip_equal(&record->address, address))
			return true;
	}
	return false;
}

/* A name that leads to the proxy must not lead to the host as well: strangers would try both. */
static void add_egress(struct builder *builder, const struct dns_egress *egress)
{
	const struct node *node = egress->node;
	char address[IP_TEXT_SIZE];

	add_helo(builder, egress);
	if (leads_to(builder, egress->helo, &egress->address))
		return;
	if (strcasecmp(egress->helo, node->hostname.value) != 0 ||
	    !build_is_proxied(builder, node)) {
		add_address(builder, egress->helo, node, &egress->address, egress->at,
			    "what it greets with when it sends from there");
		return;
	}
	dns_report(builder->list, UNCONFIRMED, egress->at,
		   "'%s' sends from %s as %s, a name that leads to its proxy: receivers will not "
		   "find it confirmed",
		   node->head.name.value, ip_format(&egress->address, address), egress->helo);
	diagnostics_hint(builder->list,
			 "give the node egress: {helo: NAME}, a name of its own that is not "
			 "the proxy's");
}

void build_hosts(struct builder *builder)
{
	const struct topology *topology = builder->topology;
	size_t count = builder->out->egress_count;

	for (size_t i = 0; i < topology->nodes.count; i++) {
		const struct node *node = &topology->nodes.items[i];

		if (node->kind.value > KIND_DMS || !is_used(builder, node))
			continue;
		add_entry(builder, node);
		add_tlsa(builder, node);
	}
	for (size_t i = 0; i < count; i++)
		add_egress(builder, &builder->out->egresses[i]);
}

/* --- what only the owner of an address can set --- */

const char *build_reverse_name(struct arena *arena, const struct ip_address *address)
{
	const unsigned char *o = address->octets;
	const char *name = "";

	if (address->family == IP_V4)
		return arena_printf(arena, "%u.%u.%u.%u.in-addr.arpa", o[3], o[2], o[1], o[0]);
	for (int i = 15; i >= 0; i--)
		name = arena_printf(arena, "%s%x.%x.", name, o[i] & 15U, o[i] >> 4U);
	return arena_printf(arena, "%sip6.arpa", name);
}

static bool has_reverse(const struct builder *builder, const char *owner)
{
	for (size_t i = builder->out->count; i > 0; i--) {
		const struct dns_record *record = &builder->out->items[i - 1];

		if (record->purpose != PURPOSE_REVERSE)
			return false;
		if (strcmp(record->owner, owner) == 0)
			return true;
	}
	return false;
}

static void note_nat(struct builder *builder, const struct dns_egress *egress)
{
	const struct node *node = egress->node;
	bool bridged = node->kind.value == KIND_DMS && node->docker_network.value == DOCKER_BRIDGE;
	char address[IP_TEXT_SIZE];

	if (!node_is_container(node) && !bridged && node_attachment(node, NULL))
		return;
	build_note(builder, egress->at,
		   "'%s' reaches the Internet through NAT, as %s: its PTR record and an open port "
		   "25 outwards are for the provider of the host to give, and nothing inside of a "
		   "container can set them",
		   node->head.name.value, ip_format(&egress->address, address));
	if (egress->address.family == IP_V4)
		build_note(builder, egress->at,
			   "if the host of '%s' has IPv6 and Docker passes it on, mail may leave "
			   "from an address that is not listed here: list it, or keep Postfix to "
			   "IPv4 (extra: {inet_protocols: ipv4})",
			   node->head.name.value);
}

void build_reverse(struct builder *builder)
{
	for (size_t i = 0; i < builder->out->egress_count; i++) {
		const struct dns_egress *egress = &builder->out->egresses[i];
		struct dns_record record = {
			.owner = build_reverse_name(builder->arena, &egress->address),
			.type = DNS_PTR,
			.data = arena_printf(builder->arena, "%s.", egress->helo),
			.purpose = PURPOSE_REVERSE,
			.why = "receivers refuse mail from addresses that have no name",
			.at = egress->at,
			.node = egress->node,
			.address = egress->address,
		};

		note_nat(builder, egress);
		if (has_reverse(builder, record.owner)) {
			build_note(builder, egress->at,
				   "mail leaves from one address under several names: only the "
				   "first can be its PTR record, so %s is not confirmed",
				   egress->helo);
			continue;
		}
		build_add(builder, &record);
	}
}
