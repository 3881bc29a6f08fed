/* See helpers_maps.h. */
#include "confgen/lint/helpers_maps.h"

#include "common/network.h"

#include <strings.h>

bool maps_is_type(const struct table *table, const char *name)
{
	return table->type && strcmp(table->type->name, name) == 0;
}

bool maps_is_one_of(const char *name, const char *const *names)
{
	for (; *names; names++)
		if (strcasecmp(name, *names) == 0)
			return true;
	return false;
}

static void add_use(const struct lint *lint, struct maps_uses *uses, struct maps_use use)
{
	const struct table *table = use.table;

	*arena_push(lint->arena, uses) = use;
	use.proxied |= table->type && table->type->prefix;
	for (size_t i = 0; i < table->parts.count; i++) {
		use.table = table->parts.items[i];
		add_use(lint, uses, use);
	}
}

static void add_item(const struct lint *lint, struct maps_uses *uses,
		     const struct syntax_setting *setting, const struct restriction *restriction,
		     const struct list_item *item)
{
	struct ip_network network;

	if (item->kind == LIST_ITEM_TABLE &&
	    ip_network_parse(item->text.text, &network) == IP_ERROR_SYNTAX)
		add_use(lint, uses,
			(struct maps_use){setting, restriction,
					  table_parse(lint->arena, &item->text, NULL), false});
}

static void add_restrictions(const struct lint *lint, struct maps_uses *uses,
			     const struct syntax_setting *setting)
{
	struct restriction_uses restrictions =
		restrictions_read(lint->arena, &setting->value->text);

	for (size_t i = 0; i < restrictions.count; i++) {
		const struct restriction_use *use = &restrictions.items[i];

		if (!use->restriction)
			add_item(lint, uses, setting, NULL, use->name);
		else if (use->restriction->argument == RESTRICTION_WITH_TABLE && use->argument)
			add_item(lint, uses, setting, use->restriction, use->argument);
	}
}

struct maps_uses maps_all(const struct lint *lint)
{
	static const char *const permissions[] = {"proxy_read_maps", "proxy_write_maps", NULL};
	struct syntax_settings settings = syntax_settings(lint);
	struct maps_uses uses = {0};

	for (size_t i = 0; i < settings.count; i++) {
		/* the address must last: uses refer to it */
		struct syntax_setting *setting = &settings.items[i];
		struct list list;

		if (setting->kind == PARAMETER_RESTRICTIONS)
			add_restrictions(lint, &uses, setting);
		if ((setting->kind != PARAMETER_TABLES && setting->kind != PARAMETER_PATTERNS) ||
		    maps_is_one_of(setting->name, permissions))
			continue;
		list = list_split(lint->arena, &setting->value->text);
		for (size_t j = 0; j < list.count; j++)
			add_item(lint, &uses, setting, NULL, &list.items[j]);
	}
	return uses;
}

struct position maps_place(const struct lint *lint, const struct maps_use *use)
{
	return syntax_place(lint, use->setting, &use->table->reference);
}

static bool names(const struct table *table, const char *path)
{
	if (text_equal(&table->name, path))
		return true;
	for (size_t i = 0; i < table->parts.count; i++)
		if (names(table->parts.items[i], path))
			return true;
	return false;
}

bool maps_is_aliases(const struct lint *lint, const struct table *table)
{
	static const char *const parameters[] = {"alias_maps", "alias_database"};

	for (size_t i = 0; i < sizeof(parameters) / sizeof(*parameters); i++) {
		const struct value *value =
			configuration_value(lint->configuration, NULL, parameters[i]);
		struct tables tables = configuration_tables(lint->configuration, value);

		for (size_t j = 0; j < tables.count; j++)
			if (table->name.length && names(tables.items[j], table->name.text))
				return true;
	}
	return false;
}

const struct table_contents *maps_contents(const struct lint *lint, const struct table *table)
{
	const struct table_contents *contents;

	if (!table->type || maps_is_aliases(lint, table) ||
	    configuration_contents(lint->configuration, table, lint->list, &contents) !=
		    CONTENTS_READ)
		return NULL;
	return contents;
}
