/* Which files a topology gives and what is in them; see files.h. */
#include "confgen/render/files.h"
#include "confgen/derive/view.h"
#include "confgen/render/extra.h"
#include "confgen/render/manifest.h"
#include "confgen/render/templates.h"

#define DMS_CONFIG "docker-data/dms/config/"

/* One row a file; tables come from view_tables(). */
static const struct file_row {
	const char *name, *template;
	enum node_kind kind;
	const char *when; /* key of the view that must say yes; NULL: always */
	mode_t mode;
	const char *install, *owner, *install_mode; /* NULL: it stays in the tree */
} file_rows[] = {
	{"main.cf", "postfix/main.cf", KIND_POSTFIX, NULL, 0644, "/etc/postfix/main.cf",
	 "root:root", "0644"},
	{"master.cf", "postfix/master.cf", KIND_POSTFIX, NULL, 0644, "/etc/postfix/master.cf",
	 "root:root", "0644"},
	{"clients.cidr", "postfix/clients.cidr", KIND_POSTFIX, "limits_by_address", 0644,
	 "/etc/postfix/clients.cidr", "root:root", "0644"},
	{"dovecot-sasl.conf", "postfix/dovecot-sasl.conf", KIND_POSTFIX, "submission", 0644,
	 "/etc/dovecot/dovecot.conf", "root:root", "0644"},
	{"sasl_users", "postfix/sasl_users", KIND_POSTFIX, "submission", 0600,
	 "/etc/dovecot/sasl_users", "root:dovecot", "0640"},
	{"postern-milter.conf", "milter/postern-milter.conf", KIND_POSTFIX, "milter", 0644,
	 "/etc/postern/postern-milter.conf", "root:root", "0644"},
	{"entrypoint", "container/entrypoint", KIND_POSTFIX, "container", 0755,
	 "/etc/postern/entrypoint", "root:root", "0755"},
	{"Dockerfile", "container/Dockerfile", KIND_POSTFIX, "container", 0644, NULL, NULL, NULL},
	{".dockerignore", "container/dockerignore", KIND_POSTFIX, "container", 0644, NULL, NULL,
	 NULL},
	{"compose.yaml", "container/compose.yaml", KIND_POSTFIX, "container", 0644, NULL, NULL,
	 NULL},
	{"kubernetes.yaml", "container/kubernetes.yaml", KIND_POSTFIX, "container", 0644, NULL,
	 NULL, NULL},
	{"postfix-main.cf", "dms/postfix-main.cf", KIND_DMS, NULL, 0644,
	 DMS_CONFIG "postfix-main.cf", "root:root", "0644"},
	{"postfix-master.cf", "dms/postfix-master.cf", KIND_DMS, NULL, 0644,
	 DMS_CONFIG "postfix-master.cf", "root:root", "0644"},
	{"postfix-relaymap.cf", "dms/postfix-relaymap.cf", KIND_DMS, NULL, 0644,
	 DMS_CONFIG "postfix-relaymap.cf", "root:root", "0644"},
	{"postfix-sasl-password.cf", "dms/postfix-sasl-password.cf", KIND_DMS, "has_logins", 0600,
	 DMS_CONFIG "postfix-sasl-password.cf", "root:root", "0600"},
	{"postern-milter.conf", "milter/postern-milter.conf", KIND_DMS, "milter", 0644,
	 "/etc/postern/postern-milter.conf", "root:root", "0644"},
};

struct run {
	struct arena *arena;
	struct templates templates;
	struct rendered_files *out;
	struct diagnostics *list;
	bool failed;
};

static void add_file(struct run *run, struct rendered_file file, const char *template, json_t *data)
{
	struct strbuf text = STRBUF_INIT;

	if (templates_render(&run->templates, template, data, &text) < 0)
		run->failed = true;
	file.text = arena_strndup(run->arena, strbuf_text(&text), text.length);
	file.length = text.length;
	strbuf_done(&text);
	*arena_push(run->arena, run->out) = file;
}

