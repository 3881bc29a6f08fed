/* How the list of records is put together; for the files of confgen/dns alone. */
#ifndef POSTERN_DNS_BUILD_H
#define POSTERN_DNS_BUILD_H

#include "common/name_map.h"
#include "confgen/dns/records.h"

struct builder {
	struct arena *arena;
	const struct topology *topology;
	const struct dns_options *options;
	struct diagnostics *list;
	struct dns_records *out;
	struct name_map *domains;  /* of the topology, by name */
	struct name_map *egresses; /* of `out`, by address and name */
	struct name_map *told;	   /* nodes that were complained of */
};

/* Adds a record: its zone is found, `record` is copied. */
void build_add(struct builder *builder, const struct dns_record *record);

/* The same for a TXT record: `text` is put into strings of at most 255 octets. */
void build_add_text(struct builder *builder, struct dns_record *record, const char *text);

void build_note(struct builder *builder, struct position at, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The name of the zone that holds `name`. */
const char *build_zone(const struct builder *builder, const char *name);

/* The domain of the topology that holds `name`, or NULL. */
const struct domain *build_domain_of(const struct builder *builder, const char *name);

/* Whether the user wants the records of this domain. */
bool build_wants(const struct builder *builder, const struct domain *domain);

/*
 * The host that a domain's mail enters at first, second, ...: in the order of its routes, each
 * once. NULL after the last.
 */
const struct node *build_entry(const struct domain *domain, size_t index, struct position *at);

/* The name in in-addr.arpa or ip6.arpa. */
const char *build_reverse_name(struct arena *arena, const struct ip_address *address);

/* --- egress.c --- */

/* The terms of an SPF record, and what of them costs a look-up. */
struct spf_terms {
	const char **items;
	size_t count, lookups;
	bool unknown; /* mail leaves from where the topology does not know */
};

/*
 * The terms for all that the domain's mail leaves by: addresses of hosts of ours, which become
 * egresses of the list, and includes of smarthosts. None: no route takes its mail out.
 */
struct spf_terms build_spf_terms(struct builder *builder, const struct domain *domain);

/* Adds an address or name to the terms, once. */
void build_spf_add(struct builder *builder, struct spf_terms *terms, const char *item);

/* The addresses by which strangers reach the node: its own, or those of the proxies before it. */
struct address_list build_public_addresses(struct builder *builder, const struct node *node);

/* Whether strangers reach it through proxies only. */
bool build_is_proxied(const struct builder *builder, const struct node *node);

/* --- the parts, in the order in which they are called --- */
void build_domain(struct builder *builder, const struct domain *domain);
void build_autoconfig(struct builder *builder, const struct domain *domain);
void build_hosts(struct builder *builder);
void build_reverse(struct builder *builder);

#endif
