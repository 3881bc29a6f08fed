/* The sections "domain" and "key" of the configuration; see config.h. */
#include "milter/config_method.h"
#include "common/config_value.h"

#include <ctype.h>
#include <strings.h>

/* Whether `name` lies below `parent`; both are in lower case. */
static bool is_below(const char *name, const char *parent)
{
	size_t length = strlen(parent), longer = strlen(name);

	return longer > length + 1 && name[longer - length - 1] == '.' &&
	       strcmp(name + longer - length, parent) == 0;
}

/* Keys that a domain may have: its sections, which follow it, and the one of the short form. */
static size_t most_keys(const struct reader *reader, const struct section *domain)
{
	size_t next = domain->number + 1;

	while (next < reader->section_count && reader->sections[next]->parent == domain)
		next++;
	return next - domain->number;
}

bool domain_begin(struct reader *reader, const struct section *section)
{
	struct config *config = reader->config;
	struct subject *subject = &reader->subjects[section->number];
	bool wild = strncmp(section->title, "*.", 2) == 0;
	struct signing_domain *domain;
	char *name;

	subject->method = arena_alloc(reader->arena, sizeof(*subject->method));
	if (strcmp(section->title, "*") == 0) {
		if (reader->any_domain)
			mistake(reader, section->at, "domain * is given twice");
		reader->any_domain = subject->method;
		return true;
	}
	name = domain_read(reader->arena, section->title + (wild ? 2 : 0), section->at,
			   reader->list);
	if (!name)
		return false;
	if (name_map_add(wild ? reader->wild_domains : reader->plain_domains, name, name)) {
		mistake(reader, section->at, "domain %s%s is given twice", wild ? "*." : "", name);
		return false;
	}
	if (!config->domains)
		config->domains =
			arena_array(reader->arena, reader->section_count, sizeof(*config->domains));
	domain = &config->domains[config->domain_count++];
	*domain = (struct signing_domain){
		.name = name, .itself = !wild, .below = wild, .at = section->at};
	domain->keys =
		arena_array(reader->arena, most_keys(reader, section), sizeof(*domain->keys));
	subject->domain = domain;
	return true;
}

/* Domain "*" stands for whatever key_folder holds, and has no keys of its own. */
static bool is_particular(struct reader *reader, const struct setting *setting,
			  const struct subject *subject)
{
	if (subject->domain)
		return true;
	mistake(reader, setting->at, "domain * cannot have %s", setting->name);
	diagnostics_hint(reader->list, "it says how the domains of key_folder are signed");
	return false;
}

static void add_subdomain(struct reader *reader, const struct setting *setting,
			  struct subject *subject)
{
	struct signing_domain *domain = subject->domain;
	struct setting copy = *setting;
	char *name;

	if (!is_particular(reader, setting, subject))
		return;
	if (setting->value && strcmp(setting->value, "*") == 0) {
		domain->below = true;
		return;
	}
	name = domain_read(reader->arena, setting->value, setting->at, reader->list);
	if (!name)
		return;
	if (!is_below(name, domain->name)) {
		mistake(reader, setting->at, "%s does not lie below %s", name, domain->name);
		diagnostics_hint(reader->list, "give it a domain section of its own");
		return;
	}
	copy.value = name;
	copy.first = false;
	words_add(reader, &copy, &domain->subdomains);
}

static void check_selector(struct reader *reader, struct position at, const char *selector)
{
	if (!is_domain_name(selector))
		mistake(reader, at,
			"'%s' is no selector: letters, digits and '-' in parts joined by '.'",
			selector);
}

static struct signing_key *add_key(struct signing_domain *domain, struct position at)
{
	domain->keys[domain->key_count] =
		(struct signing_key){.at = at, .active_from = INT64_MIN, .retire_after = INT64_MAX};
	return &domain->keys[domain->key_count++];
}

/* The key of the short form, which is spread over two settings. */
static struct signing_key *short_key(struct subject *subject)
{
	if (!subject->key)
		subject->key = add_key(subject->domain, subject->domain->at);
	return subject->key;
}

static void set_selector(struct reader *reader, const struct setting *setting,
			 struct subject *subject)
{
	if (!is_particular(reader, setting, subject))
		return;
	short_key(subject)->selector = setting->value;
	check_selector(reader, setting->at, setting->value);
}

static void set_path(struct reader *reader, const struct setting *setting, struct signing_key *key)
{
	key->at = setting->at;
	key->path = setting->value;
	if (setting->value[0] != '/')
		mistake(reader, setting->at, "key '%s' is not an absolute path", setting->value);
}

static void set_key(struct reader *reader, const struct setting *setting, struct subject *subject)
{
	if (is_particular(reader, setting, subject))
		set_path(reader, setting, short_key(subject));
}

static void set_identity(struct reader *reader, const struct setting *setting,
			 struct subject *subject)
{
	const char *at = strrchr(setting->value, '@');
	char *domain;

	if (!is_particular(reader, setting, subject))
		return;
	if (!at || setting->value[strcspn(setting->value, " \t\r\n;")]) {
		mistake(reader, setting->at,
			"identity '%s' is not of the form @DOMAIN or NAME@DOMAIN", setting->value);
		return;
	}
	for (const char *p = setting->value; p < at; p++) {
		if (!isalnum((unsigned char)*p) && !strchr(".-_+", *p)) {
			mistake(reader, setting->at,
				"identity '%s': the part before @ has letters, digits and .-_+",
				setting->value);
			return;
		}
	}
	domain = domain_read(reader->arena, at + 1, setting->at, reader->list);
	if (!domain)
		return;
	if (strcmp(domain, subject->domain->name) != 0 && !is_below(domain, subject->domain->name))
		mistake(reader, setting->at, "identity '%s' is not in %s or below (RFC 6376 3.5)",
			setting->value, subject->domain->name);
	subject->domain->identity = arena_printf(
		reader->arena, "%.*s@%s", (int)(at - setting->value), setting->value, domain);
}