static void render_table(struct run *run, const struct facts *facts, const struct table *table)
{
	const char *type = table_type(facts->node);
	json_t *view = view_of_table(run->arena, facts, table);
	const struct rendered_file file = {
		.path = arena_printf(run->arena, "%s/%s", facts->node->head.name.value,
				     table->name),
		.install = arena_printf(run->arena, "/etc/postfix/%s", table->name),
		.owner = "root:root",
		.mode = table->secret ? 0600 : 0644,
		.install_mode = table->secret ? "0600" : "0644",
		.index = strcmp(type, "texthash") == 0 ? NULL : type,
	};

	add_file(run, file, "postfix/table", view);
	json_decref(view);
}

static void render_tables(struct run *run, const struct facts *facts)
{
	const struct table_list tables = view_tables(run->arena, facts);

	for (size_t i = 0; i < tables.count && facts->node->kind.value == KIND_POSTFIX; i++)
		if (!table_is_inline(facts->node, &tables.items[i]))
			render_table(run, facts, &tables.items[i]);
}

/* The file added last, a main.cf, gets the user's own parameters. */
static void apply_extra(struct run *run, const struct node *node)
{
	struct rendered_file *file = &run->out->items[run->out->count - 1];

	file->text = extra_apply(run->arena, file->text, node, run->list);
	file->length = strlen(file->text);
}

static void render_node(struct run *run, const struct facts *facts)
{
	json_t *view = view_of_node(run->arena, facts);

	for (size_t i = 0; i < sizeof(file_rows) / sizeof(file_rows[0]); i++) {
		const struct file_row *row = &file_rows[i];

		if ((int)row->kind != facts->node->kind.value ||
		    (row->when && json_is_false(json_object_get(view, row->when))))
			continue;
		add_file(run,
			 (struct rendered_file){
				 .path = arena_printf(run->arena, "%s/%s",
						      facts->node->head.name.value, row->name),
				 .install = row->install,
				 .owner = row->owner,
				 .mode = row->mode,
				 .install_mode = row->install_mode,
			 },
			 row->template, view);
		if (strstr(row->name, "main.cf"))
			apply_extra(run, facts->node);
	}
	json_decref(view);
	render_tables(run, facts);
}

static void render_readme(struct run *run, const struct facts *const *facts, size_t count)
{
	json_t *view = manifest_readme(run->arena, facts, count, run->out);

	add_file(run, (struct rendered_file){.path = "README", .mode = 0644}, "readme/README",
		 view);
	json_decref(view);
}

/* The manifest lists itself as well: it says what belongs to the output. */
static void render_manifest(struct run *run, const struct topology *topology,
			    const struct facts *const *facts, size_t count)
{
	struct rendered_file *file = arena_push(run->arena, run->out);

	*file = (struct rendered_file){.path = "manifest.json", .mode = 0644};
	file->text = manifest_text(run->arena, topology, facts, count, run->out);
	file->length = strlen(file->text);
}

int files_render(struct arena *arena, const struct topology *topology,
		 const struct render_options *options, struct rendered_files *out,
		 struct diagnostics *list)
{
	const struct facts **facts = arena_array(arena, topology->nodes.count, sizeof(*facts));
	struct rendered_files files = {0};
	struct run run = {.arena = arena, .out = &files, .list = list};
	size_t count = 0;
	int error = templates_init(&run.templates, arena, options->templates, list);

	if (error)
		return error;
	for (size_t i = 0; i < topology->nodes.count; i++) {
		const struct node *node = &topology->nodes.items[i];

		if (node->kind.value > KIND_DMS ||
		    (options->host && strcmp(options->host, node->head.name.value) != 0))
			continue;
		facts[count] = facts_derive(arena, topology, node);
		render_node(&run, facts[count++]);
	}
	render_readme(&run, facts, count);
	render_manifest(&run, topology, facts, count);
	if (run.failed)
		return -1;
	*out = files;
	return 0;
}
