/* What the parts of the configuration's reader share: config.c, config_*.c. */
#ifndef POSTERN_MILTER_CONFIG_READER_H
#define POSTERN_MILTER_CONFIG_READER_H

#include "milter/config.h"
#include "common/settings.h"

#define mistake(reader, at, ...) \
	diagnostics_add((reader)->list, SEVERITY_ERROR, NULL, at, __VA_ARGS__)
#define caution(reader, at, ...) \
	diagnostics_add((reader)->list, SEVERITY_WARNING, NULL, at, __VA_ARGS__)

/* What was said of how to sign, in a section or outside of all. */
struct method_given {
	struct signing_method method;
	bool canonicalization, signed_fields, oversigned_fields, lifetime;
	struct position signed_at, oversigned_at;
};

/* What stands for one section while it is read; the kind says which member is used. */
struct subject {
	struct signing_domain *domain;
	struct signing_key *key;
	struct listener *listener;
	struct sender_binding *binding;
	struct method_given *method;
};

struct reader {
	struct arena *arena;
	struct diagnostics *list;
	struct config *config;
	struct subject *subjects; /* by section number */
	struct section *const *sections;
	size_t section_count;
	struct name_map *plain_domains, *wild_domains; /* names that have a section */
	bool left_out;		    /* a section could not be read: what lacks may stand there */
	struct method_given method; /* outside of sections */
	struct method_given *any_domain; /* of domain "*", or NULL */
	const char *group;		 /* as written: it matters only for a UNIX socket */
	struct position mode_at, group_at, user_at, policy_at, http_at;
};

/* Takes one value; a list's values come one by one. `subject` is NULL outside of sections. */
typedef void (*set_function)(struct reader *reader, const struct setting *setting,
			     struct subject *subject);

enum arity { ONE, MANY };

struct row {
	const char *name;
	enum arity arity;
	set_function set;
};

/* Rows of the kinds of section; each ends with a row without a name. */
extern const struct row domain_rows[], key_rows[], listener_rows[], binding_rows[];

/* The rows that say how to sign: outside of sections and in domains. */
void set_canonicalization(struct reader *reader, const struct setting *setting,
			  struct subject *subject);
void add_signed_field(struct reader *reader, const struct setting *setting,
		      struct subject *subject);
void add_oversigned_field(struct reader *reader, const struct setting *setting,
			  struct subject *subject);
void set_lifetime(struct reader *reader, const struct setting *setting, struct subject *subject);

/* Makes what stands for a section; false, with a mistake, when it must be skipped. */
bool domain_begin(struct reader *reader, const struct section *section);
bool key_begin(struct reader *reader, const struct section *section);
bool listener_begin(struct reader *reader, const struct section *section);
bool binding_begin(struct reader *reader, const struct section *section);

/* Settles what depends on several settings. A file that is not `complete` breaks off somewhere. */
void domains_check(struct reader *reader, const struct source *source, bool complete);
void listeners_check(struct reader *reader);
void bindings_check(struct reader *reader, bool complete);

/* A list is given anew: forgets what is in it. Adds the setting's value, if it has one. */
void words_add(struct reader *reader, const struct setting *setting, struct words *words);
bool networks_add(struct reader *reader, const struct setting *setting, struct networks *networks);

#endif
