/*
 * Gives the settings of postern-milter.conf their meaning, by a table with a row for each, and
 * checks what depends on several of them; see config.h.
 */
#include "milter/config_reader.h"
#include "common/config_value.h"
#include "milter/service_socket.h"
#include "milter/verifier.h"

#define DEFAULT_PATH  "/var/spool/postfix/postern/milter.sock"
#define DEFAULT_GROUP "postfix"
#define DEFAULT_USER  "postern"

void words_add(struct reader *reader, const struct setting *setting, struct words *words)
{
	if (setting->first)
		words->count = 0;
	if (!setting->value)
		return;
	words->items = arena_grow(reader->arena, words->items, words->count, sizeof(*words->items));
	words->items[words->count++] = setting->value;
}

bool networks_add(struct reader *reader, const struct setting *setting, struct networks *networks)
{
	struct ip_network network;

	if (setting->first)
		networks->count = 0;
	if (!setting->value || !network_read(setting, reader->list, &network))
		return false;
	networks->items = arena_grow(reader->arena, networks->items, networks->count,
				     sizeof(*networks->items));
	networks->items[networks->count++] = network;
	return true;
}

static void set_socket(struct reader *reader, const struct setting *setting,
		       struct subject *subject)
{
	(void)subject;
	socket_address_read(reader->arena, setting, reader->list, &reader->config->socket,
			    &reader->config->socket_path);
}

static void set_socket_mode(struct reader *reader, const struct setting *setting,
			    struct subject *subject)
{
	(void)subject;
	reader->mode_at = setting->at;
	mode_read(setting, reader->list, &reader->config->socket_mode);
}

static void set_socket_group(struct reader *reader, const struct setting *setting,
			     struct subject *subject)
{
	(void)subject;
	reader->group = setting->value;
	reader->group_at = setting->at;
}

static void set_user(struct reader *reader, const struct setting *setting, struct subject *subject)
{
	(void)subject;
	reader->config->user = setting->value;
	reader->user_at = setting->at;
}

static void set_log(struct reader *reader, const struct setting *setting, struct subject *subject)
{
	static const char *const words[] = {"syslog", "stderr"};
	unsigned index;

	(void)subject;
	if (word_read(setting, words, 2, reader->list, &index))
		reader->config->log = index == 0 ? LOG_TO_SYSLOG : LOG_TO_STDERR;
}

static void set_log_format(struct reader *reader, const struct setting *setting,
			   struct subject *subject)
{
	static const char *const words[] = {"text", "json"};
	unsigned index;

	(void)subject;
	if (word_read(setting, words, 2, reader->list, &index))
		reader->config->log_json = index == 1;
}

static void add_internal(struct reader *reader, const struct setting *setting,
			 struct subject *subject)
{
	struct networks *networks = &reader->config->internal;

	(void)subject;
	if (networks_add(reader, setting, networks) &&
	    networks->items[networks->count - 1].prefix == 0)
		caution(reader, setting->at,
			"%s is every address there is: all mail from anywhere would be signed",
			setting->value);
}

static void add_relay_user(struct reader *reader, const struct setting *setting,
			   struct subject *subject)
{
	(void)subject;
	words_add(reader, setting, &reader->config->relay_users);
}

static void set_several_authors(struct reader *reader, const struct setting *setting,
				struct subject *subject)
{
	static const char *const words[] = {"defer", "reject"};
	unsigned index;

	(void)subject;
	if (word_read(setting, words, 2, reader->list, &index))
		reader->config->several_authors_reject = index == 1;
}

static void set_engine(struct reader *reader, const struct setting *setting,
		       struct subject *subject)
{
	static const char *const words[] = {"openssl", "opendkim"};
	unsigned index;

	(void)subject;
	if (word_read(setting, words, 2, reader->list, &index))
		reader->config->engine = index == 0 ? ENGINE_OPENSSL : ENGINE_OPENDKIM;
}

static void set_key_folder(struct reader *reader, const struct setting *setting,
			   struct subject *subject)
{
	(void)subject;
	reader->config->key_folder_at = setting->at;
	if (setting->value[0] == '/')
		reader->config->key_folder = setting->value;
	else
		mistake(reader, setting->at, "key_folder '%s' is not an absolute path",
			setting->value);
}

static void set_key_folder_selector(struct reader *reader, const struct setting *setting,
				    struct subject *subject)
{
	(void)subject;
	if (is_domain_name(setting->value))
		reader->config->key_folder_selector = setting->value;
	else
		mistake(reader, setting->at,
			"'%s' is no selector: letters, digits and '-' in parts joined by '.'",
			setting->value);
}

static void set_binding_default(struct reader *reader, const struct setting *setting,
				struct subject *subject)
{
	static const char *const words[] = {"allow", "deny"};
	unsigned index;

	(void)subject;
	if (word_read(setting, words, 2, reader->list, &index))
		reader->config->binding_default_deny = index == 1;
}

