/* Servers and lists of patterns; see helpers_relay.h. Restrictions are in helpers_restrictions.c.
 */
#include "confgen/lint/helpers_relay.h"

#include <strings.h>
#include <sys/stat.h>

/* Files may name files; deeper than this nobody means it. */
#define FILE_LEVELS 4

bool relay_next_server(const struct lint *lint, size_t *at, const struct service **service)
{
	const struct configuration *configuration = lint->configuration;

	if (!configuration->has_main)
		return false;
	if (!configuration->has_master) {
		*service = NULL;
		return (*at)++ == 0;
	}
	*service = configuration_next(configuration, "smtpd", at);
	return *service != NULL;
}

static bool is_loopback(const char *host)
{
	struct ip_address address;

	if (strcasecmp(host, "localhost") == 0 || strcasecmp(host, "loopback-only") == 0)
		return true;
	return ip_parse(host, &address) == IP_OK && ip_is_loopback(&address);
}

static bool listens_on_loopback_alone(const struct lint *lint, const struct service *service)
{
	const struct value *value =
		configuration_value(lint->configuration, service, "inet_interfaces");
	struct list list = list_split(lint->arena, &value->text);

	for (size_t i = 0; i < list.count; i++)
		if (!is_loopback(list.items[i].text.text))
			return false;
	return list.count > 0;
}

bool relay_is_reachable(const struct lint *lint, const struct service *service)
{
	const char *name, *colon;

	if (!service)
		return !listens_on_loopback_alone(lint, service);
	if (text_equal(&service->fields[SERVICE_TYPE], "pass"))
		return true;
	if (!text_equal(&service->fields[SERVICE_TYPE], "inet"))
		return false;
	name = service->fields[SERVICE_NAME].text;
	colon = strrchr(name, ':');
	if (colon)
		return !is_loopback(arena_strndup(lint->arena, name, (size_t)(colon - name)));
	return !listens_on_loopback_alone(lint, service);
}

bool relay_is_public_port(const struct service *service)
{
	const char *name, *colon;

	if (!service)
		return true;
	name = service->fields[SERVICE_NAME].text;
	colon = strrchr(name, ':');
	if (text_equal(&service->fields[SERVICE_TYPE], "pass"))
		return true;
	if (colon)
		name = colon + 1;
	return text_equal(&service->fields[SERVICE_TYPE], "inet") &&
	       (strcmp(name, "smtp") == 0 || strcmp(name, "25") == 0);
}

static void add_patterns(const struct lint *lint, const struct text *text, bool negated,
			 unsigned level, struct relay_patterns *out);

/* The lines of a file that stands in a list. Reading it again is rare, and cheap. */
static void add_file(const struct lint *lint, const struct list_item *item, bool negated,
		     unsigned level, struct relay_patterns *out)
{
	const char *path = configuration_path(lint->configuration, item->text.text);
	struct diagnostics *unheard = diagnostics_new(lint->arena);
	const struct source *source;
	struct line_reader reader;
	struct text line;
	struct stat status;

	if (!path || level == FILE_LEVELS || stat(path, &status) < 0 ||
	    lines_load(lint->arena, path, path, TABLE_FILE_LIMIT, unheard, &source) < 0) {
		out->partial = true;
		return;
	}
	line_reader_init(&reader, lint->arena, source, NULL);
	while (line_reader_next(&reader, &line))
		add_patterns(lint, &line, negated, level + 1, out);
}

static void add_patterns(const struct lint *lint, const struct text *text, bool negated,
			 unsigned level, struct relay_patterns *out)
{
	struct list list = list_split(lint->arena, text);

	for (size_t i = 0; i < list.count; i++) {
		const struct list_item *item = &list.items[i];
		struct list_item *added;

		if (item->kind == LIST_ITEM_FILE) {
			add_file(lint, item, negated != item->negated, level, out);
			continue;
		}
		added = arena_push(lint->arena, out);
		*added = *item;
		added->negated = negated != item->negated;
	}
}

struct relay_patterns relay_patterns(const struct lint *lint, const struct value *value)
{
	struct relay_patterns patterns = {0};

	add_patterns(lint, &value->text, false, 0, &patterns);
	return patterns;
}

const struct table *relay_table(const struct lint *lint, const struct list_item *item)
{
	const struct table *table;

	if (item->kind != LIST_ITEM_TABLE)
		return NULL;
	table = table_parse(lint->arena, &item->text, NULL);
	while (table->type && table->type->prefix && table->parts.count)
		table = table->parts.items[0];
	return table;
}

const struct table_contents *relay_contents(const struct lint *lint, const struct table *table)
{
	const struct table_contents *contents;

	if (configuration_contents(lint->configuration, table, lint->list, &contents) !=
	    CONTENTS_READ)
		return NULL;
	return contents;
}

bool relay_is_expression(const struct table *table)
{
	return text_equal(&table->type_name, "pcre") || text_equal(&table->type_name, "regexp");
}

bool relay_fits_all(const struct table_entry *entry)
{
	static const char *const patterns[] = {"",    ".",    ".*", "^",   "$",	  "^.*",
					       ".*$", "^.*$", ".+", "^.+", ".+$", "^.+$"};

	for (size_t i = 0; i < sizeof(patterns) / sizeof(*patterns); i++)
		if (entry->kind == TABLE_ENTRY && !entry->negated &&
		    text_equal(&entry->key, patterns[i]))
			return true;
	return false;
}

bool relay_is_new(const struct lint *lint, struct relay_seen *seen, const void *thing)
{
	for (size_t i = 0; i < seen->count; i++)
		if (seen->items[i] == thing)
			return false;
	*arena_push(lint->arena, seen) = thing;
	return true;
}
