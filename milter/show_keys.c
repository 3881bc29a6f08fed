/* Collects the keys of all domains and has them printed; see show_keys.h. */
#include "milter/show_keys.h"
#include "common/dkim_record.h"
#include "milter/key.h"

#include <errno.h>

#define DNS_MILLISECONDS 5000 /* for each key */

struct rows {
	struct dkim_record_row *items;
	size_t count;
};

/* One key may be in "NAME" and in "*.NAME", which have one record. */
static bool is_there(const struct rows *rows, const struct dkim_record_row *row)
{
	for (size_t i = 0; i < rows->count; i++)
		if (strcmp(rows->items[i].domain, row->domain) == 0 &&
		    strcmp(rows->items[i].selector, row->selector) == 0 &&
		    EVP_PKEY_eq(rows->items[i].key, row->key) == 1)
			return true;
	return false;
}

static void add_keys(struct rows *rows, const struct signing_domain *domain)
{
	for (size_t i = 0; i < domain->key_count; i++) {
		const struct signing_key *key = &domain->keys[i];
		const struct dkim_record_row row = {domain->name, key->selector, key->key->pkey};

		if (domain->itself || !is_there(rows, &row))
			rows->items[rows->count++] = row;
	}
}

static size_t count_keys(const struct signing_domain *domains, size_t count)
{
	size_t keys = 0;

	for (size_t i = 0; i < count; i++)
		keys += domains[i].key_count;
	return keys;
}

long show_keys(const struct config *config, bool dns, FILE *out)
{
	const struct words *servers = &config->dns_servers;
	struct dns_resolver *resolver = NULL;
	struct rows rows = {.count = 0};
	size_t bad;
	int error = 0;

	rows.items =
		calloc(count_keys(config->domains, config->domain_count) +
			       count_keys(config->folder_domains, config->folder_domain_count) + 1,
		       sizeof(*rows.items));
	if (!rows.items)
		return -ENOMEM;
	/* first those whose domain is itself signed for: wildcards may repeat them */
	for (size_t i = 0; i < config->domain_count; i++)
		if (config->domains[i].itself)
			add_keys(&rows, &config->domains[i]);
	for (size_t i = 0; i < config->domain_count; i++)
		if (!config->domains[i].itself)
			add_keys(&rows, &config->domains[i]);
	for (size_t i = 0; i < config->folder_domain_count; i++)
		add_keys(&rows, &config->folder_domains[i]);
	if (dns)
		error = dns_resolver_new(servers->items, servers->count, DNS_MILLISECONDS,
					 &resolver);
	bad = error ? 0 : dkim_record_print(rows.items, rows.count, resolver, out);
	dns_resolver_free(resolver);
	free(rows.items);
	return error ? error : (long)bad;
}
