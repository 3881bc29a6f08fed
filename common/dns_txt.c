/* TXT records alone; see dns_txt.h. */
#include "common/dns_txt.h"
#include "common/dns_private.h"

#include <errno.h>

struct collection {
	struct arena *arena;
	struct dns_texts texts;
};

int dns_copy_text(struct arena *arena, const ldns_rr *record, struct dns_text *out)
{
	size_t length = 0;
	char *text;

	for (size_t i = 0; i < ldns_rr_rd_count(record); i++)
		length += ldns_rdf_size(ldns_rr_rdf(record, i));
	text = arena_alloc(arena, length + 1);
	if (!text)
		return -ENOMEM;
	*out = (struct dns_text){.text = text};
	for (size_t i = 0; i < ldns_rr_rd_count(record); i++) {
		const ldns_rdf *part = ldns_rr_rdf(record, i);
		const uint8_t *data = ldns_rdf_data(part); /* the first octet tells the length */

		if (ldns_rdf_size(part) < 1)
			continue;
		memcpy(text + out->length, data + 1, ldns_rdf_size(part) - 1);
		out->length += ldns_rdf_size(part) - 1;
	}
	return 0;
}

static int collect(void *user, const ldns_pkt *packet)
{
	struct collection *collection = user;
	const ldns_rr_list *list = ldns_pkt_answer(packet);
	struct dns_texts texts = {.count = 0};

	if (ldns_pkt_get_rcode(packet) == LDNS_RCODE_NXDOMAIN)
		return -ENOENT;
	texts.items = arena_array(collection->arena, DNS_MOST_TEXTS, sizeof(*texts.items));
	if (!texts.items)
		return -ENOMEM;
	for (size_t i = 0; i < ldns_rr_list_rr_count(list) && texts.count < DNS_MOST_TEXTS; i++) {
		const ldns_rr *record = ldns_rr_list_rr(list, i);

		if (ldns_rr_get_type(record) != LDNS_RR_TYPE_TXT)
			continue;
		if (dns_copy_text(collection->arena, record, &texts.items[texts.count]) < 0)
			return -ENOMEM;
		texts.count++;
	}
	if (texts.count == 0)
		return -ENOENT;
	collection->texts = texts;
	return 0;
}

int dns_lookup_txt(const struct dns_resolver *resolver, struct arena *arena, const char *name,
		   unsigned milliseconds, struct dns_texts *out)
{
	struct collection collection = {.arena = arena};
	int error = dns_ask(resolver, name, LDNS_RR_TYPE_TXT, false, milliseconds, collect,
			    &collection);

	if (error == 0)
		*out = collection.texts;
	return error == -EREMOTEIO ? -EAGAIN : error;
}
