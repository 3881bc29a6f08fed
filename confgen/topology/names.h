/*
 * Names and what they stand for, found without looking at every one: a topology may list tens of
 * thousands of domains and recipients. Letter case does not count.
 *
 * All memory belongs to the arena, which must be one without limit. Not thread-safe.
 */
#ifndef POSTERN_TOPOLOGY_NAMES_H
#define POSTERN_TOPOLOGY_NAMES_H

#include "common/arena.h"

#include <stdint.h>

struct names;

struct names *names_new(struct arena *arena);

#define NAME_UNKNOWN SIZE_MAX

/* The index that the name was added with, or NAME_UNKNOWN. */
size_t names_find(struct names *names, const char *name);

/* Adds a name that is not there yet. */
void names_add(struct names *names, const char *name, size_t index);

#endif
