/*
 * What Postfix knows: parameters, their defaults in three releases, their kinds and readers.
 *
 * The releases are those of Debian 11, 12 and 13. Facts come from "postconf -d" of these, their
 * postconf(5), and their programs; a test compares the table with the installed Postfix. All of it
 * is constant, so thread-safe.
 */
#ifndef CONFGEN_CONFIGURATION_PARAMETERS_H
#define CONFGEN_CONFIGURATION_PARAMETERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum postfix_release { POSTFIX_3_5, POSTFIX_3_7, POSTFIX_3_10 };

/* The release whose defaults hold unless the user says otherwise. */
#define POSTFIX_USUAL POSTFIX_3_7

/*
 * The release that answers for a version "3.8" or "3.7.11": the newest that is not newer, or the
 * oldest. False if `text` is no version.
 */
bool postfix_release_parse(const char *text, enum postfix_release *out);

enum parameter_kind {
	PARAMETER_STRING,
	PARAMETER_BOOLEAN,	/* yes or no */
	PARAMETER_INTEGER,	/* also sizes in octets, and SMTP codes */
	PARAMETER_TIME,		/* a number and s, m, h, d or w */
	PARAMETER_CHOICE,	/* one of some words: TLS levels, actions, ... */
	PARAMETER_LIST,		/* words, which are neither tables nor patterns */
	PARAMETER_PATTERNS,	/* networks or names, tables, files; '!' negates */
	PARAMETER_TABLES,	/* type:name, one or more */
	PARAMETER_RESTRICTIONS, /* smtpd_*_restrictions */
	PARAMETER_TRANSPORT,	/* transport:nexthop */
	PARAMETER_NEXTHOP,	/* [host]:port */
	PARAMETER_ADDRESS,	/* an IP address */
	PARAMETER_PATH,
};

/* A bit for each daemon, as in parameter_daemon("smtpd"). */
#define PARAMETER_EVERY_DAEMON UINT32_MAX

struct parameter {
	const char *name;
	enum parameter_kind kind;
	unsigned char releases; /* bit 1 << release: it is built in there */
	bool computed;		/* the default depends on the host, and is not in the table */
	unsigned short since;	/* the version that brought it, 307 for 3.7; 0: before 2.1 */
	unsigned short
		deprecated;    /* the version from which it is renamed, obsolete or gone; or 0 */
	uint32_t daemons;      /* that read it, or whose defaults refer to it; 0: commands only */
	const char *successor; /* what to use instead, "" for nothing; NULL: it is in use */
	const char *value;     /* the default in 3.7, or where that lacks it, elsewhere */
	const char *value_3_5, *value_3_10; /* where they differ; else NULL */
};

/* The built-in parameter, or NULL. Letter case counts. */
const struct parameter *parameter_find(const char *name);

/* All of them, sorted by name. */
const struct parameter *parameter_all(size_t *count);

/* All names, for suggest(). */
const char *const *parameter_names(size_t *count);

/* Whether the release has it built in. */
bool parameter_in(const struct parameter *parameter, enum postfix_release release);

/*
 * The default, not expanded; NULL where it is computed (myhostname, mynetworks, ...). For releases
 * that do not have the parameter: what the others have.
 */
const char *parameter_default(const struct parameter *parameter, enum postfix_release release);

/* The bit of a daemon, such as "smtpd"; 0 for programs that are not Postfix's. */
uint32_t parameter_daemon(const char *daemon);

/* Whether the daemon reads the parameter. Yes for daemons that are not Postfix's. */
bool parameter_read_by(const struct parameter *parameter, const char *daemon);

/*
 * Parameters that each service in master.cf has: TRANSPORT_destination_concurrency_limit and the
 * like, for those that deliver, and SERVICE_time_limit for pipe(8) and spawn(8).
 */
struct parameter_suffix {
	const char *suffix;
	enum parameter_kind kind;
	const char *value; /* the default */
	bool commands;	   /* for pipe and spawn only; else for all that deliver mail */
};

/* What `name` ends in, or NULL. `*prefix` is the length of what stands before. */
const struct parameter_suffix *parameter_suffix_find(const char *name, size_t *prefix);

/* Table types: what stands before the colon in type:name. */
struct table_type {
	const char *name;
	bool source; /* `name` is a file, read by postmap(1), whose index has `index` added */
	bool text;   /* `name` is a text file that is read as it is */
	bool braces; /* what stands in { } is the table: inline:{a=b} */
	bool tables; /* and holds further tables: pipemap, unionmap */
	bool prefix; /* another type:name follows: proxy:hash:... */
	const char *index;
	unsigned short since;
};

/* `length` octets of `name`, or NULL for an unknown type. */
const struct table_type *table_type_find(const char *name, size_t length);
const char *const *table_type_names(size_t *count);

/* The daemons of Postfix, and the types of services in master.cf. */
const char *const *daemon_names(size_t *count);
const char *const *service_type_names(size_t *count);

#endif
