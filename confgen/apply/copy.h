/*
 * Files copied with all that belongs to them: mode, owner, times, access control lists and other
 * extended attributes. Names are below open folders, and links are never followed. Thread-safe.
 */
#ifndef CONFGEN_APPLY_COPY_H
#define CONFGEN_APPLY_COPY_H

#include <stdbool.h>
#include <sys/stat.h>

/* Makes `to`, which must not exist, from the regular file `from`, and syncs it. 0 or -errno. */
int copy_file(int from_folder, const char *from, int to_folder, const char *to);

/*
 * Puts the file `from` in the place of `to`, whatever that is, in one instant: by renaming, or by a
 * copy beside it where that is another file system. Returns 0 or -errno; syncs no folder.
 */
int copy_move(int from_folder, const char *from, int to_folder, const char *to);

/* Extended attributes of one file for another; those that cannot be set are left out. */
void copy_attributes(int from, int to);

/* The name, in the folder of what is replaced, of a file that is not in place yet. */
#define COPY_TEMPORARY ".postern-apply.tmp"

#endif
