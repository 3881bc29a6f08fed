/* Answers as records of our own; see dns.h. */
#include "common/dns_private.h"

#include <errno.h>
#include <strings.h>

struct lookup {
	struct arena *arena;
	const char *name;
	ldns_rr_type type;
	struct dns_answer answer;
};

const char *dns_type_name(enum dns_type type)
{
	static const char *const names[] = {
		[DNS_A] = "A",	     [DNS_CNAME] = "CNAME", [DNS_SOA] = "SOA",
		[DNS_PTR] = "PTR",   [DNS_MX] = "MX",	    [DNS_TXT] = "TXT",
		[DNS_AAAA] = "AAAA", [DNS_SRV] = "SRV",	    [DNS_TLSA] = "TLSA",
	};

	return names[type];
}

/* An item of the record's data as in a zone file; NULL when there is none. */
static const char *item_text(struct arena *arena, const ldns_rr *record, size_t index)
{
	char *text =
		index < ldns_rr_rd_count(record) ? ldns_rdf2str(ldns_rr_rdf(record, index)) : NULL;
	char *copy = text ? arena_strdup(arena, text) : NULL;

	free(text);
	return copy;
}

static const char *item_name(struct arena *arena, const ldns_rr *record, size_t index)
{
	const char *text = item_text(arena, record, index);
	size_t length = text ? strlen(text) : 0;

	/* ldns writes names with their final dot */
	return text ? arena_strndup(arena, text, length ? length - 1 : 0) : NULL;
}

static unsigned item_number(const ldns_rr *record, size_t index)
{
	const ldns_rdf *item = ldns_rr_rdf(record, index);

	return item && ldns_rdf_size(item) == 2 ? ldns_rdf2native_int16(item) : 0;
}

static const char *all_items(struct arena *arena, const ldns_rr *record)
{
	const char *text = "";

	for (size_t i = 0; i < ldns_rr_rd_count(record) && text; i++) {
		const char *item = item_text(arena, record, i);

		text = item ? arena_printf(arena, "%s%s%s", text, i ? " " : "", item) : NULL;
	}
	return text;
}

static void read_address(const ldns_rr *record, enum ip_family family, struct ip_address *out)
{
	const ldns_rdf *item = ldns_rr_rdf(record, 0);
	size_t size = family == IP_V4 ? 4 : 16;

	if (!item || ldns_rdf_size(item) != size)
		return;
	out->family = family;
	memcpy(out->octets, ldns_rdf_data(item), size);
}

static int read_record(struct arena *arena, const ldns_rr *record, struct dns_found *out)
{
	struct dns_found found = {.type = (enum dns_type)ldns_rr_get_type(record)};
	int error = 0;

	found.data = all_items(arena, record);
	switch (found.type) {
	case DNS_A:
		read_address(record, IP_V4, &found.address);
		break;
	case DNS_AAAA:
		read_address(record, IP_V6, &found.address);
		break;
	case DNS_MX:
		found.number = item_number(record, 0);
		found.target = item_name(arena, record, 1);
		break;
	case DNS_SRV:
		found.number = item_number(record, 0);
		found.port = item_number(record, 2);
		found.target = item_name(arena, record, 3);
		break;
	case DNS_CNAME:
	case DNS_PTR:
		found.target = item_name(arena, record, 0);
		break;
	case DNS_TXT:
		error = dns_copy_text(arena, record, &found.text);
		break;
	default:
		break;
	}
	*out = found;
	return error ? error : found.data ? 0 : -ENOMEM;
}

static bool is_of(const ldns_rr *record, const char *name)
{
	char *owner = ldns_rdf2str(ldns_rr_owner(record));
	size_t length = strlen(name);
	bool same = owner && strncasecmp(owner, name, length) == 0 &&
		    (strcmp(owner + length, ".") == 0 || strcmp(owner + length, "") == 0);

	free(owner);
	return same;
}

static int collect(void *user, const ldns_pkt *packet)
{
	struct lookup *lookup = user;
	const ldns_rr_list *list = ldns_pkt_answer(packet);
	struct dns_answer answer = {
		.exists = ldns_pkt_get_rcode(packet) == LDNS_RCODE_NOERROR,
		.authenticated = ldns_pkt_ad(packet),
	};

	answer.items = arena_array(lookup->arena, DNS_MOST_RECORDS, sizeof(*answer.items));
	if (!answer.items)
		return -ENOMEM;
	for (size_t i = 0; i < ldns_rr_list_rr_count(list); i++) {
		const ldns_rr *record = ldns_rr_list_rr(list, i);
		ldns_rr_type type = ldns_rr_get_type(record);

		answer.has_signature |= type == LDNS_RR_TYPE_RRSIG;
		if (type != lookup->type && type != LDNS_RR_TYPE_CNAME)
			continue;
		answer.cut |= answer.count == DNS_MOST_RECORDS;
		if (answer.cut)
			break;
		answer.alias |= type == LDNS_RR_TYPE_CNAME && is_of(record, lookup->name);
		if (read_record(lookup->arena, record, &answer.items[answer.count]) < 0)
			return -ENOMEM;
		answer.count++;
	}
	lookup->answer = answer;
	return 0;
}

int dns_read_packet(struct arena *arena, const char *name, enum dns_type type, const uint8_t *wire,
		    size_t length, struct dns_answer *out)
{
	struct lookup lookup = {.arena = arena, .name = name, .type = (ldns_rr_type)type};
	ldns_pkt *packet = NULL;
	int error;

	if (ldns_wire2pkt(&packet, wire, length) != LDNS_STATUS_OK)
		return -EINVAL;
	error = collect(&lookup, packet);
	ldns_pkt_free(packet);
	if (error == 0)
		*out = lookup.answer;
	return error;
}

int dns_lookup(const struct dns_resolver *resolver, struct arena *arena, const char *name,
	       enum dns_type type, unsigned milliseconds, struct dns_answer *out)
{
	struct lookup lookup = {.arena = arena, .name = name, .type = (ldns_rr_type)type};
	int error = dns_ask(resolver, name, lookup.type, true, milliseconds, collect, &lookup);

	if (error == 0)
		*out = lookup.answer;
	return error;
}
