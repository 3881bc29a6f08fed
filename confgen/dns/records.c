/* The list of records: put together, sorted, each once; see records.h. */
#include "confgen/dns/records.h"
#include "confgen/dns/build.h"
#include "confgen/dns/rules.h"
#include "common/strbuf.h"

#include <stdlib.h>
#include <strings.h>

#define LONGEST_STRING 255 /* RFC 1035 3.3 */
#define LONGEST_NAME   253 /* 2.3.4, without the final dot */

const struct dns_rule_row dns_rules[DNS_RULE_COUNT] = {
#define X(id, name, severity, summary) [DNS_RULE_##id] = {name, SEVERITY_##severity, summary},
	DNS_RULES(X)
#undef X
};

const char *dns_purpose_name(enum dns_purpose purpose)
{
	static const char *const names[] = {
		[PURPOSE_ADDRESS] = "address",
		[PURPOSE_MX] = "MX",
		[PURPOSE_SPF] = "SPF",
		[PURPOSE_SPF_HELO] = "SPF of a host",
		[PURPOSE_DKIM] = "DKIM",
		[PURPOSE_DMARC] = "DMARC",
		[PURPOSE_DMARC_REPORT] = "DMARC reports",
		[PURPOSE_MTA_STS] = "MTA-STS",
		[PURPOSE_MTA_STS_HOST] = "MTA-STS host",
		[PURPOSE_TLS_RPT] = "TLS-RPT",
		[PURPOSE_TLSA] = "TLSA",
		[PURPOSE_AUTOCONFIG] = "autoconfig",
		[PURPOSE_REVERSE] = "PTR",
	};

	return names[purpose];
}

/* --- what the parts use --- */

const struct domain *build_domain_of(const struct builder *builder, const char *name)
{
	const struct domain *found = name_map_find(builder->domains, name);

	for (const char *dot = strchr(name, '.'); dot && !found; dot = strchr(dot + 1, '.'))
		found = name_map_find(builder->domains, dot + 1);
	return found;
}

/* A domain below another one of the topology goes to that one's zone. */
const char *build_zone(const struct builder *builder, const char *name)
{
	const char *zone = name_map_find(builder->domains, name) ? name : NULL;
	const char *parent = strchr(name, '.');

	for (const char *dot = parent; dot; dot = strchr(dot + 1, '.'))
		if (name_map_find(builder->domains, dot + 1))
			zone = dot + 1;
	if (zone)
		return zone;
	/* a host of somewhere else: what is above it, unless that is a top-level domain */
	return parent && strchr(parent + 1, '.') ? parent + 1 : name;
}

bool build_wants(const struct builder *builder, const struct domain *domain)
{
	return !builder->options->domain ||
	       strcasecmp(builder->options->domain, domain->head.name.value) == 0;
}

const struct node *build_entry(const struct domain *domain, size_t index, struct position *at)
{
	size_t count = 0;

	for (size_t i = 0; i < domain->routes.count; i++) {
		const struct route *route = domain->routes.items[i];
		bool known = false;

		if (route_is_outbound(route) || route->hop_count < 2)
			continue;
		for (size_t j = 0; j < i && !known; j++)
			known = !route_is_outbound(domain->routes.items[j]) &&
				domain->routes.items[j]->hop_count > 1 &&
				domain->routes.items[j]->hops[1] == route->hops[1];
		if (known || count++ != index)
			continue;
		*at = route->label.at;
		return route->hops[1];
	}
	return NULL;
}

void build_add(struct builder *builder, const struct dns_record *record)
{
	struct dns_records *out = builder->out;
	struct dns_record *copy;

	if (strlen(record->owner) > LONGEST_NAME) {
		build_note(builder, record->at, "%s is too long for a name in DNS", record->owner);
		return;
	}
	out->items = arena_grow(builder->arena, out->items, out->count, sizeof(*out->items));
	copy = &out->items[out->count++];
	*copy = *record;
	copy->zone = record->purpose == PURPOSE_REVERSE ? record->owner
							: build_zone(builder, record->owner);
}

void build_add_text(struct builder *builder, struct dns_record *record, const char *text)
{
	struct strbuf buf = STRBUF_INIT;
	size_t used = 0;

	for (const char *p = text; *p; p++) {
		if (used++ % LONGEST_STRING == 0)
			strbuf_adds(&buf, p == text ? "\"" : "\" \"");
		if (*p == '"' || *p == '\\')
			strbuf_addch(&buf, '\\');
		strbuf_addch(&buf, *p);
	}
	strbuf_addch(&buf, '"');
	record->data = arena_strdup(builder->arena, strbuf_text(&buf));
	record->text = text;
	strbuf_done(&buf);
	build_add(builder, record);
}

void build_note(struct builder *builder, struct position at, const char *format, ...)
{
	struct dns_records *out = builder->out;
	const char *text;
	va_list args;

	va_start(args, format);
	text = arena_vprintf(builder->arena, format, args);
	va_end(args);
	if (name_map_add(builder->told, text, builder))
		return;
	out->notes = arena_grow(builder->arena, out->notes, out->note_count, sizeof(*out->notes));
	out->notes[out->note_count++] = (struct dns_note){text, at};
}

/* --- order --- */

/* Zones that only a provider can change come last; a zone's own name first, then by name. */
static int compare(const void *left, const void *right)
{
	const struct dns_record *a = left, *b = right;
	bool reverse_a = a->purpose == PURPOSE_REVERSE, reverse_b = b->purpose == PURPOSE_REVERSE;
	int order = reverse_a - reverse_b;
	bool apex_a, apex_b;

	if (!order)
		order = strcasecmp(a->zone, b->zone);
	if (order)
		return order;
	apex_a = strcasecmp(a->owner, a->zone) == 0;
	apex_b = strcasecmp(b->owner, b->zone) == 0;
	order = apex_b - apex_a;
	if (!order)
		order = strcasecmp(a->owner, b->owner);
	if (!order)
		order = (int)a->type - (int)b->type;
	if (!order)
		order = (a->number > b->number) - (a->number < b->number);
	return order ? order : strcmp(a->data, b->data);
}

static void sort(struct dns_records *records)
{
	size_t kept = 0;

	if (records->count)
		qsort(records->items, records->count, sizeof(*records->items), compare);
	for (size_t i = 0; i < records->count; i++)
		if (i == 0 || compare(&records->items[i], &records->items[kept - 1]) != 0)
			records->items[kept++] = records->items[i];
	records->count = kept;
}

void dns_records_derive(struct arena *arena, const struct topology *topology,
			const struct dns_options *options, struct diagnostics *list,
			struct dns_records *out)
{
	struct dns_records records = {0};
	struct builder builder = {
		.arena = arena,
		.topology = topology,
		.options = options,
		.list = list,
		.out = &records,
		.domains = name_map_new(arena, topology->domains.count),
		.egresses = name_map_new(arena, topology->nodes.count),
		.told = name_map_new(arena, topology->nodes.count),
	};

	for (size_t i = 0; i < topology->domains.count; i++)
		name_map_add(builder.domains, topology->domains.items[i].head.name.value,
			     &topology->domains.items[i]);
	for (size_t i = 0; i < topology->domains.count; i++)
		if (build_wants(&builder, &topology->domains.items[i]))
			build_domain(&builder, &topology->domains.items[i]);
	build_hosts(&builder);
	sort(&records);
	build_reverse(&builder);
	sort(&records);
	*out = records;
}
