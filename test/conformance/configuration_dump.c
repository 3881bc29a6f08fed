/*
 * Prints what confgen/configuration reads, as JSON, for comparison with Postfix's own programs:
 *
 *	configuration_dump FOLDER               main.cf and master.cf, values expanded
 *	configuration_dump --table TYPE FILE    each key that stands on standard input, and its
 *value configuration_dump --inline TYPE:NAME   the same for a table in braces configuration_dump
 *--defaults RELEASE   the table of parameters
 *
 * Octets become characters one by one (ISO 8859-1), so that whatever stands in a file can be shown.
 */
#include "common/strbuf.h"
#include "confgen/configuration/configuration.h"

#include <jansson.h>
#include <stdio.h>

static json_t *octets(const char *text)
{
	struct strbuf buf = STRBUF_INIT;
	json_t *json;

	for (; *text; text++) {
		unsigned char octet = (unsigned char)*text;

		if (octet < 0x80) {
			strbuf_addch(&buf, *text);
		} else {
			strbuf_addch(&buf, (char)(0xC0 | octet >> 6));
			strbuf_addch(&buf, (char)(0x80 | (octet & 0x3F)));
		}
	}
	json = json_string(strbuf_text(&buf));
	strbuf_done(&buf);
	return json;
}

static json_t *place(const struct text *text)
{
	struct position position = text_position(text);

	return json_pack("[i,i]", (int)position.line, (int)position.column);
}

static json_t *dump_assignment(const struct configuration *configuration,
			       const struct service *service, const struct assignment *assignment)
{
	const struct value *value =
		configuration_value(configuration, service, assignment->name.text);
	json_t *json = json_pack("{s:o, s:o, s:o, s:o, s:b}", "name", octets(assignment->name.text),
				 "value", octets(assignment->value.text), "name_at",
				 place(&assignment->name), "value_at", place(&assignment->value),
				 "overridden", assignment->overridden);

	json_object_set_new(json, "expanded",
			    value->failed ? json_null() : octets(value->text.text));
	json_object_set_new(
		json, "class",
		json_integer(configuration_classify(configuration, assignment->name.text)));
	return json;
}

static json_t *dump_service(const struct configuration *configuration,
			    const struct service *service)
{
	json_t *fields = json_array(), *arguments = json_array(), *overrides = json_array();

	for (size_t i = 0; i < SERVICE_FIELDS; i++)
		json_array_append_new(fields, octets(service->fields[i].text));
	for (size_t i = 0; i < service->arguments.count; i++)
		json_array_append_new(arguments, octets(service->arguments.items[i].text));
	for (size_t i = 0; i < service->overrides.count; i++)
		json_array_append_new(overrides, dump_assignment(configuration, service,
								 service->overrides.items[i]));
	return json_pack("{s:o, s:o, s:o, s:b}", "fields", fields, "arguments", arguments,
			 "overrides", overrides, "overridden", service->overridden);
}

static json_t *dump(const struct configuration *configuration)
{
	json_t *main_cf = json_array(), *services = json_array(), *names = json_array();

	for (size_t i = 0; i < configuration->main.count; i++)
		json_array_append_new(main_cf, dump_assignment(configuration, NULL,
							       configuration->main.items[i]));
	for (size_t i = 0; i < configuration->master.count; i++)
		json_array_append_new(services,
				      dump_service(configuration, configuration->master.items[i]));
	for (size_t i = 0; i < configuration->undefined.count; i++)
		json_array_append_new(names, octets(configuration->undefined.items[i].name.text));
	return json_pack("{s:o, s:o, s:o, s:b, s:b}", "main", main_cf, "services", services,
			 "undefined", names, "main_broken", configuration->main.broken,
			 "master_broken", configuration->master.broken);
}

static json_t *dump_folder(struct arena *arena, const char *path, struct diagnostics *list)
{
	struct configuration *configuration = configuration_load(arena, path, POSTFIX_USUAL, list);
	json_t *json = configuration ? dump(configuration) : json_object();

	json_object_set_new(json, "loaded", json_boolean(configuration != NULL));
	json_object_set_new(json, "errors",
			    json_integer((json_int_t)diagnostics_count(list, SEVERITY_ERROR)));
	return json;
}

/* What a key finds; true where that is not decided. */
static json_t *answer(const struct table_contents *contents, const char *type, const char *key)
{
	const struct table_entry *entry;
	size_t budget = 100;

	if (strcmp(type, "regexp") != 0 && strcmp(type, "pcre") != 0) {
		entry = table_find(contents, key);
		return entry ? octets(entry->value.text) : json_null();
	}
	switch (table_match(contents, key, &budget, &entry)) {
	case TABLE_FITS:
		return octets(entry->value.text);
	case TABLE_FITS_NOT:
		return json_null();
	default:
		return json_true();
	}
}

/* The values of the keys that stand on standard input, a line each. */
static json_t *query(const struct table_contents *contents, const char *type)
{
	json_t *json = json_array();
	char *line = NULL;
	size_t size = 0;
	ssize_t length;

	while ((length = getline(&line, &size, stdin)) > 0) {
		line[strcspn(line, "\n")] = '\0';
		json_array_append_new(json, answer(contents, type, line));
	}
	free(line);
	return json;
}

static json_t *dump_table(struct arena *arena, const char *type, const char *path,
			  struct diagnostics *list)
{
	const struct source *source;

	if (lines_load(arena, path, path, TABLE_FILE_LIMIT, list, &source) < 0)
		return json_null();
	return query(table_read(arena, table_type_find(type, strlen(type)), source, list), type);
}

static json_t *dump_inline(struct arena *arena, const char *name, struct diagnostics *list)
{
	struct text reference = text_constant(name);

	return query(table_read_inline(arena, table_parse(arena, &reference, list), list),
		     "inline");
}

static json_t *dump_defaults(const char *version)
{
	json_t *json = json_object();
	enum postfix_release release = POSTFIX_USUAL;
	size_t count;
	const struct parameter *all = parameter_all(&count);

	if (!postfix_release_parse(version, &release))
		return json_null();
	for (size_t i = 0; i < count; i++) {
		const char *value = parameter_default(&all[i], release);

		if (parameter_in(&all[i], release))
			json_object_set_new(json, all[i].name,
					    value ? json_string(value) : json_null());
	}
	return json;
}

int main(int argc, char **argv)
{
	struct arena *arena = arena_new(0);
	struct diagnostics *list = diagnostics_new(arena);
	json_t *json = NULL;
	char *text;

	if (argc == 2)
		json = dump_folder(arena, argv[1], list);
	else if (argc == 4 && strcmp(argv[1], "--table") == 0)
		json = dump_table(arena, argv[2], argv[3], list);
	else if (argc == 3 && strcmp(argv[1], "--inline") == 0)
		json = dump_inline(arena, argv[2], list);
	else if (argc == 3 && strcmp(argv[1], "--defaults") == 0)
		json = dump_defaults(argv[2]);
	if (!json)
		return 2;
	text = json_dumps(json, JSON_ENCODE_ANY | JSON_SORT_KEYS);
	puts(text);
	free(text);
	json_decref(json);
	diagnostics_print(list, stderr, false);
	arena_free(arena);
	return 0;
}
