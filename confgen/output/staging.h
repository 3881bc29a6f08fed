/*
 * Writes a tree of files so that it is in place as a whole or not at all.
 *
 * The files go to a hidden folder beside the target, ".NAME.postern-XXXXXX", which is then renamed.
 * A run that fails or is killed leaves the target as it was; what such a run left of its own is
 * removed by the next one.
 * Runs at the same time never mix their trees: the last one wins.
 *
 * A folder that is already there is replaced only if it is empty, or if all that is in it was
 * written this way: the tree's own manifest.json, an object, lists the paths of its files in the
 * array "files". So the caller adds a manifest.json to each tree. An old tree that equals the new
 * one (paths, modes, contents) is left untouched.
 *
 * One thread a staging. Source: rename(2), flock(2).
 */
#ifndef POSTERN_CONFGEN_OUTPUT_STAGING_H
#define POSTERN_CONFGEN_OUTPUT_STAGING_H

#include "common/arena.h"
#include "common/diagnostics.h"

#include <sys/types.h>

struct staging;

/*
 * Begins a tree that is to become `target`; a symbolic link is resolved, and what it points to is
 * replaced. The parent folder must exist. The staging lives in `arena`, which must be one without
 * limit, and holds descriptors until staging_commit() or staging_abort().
 *
 * Returns 0 or -errno: -ENOENT without a parent folder, -ENOTDIR where something other than a
 * folder is in the way, -EBUSY for the root folder, -EACCES or -EROFS if the parent cannot be
 * written.
 */
int staging_begin(struct arena *arena, const char *target, struct staging **out);

/* The folder where the files are until the commit: for checks that want to read them. */
const char *staging_path(const struct staging *staging);

/*
 * Adds a file with exactly this mode, whatever the umask; its folders have mode 0755. `path` is
 * relative, like "public/main.cf". Returns 0 or -errno: -EINVAL for an absolute path or one with
 * an empty part, "." or "..", -EEXIST if it is there already.
 */
int staging_add(struct staging *staging, const char *path, mode_t mode, const char *text,
		size_t length);

/*
 * Puts the tree in place and syncs it. Returns 0, -ECANCELED with an error in `list` if the user
 * has to act first, or another -errno; on failure the target is as it was, unless all that
 * failed was to sync it. May add a warning: what came into the old tree in the last moment is kept
 * beside the target as "NAME.kept-XXXXXX".
 */
int staging_commit(struct staging *staging, struct diagnostics *list);

/* Removes the staging folder. Does nothing after a commit, or for NULL. */
void staging_abort(struct staging *staging);

#endif
