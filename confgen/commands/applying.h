/*
 * What plan, apply and rollback have in common: which folders, which node, what is refused before
 * anything is touched, and how Postfix takes a change up.
 */
#ifndef POSTERN_COMMANDS_APPLYING_H
#define POSTERN_COMMANDS_APPLYING_H

#include "confgen/apply/plan.h"
#include "confgen/apply/rollback.h"
#include "confgen/commands/run.h"

#define APPLY_CONFIG  "/etc/postfix"
#define APPLY_POSTERN "/etc/postern"
#define APPLY_STATES  "/var/lib/postern"
#define APPLY_KEEP    10

/* One run of such a command. */
struct applying {
	struct run *run;
	const char *config; /* folders; NULL: Postfix's own */
	const char *postern, *states;
	struct plan_options plan;
	bool json;		 /* --format */
	FILE *say;		 /* what is done is told here */
	bool force;		 /* on another machine, too */
	bool yes;		 /* asks nothing */
	bool no_reload;		 /* files only */
	size_t keep;		 /* states */
	const struct node *node; /* NULL: rollback */
	struct place place;
	struct store store;
	struct history history;
};

/* What argp children of such a command are; their input is the struct applying. */
extern const struct argp applying_folders_argp; /* --config-dir, --postern-dir, --state-dir */
extern const struct argp applying_plan_argp;	/* --host, --mode, --take-over, --format, --force */
extern const struct argp applying_change_argp;	/* --yes, --no-reload, --keep */

/* The defaults, and nothing open. applying_done() in any case. */
void applying_init(struct applying *applying, struct run *run);
void applying_done(struct applying *applying);

/* A complaint without a place. */
void applying_refuse(const struct applying *applying, const char *hint, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Loads the topology and finds the node; renders its files. */
enum exit_status applying_load(struct applying *applying, bool only_look);

/* Opens the folders and the store, with the lock or for reading. Ends what a killed run left. */
enum exit_status applying_open(struct applying *applying, bool lock);

/* Makes the plan; errors of the user's go to the run's list. */
enum exit_status applying_plan(struct applying *applying, struct plan *plan);
void applying_report(const struct applying *applying, const struct plan *plan);

/* True where the list has errors. */
bool applying_failed(const struct applying *applying);

/* Asks, unless --yes was given. EXIT_CLEAN: yes; EXIT_FINDINGS: no; EXIT_USAGE: nobody to ask. */
enum exit_status applying_confirm(const struct applying *applying);

/* Whether Postfix can take changes up; false with an error. */
bool applying_can_activate(struct applying *applying);

/* Reload or restart, and a look whether it answers: then the state is marked as taken up. */
bool applying_activate(struct applying *applying, enum need need, const struct state *state);

/* Has those programs of Postern reload whose configuration is among the files of the state. */
void applying_reload_own(struct applying *applying, const struct state *state);

/*
 * From here on, signals that would end the run are caught: it ends by itself, one way or the other.
 * Programs that it starts are ended by them.
 */
void applying_hold_signals(void);

/* Puts an earlier state in place; `state` is completed and describes the change. */
int applying_go_back(struct applying *applying, struct way_back *back, struct state *state);

/* A new state of these files, who and when. */
struct state applying_new_state(const struct applying *applying, const struct changed_files *files);

/* What an errno of a transaction means to the user. */
enum exit_status applying_explain(const struct applying *applying, int error);

#endif
