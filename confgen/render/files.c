/* Which files a topology gives and what is in them; see files.h. */
#include "confgen/render/files.h"
#include "confgen/derive/view.h"
#include "confgen/render/extra.h"
#include "confgen/render/manifest.h"
#include "confgen/render/templates.h"

#define DMS_CONFIG "docker-data/dms/config/"
#define PIECE	   4096 /* rows of a table that are in memory as JSON */

/* One row a file; tables come from view_tables(). */
static const struct file_row {
	const char *name, *template;
	enum node_kind kind;
	const char *when; /* key of the view, dotted, that must say yes; NULL: always */
	mode_t mode;
	const char *install, *owner, *install_mode; /* NULL: it stays in the tree */
	const char *table;			    /* the table whose rows it holds; NULL: none */
} file_rows[] = {
	{"main.cf", "postfix/main.cf", KIND_POSTFIX, NULL, 0644, "/etc/postfix/main.cf",
	 "root:root", "0644", NULL},
	{"master.cf", "postfix/master.cf", KIND_POSTFIX, NULL, 0644, "/etc/postfix/master.cf",
	 "root:root", "0644", NULL},
	{"clients.cidr", "postfix/clients.cidr", KIND_POSTFIX, "limits_by_address", 0644,
	 "/etc/postfix/clients.cidr", "root:root", "0644", NULL},
	{"dovecot-sasl.conf", "postfix/dovecot-sasl.conf", KIND_POSTFIX, "submission", 0644,
	 "/etc/dovecot/dovecot.conf", "root:root", "0644", NULL},
	{"sasl_users", "postfix/sasl_users", KIND_POSTFIX, "submission", 0600,
	 "/etc/dovecot/sasl_users", "root:dovecot", "0640", NULL},
	{"postern-milter.conf", "milter/postern-milter.conf", KIND_POSTFIX, "milter", 0644,
	 "/etc/postern/postern-milter.conf", "root:root", "0644", NULL},
	{"postern.nft", "firewall/postern.nft", KIND_POSTFIX, "proxied.guarded", 0644,
	 "/etc/postern/postern.nft", "root:root", "0644", NULL},
	{"postern-gate.conf", "gate/postern-gate.conf", KIND_POSTFIX, "proxied.has_gate", 0644,
	 "/etc/postern/postern-gate.conf", "root:root", "0644", NULL},
	{"entrypoint", "container/entrypoint", KIND_POSTFIX, "container", 0755,
	 "/etc/postern/entrypoint", "root:root", "0755", NULL},
	{"Dockerfile", "container/Dockerfile", KIND_POSTFIX, "container", 0644, NULL, NULL, NULL,
	 NULL},
	{".dockerignore", "container/dockerignore", KIND_POSTFIX, "container", 0644, NULL, NULL,
	 NULL, NULL},
	{"compose.yaml", "container/compose.yaml", KIND_POSTFIX, "container", 0644, NULL, NULL,
	 NULL, NULL},
	{"kubernetes.yaml", "container/kubernetes.yaml", KIND_POSTFIX, "container", 0644, NULL,
	 NULL, NULL, NULL},
	{"postfix-main.cf", "dms/postfix-main.cf", KIND_DMS, NULL, 0644,
	 DMS_CONFIG "postfix-main.cf", "root:root", "0644", NULL},
	{"postfix-master.cf", "dms/postfix-master.cf", KIND_DMS, NULL, 0644,
	 DMS_CONFIG "postfix-master.cf", "root:root", "0644", NULL},
	{"postfix-relaymap.cf", "dms/postfix-relaymap.cf", KIND_DMS, NULL, 0644,
	 DMS_CONFIG "postfix-relaymap.cf", "root:root", "0644", "relayhosts"},
	{"postfix-sasl-password.cf", "dms/postfix-sasl-password.cf", KIND_DMS, "has_logins", 0600,
	 DMS_CONFIG "postfix-sasl-password.cf", "root:root", "0600", "sasl_passwd"},
	{"compose.egress.yaml", "dms/compose.egress.yaml", KIND_DMS, "bridge_egress", 0644,
	 "docker-data/dms/compose.egress.yaml", "root:root", "0644", NULL},
	{"postern-milter.conf", "milter/postern-milter.conf", KIND_DMS, "milter", 0644,
	 "/etc/postern/postern-milter.conf", "root:root", "0644", NULL},
	{"user-patches.sh", "dms/user-patches", KIND_DMS, "behind_proxy", 0755,
	 DMS_CONFIG "user-patches.sh", "root:root", "0755", NULL},
	{"postern-gate.conf", "gate/postern-gate.conf", KIND_DMS, "proxied.has_gate", 0644,
	 DMS_CONFIG "postern-gate.conf", "root:root", "0644", NULL},
	{"dovecot.cf", "dms/dovecot.cf", KIND_DMS, "proxied.dovecot", 0644, DMS_CONFIG "dovecot.cf",
	 "root:root", "0644", NULL},
	{"postern.nft", "firewall/postern.nft", KIND_DMS, "proxied.guarded", 0644,
	 DMS_CONFIG "postern.nft", "root:root", "0644", NULL},
	{"haproxy.cfg", "proxy/haproxy.cfg", KIND_PROXY, "proxy.haproxy", 0644,
	 "/etc/haproxy/haproxy.cfg", "root:root", "0644", NULL},
	{"nginx.conf", "proxy/nginx.conf", KIND_PROXY, "proxy.nginx", 0644, "/etc/nginx/nginx.conf",
	 "root:root", "0644", NULL},
	{"compose.yaml", "proxy/compose.yaml", KIND_PROXY, "proxy.in_container", 0644,
	 "compose.yaml", "root:root", "0644", NULL},
	{"traefik.yaml", "proxy/traefik.yaml", KIND_PROXY, "proxy.traefik", 0644,
	 "docker-data/traefik/traefik.yaml", "root:root", "0644", NULL},
	{"dynamic.yaml", "proxy/dynamic.yaml", KIND_PROXY, "proxy.has_hosts", 0644,
	 "docker-data/traefik/dynamic.yaml", "root:root", "0644", NULL},
	{"caddy.json", "proxy/caddy.json", KIND_PROXY, "proxy.caddy", 0644,
	 "docker-data/caddy/caddy.json", "root:root", "0644", NULL},
	{"Dockerfile", "proxy/caddy.Dockerfile", KIND_PROXY, "proxy.caddy", 0644,
	 "docker-data/caddy/Dockerfile", "root:root", "0644", NULL},
};

