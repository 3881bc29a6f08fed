/*
 * The configuration of one Postfix instance: main.cf and master.cf, and what follows from them.
 *
 * A rule asks for the effective value of a parameter in a service; the answer says where it was
 * set: "-o" in master.cf, main.cf, or nowhere, when the default of the release holds. Everything
 * lives in one arena without limit, and refers to the sources read. Not thread-safe.
 *
 *	const struct value *value = configuration_value(configuration, service, "mynetworks");
 *	struct list list = list_split(configuration->arena, &value->text);
 *
 *	for (size_t i = 0; i < list.count; i++)
 *		... text_position(&list.items[i].text) ...
 *
 * Sources: postconf(5), master(5).
 */
#ifndef CONFGEN_CONFIGURATION_CONFIGURATION_H
#define CONFGEN_CONFIGURATION_CONFIGURATION_H

#include "confgen/configuration/expand.h"
#include "confgen/configuration/lines.h"
#include "confgen/configuration/list.h"
#include "confgen/configuration/main_cf.h"
#include "confgen/configuration/master_cf.h"
#include "confgen/configuration/parameters.h"
#include "confgen/configuration/restrictions.h"
#include "confgen/configuration/rules.h"
#include "confgen/configuration/table.h"

/* A $name that nothing defines; Postfix takes it for empty. */
struct undefined_name {
	struct text name;
	const struct service *service; /* NULL: in main.cf */
};

struct undefined_names {
	struct undefined_name *items;
	size_t count;
};

struct configuration {
	struct arena *arena;
	const char *directory; /* the folder, as the user wrote it */
	enum postfix_release release;
	bool anywhere; /* tables outside the folder may be read: it is this host's own */
	/*
	 * The files of the folder where it exists in memory only, which `name` is a path below;
	 * NULL: it is on disk. Set it before anything asks for a table.
	 */
	const struct source *(*find_file)(void *user, const char *name);
	void *user;
	bool has_main, has_master;
	struct main_cf main;
	struct master_cf master;
	struct undefined_names undefined;
	struct value_cache *cache;
	struct contents_cache *contents;
	const struct known_names *names;
	size_t *budget; /* see struct expand_context */
};

/*
 * Loads main.cf and master.cf from a folder, or one of them where `path` is a file. What is wrong
 * with their syntax or expansion is reported in `list`. Gives NULL, having reported why, where
 * there is nothing to judge: nothing readable, a binary file, a template, or larger than
 * CONFIGURATION_FILE_LIMIT. A folder without master.cf is judged by its main.cf, with a warning.
 */
struct configuration *configuration_load(struct arena *arena, const char *path,
					 enum postfix_release release, struct diagnostics *list);

/* The same for texts that are there already; either may be NULL. */
struct configuration *configuration_new(struct arena *arena, const struct source *main_cf,
					const struct source *master_cf,
					enum postfix_release release, struct diagnostics *list);

enum value_origin {
	VALUE_NONE,	/* no such parameter */
	VALUE_DEFAULT,	/* built in */
	VALUE_COMPUTED, /* built in, and made from the host: the text is a stand-in */
	VALUE_MAIN,	/* main.cf */
	VALUE_SERVICE,	/* -o in master.cf */
};

struct value {
	enum value_origin origin;
	const struct assignment *set;	   /* where it was set; NULL for defaults */
	const struct parameter *parameter; /* NULL: not built in */
	struct text raw;		   /* as written */
	struct text text;		   /* expanded; empty where that failed */
	bool failed;			   /* it cannot be expanded; reported on loading */
};

/*
 * The value of a parameter in `service` (NULL: in main.cf). Never NULL: an unknown name has the
 * origin VALUE_NONE and empty texts. Asking again is cheap.
 *
 * Stand-ins for what the host would give: myhostname is "localhost.localdomain", mydomain is what
 * follows from myhostname, mynetworks is loopback, config_directory the folder.
 */
const struct value *configuration_value(const struct configuration *configuration,
					const struct service *service, const char *name);

/*
 * Where to point for a value: at what sets it; else at the service; else at main.cf as a whole.
 * For a part of a value, text_position() of that part is better, where it has one.
 */
struct position configuration_position(const struct configuration *configuration,
				       const struct service *service, const struct value *value);

/* The position of a part of a value, or what configuration_position() says where it has none. */
struct position configuration_part_position(const struct configuration *configuration,
					    const struct service *service,
					    const struct value *value, const struct text *part);

/* yes or no. False for other words and what cannot be expanded. */
bool configuration_yes(const struct configuration *configuration, const struct service *service,
		       const char *name);

/* A number, or a time in seconds; false, `out` untouched, where it is none. */
bool value_number(const struct value *value, long *out);
bool value_seconds(const struct value *value, long *out);

/* What a parameter is. */
enum name_class {
	NAME_UNKNOWN,	    /* nothing knows it */
	NAME_BUILT_IN,	    /* of this release */
	NAME_OTHER_RELEASE, /* of an earlier or later release; see parameter_find() */
	NAME_SERVICE,	    /* SERVICE_time_limit, TRANSPORT_destination_... of a service here */
	NAME_CLASS,	    /* a member of smtpd_restriction_classes */
	NAME_USER,	    /* some value, or a file of a table, refers to it as $name */
};

enum name_class configuration_classify(const struct configuration *configuration, const char *name);

/* Whether the daemon of the service reads the parameter (directly, or as part of another). */
bool configuration_reads(const struct service *service, const char *name);

/* The kind of a parameter of whatever class; PARAMETER_RESTRICTIONS for restriction classes. */
enum parameter_kind configuration_kind(const struct configuration *configuration, const char *name);

/*
 * The next service in force that runs `daemon` (NULL: any), from `*at` on, which begins with 0 and
 * is stepped; NULL when there is none.
 */
const struct service *configuration_next(const struct configuration *configuration,
					 const char *daemon, size_t *at);

/* The tables that a value names, by item of the list, also as arguments of restrictions. */
struct tables configuration_tables(const struct configuration *configuration,
				   const struct value *value);

/*
 * The path of a file that a table or list names, as it is to be opened here: what lies below
 * /etc/postfix is looked for in the folder. NULL where it must not be read: it is outside the
 * folder, and `anywhere` is not set; or the folder is in memory. (Whoever gives us a configuration
 * to judge must not learn what our other files hold.)
 */
const char *configuration_path(const struct configuration *configuration, const char *path);

enum contents_state {
	CONTENTS_READ,
	CONTENTS_NONE,	     /* the type has no source: ldap, static, ... */
	CONTENTS_OUTSIDE,    /* see configuration_path() */
	CONTENTS_MISSING,    /* there is no such file */
	CONTENTS_UNREADABLE, /* it cannot be read, or is no table: reported */
};

/*
 * Reads what a table holds; for proxy: the table behind it. A source is read, and complained of in
 * `list`, once. `*out` is set for CONTENTS_READ.
 */
enum contents_state configuration_contents(struct configuration *configuration,
					   const struct table *table, struct diagnostics *list,
					   const struct table_contents **out);

#endif
