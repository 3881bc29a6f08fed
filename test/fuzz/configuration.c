/*
 * Fuzz target: main.cf and master.cf, parted by the first line that is only "%". Whatever stands in
 * them, each assignment must be found again at its place, and values must be bounded.
 */
#include "confgen/configuration/configuration.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The octet that a text begins with is the one at its place. */
static void check_place(const struct text *text)
{
	struct position position = text_position(text);
	const char *line;

	if (text->length == 0 || !position.source)
		return;
	line = position.source->text;
	for (unsigned i = 1; i < position.line; i++)
		line = strchr(line, '\n') + 1;
	for (unsigned i = 1; i < position.column || ((unsigned char)*line & 0xC0) == 0x80; i++)
		line++;
	/* invalid UTF-8 has no certain column */
	for (const char *p = position.source->text; *p; p++)
		if ((unsigned char)*p >= 0x80)
			return;
	assert(*line == text->text[0]);
}

static void check_value(const struct configuration *configuration, const struct service *service,
			const char *name)
{
	const struct value *value = configuration_value(configuration, service, name);
	struct list list = list_split(configuration->arena, &value->text);
	struct restriction_uses uses = restrictions_read(configuration->arena, &value->text);
	struct tables tables = configuration_tables(configuration, value);
	size_t length = 0;

	assert(value->text.length == strlen(value->text.text));
	assert(value->text.length <= ((size_t)1 << 20) + value->raw.length);
	for (size_t i = 0; i < list.count; i++)
		length += list.items[i].text.length;
	assert(length <= value->text.length);
	assert(uses.count <= list.count && tables.count <= list.count);
	assert(configuration_classify(configuration, name) <= NAME_USER);
}

static void check(const struct configuration *configuration)
{
	for (size_t i = 0; i < configuration->main.count; i++) {
		const struct assignment *item = configuration->main.items[i];

		assert(item->overridden !=
		       (main_cf_find(&configuration->main, item->name.text) == item));
		check_place(&item->name);
		check_place(&item->value);
		check_value(configuration, NULL, item->name.text);
	}
	for (size_t i = 0; i < configuration->master.count; i++) {
		const struct service *service = configuration->master.items[i];

		for (size_t j = 0; j < SERVICE_FIELDS; j++)
			check_place(&service->fields[j]);
		for (size_t j = 0; j < service->overrides.count; j++) {
			check_place(&service->overrides.items[j]->value);
			check_value(configuration, service, service->overrides.items[j]->name.text);
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(0);
	struct diagnostics *list = diagnostics_new(arena);
	const char *text = arena_strndup(arena, (const char *)data, size);
	const char *parting = strstr(text, "\n%\n");
	size_t first = parting ? (size_t)(parting + 1 - text) : size;
	struct source main_cf = {"main.cf", arena_strndup(arena, text, first), first};
	struct source master_cf = {"master.cf", "", 0};
	struct configuration *configuration;

	if (parting) {
		master_cf.text = parting + 3;
		master_cf.length = size - first - 2;
	}
	configuration = configuration_new(arena, &main_cf, &master_cf, POSTFIX_USUAL, list);
	if (configuration)
		check(configuration);
	arena_free(arena);
	return 0;
}
