/*
 * What the topology owns in files that others write in as well: which settings and services were
 * set last time, to what, and what had been there before. So what a topology no longer says can be
 * given back, and what somebody changed by hand since can be told.
 *
 * Lives in an arena; kept as JSON by the store. Former lines may hold secrets. Not thread-safe.
 */
#ifndef CONFGEN_APPLY_OWNED_H
#define CONFGEN_APPLY_OWNED_H

#include "common/arena.h"

#include <jansson.h>

struct owned {
	const char *file;   /* "config/main.cf" */
	const char *key;    /* see struct entry */
	const char *set;    /* the value that the topology gave it, as struct entry has it */
	const char *former; /* the lines that were there before; NULL: none */
};

struct owned_list {
	struct owned *items;
	size_t count;
};

const struct owned *owned_find(const struct owned_list *list, const char *file, const char *key);

/* A new reference. */
json_t *owned_to_json(const struct owned_list *list);

/* What is not understood is left out. */
struct owned_list owned_from_json(struct arena *arena, const json_t *array);

#endif
