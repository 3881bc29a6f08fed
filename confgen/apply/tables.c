/* Tables that a configuration names; see tables.h. */
#include "confgen/apply/tables.h"
#include "confgen/configuration/configuration.h"

const char *tables_index_suffix(const char *type_name)
{
	const struct table_type *type = table_type_find(type_name, strlen(type_name));

	return type ? type->index : NULL;
}

const char *tables_default(const char *name)
{
	const struct parameter *parameter = parameter_find(name);

	return parameter ? parameter_default(parameter, POSTFIX_USUAL) : NULL;
}

/* Whether a word of `known`, words by line, is the text. */
static bool has_word(const char *known, const struct text *word)
{
	for (const char *at = known; *at; at += strcspn(at, "\n"), at += *at == '\n')
		if (strcspn(at, "\n") == word->length && strncmp(at, word->text, word->length) == 0)
			return true;
	return false;
}

struct types {
	struct arena *arena;
	const char *known;
	struct diagnostics *list;
};

static bool is_missing(const struct table *table, void *user)
{
	const struct types *types = user;

	return table->type_name.length && !has_word(types->known, &table->type_name);
}

static void check_value(struct types *types, const struct configuration *configuration,
			const struct service *service, const struct value *value)
{
	struct tables tables = configuration_tables(configuration, value);

	for (size_t i = 0; i < tables.count; i++) {
		const struct table *missing = table_search(tables.items[i], is_missing, types);

		if (!missing)
			continue;
		diagnostics_add(types->list, SEVERITY_ERROR, NULL,
				configuration_part_position(configuration, service, value,
							    &missing->reference),
				"the Postfix here has no tables of type '%s'",
				missing->type_name.text);
		diagnostics_hint(types->list, "install the package of that type, or choose another "
					      "map_type; 'postconf -m' lists what there is");
	}
}

static void check_types(struct types *types, const struct configuration *configuration)
{
	size_t at = 0;
	const struct service *service;

	for (size_t i = 0; i < configuration->main.count; i++)
		if (!configuration->main.items[i]->overridden)
			check_value(types, configuration, NULL,
				    configuration_value(configuration, NULL,
							configuration->main.items[i]->name.text));
	while ((service = configuration_next(configuration, NULL, &at)))
		for (size_t i = 0; i < service->overrides.count; i++)
			check_value(types, configuration, service,
				    configuration_value(configuration, service,
							service->overrides.items[i]->name.text));
}

void tables_check_types(struct arena *arena, const struct source *main_cf,
			const struct source *master_cf, const char *known, struct diagnostics *list)
{
	struct types types = {arena, known, list};
	const struct configuration *configuration =
		configuration_new(arena, main_cf, master_cf, POSTFIX_USUAL, diagnostics_new(arena));

	if (configuration)
		check_types(&types, configuration);
}