struct run {
	struct arena *arena;
	struct templates templates;
	struct manifest manifest;
	struct rendered_files *out;
	struct diagnostics *list;
	bool failed;
};

static void add_file(struct run *run, struct rendered_file file, struct strbuf *text)
{
	char *taken;

	file.length = text->length;
	taken = strbuf_take(text);
	arena_adopt(run->arena, taken);
	file.text = taken;
	*arena_push(run->arena, run->out) = file;
}

static void fill(struct run *run, struct rendered_file file, const char *template, json_t *data)
{
	struct strbuf text = STRBUF_INIT;

	run->failed |= templates_render(&run->templates, template, data, &text) < 0;
	add_file(run, file, &text);
}

/* A table can have 100,000 rows, so it becomes JSON and text piece by piece. */
static void fill_table(struct run *run, struct arena *scratch, const struct facts *facts,
		       struct rendered_file file, const char *template, const struct table *table)
{
	struct strbuf text = STRBUF_INIT;
	size_t begin = 0;

	do {
		size_t left = table->rows->count - begin,
		       end = begin + (left < PIECE ? left : PIECE);
		json_t *view = view_of_table(scratch, facts, table, begin, end);

		run->failed |= templates_render(&run->templates, template, view, &text) < 0;
		json_decref(view);
		begin = end;
	} while (begin < table->rows->count && !run->failed);
	add_file(run, file, &text);
}

static void render_tables(struct run *run, struct arena *scratch, const struct facts *facts,
			  const struct table_list *tables)
{
	const char *node = facts->node->head.name.value;

	for (size_t i = 0; i < tables->count; i++) {
		const struct table *table = &tables->items[i];
		struct rendered_file file = {
			.path = arena_printf(run->arena, "%s/%s", node, table->name),
			.install = arena_printf(run->arena, "/etc/postfix/%s", table->name),
			.owner = "root:root",
			.mode = table->secret ? 0600 : 0644,
			.install_mode = table->secret ? "0600" : "0644",
			.index = table_is_indexed(facts->node, table)
					 ? table_type(facts->node, table)
					 : NULL,
		};

		if (!table_is_inline(facts->node, table))
			fill_table(run, scratch, facts, file, "postfix/table", table);
	}
}

