/* The list of records as zone files, as a table and as JSON; see zone.h. */
#include "confgen/dns/zone.h"
#include "common/strbuf.h"

#include <ctype.h>
#include <strings.h>

#define DEFAULT_SERVER "ns.invalid"
#define LONGEST_ZONE   242 /* of 253, with "hostmaster." before it */

/* Whether this record begins another zone. */
static bool begins_zone(const struct dns_records *records, size_t index)
{
	return index == 0 ||
	       strcasecmp(records->items[index].zone, records->items[index - 1].zone) != 0;
}

/* The owner as it stands in the zone's file: relative, or @. */
static const char *relative(struct arena *arena, const struct dns_record *record)
{
	size_t owner = strlen(record->owner), zone = strlen(record->zone);

	return owner <= zone ? "@" : arena_strndup(arena, record->owner, owner - zone - 1);
}

/* The address of the hostmaster as a name: RFC 1035 8. */
static void add_mailbox(struct strbuf *out, const struct topology *topology, const char *zone)
{
	const char *mailbox = topology->dns.hostmaster.value;
	const char *at = mailbox ? strchr(mailbox, '@') : NULL;

	if (!at) {
		/* a zone with a name too long for that answers for itself */
		strbuf_addf(out, "%s%s.", strlen(zone) > LONGEST_ZONE ? "" : "hostmaster.", zone);
		return;
	}
	for (const char *p = mailbox; p < at; p++) {
		if (!isalnum((unsigned char)*p) && *p != '-' && *p != '_')
			strbuf_addch(out, '\\');
		strbuf_addch(out, *p);
	}
	strbuf_addf(out, ".%s.", at + 1);
}

static void add_heading(struct strbuf *out, const struct topology *topology, const char *zone,
			unsigned long serial)
{
	const struct text_list *servers = &topology->dns.nameservers;
	const char *first = servers->count ? servers->items[0].value : DEFAULT_SERVER;

	strbuf_addf(out, "$ORIGIN %s.\n$TTL %lu\n", zone, topology->dns.ttl.value);
	if (!servers->count)
		strbuf_adds(out,
			    "; the name servers are for you to name: dns: {nameservers: ...}\n");
	strbuf_addf(out, "@ SOA %s. ", first);
	add_mailbox(out, topology, zone);
	strbuf_addf(out, " %lu 14400 3600 1209600 3600\n", serial);
	for (size_t i = 0; i < servers->count; i++)
		strbuf_addf(out, "@ NS %s.\n", servers->items[i].value);
	if (!servers->count)
		strbuf_addf(out, "@ NS %s.\n", DEFAULT_SERVER);
}

static void add_record(struct arena *arena, struct strbuf *out, const struct dns_record *record)
{
	strbuf_addf(out, "; %s\n%s %s %s\n", record->why, relative(arena, record),
		    dns_type_name(record->type), record->data);
}

/* The zone that begins at `*index`, which is moved to the next one. */
static void add_zone(struct arena *arena, struct strbuf *out, const struct topology *topology,
		     const struct dns_records *records, unsigned long serial, size_t *index)
{
	size_t i = *index;

	add_heading(out, topology, records->items[i].zone, serial);
	do
		add_record(arena, out, &records->items[i++]);
	while (i < records->count && !begins_zone(records, i));
	*index = i;
}

static const char *take(struct arena *arena, struct strbuf *buf)
{
	char *text = arena_strndup(arena, strbuf_text(buf), buf->length);

	strbuf_done(buf);
	return text;
}

/* What to ask of providers, and what else no file can do. */
static void add_requests(struct strbuf *out, const struct dns_records *records, const char *sign)
{
	bool first = true;
	char address[IP_TEXT_SIZE];

	for (size_t i = 0; i < records->count; i++) {
		const struct dns_record *record = &records->items[i];

		if (record->purpose != PURPOSE_REVERSE)
			continue;
		if (first)
			strbuf_addf(out,
				    "%sAsk whoever gave you the addresses for these names "
				    "(PTR):\n",
				    sign);
		first = false;
		strbuf_addf(out, "%s  %s -> %.*s\n", sign, ip_format(&record->address, address),
			    (int)strlen(record->data) - 1, record->data);
	}
	for (size_t i = 0; i < records->note_count; i++)
		strbuf_addf(out, "%sNote: %s\n", sign, records->notes[i].text);
}