static void set_policy_socket(struct reader *reader, const struct setting *setting,
			      struct subject *subject)
{
	const char *path;

	(void)subject;
	reader->policy_at = setting->at;
	socket_address_read(reader->arena, setting, reader->list, &reader->config->policy_socket,
			    &path);
}

/* The pages have no access control, and tell who signs for which domains. */
static void set_http(struct reader *reader, const struct setting *setting, struct subject *subject)
{
	const char *name, *path;

	(void)subject;
	reader->http_at = setting->at;
	if (!socket_address_read(reader->arena, setting, reader->list, &name, &path))
		return;
	if (service_socket_is_valid(name, true)) {
		reader->config->http = name;
		return;
	}
	mistake(reader, setting->at, "%s '%s' is not on this host alone", setting->name,
		setting->value);
	diagnostics_hint(reader->list, "inet:PORT@127.0.0.1, inet6:PORT@::1 or unix:PATH");
}

static void set_authserv_id(struct reader *reader, const struct setting *setting,
			    struct subject *subject)
{
	(void)subject;
	reader->config->authserv_id =
		domain_read(reader->arena, setting->value, setting->at, reader->list);
}

static void add_dns_server(struct reader *reader, const struct setting *setting,
			   struct subject *subject)
{
	(void)subject;
	if (!setting->value || server_address_check(setting, reader->list))
		words_add(reader, setting, &reader->config->dns_servers);
}

static void set_dns_timeout(struct reader *reader, const struct setting *setting,
			    struct subject *subject)
{
	uint64_t seconds;

	(void)subject;
	if (!duration_read(setting, reader->list, &seconds))
		return;
	if (seconds >= 1 && seconds <= VERIFIER_MOST_DNS_SECONDS)
		reader->config->dns_seconds = (unsigned)seconds;
	else
		mistake(reader, setting->at, "%s '%s' is not from 1s to %ds", setting->name,
			setting->value, VERIFIER_MOST_DNS_SECONDS);
}

static void set_most_signatures(struct reader *reader, const struct setting *setting,
				struct subject *subject)
{
	const char *text = setting->value;
	unsigned long number = strtoul(text, NULL, 10);

	(void)subject;
	if (strspn(text, "0123456789") == strlen(text) && number >= 1 &&
	    number <= VERIFIER_MOST_SIGNATURES)
		reader->config->verify_signatures_most = (unsigned)number;
	else
		mistake(reader, setting->at, "%s '%s' is not a number from 1 to %d", setting->name,
			text, VERIFIER_MOST_SIGNATURES);
}

static void set_version(struct reader *reader, const struct setting *setting,
			struct subject *subject)
{
	(void)subject;
	version_read(setting, reader->list);
}

static const struct row rows[] = {
	{"postern", ONE, set_version},
	{"socket", ONE, set_socket},
	{"socket_mode", ONE, set_socket_mode},
	{"socket_group", ONE, set_socket_group},
	{"user", ONE, set_user},
	{"log", ONE, set_log},
	{"log_format", ONE, set_log_format},
	{"internal_networks", MANY, add_internal},
	{"relay_users", MANY, add_relay_user},
	{"several_authors", ONE, set_several_authors},
	{"engine", ONE, set_engine},
	{"canonicalization", ONE, set_canonicalization},
	{"signed_headers", MANY, add_signed_field},
	{"oversigned_headers", MANY, add_oversigned_field},
	{"signature_lifetime", ONE, set_lifetime},
	{"key_folder", ONE, set_key_folder},
	{"key_folder_selector", ONE, set_key_folder_selector},
	{"sender_binding_default", ONE, set_binding_default},
	{"policy_socket", ONE, set_policy_socket},
	{"http", ONE, set_http},
	{"authserv_id", ONE, set_authserv_id},
	{"dns_servers", MANY, add_dns_server},
	{"dns_timeout", ONE, set_dns_timeout},
	{"verify_signatures_most", ONE, set_most_signatures},
	{NULL, ONE, NULL},
};

