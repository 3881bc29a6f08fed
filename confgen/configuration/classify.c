/* What a name in main.cf is: built in, of a service, a class, or the user's own. */
#include "confgen/configuration/configuration_private.h"

#include <ctype.h>

struct name_list {
	const char **items;
	size_t count;
};

/* Names that are not built in, sorted. */
struct known_names {
	struct name_list referenced; /* as $name, somewhere */
	struct name_list classes;
};

/* Adds the names that a value refers to. A name in the wrong place does no harm here. */
static void add_references(struct arena *arena, struct name_list *list, const struct text *value)
{
	const char *at = value->text;

	while ((at = strchr(at, '$'))) {
		size_t length = 0;

		at++;
		if (*at == '$') {
			at++;
			continue;
		}
		if (*at == '{' || *at == '(')
			at++;
		while (text_is_space(*at))
			at++;
		while (isalnum((unsigned char)at[length]) || at[length] == '_')
			length++;
		if (length)
			*arena_push(arena, list) = arena_strndup(arena, at, length);
		at += length;
	}
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void sort(struct name_list *list)
{
	if (list->count)
		qsort(list->items, list->count, sizeof(*list->items), compare);
}

static bool contains(const struct name_list *list, const char *name)
{
	return list->count &&
	       bsearch(&name, list->items, list->count, sizeof(*list->items), compare);
}

static void add_classes(struct configuration *configuration, const struct service *service,
			struct name_list *list)
{
	const struct value *value =
		configuration_value(configuration, service, "smtpd_restriction_classes");
	struct list items = list_split(configuration->arena, &value->text);

	for (size_t i = 0; i < items.count; i++)
		*arena_push(configuration->arena, list) = items.items[i].text.text;
}

void classify_prepare(struct configuration *configuration)
{
	struct known_names *names = arena_alloc(configuration->arena, sizeof(*names));

	for (size_t i = 0; i < configuration->main.count; i++)
		add_references(configuration->arena, &names->referenced,
			       &configuration->main.items[i]->value);
	add_classes(configuration, NULL, &names->classes);
	for (size_t i = 0; i < configuration->master.count; i++) {
		const struct service *service = configuration->master.items[i];

		for (size_t j = 0; j < service->arguments.count; j++)
			add_references(configuration->arena, &names->referenced,
				       &service->arguments.items[j]);
		if (service_override(service, "smtpd_restriction_classes"))
			add_classes(configuration, service, &names->classes);
	}
	sort(&names->referenced);
	sort(&names->classes);
	configuration->names = names;
}

/* Whether the daemon delivers mail on behalf of the queue manager. */
static bool delivers(const struct service *service)
{
	static const char *const agents[] = {"discard", "error", "lmtp",   "local",
					     "pipe",	"smtp",	 "virtual"};

	for (size_t i = 0; i < sizeof(agents) / sizeof(*agents); i++)
		if (strcmp(service_daemon(service), agents[i]) == 0)
			return true;
	return false;
}

static bool runs_commands(const struct service *service)
{
	const char *daemon = service_daemon(service);

	return strcmp(daemon, "pipe") == 0 || strcmp(daemon, "spawn") == 0;
}

static bool is_of_service(const struct configuration *configuration, const char *name)
{
	size_t prefix, at = 0;
	const struct parameter_suffix *suffix = parameter_suffix_find(name, &prefix);
	const struct service *service;

	if (!suffix)
		return false;
	while ((service = configuration_next(configuration, NULL, &at))) {
		const struct text *title = &service->fields[SERVICE_NAME];

		if (title->length == prefix && memcmp(title->text, name, prefix) == 0 &&
		    (suffix->commands ? runs_commands(service) : delivers(service)))
			return true;
	}
	return false;
}

enum name_class configuration_classify(const struct configuration *configuration, const char *name)
{
	const struct parameter *parameter = parameter_find(name);

	if (parameter && parameter_in(parameter, configuration->release))
		return NAME_BUILT_IN;
	if (parameter)
		return NAME_OTHER_RELEASE;
	if (is_of_service(configuration, name))
		return NAME_SERVICE;
	if (configuration->names && contains(&configuration->names->classes, name))
		return NAME_CLASS;
	if (configuration->names && contains(&configuration->names->referenced, name))
		return NAME_USER;
	return NAME_UNKNOWN;
}

enum parameter_kind configuration_kind(const struct configuration *configuration, const char *name)
{
	const struct parameter *parameter = parameter_find(name);
	const struct parameter_suffix *suffix;
	size_t prefix;

	if (parameter)
		return parameter->kind;
	switch (configuration_classify(configuration, name)) {
	case NAME_CLASS:
		return PARAMETER_RESTRICTIONS;
	case NAME_SERVICE:
		suffix = parameter_suffix_find(name, &prefix);
		return suffix->kind;
	default:
		return PARAMETER_STRING;
	}
}

bool configuration_reads(const struct service *service, const char *name)
{
	const struct parameter *parameter = parameter_find(name);

	return !parameter || parameter_read_by(parameter, service_daemon(service));
}