const char *zone_text(struct arena *arena, const struct topology *topology,
		      const struct dns_records *records, unsigned long serial)
{
	struct strbuf out = STRBUF_INIT;

	for (size_t i = 0; i < records->count;)
		add_zone(arena, &out, topology, records, serial, &i);
	add_requests(&out, records, "; ");
	return take(arena, &out);
}

static void push_file(struct arena *arena, struct zone_files *files, const char *path,
		      struct strbuf *text)
{
	*arena_push(arena, files) = (struct zone_file){path, take(arena, text)};
}

struct zone_files zone_files(struct arena *arena, const struct topology *topology,
			     const struct dns_records *records, unsigned long serial)
{
	struct zone_files files = {0};

	for (size_t i = 0; i < records->count;) {
		const struct dns_record *first = &records->items[i];
		struct strbuf out = STRBUF_INIT;

		add_zone(arena, &out, topology, records, serial, &i);
		push_file(arena, &files,
			  arena_printf(arena, "%s%s.zone",
				       first->purpose == PURPOSE_REVERSE ? "reverse/" : "",
				       first->zone),
			  &out);
	}
	for (size_t i = 0; i < records->policy_count; i++)
		*arena_push(arena, &files) = (struct zone_file){
			arena_printf(arena, "mta-sts/%s.txt",
				     records->policies[i].domain->head.name.value),
			records->policies[i].text,
		};
	{
		struct strbuf out = STRBUF_INIT;

		add_requests(&out, records, "");
		push_file(arena, &files, "README", &out);
	}
	return files;
}

const char *zone_table(struct arena *arena, const struct dns_records *records)
{
	struct strbuf out = STRBUF_INIT;

	for (size_t i = 0; i < records->count; i++) {
		const struct dns_record *record = &records->items[i];

		if (begins_zone(records, i))
			strbuf_addf(&out, "%s%s\n", i ? "\n" : "", record->zone);
		strbuf_addf(&out, "  %s: %s\n    %s. %s %s\n", dns_purpose_name(record->purpose),
			    record->why, record->owner, dns_type_name(record->type), record->data);
	}
	for (size_t i = 0; i < records->policy_count; i++)
		strbuf_addf(&out, "\nhttps://mta-sts.%s/.well-known/mta-sts.txt must give:\n%s",
			    records->policies[i].domain->head.name.value,
			    records->policies[i].text);
	if (records->count)
		strbuf_addch(&out, '\n');
	add_requests(&out, records, "");
	return take(arena, &out);
}

/* --- JSON --- */

static json_t *place(struct position at)
{
	return at.source ? json_pack("{s:s, s:i, s:i}", "file", at.source->name, "line",
				     (int)at.line, "column", (int)at.column)
			 : json_null();
}

static json_t *record_json(const struct topology *topology, const struct dns_record *record)
{
	return json_pack(
		"{s:s, s:s, s:s, s:I, s:s, s:s?, s:s, s:s, s:s?, s:s?, s:o}", "zone", record->zone,
		"name", record->owner, "type", dns_type_name(record->type), "ttl",
		(json_int_t)topology->dns.ttl.value, "data", record->data, "text", record->text,
		"purpose", dns_purpose_name(record->purpose), "why", record->why, "domain",
		record->domain ? record->domain->head.name.value : NULL, "node",
		record->node ? record->node->head.name.value : NULL, "place", place(record->at));
}

json_t *zone_json(const struct topology *topology, const struct dns_records *records)
{
	json_t *list = json_array(), *notes = json_array(), *policies = json_array(),
	       *egresses = json_array();
	char address[IP_TEXT_SIZE];

	for (size_t i = 0; i < records->count; i++)
		json_array_append_new(list, record_json(topology, &records->items[i]));
	for (size_t i = 0; i < records->note_count; i++)
		json_array_append_new(notes, json_pack("{s:s, s:o}", "text", records->notes[i].text,
						       "place", place(records->notes[i].at)));
	for (size_t i = 0; i < records->policy_count; i++)
		json_array_append_new(policies,
				      json_pack("{s:s, s:s}", "domain",
						records->policies[i].domain->head.name.value,
						"text", records->policies[i].text));
	for (size_t i = 0; i < records->egress_count; i++)
		json_array_append_new(egresses,
				      json_pack("{s:s, s:s, s:s}", "address",
						ip_format(&records->egresses[i].address, address),
						"helo", records->egresses[i].helo, "node",
						records->egresses[i].node->head.name.value));
	return json_pack("{s:o, s:o, s:o, s:o}", "records", list, "policies", policies, "egress",
			 egresses, "notes", notes);
}