/* The kinds of section: their rows, and what begins one. */
static const struct {
	const char *name, *parent;
	const struct row *rows;
	bool (*begin)(struct reader *reader, const struct section *section);
} kinds[] = {
	{"domain", NULL, domain_rows, domain_begin},
	{"key", "domain", key_rows, key_begin},
	{"listener", NULL, listener_rows, listener_begin},
	{"sender_binding", NULL, binding_rows, binding_begin},
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

static const char **names_of(struct arena *arena, const struct row *table)
{
	size_t count = 0;
	const char **names;

	while (table[count].name)
		count++;
	names = arena_array(arena, count + 1, sizeof(*names));
	for (size_t i = 0; i < count; i++)
		names[i] = table[i].name;
	return names;
}

static size_t kind_of(const struct section *section)
{
	for (size_t i = 0; i < KINDS; i++)
		if (strcmp(kinds[i].name, section->kind->name) == 0)
			return i;
	return KINDS;
}

static const struct row *find_row(const struct setting *setting)
{
	const struct row *table = setting->section ? kinds[kind_of(setting->section)].rows : rows;

	for (; table->name; table++)
		if (strcmp(table->name, setting->name) == 0)
			return table;
	return NULL; /* an unknown name, reported already */
}

static void apply(struct reader *reader, const struct settings *settings, size_t index,
		  const bool *skipped)
{
	const struct setting *setting = &settings->items[index];
	const struct row *row = find_row(setting);
	struct subject *subject =
		setting->section ? &reader->subjects[setting->section->number] : NULL;

	if (!row || (setting->section && skipped[setting->section->number]))
		return;
	if (setting->first && settings_given_before(settings, index))
		mistake(reader, setting->at, "%s is given twice", setting->name);
	else if (row->arity == ONE && (!setting->first || !setting->value))
		mistake(reader, setting->at, "%s takes one value", setting->name);
	else
		row->set(reader, setting, subject);
}

static void apply_all(struct reader *reader, const struct settings *settings)
{
	const struct sections *sections = &settings->sections;
	bool *skipped = arena_array(reader->arena, sections->count + 1, sizeof(*skipped));

	reader->sections = sections->items;
	reader->section_count = sections->count;
	reader->plain_domains = name_map_new(reader->arena, 0);
	reader->wild_domains = name_map_new(reader->arena, 0);
	reader->left_out = sections->left_out;
	reader->subjects =
		arena_array(reader->arena, sections->count + 1, sizeof(*reader->subjects));
	for (size_t i = 0; i < sections->count; i++) {
		const struct section *section = sections->items[i];

		skipped[i] = (section->parent && skipped[section->parent->number]) ||
			     !kinds[kind_of(section)].begin(reader, section);
	}
	for (size_t i = 0; i < settings->count; i++)
		apply(reader, settings, i, skipped);
}

/* In a file that was not read to its end, what is not given may stand there yet. */
static void check_access(struct reader *reader, bool complete)
{
	struct config *config = reader->config;

	if (config->socket_path && (complete || reader->group_at.line))
		group_find(reader->group, reader->group_at, reader->list, &config->socket_group);
	if (complete || reader->user_at.line)
		user_find(config->user, reader->user_at, reader->list, &config->uid, &config->gid);
	if (config->socket_path && (config->socket_mode & 02))
		caution(reader, reader->mode_at,
			"any local user can reach the socket, and have any mail signed");
}

static void check_sockets(struct reader *reader)
{
	const struct config *config = reader->config;
	const char *policy = config->policy_socket, *http = config->http;

	if (policy && strcmp(policy, config->socket) == 0)
		mistake(reader, reader->policy_at, "policy_socket is the milter's own socket");
	if (http && strcmp(http, config->socket) == 0)
		mistake(reader, reader->http_at, "http is the milter's own socket");
	if (http && policy && strcmp(http, policy) == 0)
		mistake(reader, reader->http_at, "http is the socket of the policy service");
}

static void set_defaults(struct arena *arena, struct config *config)
{
	*config = (struct config){
		.socket = "unix:" DEFAULT_PATH,
		.socket_path = DEFAULT_PATH,
		.socket_mode = 0660,
		.socket_group = (gid_t)-1,
		.user = DEFAULT_USER,
		.log = LOG_TO_SYSLOG,
		.key_folder_selector = "mail",
		.verify_signatures_most = VERIFIER_SIGNATURES,
		.dns_seconds = VERIFIER_DNS_SECONDS,
		.exact = name_map_new(arena, 16),
		.below = name_map_new(arena, 16),
		.kept_fields = name_map_new(arena, 64),
		.internal = {.items = arena_array(arena, 2, sizeof(*config->internal.items)),
			     .count = 2},
	};
	ip_network_parse("127.0.0.0/8", &config->internal.items[0]);
	ip_network_parse("::1/128", &config->internal.items[1]);
}

void config_read(struct arena *arena, const struct source *source, struct diagnostics *list,
		 struct config *out)
{
	struct section_kind section_kinds[KINDS];
	const struct vocabulary vocabulary = {names_of(arena, rows), section_kinds, KINDS};
	const struct position file = {source, 0, 0};
	struct config config;
	struct reader reader = {.arena = arena,
				.list = list,
				.config = &config,
				.group = DEFAULT_GROUP,
				.mode_at = file,
				.group_at = file,
				.user_at = file};
	struct settings settings;

	for (size_t i = 0; i < KINDS; i++)
		section_kinds[i] = (struct section_kind){kinds[i].name, kinds[i].parent,
							 names_of(arena, kinds[i].rows)};
	set_defaults(arena, &config);
	settings_read(arena, source, &vocabulary, list, &settings);
	apply_all(&reader, &settings);
	domains_check(&reader, source, settings.complete);
	listeners_check(&reader);
	bindings_check(&reader, settings.complete);
	check_access(&reader, settings.complete);
	check_sockets(&reader);
	*out = config;
}
