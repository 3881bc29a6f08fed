/*
 * Fuzz target: main.cf and master.cf, parted by the first line that is only "%". Whatever stands in
 * them, each assignment must be found again at its place, and values must be bounded.
 */
#include "confgen/configuration/configuration.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Where the lines of a file begin; none where its columns are uncertain, which invalid UTF-8 makes.
 */
struct lines {
	const struct source *source;
	const char **starts;
	unsigned count;
};

static struct lines find_lines(struct arena *arena, const struct source *source)
{
	struct lines lines = {source, NULL, 0};

	for (const char *p = source->text; *p; p++)
		if ((unsigned char)*p >= 0x80)
			return lines;
	lines.starts = arena_array(arena, source->length + 2, sizeof(*lines.starts));
	for (const char *p = source->text; p; p = strchr(p, '\n'), p = p ? p + 1 : NULL)
		lines.starts[lines.count++] = p;
	return lines;
}

/* The octet that a text begins with is the one at its place. */
static void check_place(const struct lines *lines, const struct text *text)
{
	struct position position = text_position(text);

	if (text->length == 0 || !position.source || !lines->count)
		return;
	assert(position.source == lines->source);
	assert(position.line >= 1 && position.line <= lines->count);
	assert(lines->starts[position.line - 1][position.column - 1] == text->text[0]);
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

static void check_service(const struct configuration *configuration, const struct service *service,
			  const struct lines *lines)
{
	for (size_t i = 0; i < SERVICE_FIELDS; i++)
		check_place(lines, &service->fields[i]);
	for (size_t i = 0; i < service->overrides.count; i++) {
		check_place(lines, &service->overrides.items[i]->value);
		check_value(configuration, service, service->overrides.items[i]->name.text);
	}
}

static void check(const struct configuration *configuration, const struct lines *main_lines,
		  const struct lines *master_lines)
{
	for (size_t i = 0; i < configuration->main.count; i++) {
		const struct assignment *item = configuration->main.items[i];

		assert(item->overridden !=
		       (main_cf_find(&configuration->main, item->name.text) == item));
		check_place(main_lines, &item->name);
		check_place(main_lines, &item->value);
		check_value(configuration, NULL, item->name.text);
	}
	for (size_t i = 0; i < configuration->master.count; i++)
		check_service(configuration, configuration->master.items[i], master_lines);
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
	if (configuration) {
		const struct lines main_lines = find_lines(arena, &main_cf),
				   master_lines = find_lines(arena, &master_cf);

		check(configuration, &main_lines, &master_lines);
	}
	arena_free(arena);
	return 0;
}
