/*
 * compose.yaml: the environment of containers whose image makes parameters of it, and the files
 * that they have mapped to where Postfix, or docker-mailserver, reads them.
 */
#include "common/file.h"
#include "confgen/lint/made.h"
#include "confgen/lint/redact.h"
#include "confgen/lint/suppress.h"
#include "confgen/lint/target.h"
#include "confgen/yaml/tree.h"

#include <sys/stat.h>
#include <unistd.h>

#define LARGEST_COMPOSE	  ((size_t)4 << 20)
#define PARAMETER_PREFIX  "POSTFIX_"
#define OVERRIDES	  "/tmp/docker-mailserver"
#define POSTFIX		  "/etc/postfix"
#define CONTAINER_DEFAULT "127.0.0.0/8 [::1]/128"

struct compose {
	struct arena *arena;
	const char *folder; /* of the file */
	const struct target_options *options;
	struct diagnostics *list;
	bool judged;
};

enum image { IMAGE_OTHER, IMAGE_DMS, IMAGE_RELAY };

/* What an image makes of a variable; `value` NULL: the variable's own. */
struct variable {
	enum image image;
	const char *name, *when; /* only for this value; NULL: any */
	const char *parameter, *value;
};

static const struct variable variables[] = {
	{IMAGE_DMS, "OVERRIDE_HOSTNAME", NULL, "myhostname", NULL},
	{IMAGE_DMS, "DEFAULT_RELAY_HOST", NULL, "relayhost", NULL},
	{IMAGE_DMS, "POSTFIX_INET_PROTOCOLS", NULL, "inet_protocols", NULL},
	{IMAGE_DMS, "POSTFIX_MAILBOX_SIZE_LIMIT", NULL, "mailbox_size_limit", NULL},
	{IMAGE_DMS, "POSTFIX_MESSAGE_SIZE_LIMIT", NULL, "message_size_limit", NULL},
	{IMAGE_DMS, "PERMIT_DOCKER", "network", "mynetworks", CONTAINER_DEFAULT " 172.16.0.0/12"},
	{IMAGE_RELAY, "HOSTNAME", NULL, "myhostname", NULL},
	{IMAGE_RELAY, "RELAYHOST", NULL, "relayhost", NULL},
	{IMAGE_RELAY, "RELAYHOST_TLS_LEVEL", NULL, "smtp_tls_security_level", NULL},
	{IMAGE_RELAY, "MYNETWORKS", NULL, "mynetworks", NULL},
	{IMAGE_RELAY, "MESSAGE_SIZE_LIMIT", NULL, "message_size_limit", NULL},
	{IMAGE_RELAY, "MASQUERADED_DOMAINS", NULL, "masquerade_domains", NULL},
};

static const struct yaml_node *get(const struct yaml_node *node, const char *key)
{
	for (size_t i = 0; node && node->kind == YAML_MAPPING && i < node->count; i++)
		if (strcmp(node->pairs[i].key, key) == 0)
			return node->pairs[i].value;
	return NULL;
}

static const char *text_of(const struct yaml_node *node)
{
	return node && node->kind == YAML_SCALAR ? node->text : "";
}

static enum image image_of(const struct yaml_node *service)
{
	static const struct {
		const char *part;
		enum image image;
	} rows[] = {
		{"docker-mailserver", IMAGE_DMS}, {"tvial/docker-mailserver", IMAGE_DMS},
		{"boky/postfix", IMAGE_RELAY},	  {"bokysan/docker-postfix", IMAGE_RELAY},
		{"bokysan/postfix", IMAGE_RELAY},
	};
	const char *name = text_of(get(service, "image"));

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (strstr(name, rows[i].part))
			return rows[i].image;
	return IMAGE_OTHER;
}

/* The value as the container sees it; NULL where that depends on the host: ${NAME}. */
static const char *interpolate(struct arena *arena, const char *value)
{
	char *out = arena_strdup(arena, value), *put = out;

	for (const char *at = value; *at; at++) {
		if (*at == '$' && at[1] != '$')
			return NULL;
		if (*at == '$')
			at++;
		*put++ = *at;
	}
	*put = '\0';
	return out;
}

