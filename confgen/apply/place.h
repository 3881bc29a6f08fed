/*
 * The folders of a machine that files are applied to, and the files in them.
 *
 * There are two: Postfix's own (or the one that docker-mailserver reads its overrides from), and
 * the one of the programs of Postern. A file is named "config/main.cf" or
 * "postern/postern-milter.conf", and nothing that is named otherwise is ever read or written:
 * names come from a topology, which may be a stranger's. Folders are opened once; links in them are
 * never followed. One thread.
 */
#ifndef CONFGEN_APPLY_PLACE_H
#define CONFGEN_APPLY_PLACE_H

#include "common/diagnostics.h"

#include <sys/stat.h>

enum place_root { ROOT_CONFIG, ROOT_POSTERN, PLACE_ROOTS };

/* What a file's name begins with. */
extern const char *const place_root_names[PLACE_ROOTS];

struct place {
	const char *folders[PLACE_ROOTS]; /* real paths; NULL: nothing goes there */
	int fds[PLACE_ROOTS];		  /* -1: it is not there */
};

/* Larger files are not ours to handle. In octets. */
#define PLACE_FILE_LIMIT ((size_t)100 << 20)

/* The folder where a transaction keeps its files, in the first root; see transaction.h. */
#define PLACE_STAGING ".postern-apply"

/*
 * Opens the folders. `postern` may be NULL, and need not exist. Returns 0, or -errno when the first
 * cannot be used. place_close() in any case.
 */
int place_open(struct arena *arena, const char *config, const char *postern, struct place *out);
void place_close(struct place *place);

/* Which folder a file is in, and its name there. False for what cannot be one of our files. */
bool place_split(const char *path, enum place_root *root, const char **name);

/* How people know the file: "/etc/postfix/main.cf". */
const char *place_display(struct arena *arena, const struct place *place, const char *path);

/* A file as it is. */
struct placed {
	bool there;
	bool linked; /* it is the link of a transaction, whose file was read */
	struct source text;
	struct stat status;
};

/*
 * Reads a file. What is not there is no error. Returns 0 or -errno: -ELOOP for a symbolic link that
 * is not ours, -EISDIR, -EINVAL for devices and the like, -EFBIG.
 */
int place_read(struct arena *arena, const struct place *place, const char *path,
	       struct placed *out);

/* What the link of a transaction in the place of this file leads to. */
const char *place_link(struct arena *arena, const struct place *place, const char *path);

/* Whether the link of a transaction stands in the place of this file. */
bool place_is_linked(struct arena *arena, const struct place *place, const char *path);

/*
 * Looks, without writing, whether the files could be replaced: not on a read-only file system, not
 * immutable, in folders that only their owner can write to. Each reason is an error in `list`.
 */
void place_check_folders(struct arena *arena, const struct place *place, struct diagnostics *list);
void place_check_file(struct arena *arena, const struct place *place, const char *path,
		      struct diagnostics *list);

/* A position for diagnostics about a path as a whole. */
struct position place_position(struct arena *arena, const char *name);

#endif
