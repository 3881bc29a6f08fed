/*
 * What is in a folder, told apart into what an earlier run wrote there and what it did not: private
 * to confgen/output. Nothing here follows symbolic links. Thread-safe.
 */
#ifndef POSTERN_CONFGEN_OUTPUT_TREE_H
#define POSTERN_CONFGEN_OUTPUT_TREE_H

#include "common/arena.h"

#include <stdbool.h>

/* Every tree has this file: an object whose array "files" has the paths of all files. */
#define TREE_MANIFEST "manifest.json"

/* A foreign entry is not looked into; beyond this many, looking for more ends. */
#define TREE_MOST_FOREIGN 5

struct tree_entry {
	const char *path;
	bool is_folder;
};

struct tree_entries {
	struct tree_entry *items;
	size_t count;
};

struct tree {
	struct tree_entries ours; /* what the manifest lists; folders before what is in them */
	struct tree_entries foreign;
	bool more_foreign; /* than are listed */
};

/* Reads the folder `fd` against the manifest in it. Returns 0 or -errno. */
int tree_read(struct arena *arena, int fd, struct tree *out);

/*
 * Removes these entries, which are below `fd`, as far as they are still what they were. What cannot
 * be removed stays.
 */
void tree_remove_entries(int fd, const struct tree_entries *entries);

/*
 * Removes the folder `name` in `parent` with all that is in it. Returns 0 or -errno. confgen/apply
 * uses it, too.
 */
int tree_remove(int parent, const char *name);

#endif
