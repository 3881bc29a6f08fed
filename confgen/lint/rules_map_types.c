/* Types and files of tables; the rows are in rows_maps.h. */
#include "common/suggest.h"
#include "confgen/lint/helpers_maps.h"
#include "confgen/lint/rules.h"

#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>

/* Types that Debian and its kin put into packages of their own. */
static const char *const packaged[] = {"cdb",  "ldap",	"lmdb",	  "mongodb", "mysql",
				       "pcre", "pgsql", "sqlite", NULL};

/* Adds the types that a file such as dynamicmaps.cf lists. */
static bool read_types(const struct lint *lint, const char *path, struct list *types)
{
	struct diagnostics *unheard = diagnostics_new(lint->arena);
	const struct source *source;
	struct line_reader reader;
	struct text line;

	if (lines_load(lint->arena, path, path, CONFIGURATION_FILE_LIMIT, unheard, &source) < 0)
		return false;
	line_reader_init(&reader, lint->arena, source, NULL);
	while (line_reader_next(&reader, &line)) {
		struct list words = list_split(lint->arena, &line);

		if (words.count)
			*arena_push(lint->arena, types) = words.items[0];
	}
	return true;
}

/* The types that are installed, of those in packages; false where nothing tells. */
static bool find_installed(const struct lint *lint, struct list *types)
{
	const char *path = configuration_path(lint->configuration, "/etc/postfix/dynamicmaps.cf");
	const char *folder;
	struct dirent *entry;
	struct stat status;
	DIR *directory;

	if (!path || stat(path, &status) < 0 || !read_types(lint, path, types))
		return false;
	folder = arena_printf(lint->arena, "%s.d", path);
	directory = opendir(folder);
	while (directory && (entry = readdir(directory)))
		if (entry->d_name[0] != '.')
			read_types(lint, arena_printf(lint->arena, "%s/%s", folder, entry->d_name),
				   types);
	if (directory)
		closedir(directory);
	return true;
}

static bool is_listed(const struct list *types, const char *name)
{
	for (size_t i = 0; i < types->count; i++)
		if (text_equal(&types->items[i].text, name))
			return true;
	return false;
}

void lint_M01(const struct lint *lint, const struct lint_rule *rule)
{
	struct maps_uses uses = maps_all(lint);
	struct list installed = {0};

	if (!find_installed(lint, &installed))
		return;
	for (size_t i = 0; i < uses.count; i++) {
		const struct table_type *type = uses.items[i].table->type;

		if (!type || !maps_is_one_of(type->name, packaged) ||
		    is_listed(&installed, type->name))
			continue;
		lint_report(
			lint, rule, maps_place(lint, &uses.items[i]),
			"tables of type '%s' are not installed: dynamicmaps.cf does not list it",
			type->name);
		diagnostics_hint(lint->list, "install the package postfix-%s", type->name);
	}
}

/* Lists in which names without a type are right. */
static bool may_lack_type(const struct syntax_setting *setting)
{
	static const char *const names[] = {"proxy_read_maps", "proxy_write_maps", "alias_database",
					    "sender_based_routing", NULL};

	return setting->kind != PARAMETER_TABLES || maps_is_one_of(setting->name, names);
}

static void check_types(const struct lint *lint, const struct lint_rule *rule,
			const struct syntax_setting *setting)
{
	struct list list = list_split(lint->arena, &setting->value->text);

	for (size_t i = 0; !may_lack_type(setting) && i < list.count; i++) {
		const struct text *item = &list.items[i].text;

		if (list.items[i].kind == LIST_ITEM_TABLE || item->length == 0)
			continue;
		lint_report(lint, rule, syntax_place(lint, setting, item),
			    "a table of %s has no type: Postfix expects TYPE:NAME", setting->name);
		if (item->text[0] == '/')
			diagnostics_hint(lint->list, "hash:%s, or lmdb:%s", item->text, item->text);
		else
			diagnostics_hint(lint->list, "see postconf(5) %s", setting->name);
		if (strstr(setting->name, "password"))
			diagnostics_hide_source(lint->list);
	}
}

/* Whether what the table holds in braces must not be shown. */
static bool is_secret(const struct maps_use *use)
{
	return strstr(use->setting->name, "password") != NULL;
}

