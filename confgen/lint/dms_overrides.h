/*
 * The override files of docker-mailserver: what its users write instead of main.cf and master.cf.
 *
 * postfix-main.cf is appended to main.cf. Of postfix-master.cf each line that begins with a small
 * letter or a digit is handed to "postconf -P"; the last line counts only if a line feed ends it.
 * postfix-relaymap.cf and postfix-sasl-password.cf become tables by sender. user-patches.sh is a
 * program: it is looked at, and never run or applied.
 *
 * Files are read, and nothing else is done. The passwords read are never reported. Everything lives
 * in the arena, one without limit. Not thread-safe.
 *
 * Sources: docker-mailserver's documentation and set-up scripts, postconf(1) -P, as tried.
 */
#ifndef POSTERN_LINT_DMS_OVERRIDES_H
#define POSTERN_LINT_DMS_OVERRIDES_H

#include "confgen/configuration/configuration.h"

enum dms_line {
	DMS_SETTING, /* service/type/name=value */
	DMS_SPACE,   /* the same with white space in the value: postconf ends with an error */
	DMS_SKIPPED, /* does not begin as it should; no comment */
	DMS_BROKEN,  /* postconf takes it for a question, or for nothing */
};

struct dms_setting {
	enum dms_line kind;
	struct text line;
	struct text service, type, name, value; /* of DMS_SETTING and DMS_SPACE */
};

/* A key and what belongs to it, which may be empty. */
struct dms_pair {
	struct text key, value;
};

struct dms_settings {
	struct dms_setting *items;
	size_t count;
};

struct dms_pairs {
	struct dms_pair *items;
	size_t count;
};

struct dms_overrides {
	const char *folder;
	const struct source *main_cf, *master_cf, *patches; /* NULL: there is none */
	const struct source *environment;		    /* mailserver.env, or a compose file */
	const struct source *relaymap_cf, *passwords_cf;
	struct main_cf main; /* postfix-main.cf; empty without */
	struct dms_settings master;
	struct dms_pairs relays, passwords;
};

/* Whether a folder is one of docker-mailserver's: it has one of the files. */
bool dms_overrides_recognise(struct arena *arena, const char *folder);

/*
 * Loads the files of a folder. NULL, with no word, where it has none of them; a file that cannot be
 * read is reported in `list` and left out.
 */
struct dms_overrides *dms_overrides_load(struct arena *arena, const char *folder,
					 struct diagnostics *list);

/* Reads texts that are there already; any may be NULL. For tests. */
void dms_overrides_read(struct arena *arena, struct dms_overrides *overrides,
			struct diagnostics *list);

/*
 * docker-mailserver's own main.cf and master.cf with the overrides applied, to be judged with
 * configuration_new(). Positions there are translated by dms_applied_position().
 */
struct dms_applied {
	const struct dms_overrides *overrides;
	const struct source *stock_main, *stock_master;
	struct source main_cf, master_cf;
	unsigned main_lines;	    /* of the stock's */
	struct position *master_at; /* where each line of master_cf comes from */
	size_t master_count;
};

/* What decides of docker-mailserver's own files, where the image is not at hand. Static. */
const struct source *dms_stock_main(void);
const struct source *dms_stock_master(void);

/* Always succeeds: what cannot be applied is left out. The stock must outlive the result. */
struct dms_applied *dms_overrides_apply(struct arena *arena, const struct dms_overrides *overrides,
					const struct source *main_cf,
					const struct source *master_cf);

/* Where that was written: in the stock, or in an override file. Other positions stay. */
struct position dms_applied_position(const struct dms_applied *applied, struct position at);

/* The services that docker-mailserver has, and the program of each; NULL for none. */
const char *dms_daemon(const char *service, const char *type);

/* The names "service/type", for suggest(). */
const char *const *dms_services(size_t *count);

/* Judges the files: rules D01 and on. */
void dms_lint(struct arena *arena, const struct dms_overrides *overrides, struct diagnostics *list);

#endif
