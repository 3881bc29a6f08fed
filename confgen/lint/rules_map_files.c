/* Files of tables, and what proxymap(8) is allowed; the rows are in rows_maps.h. */
#include "confgen/lint/helpers_maps.h"
#include "confgen/lint/rules.h"

#include <errno.h>
#include <sys/stat.h>

static bool exists(const char *path, struct stat *status)
{
	return stat(path, status) == 0;
}

static const char *index_path(const struct lint *lint, const struct table *table, const char *path)
{
	return arena_printf(lint->arena, "%s%s", path, table->type->index);
}

/*
 * What the folder is known to hold. A folder that is not this host's own may well hold main.cf
 * alone: only one that holds some tables is taken to hold all of them.
 */
struct holdings {
	bool sources, indexes;
};

static const char *path_of(const struct lint *lint, const struct table *table)
{
	if (!table->type || (!table->type->source && !table->type->text) ||
	    table->name.text[0] == '{' || !table->name.length)
		return NULL;
	return configuration_path(lint->configuration, table->name.text);
}

static struct holdings find_holdings(const struct lint *lint, const struct maps_uses *uses)
{
	bool anywhere = lint->configuration->anywhere;
	struct holdings holdings = {anywhere, anywhere};
	struct stat status;

	for (size_t i = 0; i < uses->count; i++) {
		const struct table *table = uses->items[i].table;
		const char *path = path_of(lint, table);

		if (!path)
			continue;
		holdings.sources |= exists(path, &status);
		holdings.indexes |=
			table->type->source && exists(index_path(lint, table, path), &status);
	}
	return holdings;
}

static void check_index(const struct lint *lint, const struct lint_rule *rule,
			const struct maps_use *use, const char *path, const struct stat *source,
			const struct holdings *holdings)
{
	const char *index = index_path(lint, use->table, path);
	const char *command = maps_is_aliases(lint, use->table) ? "newaliases" : "postmap";
	struct stat status;
	bool found = exists(index, &status);

	if (!found && !holdings->indexes)
		return;
	/* copies of files lose their times, so they only count on the host itself */
	if (found && (!lint->permissions || status.st_mtime >= source->st_mtime))
		return;
	lint_report(lint, rule, maps_place(lint, use),
		    found ? "the index '%s' is older than its source: Postfix looks up old entries"
			  : "the index '%s' is missing: Postfix cannot open this table",
		    index);
	if (*command == 'n')
		diagnostics_hint(lint->list, "newaliases");
	else
		diagnostics_hint(lint->list, "postmap %s:%s", use->table->type->name,
				 use->table->name.text);
}

static void check_file(const struct lint *lint, const struct lint_rule *rule,
		       const struct maps_use *use, const struct holdings *holdings)
{
	const struct table_type *type = use->table->type;
	const char *path = path_of(lint, use->table);
	struct stat status;

	if (!path)
		return;
	if (exists(path, &status)) {
		if (type->source)
			check_index(lint, rule, use, path, &status, holdings);
		return;
	}
	/* an index does without its source, if need be */
	if (errno != ENOENT || !holdings->sources ||
	    (type->source && exists(index_path(lint, use->table, path), &status)))
		return;
	lint_report(lint, rule, maps_place(lint, use),
		    "there is no file '%s': Postfix cannot open this table", path);
	diagnostics_hint(lint->list, "make it, if only an empty one%s",
			 type->source ? ", and run postmap" : "");
}

/* Files that Postfix itself writes. */
static bool is_written(const char *name)
{
	static const char *const names[] = {"address_verify_map",
					    "postscreen_cache_map",
					    "smtp_tls_session_cache_database",
					    "smtpd_tls_session_cache_database",
					    "lmtp_tls_session_cache_database",
					    NULL};

	return maps_is_one_of(name, names);
}

