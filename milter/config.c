/*
 * Gives the settings of postern-milter.conf their meaning, by a table with a row for each, and
 * checks what depends on several of them; see config.h.
 */
#include "milter/config.h"
#include "common/config_value.h"
#include "common/settings.h"
#include "common/suggest.h"

#include <ctype.h>
#include <strings.h>

#define DEFAULT_PATH  "/var/spool/postfix/postern/milter.sock"
#define DEFAULT_GROUP "postfix"
#define DEFAULT_USER  "postern"

#define mistake(reader, at, ...) \
	diagnostics_add((reader)->list, SEVERITY_ERROR, NULL, at, __VA_ARGS__)
#define caution(reader, at, ...) \
	diagnostics_add((reader)->list, SEVERITY_WARNING, NULL, at, __VA_ARGS__)

struct reader {
	struct arena *arena;
	struct diagnostics *list;
	struct config *config;
	const char *group; /* as written: it matters only for a UNIX socket */
	struct position mode_at, group_at, user_at;
};

/* Takes one value. `domain` is NULL outside of a section. */
typedef void (*set_function)(struct reader *reader, const struct setting *setting,
			     struct signing_domain *domain);

static void set_socket(struct reader *reader, const struct setting *setting,
		       struct signing_domain *domain)
{
	(void)domain;
	socket_address_read(reader->arena, setting, reader->list, &reader->config->socket,
			    &reader->config->socket_path);
}

static void set_socket_mode(struct reader *reader, const struct setting *setting,
			    struct signing_domain *domain)
{
	(void)domain;
	reader->mode_at = setting->at;
	mode_read(setting, reader->list, &reader->config->socket_mode);
}

static void set_socket_group(struct reader *reader, const struct setting *setting,
			     struct signing_domain *domain)
{
	(void)domain;
	reader->group = setting->value;
	reader->group_at = setting->at;
}

static void set_user(struct reader *reader, const struct setting *setting,
		     struct signing_domain *domain)
{
	(void)domain;
	reader->config->user = setting->value;
	reader->user_at = setting->at;
}

static void set_log(struct reader *reader, const struct setting *setting,
		    struct signing_domain *domain)
{
	static const char *const words[] = {[LOG_TO_STDERR] = "stderr", [LOG_TO_SYSLOG] = "syslog"};
	const char *nearest = suggest(setting->value, words, 2);

	(void)domain;
	for (size_t i = 0; i < 2; i++) {
		if (strcmp(setting->value, words[i]) == 0) {
			reader->config->log = (enum log_target)i;
			return;
		}
	}
	mistake(reader, setting->at, "log is '%s': it can be syslog or stderr", setting->value);
	if (nearest)
		diagnostics_hint(reader->list, "did you mean '%s'?", nearest);
}

static void add_internal(struct reader *reader, const struct setting *setting,
			 struct signing_domain *domain)
{
	struct config *config = reader->config;
	struct ip_network network;

	(void)domain;
	if (setting->first)
		config->internal_count = 0;
	if (!setting->value || !network_read(setting, reader->list, &network))
		return;
	if (network.prefix == 0)
		caution(reader, setting->at,
			"%s is every address there is: all mail from anywhere would be signed",
			setting->value);
	config->internal = arena_grow(reader->arena, config->internal, config->internal_count,
				      sizeof(*config->internal));
	config->internal[config->internal_count++] = network;
}

static void add_relay_user(struct reader *reader, const struct setting *setting,
			   struct signing_domain *domain)
{
	struct config *config = reader->config;

	(void)domain;
	if (setting->first)
		config->relay_user_count = 0;
	if (!setting->value)
		return;
	config->relay_users = arena_grow(reader->arena, config->relay_users,
					 config->relay_user_count, sizeof(*config->relay_users));
	config->relay_users[config->relay_user_count++] = setting->value;
}

static void add_subdomain(struct reader *reader, const struct setting *setting,
			  struct signing_domain *domain)
{
	char *name = domain_read(reader->arena, setting->value, setting->at, reader->list);
	size_t length = strlen(domain->name), longer = name ? strlen(name) : 0;

	if (!name)
		return;
	if (longer <= length || name[longer - length - 1] != '.' ||
	    strcmp(name + longer - length, domain->name) != 0) {
		mistake(reader, setting->at, "%s does not lie below %s", name, domain->name);
		diagnostics_hint(reader->list, "give it a domain section of its own");
		return;
	}
	domain->subdomains = arena_grow(reader->arena, domain->subdomains, domain->subdomain_count,
					sizeof(*domain->subdomains));
	domain->subdomains[domain->subdomain_count++] = name;
}

static void set_selector(struct reader *reader, const struct setting *setting,
			 struct signing_domain *domain)
{
	domain->selector = setting->value;
	if (!is_domain_name(setting->value))
		mistake(reader, setting->at,
			"'%s' is no selector: letters, digits and '-' in parts joined by '.'",
			setting->value);
}

static void set_key(struct reader *reader, const struct setting *setting,
		    struct signing_domain *domain)
{
	domain->key_at = setting->at;
	domain->key_path = setting->value;
	if (setting->value[0] != '/')
		mistake(reader, setting->at, "key '%s' is not an absolute path", setting->value);
}

enum arity { ONE, MANY };

struct row {
	const char *name;
	enum arity arity;
	set_function set;
};

static const struct row rows[] = {
	{"socket", ONE, set_socket},
	{"socket_mode", ONE, set_socket_mode},
	{"socket_group", ONE, set_socket_group},
	{"user", ONE, set_user},
	{"log", ONE, set_log},
	{"internal_networks", MANY, add_internal},
	{"relay_users", MANY, add_relay_user},
};

static const struct row domain_rows[] = {
	{"subdomains", MANY, add_subdomain},
	{"selector", ONE, set_selector},
	{"key", ONE, set_key},
};

