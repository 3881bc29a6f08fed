/* Effective values of parameters; see configuration.h. */
#include "confgen/configuration/configuration_private.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>

/*
 * Values that were asked for, by service and name; open addressing, doubled when half full. It
 * belongs to the arena, so a table that was outgrown stays there.
 */
struct cached {
	const struct service *service;
	const char *name;
	struct value *value;
};

/* What expanding all values may cost, over and over: a hundred times what large ones take. */
#define BUDGET ((size_t)64 << 20)

struct value_cache {
	struct cached *slots;
	size_t size, count;
};

/* What a value is looked up for while it is expanded. */
struct lookup {
	const struct configuration *configuration;
	const struct service *service;
	bool deriving; /* mydomain, from myhostname: then mydomain itself is not known */
	void (*undefined)(void *user, const struct text *name);
	void *user;
};

static struct text derive_domain(const struct lookup *lookup);

void value_prepare(struct configuration *configuration)
{
	struct value_cache *cache = arena_alloc(configuration->arena, sizeof(*cache));

	cache->size = 64;
	cache->slots = arena_array(configuration->arena, cache->size, sizeof(*cache->slots));
	configuration->cache = cache;
	configuration->budget = arena_alloc(configuration->arena, sizeof(*configuration->budget));
	*configuration->budget = BUDGET;
}

/* What stands for a default that the host would give. */
static struct text computed_value(const struct lookup *lookup, const char *name)
{
	if (strcmp(name, "myhostname") == 0)
		return text_constant("localhost.localdomain");
	if (strcmp(name, "mydomain") == 0)
		return derive_domain(lookup);
	if (strcmp(name, "mynetworks") == 0)
		return text_constant("127.0.0.0/8 [::1]/128");
	if (strcmp(name, "config_directory") == 0)
		return text_constant(lookup->configuration->directory);
	if (strcmp(name, "mail_version") == 0)
		return text_constant(lookup->configuration->release == POSTFIX_3_5   ? "3.5.25"
				     : lookup->configuration->release == POSTFIX_3_7 ? "3.7.11"
										     : "3.10.13");
	if (lookup->service && strcmp(name, "process_name") == 0)
		return text_constant(service_daemon(lookup->service));
	if (lookup->service && strcmp(name, "service_name") == 0)
		return text_constant(lookup->service->fields[SERVICE_NAME].text);
	return text_constant("");
}

/* The built-in default of `name` for the services there are, or false. */
static bool find_default(const struct lookup *lookup, const char *name, struct text *raw,
			 const struct parameter **parameter, bool *computed)
{
	const struct parameter *found = parameter_find(name);
	const char *value;
	size_t prefix;

	*parameter = found;
	*computed = false;
	if (found) {
		*computed = found->computed;
		value = parameter_default(found, lookup->configuration->release);
		*raw = value ? text_constant(value) : computed_value(lookup, name);
		return true;
	}
	if (configuration_classify(lookup->configuration, name) != NAME_SERVICE)
		return false;
	*raw = text_constant(parameter_suffix_find(name, &prefix)->value);
	return true;
}

/* Where a parameter is set; NULL: nowhere. */
static const struct assignment *find_set(const struct configuration *configuration,
					 const struct service *service, const char *name,
					 enum value_origin *origin)
{
	const struct assignment *set = service ? service_override(service, name) : NULL;

	*origin = VALUE_SERVICE;
	if (!set) {
		set = main_cf_find(&configuration->main, name);
		*origin = VALUE_MAIN;
	}
	return set;
}

static bool find_raw(void *user, const char *name, struct text *raw)
{
	const struct lookup *lookup = user;
	const struct parameter *parameter;
	enum value_origin origin;
	const struct assignment *set =
		find_set(lookup->configuration, lookup->service, name, &origin);
	bool computed;

	if (strcmp(name, "config_directory") == 0) {
		*raw = computed_value(lookup, name);
		return true;
	}
	if (set) {
		*raw = set->value;
		return true;
	}
	if (lookup->deriving && strcmp(name, "mydomain") == 0)
		return false;
	return find_default(lookup, name, raw, &parameter, &computed);
}

static void undefined(void *user, const struct text *name)
{
	const struct lookup *lookup = user;

	if (lookup->undefined)
		lookup->undefined(lookup->user, name);
}

/* What follows the first dot of myhostname, or localdomain. */
static struct text derive_domain(const struct lookup *lookup)
{
	struct lookup deriving = {lookup->configuration, lookup->service, true, NULL, NULL};
	struct expand_context context = {
		lookup->configuration->arena, NULL, find_raw, undefined, &deriving,
		lookup->configuration->budget};
	struct text raw, expanded;
	const char *dot = NULL;

	if (!lookup->deriving && find_raw(&deriving, "myhostname", &raw) &&
	    expand(&context, &raw, &expanded))
		dot = strchr(expanded.text, '.');
	return text_constant(dot && dot[1] ? dot + 1 : "localdomain");
}

