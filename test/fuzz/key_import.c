/*
 * Fuzz target: OpenDKIM's tables (KeyTable, an octet 0, SigningTable) and rspamd's configuration.
 * What is found must be fit for names of files, and no line is shown.
 */
#include "confgen/keys/import.h"
#include "confgen/topology/syntax.h"

#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct import_keys *keys, const struct source *source)
{
	for (size_t i = 0; i < keys->count; i++) {
		const struct import_key *key = &keys->items[i];

		assert(!check_domain(key->domain) && !strchr(key->domain, '/'));
		assert(!check_selector(key->selector) && !strchr(key->selector, '/'));
		assert(key->path && key->at.source == source && key->at.line > 0);
		for (size_t j = 0; j < key->subdomains.count; j++)
			assert(domain_is_within(key->subdomains.items[j].value, key->domain));
	}
}

static void check_list(const struct diagnostics *list)
{
	const struct diagnostic *item;
	size_t at = 0;

	while ((item = diagnostics_next(list, &at)))
		assert(item->hide_source);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(0);
	struct diagnostics *list = diagnostics_new(arena);
	const char *text = arena_strndup(arena, (const char *)data, size);
	const char *split = memchr(text, '\0', size);
	size_t first = split ? (size_t)(split - text) : size;
	const struct source table = {"KeyTable", text, first};
	const struct source signing = {"SigningTable", split ? split + 1 : "",
				       split ? size - first - 1 : 0};
	const struct source whole = {"dkim_signing.conf", text, size};
	struct import_keys keys = {0}, others = {0};

	import_key_table(arena, &table, &keys, list);
	check(&keys, &table);
	import_signing_table(arena, &signing, &keys, list);
	check(&keys, &table);
	import_rspamd(arena, &whole, &others, list);
	check(&others, &whole);
	check_list(list);
	arena_free(arena);
	return 0;
}