void lint_M02(const struct lint *lint, const struct lint_rule *rule)
{
	struct maps_uses uses = maps_all(lint);
	struct holdings holdings = find_holdings(lint, &uses);

	for (size_t i = 0; i < uses.count; i++)
		if (!is_written(uses.items[i].setting->name))
			check_file(lint, rule, &uses.items[i], &holdings);
}

/* Tables whose file says how to reach a database, with a password perhaps. */
static bool is_database(const struct table *table)
{
	static const char *const types[] = {"ldap", "mysql", "pgsql", "mongodb", "memcache", NULL};

	return table->type && maps_is_one_of(table->type->name, types) &&
	       table->name.text[0] == '/';
}

/* The first line of the file that sets a password, or 0. */
static unsigned find_password(const struct lint *lint, const char *path)
{
	static const char *const names[] = {"password", "bind_pw", "dbpassword", NULL};
	struct diagnostics *unheard = diagnostics_new(lint->arena);
	const struct source *source;
	struct main_cf settings;

	if (lines_load(lint->arena, path, path, CONFIGURATION_FILE_LIMIT, unheard, &source) < 0)
		return 0;
	main_cf_parse(lint->arena, source, unheard, &settings);
	for (size_t i = 0; i < settings.count; i++)
		if (maps_is_one_of(settings.items[i]->name.text, names) &&
		    settings.items[i]->value.length)
			return text_position(&settings.items[i]->name).line;
	return 0;
}

void lint_M08(const struct lint *lint, const struct lint_rule *rule)
{
	struct maps_uses uses = maps_all(lint);

	for (size_t i = 0; lint->permissions && i < uses.count; i++) {
		const struct table *table = uses.items[i].table;
		const char *path = is_database(table) ? configuration_path(lint->configuration,
									   table->name.text)
						      : NULL;
		struct stat status;
		unsigned line;

		if (!path || !exists(path, &status) || !(status.st_mode & S_IROTH))
			continue;
		line = find_password(lint, path);
		if (!line)
			continue;
		lint_report(lint, rule, maps_place(lint, &uses.items[i]),
			    "everybody on this host can read the password in '%s', line %u", path,
			    line);
		diagnostics_hint(lint->list, "chgrp postfix %s; chmod 640 %s", path, path);
	}
}

/* The service that looks tables up for others; its options count. */
static struct list allowed(const struct lint *lint, const char *parameter, const char *service)
{
	const struct service *proxy = master_cf_find(&lint->configuration->master, service, "unix");
	const struct value *value = configuration_value(lint->configuration, proxy, parameter);

	return list_split(lint->arena, &value->text);
}

static bool is_allowed(const struct list *list, const struct text *reference)
{
	for (size_t i = 0; i < list->count; i++)
		if (text_equal(&list->items[i].text, reference->text))
			return true;
	return false;
}

static void check_proxied(const struct lint *lint, const struct lint_rule *rule, bool written,
			  const char *parameter, const char *service)
{
	struct maps_uses uses = maps_all(lint);
	struct list list = allowed(lint, parameter, service);

	for (size_t i = 0; i < uses.count; i++) {
		const struct maps_use *use = &uses.items[i];

		if (!maps_is_type(use->table, "proxy") || use->proxied ||
		    is_written(use->setting->name) != written ||
		    is_allowed(&list, &use->table->reference))
			continue;
		/* the table itself is not named: static: may hold a password */
		lint_report(lint, rule, maps_place(lint, use),
			    "proxymap(8) refuses this table of %s: %s does not hold it",
			    use->setting->name, parameter);
		diagnostics_hint(lint->list, "add it to %s, or leave 'proxy:' out", parameter);
	}
}

void lint_M04(const struct lint *lint, const struct lint_rule *rule)
{
	check_proxied(lint, rule, true, "proxy_write_maps", "proxywrite");
}

void lint_M07(const struct lint *lint, const struct lint_rule *rule)
{
	check_proxied(lint, rule, false, "proxy_read_maps", "proxymap");
}
