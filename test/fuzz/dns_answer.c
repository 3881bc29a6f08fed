/* Fuzz target: a packet that a name server, or who pretends to be one, answers with. */
#include "common/dkim_record.h"
#include "common/dns_private.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct dns_found *found, enum dns_type type)
{
	assert(found->type == type || found->type == DNS_CNAME);
	assert(found->data && strlen(found->data) < (size_t)4 * 65536);
	if (found->type == DNS_MX || found->type == DNS_SRV || found->type == DNS_PTR ||
	    found->type == DNS_CNAME)
		assert(!found->target || strlen(found->target) <= (size_t)4 * 255);
	if (found->type == DNS_TXT)
		assert(found->text.text[found->text.length] == '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum dns_type types[] = {DNS_A,   DNS_AAAA, DNS_MX,   DNS_TXT,
					      DNS_SRV, DNS_PTR,	 DNS_TLSA, DNS_CNAME};
	struct arena *arena = arena_new(0);
	struct dns_answer answer;
	const char *text;

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		if (dns_read_packet(arena, "example.com", types[i], data, size, &answer) != 0)
			continue;
		assert(answer.count <= DNS_MOST_RECORDS);
		for (size_t j = 0; j < answer.count; j++)
			check(&answer.items[j], types[i]);
	}
	text = dkim_record_read_line(arena, (const char *)data, size);
	assert(!text || (*text && strlen(text) <= 16384));
	arena_free(arena);
	return 0;
}
