/* The DNS records of the page, and what only the provider of an address can set. */
#include "confgen/page/page_private.h"

#define MOST_UNFOLDED 5 /* zones that are shown without being asked for */

/* --- records --- */

static json_t *record_entry(struct arena *arena, const struct dns_record *record)
{
	json_t *entry = json_object();
	const char *purpose = dns_purpose_name(record->purpose);

	page_set(entry, "owner", page_text(arena, record->owner));
	page_set(entry, "type", page_text(arena, dns_type_name(record->type)));
	page_set(entry, "purpose", page_text(arena, purpose));
	/* what a provider's form wants: texts joined, without quotes */
	page_set(entry, "value", page_text(arena, record->text ? record->text : record->data));
	page_set(entry, "why", page_text(arena, record->why));
	page_set(entry, "origin", page_place(arena, record->at));
	return entry;
}

static json_t *zone_entry(struct arena *arena, const char *name, bool folded)
{
	json_t *zone = json_object();

	page_set(zone, "zone", page_text(arena, name));
	page_set(zone, "folded", json_boolean(folded));
	page_set(zone, "records", json_array());
	return zone;
}

/* They are sorted by zone. Those of addresses stand with these. */
static json_t *zones(struct arena *arena, const struct dns_records *records)
{
	json_t *rows = json_array(), *zone = NULL;
	const char *last = NULL;
	size_t count = 0, shown = 0;
	json_t *list;

	for (size_t i = 0; i < records->count; i++) {
		const struct dns_record *record = &records->items[i];

		if (record->purpose == PURPOSE_REVERSE || count++ >= PAGE_MOST_ROWS)
			continue;
		if (!last || strcmp(last, record->zone) != 0) {
			zone = zone_entry(arena, record->zone,
					  json_array_size(rows) >= MOST_UNFOLDED);
			view_push(rows, zone);
		}
		last = record->zone;
		view_push(json_object_get(zone, "records"), record_entry(arena, record));
		shown++;
	}
	list = page_rows(arena, rows, json_array_size(rows));
	page_set(list, "rest",
		 count > shown ? page_textf(arena, "%zu", count - shown) : json_false());
	return list;
}

/* --- what only a provider can set --- */

static const struct dns_record *reverse_of(const struct dns_records *records,
					   const struct ip_address *address)
{
	for (size_t i = 0; i < records->count; i++)
		if (records->items[i].purpose == PURPOSE_REVERSE &&
		    ip_equal(&records->items[i].address, address))
			return &records->items[i];
	return NULL;
}

/* Whether the address is that of a host or proxy before the node, which puts it in place of its
 * own. */
static bool is_foreign(const struct dns_egress *egress)
{
	const struct attachment *in = node_attachment(egress->node, NULL);

	if (node_is_container(egress->node))
		return true;
	for (size_t i = 0; in && i < in->addresses.count; i++)
		if (ip_equal(&in->addresses.items[i].value, &egress->address))
			return egress->node->docker_network.value == DOCKER_BRIDGE;
	return true;
}

static json_t *egress_entry(struct arena *arena, const struct dns_records *records,
			    const struct dns_egress *egress)
{
	const struct dns_record *reverse = reverse_of(records, &egress->address);
	json_t *entry = json_object();
	char text[IP_TEXT_SIZE];

	page_set(entry, "node", page_text(arena, egress->node->head.name.value));
	page_set(entry, "address", page_text(arena, ip_format(&egress->address, text)));
	page_set(entry, "name", page_text(arena, egress->helo));
	page_set(entry, "nat", json_boolean(is_foreign(egress)));
	page_set(entry, "reverse", reverse ? record_entry(arena, reverse) : json_false());
	page_set(entry, "origin", page_place(arena, egress->at));
	return entry;
}

static json_t *egresses(struct arena *arena, const struct dns_records *records)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < records->egress_count && i < PAGE_MOST_ROWS; i++)
		view_push(rows, egress_entry(arena, records, &records->egresses[i]));
	return page_rows(arena, rows, records->egress_count);
}

static json_t *notes(struct arena *arena, const struct dns_records *records)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < records->note_count && i < PAGE_MOST_ROWS; i++) {
		json_t *entry = json_object();

		page_set(entry, "text", page_text(arena, records->notes[i].text));
		page_set(entry, "origin", page_place(arena, records->notes[i].at));
		view_push(rows, entry);
	}
	return page_rows(arena, rows, records->note_count);
}

json_t *page_dns(struct arena *arena, const struct page *page)
{
	json_t *dns = json_object();

	page_set(dns, "zones", zones(arena, page->records));
	page_set(dns, "egresses", egresses(arena, page->records));
	page_set(dns, "notes", notes(arena, page->records));
	return dns;
}
