/* What staging.c and commit.c share: private to confgen/output. */
#ifndef POSTERN_CONFGEN_OUTPUT_STAGING_PRIVATE_H
#define POSTERN_CONFGEN_OUTPUT_STAGING_PRIVATE_H

#include "common/arena.h"
#include "common/diagnostics.h"

#include <stdbool.h>
#include <sys/types.h>

struct staged_file {
	const char *path;
	mode_t mode;
};

/*
 * A folder of ours is locked (flock) from when it is made until it is in place, and while it is
 * being replaced. So a folder with a name of ours that nobody locks belongs to a run that is gone.
 */
struct staging {
	struct arena *arena;
	struct source target; /* as the user wrote it: for diagnostics */
	int parent;	      /* the folder that holds both of these: */
	const char *name;     /* the target, links resolved */
	const char *hidden;   /* the staging folder */
	const char *path;     /* the staging folder with its parent */
	int folder;	      /* the staging folder, locked; -1 once all is done */
	struct {
		struct staged_file *items;
		size_t count;
	} files;
	struct {
		const char **items;
		size_t count;
	} folders;
};

/* Added to the hidden name where an old tree has to go aside for a moment. */
#define STAGING_ASIDE "-old"

/*
 * Locks the folder `fd` if it is still `name` in `parent`. Returns 0, -EAGAIN if another run holds
 * it or it has been replaced meanwhile, -ENOLCK where the file system has no locks.
 */
int staging_lock(int parent, const char *name, int fd);

/* Closes the descriptors: the staging is done with. */
void staging_close(struct staging *staging);

#endif
