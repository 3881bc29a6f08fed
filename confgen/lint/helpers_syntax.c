/* See helpers_syntax.h. */
#include "confgen/lint/helpers_syntax.h"

static void add(const struct lint *lint, struct syntax_settings *settings,
		const struct service *service, const struct assignment *assignment)
{
	const char *name = assignment->name.text;

	if (!assignment->overridden)
		*arena_push(lint->arena, settings) = (struct syntax_setting){
			service, assignment,
			configuration_value(lint->configuration, service, name), name,
			configuration_kind(lint->configuration, name)};
}

struct syntax_settings syntax_settings(const struct lint *lint)
{
	const struct configuration *configuration = lint->configuration;
	struct syntax_settings settings = {0};
	const struct service *service;
	size_t next = 0;

	for (size_t i = 0; i < configuration->main.count; i++)
		add(lint, &settings, NULL, configuration->main.items[i]);
	while ((service = configuration_next(configuration, NULL, &next)))
		for (size_t i = 0; i < service->overrides.count; i++)
			add(lint, &settings, service, service->overrides.items[i]);
	return settings;
}

void syntax_each(const struct lint *lint, const struct lint_rule *rule, syntax_check check)
{
	struct syntax_settings settings = syntax_settings(lint);

	for (size_t i = 0; i < settings.count; i++)
		check(lint, rule, &settings.items[i]);
}

struct position syntax_place(const struct lint *lint, const struct syntax_setting *setting,
			     const struct text *part)
{
	return configuration_part_position(lint->configuration, setting->service, setting->value,
					   part);
}

unsigned short syntax_version(const struct lint *lint)
{
	return lint_version(lint->configuration->release);
}

const char *syntax_version_text(const struct lint *lint, unsigned short version)
{
	return arena_printf(lint->arena, "%d.%d", version / 100, version % 100);
}