#define ROWS	    (sizeof(rows) / sizeof(rows[0]))
#define DOMAIN_ROWS (sizeof(domain_rows) / sizeof(domain_rows[0]))

static const struct row *find_row(const struct setting *setting)
{
	const struct row *table = setting->section ? domain_rows : rows;
	size_t count = setting->section ? DOMAIN_ROWS : ROWS;

	for (size_t i = 0; i < count; i++)
		if (strcmp(table[i].name, setting->name) == 0)
			return &table[i];
	return NULL; /* an unknown name, reported already */
}

static struct signing_domain *find_domain(struct config *config, const char *title)
{
	for (size_t i = 0; title && i < config->domain_count; i++)
		if (strcasecmp(config->domains[i].name, title) == 0)
			return &config->domains[i];
	return NULL;
}

static bool given_before(const struct settings *settings, size_t index)
{
	const struct setting *setting = &settings->items[index];

	for (size_t i = 0; i < index; i++) {
		const struct setting *other = &settings->items[i];

		if (strcmp(other->name, setting->name) != 0 || !other->section != !setting->section)
			continue;
		if (!setting->section || strcasecmp(other->section, setting->section) == 0)
			return true;
	}
	return false;
}

static void apply(struct reader *reader, const struct settings *settings, size_t index)
{
	const struct setting *setting = &settings->items[index];
	const struct row *row = find_row(setting);
	struct signing_domain *domain = find_domain(reader->config, setting->section);

	if (!row || (setting->section && !domain))
		return;
	if (setting->first && given_before(settings, index))
		mistake(reader, setting->at, "%s is given twice", setting->name);
	else if (row->arity == ONE && (!setting->first || !setting->value))
		mistake(reader, setting->at, "%s takes one value", setting->name);
	else
		row->set(reader, setting, domain);
}

static void add_domains(struct reader *reader, const struct settings *settings)
{
	struct config *config = reader->config;

	config->domains =
		arena_array(reader->arena, settings->section_count, sizeof(*config->domains));
	for (size_t i = 0; i < settings->section_count; i++) {
		const struct section *section = &settings->sections[i];
		char *name = domain_read(reader->arena, section->title, section->at, reader->list);

		if (!name)
			continue;
		if (find_domain(config, name))
			mistake(reader, section->at, "domain %s is given twice", name);
		else
			config->domains[config->domain_count++] =
				(struct signing_domain){.name = name, .key_at = section->at};
	}
}

/* A From domain that two sections claim would be signed by whichever comes first. */
static void check_claims(struct reader *reader, const struct signing_domain *domain)
{
	for (size_t i = 0; i < domain->subdomain_count; i++) {
		const char *name = domain->subdomains[i];
		const struct signing_domain *other = config_signer(reader->config, name);

		if (other != domain)
			mistake(reader, domain->key_at, "%s belongs to domain %s as well as to %s",
				name, other->name, domain->name);
	}
}

static void check_domains(struct reader *reader, const struct source *source, bool complete)
{
	struct config *config = reader->config;

	for (size_t i = 0; i < config->domain_count; i++) {
		const struct signing_domain *domain = &config->domains[i];

		check_claims(reader, domain);
		if (complete && !domain->selector)
			mistake(reader, domain->key_at, "domain %s has no selector", domain->name);
		if (complete && !domain->key_path)
			mistake(reader, domain->key_at, "domain %s has no key", domain->name);
	}
	if (complete && config->domain_count == 0)
		mistake(reader, ((struct position){source, 0, 0}),
			"has no domain section: there is nothing to sign for");
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

void config_read(struct arena *arena, const struct source *source, struct diagnostics *list,
		 struct config *out)
{
	static const char *names[ROWS + 1], *domain_names[DOMAIN_ROWS + 1];
	const struct vocabulary vocabulary = {names, "domain", domain_names};
	const struct position file = {source, 0, 0};
	struct config config = {
		.socket = "unix:" DEFAULT_PATH,
		.socket_path = DEFAULT_PATH,
		.socket_mode = 0660,
		.socket_group = (gid_t)-1,
		.user = DEFAULT_USER,
		.log = LOG_TO_SYSLOG,
	};
	struct reader reader = {arena, list, &config, DEFAULT_GROUP, file, file, file};
	struct settings settings;

	for (size_t i = 0; i < ROWS; i++)
		names[i] = rows[i].name;
	for (size_t i = 0; i < DOMAIN_ROWS; i++)
		domain_names[i] = domain_rows[i].name;
	config.internal = arena_array(arena, 2, sizeof(*config.internal));
	ip_network_parse("127.0.0.0/8", &config.internal[config.internal_count++]);
	ip_network_parse("::1/128", &config.internal[config.internal_count++]);

	settings_read(arena, source, &vocabulary, list, &settings);
	add_domains(&reader, &settings);
	for (size_t i = 0; i < settings.count; i++)
		apply(&reader, &settings, i);
	check_domains(&reader, source, settings.complete);
	check_access(&reader, settings.complete);
	*out = config;
}

const struct signing_domain *config_signer(const struct config *config, const char *from_domain)
{
	for (size_t i = 0; i < config->domain_count; i++) {
		const struct signing_domain *domain = &config->domains[i];

		if (strcmp(domain->name, from_domain) == 0)
			return domain;
		for (size_t j = 0; j < domain->subdomain_count; j++)
			if (strcmp(domain->subdomains[j], from_domain) == 0)
				return domain;
	}
	return NULL;
}

bool config_is_relay_user(const struct config *config, const char *user)
{
	for (size_t i = 0; i < config->relay_user_count; i++)
		if (strcasecmp(config->relay_users[i], user) == 0)
			return true;
	return false;
}