bool value_expand(const struct configuration *configuration, const struct service *service,
		  const struct text *name, const struct text *raw, struct diagnostics *list,
		  void (*told)(void *user, const struct text *name), void *user, struct text *out)
{
	struct lookup lookup = {configuration, service, false, told, user};
	struct expand_context context = {configuration->arena, list, find_raw, undefined, &lookup,
					 configuration->budget};

	return expand_named(&context, name, raw, out);
}

/* FNV-1a, with its high bits folded in: names that differ in a digit must not be neighbours. */
static size_t hash(const struct service *service, const char *name)
{
	uint64_t value = UINT64_C(14695981039346656037) ^ (uintptr_t)service;

	for (; *name; name++)
		value = (value ^ (unsigned char)*name) * UINT64_C(1099511628211);
	return (size_t)(value ^ value >> 32);
}

/* The slot of a value: its own, or the free one where it belongs. */
static struct cached *find_slot(struct value_cache *cache, const struct service *service,
				const char *name)
{
	size_t at = hash(service, name) & (cache->size - 1);

	while (cache->slots[at].name &&
	       (cache->slots[at].service != service || strcmp(cache->slots[at].name, name) != 0))
		at = (at + 1) & (cache->size - 1);
	return &cache->slots[at];
}

static void grow(struct arena *arena, struct value_cache *cache)
{
	struct value_cache larger = {NULL, cache->size * 2, cache->count};

	larger.slots = arena_array(arena, larger.size, sizeof(*larger.slots));
	for (size_t i = 0; i < cache->size; i++)
		if (cache->slots[i].name)
			*find_slot(&larger, cache->slots[i].service, cache->slots[i].name) =
				cache->slots[i];
	*cache = larger;
}

static struct value *evaluate(const struct configuration *configuration,
			      const struct service *service, const char *name)
{
	struct value *value = arena_alloc(configuration->arena, sizeof(*value));
	struct lookup lookup = {configuration, service, false, NULL, NULL};
	struct text title = text_constant(name);
	bool computed;

	value->raw = text_constant("");
	value->set = find_set(configuration, service, name, &value->origin);
	if (value->set) {
		value->raw = value->set->value;
		title = value->set->name;
		value->parameter = parameter_find(name);
	} else if (find_default(&lookup, name, &value->raw, &value->parameter, &computed)) {
		value->origin = computed ? VALUE_COMPUTED : VALUE_DEFAULT;
	} else {
		value->origin = VALUE_NONE;
	}
	value->text = text_constant("");
	value->failed = !value_expand(configuration, service, &title, &value->raw, NULL, NULL, NULL,
				      &value->text);
	return value;
}

const struct value *configuration_value(const struct configuration *configuration,
					const struct service *service, const char *name)
{
	struct value_cache *cache = configuration->cache;
	struct cached *slot = find_slot(cache, service, name);

	if (slot->name)
		return slot->value;
	if (cache->count * 2 >= cache->size) {
		grow(configuration->arena, cache);
		slot = find_slot(cache, service, name);
	}
	*slot = (struct cached){service, arena_strdup(configuration->arena, name),
				evaluate(configuration, service, name)};
	cache->count++;
	return slot->value;
}

struct position configuration_position(const struct configuration *configuration,
				       const struct service *service, const struct value *value)
{
	if (value && value->set)
		return text_position(&value->set->name);
	if (service)
		return text_position(&service->fields[SERVICE_NAME]);
	if (configuration->has_main)
		return (struct position){configuration->main.source, 0, 0};
	return (struct position){configuration->master.source, 0, 0};
}

struct position configuration_part_position(const struct configuration *configuration,
					    const struct service *service,
					    const struct value *value, const struct text *part)
{
	struct position position = text_position(part);

	return position.source ? position : configuration_position(configuration, service, value);
}

bool configuration_yes(const struct configuration *configuration, const struct service *service,
		       const char *name)
{
	return text_equal_case(&configuration_value(configuration, service, name)->text, "yes");
}

bool value_number(const struct value *value, long *out)
{
	char *end;
	long number;

	errno = 0;
	number = strtol(value->text.text, &end, 10);
	if (end == value->text.text || *end || errno || isspace((unsigned char)*value->text.text))
		return false;
	*out = number;
	return true;
}

bool value_seconds(const struct value *value, long *out)
{
	static const struct {
		char unit;
		long seconds;
	} units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 604800}};
	long factor = 0, number;
	char *end, unit;

	errno = 0;
	number = strtol(value->text.text, &end, 10);
	/* without a unit, it is the one that the default is written in */
	unit = *end;
	if (!unit && value->parameter && value->parameter->value && *value->parameter->value)
		unit = value->parameter->value[strlen(value->parameter->value) - 1];
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
		if (units[i].unit == unit)
			factor = units[i].seconds;
	if (!*end && !factor)
		factor = 1;
	if (end == value->text.text || (*end && end[1]) || !factor || errno || number < 0 ||
	    number > LONG_MAX / factor)
		return false;
	*out = number * factor;
	return true;
}