static const struct table *find_table(const struct table_list *tables, const char *name)
{
	static const struct entry_list no_rows;
	static const struct table none = {"", "", false, &no_rows, false};

	for (size_t i = 0; i < tables->count; i++)
		if (strcmp(tables->items[i].name, name) == 0)
			return &tables->items[i];
	return &none;
}

/* Whether the view says yes, in a template's sense, to a dotted key. */
static bool says_yes(struct arena *arena, json_t *view, const char *key)
{
	size_t length = strcspn(key, ".");
	json_t *value = json_object_get(view, arena_strndup(arena, key, length));

	if (key[length])
		return json_is_object(value) && says_yes(arena, value, key + length + 1);
	return !json_is_false(value) && !(json_is_array(value) && json_array_size(value) == 0);
}

/* The file added last, a main.cf, gets the user's own parameters. */
static void apply_extra(struct run *run, const struct node *node)
{
	struct rendered_file *file = &run->out->items[run->out->count - 1];

	file->text = extra_apply(run->arena, file->text, node, run->list);
	file->length = strlen(file->text);
}

static void render_files(struct run *run, struct arena *scratch, const struct facts *facts,
			 json_t *view)
{
	const char *node = facts->node->head.name.value;
	const struct table_list tables = view_tables(scratch, facts);

	for (size_t i = 0; i < sizeof(file_rows) / sizeof(file_rows[0]); i++) {
		const struct file_row *row = &file_rows[i];
		struct rendered_file file = {
			.path = arena_printf(run->arena, "%s/%s", node, row->name),
			.install = row->install,
			.owner = row->owner,
			.mode = row->mode,
			.install_mode = row->install_mode,
		};

		if ((int)row->kind != facts->node->kind.value ||
		    (row->when && !says_yes(scratch, view, row->when)))
			continue;
		if (row->table)
			fill_table(run, scratch, facts, file, row->template,
				   find_table(&tables, row->table));
		else
			fill(run, file, row->template, view);
		if (strstr(row->name, "main.cf"))
			apply_extra(run, facts->node);
		else if (strstr(row->name, "master.cf") || strstr(row->name, "user-patches"))
			extra_compare(scratch, run->out->items[run->out->count - 1].text,
				      facts->node, run->list);
	}
	if (facts->node->kind.value == KIND_POSTFIX)
		render_tables(run, scratch, facts, &tables);
}

/* Facts of many domains are large: those of a node go when its files are there. */
static void render_node(struct run *run, const struct topology *topology, const struct node *node)
{
	struct arena *scratch = arena_new(0);
	const struct facts *facts = facts_derive(scratch, topology, node);
	json_t *view = view_of_node(scratch, facts);

	render_files(run, scratch, facts, view);
	manifest_add_host(&run->manifest, facts, view, run->out);
	json_decref(view);
	arena_free(scratch);
}

static void render_readme(struct run *run)
{
	json_t *view = manifest_readme(&run->manifest);

	fill(run, (struct rendered_file){.path = "README", .mode = 0644}, "readme/README", view);
	json_decref(view);
}

static void add_text(struct run *run, const char *path, const char *text)
{
	*arena_push(run->arena, run->out) = (struct rendered_file){
		.path = path, .mode = 0644, .text = text, .length = strlen(text)};
}

/* The manifest lists itself as well: it says what belongs to the output. */
static void render_manifest(struct run *run, const struct topology *topology)
{
	size_t last;

	add_text(run, "domains.json", manifest_domains(run->arena, topology));
	add_text(run, "manifest.json", "");
	last = run->out->count - 1;
	run->out->items[last].text = manifest_text(run->arena, &run->manifest, topology, run->out);
	run->out->items[last].length = strlen(run->out->items[last].text);
}

int files_render(struct arena *arena, const struct topology *topology,
		 const struct render_options *options, struct rendered_files *out,
		 struct diagnostics *list)
{
	struct rendered_files files = {0};
	struct run run = {.arena = arena, .out = &files, .list = list};
	int error = templates_init(&run.templates, arena, options->templates, list);

	if (error)
		return error;
	manifest_init(&run.manifest);
	for (size_t i = 0; i < topology->nodes.count; i++) {
		const struct node *node = &topology->nodes.items[i];

		if (!facts_has(node) ||
		    (options->host && strcmp(options->host, node->head.name.value) != 0))
			manifest_add_node(&run.manifest, node, &files);
		else
			render_node(&run, topology, node);
	}
	render_readme(&run);
	render_manifest(&run, topology);
	manifest_done(&run.manifest);
	if (run.failed)
		return -1;
	*out = files;
	return 0;
}
