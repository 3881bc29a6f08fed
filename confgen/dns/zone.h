/*
 * The list of records in the forms that people and programs want. Deterministic; text that came
 * from the topology is plain by then, and escaped where it may not be.
 *
 * Sources: RFC 1035 5.1 (zone files); what nsd-checkzone and ldns-read-zone take.
 */
#ifndef POSTERN_DNS_ZONE_H
#define POSTERN_DNS_ZONE_H

#include "confgen/dns/records.h"

#include <jansson.h>

struct zone_file {
	const char *path; /* below the folder of zones, such as example.com.zone */
	const char *text;
};

struct zone_files {
	struct zone_file *items;
	size_t count;
};

/*
 * One file a zone, with SOA and NS, so that it loads as it is; those of PTR records in reverse/.
 * The policies of MTA-STS in mta-sts/DOMAIN.txt; what to ask of providers, and notes, in README.
 * `serial` is the zones' serial number.
 */
struct zone_files zone_files(struct arena *arena, const struct topology *topology,
			     const struct dns_records *records, unsigned long serial);

/* All zones in one text, each with its $ORIGIN, and the notes as comments. */
const char *zone_text(struct arena *arena, const struct topology *topology,
		      const struct dns_records *records, unsigned long serial);

/* For people: zone by zone, each record with its reason, then what is left to do. */
const char *zone_table(struct arena *arena, const struct dns_records *records);

/* The whole list for programs; the caller frees it. */
json_t *zone_json(const struct topology *topology, const struct dns_records *records);

#endif