static void set_parameter(struct made_text *made, const char *name, const char *value,
			  struct position at)
{
	/* a name that is none would be taken for the end of the line, or for another line */
	if (*name && name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				       "0123456789_")] == '\0')
		made_add(made, at, "%s = %s", name, value);
}

/* A variable, with the place of its value. */
static void add_variable(struct made_text *made, enum image image, const char *name,
			 const char *raw, struct position at)
{
	const char *value = interpolate(made->arena, raw);
	size_t prefix = strlen(PARAMETER_PREFIX);

	if (!value || !*value)
		return;
	for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++) {
		const struct variable *row = &variables[i];

		if (row->image == image && strcmp(row->name, name) == 0 &&
		    (!row->when || strcmp(row->when, value) == 0)) {
			set_parameter(made, row->parameter, row->value ? row->value : value, at);
			return;
		}
	}
	if (image == IMAGE_RELAY && strncmp(name, PARAMETER_PREFIX, prefix) == 0)
		set_parameter(made, name + prefix, value, at);
}

/* "NAME=VALUE", an item of a list or a line of a file. */
static void add_assignment(struct made_text *made, enum image image, const char *text,
			   struct position at)
{
	const char *equals = strchr(text, '=');

	if (equals)
		add_variable(made, image, arena_strndup(made->arena, text, (size_t)(equals - text)),
			     equals + 1, at);
}

/* A path that the compose file names; NULL unless it is below the folder of the file. */
static const char *path_of(const struct compose *compose, const char *name)
{
	size_t length;
	char *path;

	if (*name == '/' || *name == '~' || strchr(name, '$'))
		return NULL;
	while (strncmp(name, "./", 2) == 0)
		name += 2;
	path = strcmp(compose->folder, ".") == 0
		       ? arena_strdup(compose->arena, name)
		       : arena_printf(compose->arena, "%s/%s", compose->folder, name);
	for (length = strlen(path); length > 1 && path[length - 1] == '/'; length--)
		path[length - 1] = '\0';
	return file_is_below(compose->folder, path) ? path : NULL;
}

static void read_env_file(const struct compose *compose, const char *name, enum image image,
			  struct made_text *made)
{
	const char *path = path_of(compose, name);
	const struct source *source;
	unsigned line = 0;

	if (!path || lines_load(compose->arena, path, path, CONFIGURATION_FILE_LIMIT, compose->list,
				&source) < 0)
		return;
	for (const char *at = source->text, *end = at + source->length; at < end;) {
		const char *feed = memchr(at, '\n', (size_t)(end - at));
		size_t length = feed ? (size_t)(feed - at) : (size_t)(end - at);
		struct position position = {source, ++line, 1};
		char *text = arena_strndup(compose->arena, at, length);

		text[strcspn(text, "\r")] = '\0';
		if (*text != '#')
			add_assignment(made, image, text, position);
		at += length + 1;
	}
}

static void read_environment(const struct compose *compose, const struct yaml_node *service,
			     enum image image, struct made_text *made)
{
	const struct yaml_node *environment = get(service, "environment");
	const struct yaml_node *files = get(service, "env_file");
	const struct yaml_node *hostname = get(service, "hostname");

	if (hostname && hostname->kind == YAML_SCALAR && strchr(hostname->text, '.'))
		add_variable(made, image, image == IMAGE_DMS ? "OVERRIDE_HOSTNAME" : "HOSTNAME",
			     hostname->text, hostname->at);
	if (files && files->kind == YAML_SCALAR)
		read_env_file(compose, files->text, image, made);
	for (size_t i = 0; files && files->kind == YAML_SEQUENCE && i < files->count; i++)
		read_env_file(compose, text_of(files->items[i]), image, made);
	for (size_t i = 0; environment && i < environment->count; i++)
		if (environment->kind == YAML_MAPPING)
			add_variable(made, image, environment->pairs[i].key,
				     text_of(environment->pairs[i].value),
				     environment->pairs[i].value->at);
		else
			add_assignment(made, image, text_of(environment->items[i]),
				       environment->items[i]->at);
}

