/*
 * Several files change in one instant, whenever the run is killed.
 *
 *	transaction_begin()	the new files are written below .postern-apply/new
 *	... they are tried there; what cannot be used ends in transaction_abort() ...
 *	transaction_commit()
 *
 * The commit puts a symbolic link in the place of each file, which leads through the link
 * .postern-apply/current to the old file: until now nothing has changed for a reader. Then
 * "current" is turned from "old" to "new" by one rename(2): all files change in that instant. Then
 * each link is replaced by the new file itself, which again changes nothing for a reader. A run
 *that is killed before the instant is undone by the next one (settle.h), one that is killed after
 *it is finished; and a Postfix that starts in between reads one of the two, whole. It works in a
 *folder that is a mount point as well.
 *
 * Files in a second folder, perhaps of another file system, turn in the same instant.
 *
 * One thread. Sources: rename(2), symlink(2), fsync(2).
 */
#ifndef CONFGEN_APPLY_TRANSACTION_H
#define CONFGEN_APPLY_TRANSACTION_H

#include "confgen/apply/store.h"

struct changed_file {
	const char *path;     /* "config/main.cf" */
	struct placed before; /* what it must be still when it is replaced */
	bool after;	      /* whether it is to be there */
	bool made;	      /* somebody else makes it below "new": an index of postmap */
	const char *text;     /* what is to be in it, if it is not `made` */
	size_t length;
	mode_t mode;
	uid_t uid;
	gid_t gid;
	const char *copy_of; /* or: a file that is copied with its owner, mode and times */
};

struct changed_files {
	struct changed_file *items;
	size_t count;
};

struct transaction {
	struct arena *arena;
	struct place *place;
	const struct store *store;
	struct changed_files *files;
	int staging;		/* the folder .postern-apply; -1: not begun, or done */
	const char *new_config; /* the path of the folder of new files, for other programs */
	const char *preview;	/* the path of a folder for them */
};

/* Errors are negative errno: -EBUSY where something is left that settle_recover() handles. */
int transaction_begin(struct arena *arena, struct place *place, const struct store *store,
		      struct changed_files *files, struct transaction *out);

/*
 * After success, and for most errors, nothing is left of the transaction; for those nothing has
 * changed. -ESTALE: a file is not any more what it should be. -EINPROGRESS: it is committed, but
 * not settled; settle_recover() does that.
 */
int transaction_commit(struct transaction *transaction, const struct state *state);

/* Removes what transaction_begin() made. Does nothing once it is committed. */
void transaction_abort(struct transaction *transaction);

#endif