bool key_begin(struct reader *reader, const struct section *section)
{
	struct subject *parent = &reader->subjects[section->parent->number];

	if (!parent->domain) {
		mistake(reader, section->at, "domain * cannot have a key");
		diagnostics_hint(reader->list, "it says how the domains of key_folder are signed");
		return false;
	}
	check_selector(reader, section->at, section->title);
	reader->subjects[section->number].key = add_key(parent->domain, section->at);
	reader->subjects[section->number].key->selector = section->title;
	return true;
}

static void set_file(struct reader *reader, const struct setting *setting, struct subject *subject)
{
	set_path(reader, setting, subject->key);
}

static void set_active_from(struct reader *reader, const struct setting *setting,
			    struct subject *subject)
{
	date_read(setting, reader->list, &subject->key->active_from);
}

static void set_retire_after(struct reader *reader, const struct setting *setting,
			     struct subject *subject)
{
	date_read(setting, reader->list, &subject->key->retire_after);
}

const struct row domain_rows[] = {
	{"subdomains", MANY, add_subdomain},
	{"selector", ONE, set_selector},
	{"key", ONE, set_key},
	{"identity", ONE, set_identity},
	{"canonicalization", ONE, set_canonicalization},
	{"signed_headers", MANY, add_signed_field},
	{"oversigned_headers", MANY, add_oversigned_field},
	{"signature_lifetime", ONE, set_lifetime},
	{NULL, ONE, NULL},
};

const struct row key_rows[] = {
	{"file", ONE, set_file},
	{"active_from", ONE, set_active_from},
	{"retire_after", ONE, set_retire_after},
	{NULL, ONE, NULL},
};

/* Where the key of a domain is given, for what is wrong with the domain as a whole. */
static struct position place_of(const struct signing_domain *domain)
{
	return domain->key_count ? domain->keys[0].at : domain->at;
}

/* A From domain that two sections claim would be signed by whichever comes first. */
static void check_claims(struct reader *reader, struct signing_domain *domain)
{
	const char *name;
	const struct signing_domain *other = config_index_domain(reader->config, domain, &name);

	if (other)
		mistake(reader, place_of(domain), "%s belongs to domain %s as well as to %s", name,
			other->name, domain->name);
}

static void check_key(struct reader *reader, const struct signing_domain *domain, size_t index)
{
	const struct signing_key *key = &domain->keys[index];

	if (!key->selector)
		mistake(reader, key->at, "domain %s has no selector", domain->name);
	if (!key->path && domain->key_count == 1)
		mistake(reader, key->at, "domain %s has no key", domain->name);
	else if (!key->path)
		mistake(reader, key->at, "key %s of domain %s has no file",
			key->selector ? key->selector : "?", domain->name);
	if (key->active_from >= key->retire_after)
		mistake(reader, key->at, "key %s of domain %s is retired before it is active",
			key->selector ? key->selector : "?", domain->name);
	for (size_t i = 0; i < index && key->selector; i++)
		if (domain->keys[i].selector &&
		    strcasecmp(domain->keys[i].selector, key->selector) == 0)
			mistake(reader, key->at, "key %s of domain %s is given twice",
				key->selector, domain->name);
}

static void check_domain(struct reader *reader, struct signing_domain *domain, bool complete)
{
	check_claims(reader, domain);
	for (size_t i = 0; i < domain->key_count && complete; i++)
		check_key(reader, domain, i);
	if (complete && domain->key_count == 0) {
		mistake(reader, domain->at, "domain %s has no selector", domain->name);
		mistake(reader, domain->at, "domain %s has no key", domain->name);
	}
}

/* Whether there is anything to do besides signing. */
static bool has_other_work(const struct config *config)
{
	for (size_t i = 0; i < config->listener_count; i++)
		if (config->listeners[i].at.line)
			return true;
	return config->binding_count > 0 || config->binding_default_deny || config->policy_socket;
}

/* The claims of sections come before those of their subdomains, as the exact match does. */
void domains_check(struct reader *reader, const struct source *source, bool complete)
{
	struct config *config = reader->config;

	for (size_t i = 0; i < config->domain_count; i++)
		if (config->domains[i].itself)
			name_map_add(config->exact, config->domains[i].name, &config->domains[i]);
	for (size_t i = 0; i < config->domain_count; i++)
		check_domain(reader, &config->domains[i], complete);
	for (size_t i = 0; i < reader->section_count; i++) {
		struct subject *subject = &reader->subjects[i];

		if (subject->domain)
			subject->domain->method = method_settle(reader, subject->method, NULL);
	}
	config->key_folder_method = method_settle(reader, reader->any_domain, NULL);
	if (complete && reader->any_domain && !config->key_folder)
		mistake(reader, ((struct position){source, 0, 0}),
			"has a domain * but no key_folder: there are no keys for it");
	if (complete && !reader->left_out && config->domain_count == 0 && !config->key_folder &&
	    !has_other_work(config))
		mistake(reader, ((struct position){source, 0, 0}),
			"has no domain section: there is nothing to sign for");
}