/* What is mapped to `where` in the container; the rest of the target behind `where` is dropped. */
static void judge_mapped(struct compose *compose, const char *from, const char *to)
{
	const char *path = path_of(compose, from);
	size_t overrides = strlen(OVERRIDES), postfix = strlen(POSTFIX);
	struct stat status;

	if (!path || stat(path, &status) < 0)
		return;
	if (strncmp(to, OVERRIDES, overrides) == 0 && strchr("/", to[overrides]) &&
	    S_ISDIR(status.st_mode))
		compose->judged =
			target_overrides(compose->arena, path, compose->options, compose->list) ||
			compose->judged;
	if (strcmp(to, POSTFIX) == 0 || strcmp(to, POSTFIX "/") == 0 ||
	    (strncmp(to, POSTFIX, postfix) == 0 &&
	     (strcmp(to + postfix, "/main.cf") == 0 || strcmp(to + postfix, "/master.cf") == 0)))
		compose->judged = target_configuration(compose->arena,
						       configuration_load(compose->arena, path,
									  compose->options->release,
									  compose->list),
						       compose->options, compose->list) ||
				  compose->judged;
}

static void read_volumes(struct compose *compose, const struct yaml_node *service)
{
	const struct yaml_node *volumes = get(service, "volumes");

	for (size_t i = 0; volumes && volumes->kind == YAML_SEQUENCE && i < volumes->count; i++) {
		const struct yaml_node *item = volumes->items[i];
		char *from, *to;

		if (item->kind == YAML_MAPPING) {
			judge_mapped(compose, text_of(get(item, "source")),
				     text_of(get(item, "target")));
			continue;
		}
		from = arena_strdup(compose->arena, text_of(item));
		to = strchr(from, ':');
		if (!to)
			continue;
		*to++ = '\0';
		to[strcspn(to, ":")] = '\0';
		judge_mapped(compose, from, to);
	}
}

/* Images keep no defaults of Postfix 2, but say so in a main.cf that is not here. */
static void add_level(struct made_text *made)
{
	static const char setting[] = "compatibility_level =";
	const char *text = strbuf_text(&made->buf);

	if (strncmp(text, setting, strlen(setting)) != 0 &&
	    !strstr(text, "\ncompatibility_level ="))
		made_add(made, (struct position){0}, "%s 3.6", setting);
}

static void judge_environment(struct compose *compose, const struct yaml_node *service,
			      enum image image)
{
	struct diagnostics *found = diagnostics_new(compose->arena);
	struct made_text *made = arena_alloc(compose->arena, sizeof(*made));
	struct configuration *configuration;
	struct lint lint = {.arena = compose->arena, .list = found};

	made_init(made, compose->arena, "main.cf");
	read_environment(compose, service, image, made);
	add_level(made);
	configuration = configuration_new(compose->arena, made_source(made), NULL,
					  compose->options->release, found);
	if (configuration) {
		configuration->find_file = made_no_file;
		lint.configuration = configuration;
		lint_run(&lint);
		compose->judged = true;
	}
	made_relocate(made, NULL, found);
	diagnostics_append(compose->list, found);
}

static struct yaml_node *load(struct arena *arena, const char *path, struct diagnostics *list,
			      const struct source **source)
{
	if (lines_load(arena, path, path, LARGEST_COMPOSE, list, source) < 0)
		return NULL;
	return yaml_parse(arena, *source, list);
}

bool target_compose(struct arena *arena, const char *path, const struct target_options *options,
		    struct diagnostics *list)
{
	const char *slash = strrchr(path, '/');
	struct compose compose = {arena,
				  slash ? arena_strndup(arena, path, (size_t)(slash - path)) : ".",
				  options, list, false};
	const struct source *source = NULL;
	const struct yaml_node *root = load(arena, path, list, &source);
	const struct yaml_node *services = get(root, "services");

	for (size_t i = 0; services && services->kind == YAML_MAPPING && i < services->count; i++) {
		const struct yaml_node *service = services->pairs[i].value;
		enum image image = image_of(service);

		read_volumes(&compose, service);
		if (image != IMAGE_OTHER)
			judge_environment(&compose, service, image);
	}
	if (root && !compose.judged) {
		diagnostics_add(list, SEVERITY_ERROR, RULE_FILE_READ,
				(struct position){source, 0, 0},
				"no service here has Postfix's files, or an image that is known");
		diagnostics_hint(list, "known are docker-mailserver and boky/postfix");
	}
	redact_findings(arena, list);
	suppress_findings(arena, &source, 1, options->release, list);
	return compose.judged;
}
