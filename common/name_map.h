/*
 * A map from names to pointers; ASCII letter case does not count, as with domains.
 *
 * Lives in an arena without limit and needs no freeing. Names are not copied: they must outlive the
 * map. Looking up and adding take constant time on average, whatever names a stranger chooses: the
 * hash is seeded at random. Not thread-safe.
 */
#ifndef POSTERN_NAME_MAP_H
#define POSTERN_NAME_MAP_H

#include "common/arena.h"

struct name_map;

/* `expected` is how many names may come; more are welcome. */
struct name_map *name_map_new(struct arena *arena, size_t expected);

/* The value of `name`, or NULL. */
void *name_map_find(const struct name_map *map, const char *name);

/*
 * Adds `name` with `value`, which is not NULL, unless it is there: then gives the value that it
 * has, and changes nothing. NULL: it was added.
 */
void *name_map_add(struct name_map *map, const char *name, void *value);

#endif