static void report_type(const struct lint *lint, const struct lint_rule *rule,
			const struct maps_use *use)
{
	const struct table *table = use->table;
	size_t count;
	const char *const *names = table_type_names(&count);
	const char *near = lint_suggest(lint, table->type_name.text, names, count);

	if (table->type && table->type->since > syntax_version(lint)) {
		lint_report(lint, rule, maps_place(lint, use),
			    "tables of type '%s' are of Postfix %s", table->type->name,
			    syntax_version_text(lint, table->type->since));
		return;
	}
	if (is_secret(use)) {
		lint_report(lint, rule, maps_place(lint, use),
			    "Postfix knows no such type of tables");
		diagnostics_hide_source(lint->list);
	} else {
		lint_report(lint, rule, maps_place(lint, use),
			    "Postfix knows no type '%s' of tables", table->type_name.text);
	}
	if (near)
		diagnostics_hint(lint->list, "did you mean '%s'?", near);
	else
		diagnostics_hint(lint->list, "'postconf -m' lists the types");
}

static void check_braces(const struct lint *lint, const struct lint_rule *rule,
			 const struct maps_use *use)
{
	struct diagnostics *unheard = diagnostics_new(lint->arena);

	if (!is_secret(use)) {
		table_parse(lint->arena, &use->table->reference, lint->list);
		return;
	}
	table_parse(lint->arena, &use->table->reference, unheard);
	if (!diagnostics_count(unheard, SEVERITY_INFO))
		return;
	lint_report(lint, rule, maps_place(lint, use), "a table of %s is written wrong",
		    use->setting->name);
	diagnostics_hint(lint->list, "see DATABASE_README for how tables are written");
	diagnostics_hide_source(lint->list);
}

void lint_M05(const struct lint *lint, const struct lint_rule *rule)
{
	struct maps_uses uses = maps_all(lint);

	syntax_each(lint, rule, check_types);
	for (size_t i = 0; i < uses.count; i++) {
		const struct maps_use *use = &uses.items[i];

		if (!use->table->type || use->table->type->since > syntax_version(lint))
			report_type(lint, rule, use);
		else if (use->table->parts.count || use->table->type->braces)
			check_braces(lint, rule, use);
	}
}

/* Whether tables of the type are of a file by this name. */
static bool is_of_file(const struct table *table)
{
	return table->type && (table->type->source || table->type->text) &&
	       table->name.text[0] != '{';
}

/* $config_directory is the folder as the user wrote it: that may be a relative path. */
static bool is_absolute(const struct lint *lint, const char *path)
{
	const char *folder = lint->configuration->directory;
	size_t length = strlen(folder);

	return path[0] == '/' || (strncmp(path, folder, length) == 0 && path[length] == '/');
}

void lint_M09(const struct lint *lint, const struct lint_rule *rule)
{
	struct maps_uses uses = maps_all(lint);

	for (size_t i = 0; i < uses.count; i++) {
		const struct maps_use *use = &uses.items[i];

		if (!is_of_file(use->table) || !use->table->name.length ||
		    is_absolute(lint, use->table->name.text))
			continue;
		lint_report(lint, rule, maps_place(lint, use),
			    "'%s' is looked for below the queue directory by daemons, and below "
			    "the current one by commands",
			    use->table->name.text);
		diagnostics_hint(lint->list, "%s:$config_directory/%s", use->table->type->name,
				 use->table->name.text);
	}
}

void lint_M11(const struct lint *lint, const struct lint_rule *rule)
{
	static const char *const addresses[] = {"check_sender_access",
						"check_recipient_access",
						"check_sasl_access",
						"check_ccert_access",
						"transport_maps",
						"virtual_alias_maps",
						"virtual_mailbox_maps",
						"canonical_maps",
						"sender_canonical_maps",
						"recipient_bcc_maps",
						"sender_bcc_maps",
						"relay_recipient_maps",
						"header_checks",
						"body_checks",
						"mime_header_checks",
						"nested_header_checks",
						"smtp_header_checks",
						"smtp_body_checks",
						"milter_header_checks",
						"smtpd_sender_login_maps",
						NULL};
	struct maps_uses uses = maps_all(lint);

	for (size_t i = 0; i < uses.count; i++) {
		const struct maps_use *use = &uses.items[i];
		const char *name = use->restriction ? use->restriction->name : use->setting->name;
		bool checks = strstr(name, "_checks") != NULL;

		if (!use->table->type || !maps_is_one_of(name, addresses))
			continue;
		if (maps_is_type(use->table, "cidr")) {
			lint_report(
				lint, rule, maps_place(lint, use),
				"a cidr: table finds nothing here: %s does not look up addresses "
				"of hosts",
				name);
			diagnostics_hint(lint->list, "use it with check_client_access");
		} else if (checks &&
			   (use->table->type->source || maps_is_type(use->table, "texthash"))) {
			lint_report(lint, rule, maps_place(lint, use),
				    "%s looks up whole lines: a table of type '%s' finds none",
				    name, use->table->type->name);
			diagnostics_hint(lint->list, "use pcre:, or regexp:");
		}
	}
}
