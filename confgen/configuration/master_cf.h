/*
 * master.cf: services, in the order of the file, each field with its place.
 *
 * Read as master(8) and postconf(1) read it: eight fields, separated by white space, then the
 * arguments of the daemon; { } protects white space in an argument. The options of a daemon end at
 * the first argument that is none, which is why "-o name = value" sets nothing. Of two services of
 * the same name and type the last is in force. Not thread-safe.
 *
 * At most 2,000 services, and 1,000 options for each, are read: what has more is no configuration.
 *
 * Sources: master(5), and the usage of the daemons in their manual pages.
 */
#ifndef CONFGEN_CONFIGURATION_MASTER_CF_H
#define CONFGEN_CONFIGURATION_MASTER_CF_H

#include "confgen/configuration/main_cf.h"

#define MASTER_MOST_SERVICES  2000
#define MASTER_MOST_OVERRIDES 1000

enum service_field {
	SERVICE_NAME,
	SERVICE_TYPE, /* inet, unix, fifo, pass, unix-dgram */
	SERVICE_PRIVATE,
	SERVICE_UNPRIVILEGED,
	SERVICE_CHROOT,
	SERVICE_WAKEUP,
	SERVICE_PROCESS_LIMIT,
	SERVICE_COMMAND,
	SERVICE_FIELDS
};

/* What a field says that may be "-". */
enum service_choice { SERVICE_DEFAULT, SERVICE_YES, SERVICE_NO };

struct overrides {
	struct assignment **items; /* -o name=value, in their order */
	size_t count;
};

struct arguments {
	struct text *items; /* without braces; "-o" and its value are two */
	size_t count;
};

struct service {
	struct text fields[SERVICE_FIELDS];
	enum service_choice is_private, unprivileged, chroot;
	long wakeup;	     /* seconds; -1: "-" */
	bool wakeup_if_used; /* "?" */
	long process_limit;  /* -1: "-", which is $default_process_limit; 0: none */
	struct arguments arguments;
	struct overrides overrides;
	bool has_stray;			/* an argument ended the options of a daemon that takes */
	struct text stray;		/* nothing else: this one */
	const struct service *replaced; /* the one before it that it overrides, or NULL */
	bool overridden;		/* one that comes later overrides it */
};

struct master_cf {
	const struct source *source;
	struct service **items;
	size_t count;
	bool broken; /* an entry that Postfix does not start with; reported */
};

/* Reads master.cf. Entries that Postfix refuses are reported and left out. */
void master_cf_parse(struct arena *arena, const struct source *source, struct diagnostics *list,
		     struct master_cf *out);

/* The service in force, or NULL. `type` NULL: the first of any type. */
const struct service *master_cf_find(const struct master_cf *master_cf, const char *name,
				     const char *type);

/* The name of the daemon: the last part of the command's path. */
const char *service_daemon(const struct service *service);

/* The override of `name` that is in force (the last), or NULL. */
const struct assignment *service_override(const struct service *service, const char *name);

#endif
