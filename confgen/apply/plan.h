/*
 * What would change on this machine: the files that a topology gives for one node, against those
 * that are here.
 *
 * Reads only. Everything lives in the arena. Not thread-safe.
 */
#ifndef CONFGEN_APPLY_PLAN_H
#define CONFGEN_APPLY_PLAN_H

#include "confgen/apply/activate.h"
#include "confgen/apply/diff.h"
#include "confgen/apply/transaction.h"
#include "confgen/render/files.h"

struct plan_options {
	bool full;	/* files are replaced as a whole, also those that others write in */
	bool take_over; /* tables made by hand may be replaced by ours of the same name */
};

struct planned_file {
	const char *path; /* "config/main.cf" */
	enum layout_kind kind;
	enum diff_mask mask;
	const char *index; /* table type whose index postmap makes, or NULL */
	struct placed actual;
	struct source after;  /* text NULL: it is removed */
	struct source wanted; /* as rendered; text NULL: the topology knows it no more */
	mode_t mode;
	uid_t uid;
	gid_t gid;
	bool changed;
	bool index_missing; /* the table is as it should be, its index is not there */
};

struct planned_files {
	struct planned_file *items;
	size_t count;
};

/* Something that somebody changed since the last apply. */
struct drift {
	const char *path;
	enum layout_kind kind;
	enum diff_mask mask;
	struct source then, now; /* as we left it; as it is (text NULL: removed) */
};

struct drifts {
	struct drift *items;
	size_t count;
};

/* A file of the node that is not ours to put in place. */
struct left_file {
	const char *rendered, *install; /* in the output; on the host */
};

struct left_files {
	struct left_file *items;
	size_t count;
};

struct plan {
	const struct node *node;
	struct plan_options options;
	struct planned_files files;
	struct changes changes; /* by setting and service */
	struct drifts drifts;
	struct changes drifted; /* the same of drifts */
	struct left_files left;
	struct words released; /* once ours, changed by hand since, not in the topology any more */
	size_t unmanaged[3];   /* settings, services, by layout kind: not ours, left alone */
	struct owned_list owned;
	enum need need;
	struct words reasons; /* for a restart */
};

/*
 * Makes a plan. `list` gets an error for each thing that keeps it from being applied (a table of
 * the same name made by hand, a file that cannot be understood). Returns 0, or -errno with an error
 * in `list`.
 */
int plan_make(struct arena *arena, const struct node *node, const struct rendered_files *files,
	      const struct place *place, const struct store *store, const struct history *history,
	      const struct plan_options *options, struct diagnostics *list, struct plan *out);

bool plan_has_changes(const struct plan *plan);

/* What a transaction has to do, with the indexes that postmap makes. */
struct changed_files plan_transaction(struct arena *arena, const struct plan *plan,
				      const struct place *place);

#endif
