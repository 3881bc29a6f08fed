/*
 * Fuzz target: the DNS records of any topology without errors. Nothing that its writer wrote gets
 * out of the place in a zone file where it belongs.
 */
#include "confgen/dns/zone.h"
#include "confgen/topology/load.h"

#include <assert.h>
#include <stdint.h>
#include <strings.h>

#define MOST_OCTETS 20000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_within(const char *name, const char *zone)
{
	size_t length = strlen(name), tail = strlen(zone);

	return length >= tail && strcasecmp(name + length - tail, zone) == 0 &&
	       (length == tail || name[length - tail - 1] == '.');
}

/* Names are made of letters, digits, '-', '_' and '.'; data of one line, with its quotes in pairs.
 */
static void check_record(const struct dns_record *record)
{
	bool quoted = false;

	assert(is_within(record->owner, record->zone));
	assert(strspn(record->owner,
		      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") ==
	       strlen(record->owner));
	for (const char *p = record->data; *p; p++) {
		assert((unsigned char)*p >= ' ' && (unsigned char)*p < 127);
		if (*p == '\\' && quoted)
			p++;
		else if (*p == '"')
			quoted = !quoted;
		else
			assert(quoted || !strchr(";()\\", *p));
	}
	assert(!quoted);
	assert((record->type == DNS_TXT) == (record->text != NULL));
}

static void check_files(const struct zone_files *files)
{
	for (size_t i = 0; i < files->count; i++) {
		assert(files->items[i].path[0] != '/' && !strstr(files->items[i].path, ".."));
		for (const char *p = files->items[i].text; *p; p++)
			assert((unsigned char)*p >= ' ' || *p == '\n' || *p == '\r');
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct dns_options options = {.keys = "/nonexistent"};
	struct arena *arena = arena_new(0);
	struct diagnostics *list = diagnostics_new(arena);
	struct source source = {"topology.yaml", arena_strndup(arena, (const char *)data, size),
				size};
	const struct topology *topology =
		size > MOST_OCTETS
			? NULL
			: topology_parse(arena, &source, "/nonexistent", SECRETS_LOOK, list);
	struct dns_records records;

	if (topology && !diagnostics_count(list, SEVERITY_ERROR)) {
		struct zone_files files;

		dns_records_derive(arena, topology, &options, list, &records);
		for (size_t i = 0; i < records.count; i++)
			check_record(&records.items[i]);
		files = zone_files(arena, topology, &records, 1);
		check_files(&files);
		zone_text(arena, topology, &records, 1);
		zone_table(arena, &records);
		json_decref(zone_json(topology, &records));
	}
	arena_free(arena);
	return 0;
}
