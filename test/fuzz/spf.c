/*
 * Fuzz target: SPF records, read, and asked about addresses. Each line of the input is the record
 * of a domain: a.example, b.example, ... No name server is asked.
 */
#include "confgen/dns/spf.h"

#include <assert.h>
#include <stdint.h>

#define MOST_DOMAINS 6
#define MOST_OCTETS  8192

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void learn(struct asker *asker, const char *name, enum dns_type type,
		  const struct dns_found *found)
{
	struct asked *asked = arena_alloc(asker->arena, sizeof(*asked));
	struct dns_found *copy = arena_alloc(asker->arena, sizeof(*copy));

	*copy = *found;
	asked->answer = (struct dns_answer){.items = copy, .count = 1, .exists = true};
	name_map_add(asker->known, arena_printf(asker->arena, "%d %s", (int)type, name), asked);
}

/* What the first domains have: a host each, which is the next one's mail host. */
static void learn_hosts(struct asker *asker, const char *name)
{
	const struct dns_found host = {
		.type = DNS_A, .data = "", .address = {IP_V4, {192, 0, 2, 1}}};
	const struct dns_found mx = {.type = DNS_MX, .data = "", .target = name};

	learn(asker, name, DNS_A, &host);
	learn(asker, name, DNS_MX, &mx);
}

static void check(const struct spf_result *result)
{
	assert((result->verdict == SPF_VERDICT_INVALID) <= (result->error != NULL));
	assert(result->lookups <= 101 && result->included_count <= 100);
	assert(spf_verdict_name(result->verdict));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct ip_address addresses[] = {
		{.family = IP_NONE}, {IP_V4, {192, 0, 2, 1}}, {IP_V6, {0x20, 0x01, 0x0d, 0xb8}}};
	struct arena *arena = arena_new(0);
	const char *text = (const char *)data, *end = text + size;
	struct asker asker;

	if (size > MOST_OCTETS) {
		arena_free(arena);
		return 0;
	}
	asker_init(&asker, arena, NULL, 0);
	asker.dead = true;
	for (char name = 'a'; name < 'a' + MOST_DOMAINS && text < end; name++) {
		const char *stop = memchr(text, '\n', (size_t)(end - text));
		size_t length = (size_t)((stop ? stop : end) - text);
		const struct dns_found found = {
			.type = DNS_TXT,
			.data = "",
			.text = {arena_strndup(arena, text, length), length}};
		const char *domain = arena_printf(arena, "%c.example", name);

		learn(&asker, domain, DNS_TXT, &found);
		learn_hosts(&asker, domain);
		text = stop ? stop + 1 : end;
	}
	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		struct spf_result result = spf_check(&asker, "a.example", &addresses[i]);

		check(&result);
	}
	arena_free(arena);
	return 0;
}
