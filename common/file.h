/* Files: read whole with a limit, written whole or not at all. Thread-safe. */
#ifndef POSTERN_FILE_H
#define POSTERN_FILE_H

#include "common/arena.h"

#include <stdbool.h>
#include <sys/types.h>

/*
 * Reads a regular file or pipe whole into `arena`, NUL-terminated (the NUL is not counted).
 * Returns 0, or -errno: -EFBIG beyond `limit` octets, -EISDIR, -EINVAL for devices and sockets,
 * -ENOMEM when the arena is exhausted. Outputs are untouched on error.
 */
int file_read(struct arena *arena, const char *path, size_t limit, char **text, size_t *length);

/* The same for regular files only: never waits for whoever writes to a pipe. */
int file_read_regular(struct arena *arena, const char *path, size_t limit, char **text,
		      size_t *length);

/* Whether `path` is, symbolic links followed, below the folder. False where either is not there. */
bool file_is_below(const char *folder, const char *path);

/* The same for an open descriptor, which stays open. */
int file_read_fd(struct arena *arena, int fd, size_t limit, char **text, size_t *length);

/*
 * Writes a new file `name` below the folder `dirfd` with exactly this mode, and syncs it.
 * Fails with -EEXIST when it is there. Nothing is left behind on error.
 */
int file_create(int dirfd, const char *name, mode_t mode, const char *text, size_t length);

/*
 * Replaces the file at `path`, whole or not at all, and keeps its owner and mode; symbolic links
 * stay, and what they lead to is replaced. A file that is not there is made, of mode 0644. `before`
 * (NULL: anything) is what must be in the file: -ESTALE where it is not. Devices, pipes and sockets
 * are left alone: -EINVAL. A run that is killed
 * leaves the old file or the new one, and perhaps a file .NAME.PID beside it. Returns 0 or -errno.
 */
int file_replace(const char *path, const char *before, size_t before_length, const char *text,
		 size_t length);

/* Closes `*fd` if it is open: for __attribute__((cleanup)). */
void close_descriptor(const int *fd);

#define AUTO_CLOSE __attribute__((cleanup(close_descriptor)))

#endif
