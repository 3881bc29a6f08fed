/*
 * Tables of a configuration: which a value names, and what they hold. A source is read once, as
 * many rules as may ask for it.
 */
#include "common/file.h"
#include "confgen/configuration/configuration_private.h"

#include <errno.h>
#include <limits.h>
#include <sys/stat.h>

#define HOME "/etc/postfix/"

/* What was read, by type and path. */
struct read_table {
	struct read_table *next;
	const struct table_type *type;
	const char *path;
	enum contents_state state;
	const struct table_contents *contents;
};

struct contents_cache {
	struct read_table *first;
};

static void add_table(const struct configuration *configuration, struct tables *tables,
		      const struct text *reference)
{
	*arena_push(configuration->arena, tables) =
		table_parse(configuration->arena, reference, NULL);
}

/* check_policy_service and blocklists have a colon, or a list in braces, but are no tables. */
static void add_restriction_tables(const struct configuration *configuration,
				   const struct value *value, struct tables *tables)
{
	struct restriction_uses uses = restrictions_read(configuration->arena, &value->text);

	for (size_t i = 0; i < uses.count; i++) {
		const struct restriction_use *use = &uses.items[i];

		if (!use->restriction && use->name->kind == LIST_ITEM_TABLE)
			add_table(configuration, tables, &use->name->text);
		else if (use->restriction && use->argument &&
			 use->restriction->argument == RESTRICTION_WITH_TABLE)
			add_table(configuration, tables, &use->argument->text);
	}
}

struct tables configuration_tables(const struct configuration *configuration,
				   const struct value *value)
{
	struct tables tables = {0};
	struct list list;
	const char *name = value->set	      ? value->set->name.text
			   : value->parameter ? value->parameter->name
					      : "";
	enum parameter_kind kind = configuration_kind(configuration, name);

	if (kind == PARAMETER_RESTRICTIONS)
		add_restriction_tables(configuration, value, &tables);
	if (kind != PARAMETER_TABLES && kind != PARAMETER_PATTERNS)
		return tables;
	list = list_split(configuration->arena, &value->text);
	for (size_t i = 0; i < list.count; i++)
		if (list.items[i].kind == LIST_ITEM_TABLE)
			add_table(configuration, &tables, &list.items[i].text);
	return tables;
}

const char *configuration_path(const struct configuration *configuration, const char *path)
{
	struct arena *arena = configuration->arena;
	const char *directory = configuration->directory;
	size_t length = strlen(directory);
	struct stat status;

	if (configuration->find_file)
		return NULL;
	if (configuration->anywhere)
		return path[0] == '/' ? path : arena_printf(arena, "%s/%s", directory, path);
	if (strncmp(path, HOME, strlen(HOME)) == 0)
		path = arena_printf(arena, "%s/%s", directory, path + strlen(HOME));
	else if (path[0] != '/' && (strncmp(path, directory, length) != 0 || path[length] != '/'))
		path = arena_printf(arena, "%s/%s", directory, path);
	else if (strncmp(path, directory, length) != 0 || path[length] != '/')
		return NULL;
	/* what is not there gives nothing away, unless the way there leads outside */
	if (strstr(path, "/../") || (lstat(path, &status) == 0 && !file_is_below(directory, path)))
		return NULL;
	return path;
}

static enum contents_state read_file(struct arena *arena, struct read_table *read,
				     struct diagnostics *list, const struct source **source)
{
	struct stat status;

	if (stat(read->path, &status) < 0 && (errno == ENOENT || errno == ENOTDIR))
		return CONTENTS_MISSING;
	if (lines_load(arena, read->path, read->path, TABLE_FILE_LIMIT, list, source) < 0)
		return CONTENTS_UNREADABLE;
	return read->type->braces || lines_check(*source, list) ? CONTENTS_READ
								: CONTENTS_UNREADABLE;
}

static enum contents_state read_source(const struct configuration *configuration,
				       struct read_table *read, struct diagnostics *list)
{
	enum contents_state state = CONTENTS_READ;
	const struct source *source;

	if (configuration->find_file) {
		source = configuration->find_file(configuration->user, read->path);
		if (!source)
			return CONTENTS_OUTSIDE;
	} else {
		state = read_file(configuration->arena, read, list, &source);
	}
	if (state == CONTENTS_READ)
		read->contents = table_read(configuration->arena, read->type, source, list);
	return state;
}

static enum contents_state read_once(struct configuration *configuration, const struct table *table,
				     const char *path, struct diagnostics *list,
				     const struct table_contents **out)
{
	struct contents_cache *cache = configuration->contents;
	struct read_table *read;

	for (read = cache->first; read; read = read->next)
		if (read->type == table->type && strcmp(read->path, path) == 0)
			break;
	if (!read) {
		read = arena_alloc(configuration->arena, sizeof(*read));
		*read = (struct read_table){cache->first, table->type, path, CONTENTS_NONE, NULL};
		cache->first = read;
		read->state = read_source(configuration, read, list);
	}
	if (read->state == CONTENTS_READ)
		*out = read->contents;
	return read->state;
}

/* Of a folder that is in memory, the name in it. */
static const char *path_of(const struct configuration *configuration, const char *name)
{
	if (!configuration->find_file)
		return configuration_path(configuration, name);
	return strncmp(name, HOME, strlen(HOME)) == 0 ? name + strlen(HOME) : name;
}

enum contents_state configuration_contents(struct configuration *configuration,
					   const struct table *table, struct diagnostics *list,
					   const struct table_contents **out)
{
	const char *path;

	while (table->type && table->type->prefix && table->parts.count)
		table = table->parts.items[0];
	if (!table->type || table->type->tables || table->type->prefix)
		return CONTENTS_NONE;
	if (table->type->braces && table->name.text[0] == '{') {
		*out = table_read_inline(configuration->arena, table, list);
		return CONTENTS_READ;
	}
	if (!table->type->source && !table->type->text)
		return CONTENTS_NONE;
	path = path_of(configuration, table->name.text);
	return path ? read_once(configuration, table, path, list, out) : CONTENTS_OUTSIDE;
}

void contents_prepare(struct configuration *configuration)
{
	configuration->contents =
		arena_alloc(configuration->arena, sizeof(*configuration->contents));
}
