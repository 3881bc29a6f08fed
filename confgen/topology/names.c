/* A hash table over uthash, in an arena; see names.h. */
#include "confgen/topology/names.h"

#include <ctype.h>

struct names {
	struct arena *arena;
	struct name *table;
};

#define uthash_malloc(size)	  arena_alloc(names->arena, (size))
#define uthash_free(memory, size) ((void)0)
#define uthash_fatal(message)	  abort()
#include <uthash.h>

struct name {
	const char *folded;
	size_t index;
	UT_hash_handle hh;
};

struct names *names_new(struct arena *arena)
{
	struct names *names = arena_alloc(arena, sizeof(*names));

	names->arena = arena;
	return names;
}

/* ASCII only: what is not can be no domain. */
static char *fold(struct arena *arena, const char *name)
{
	char *folded = arena_strdup(arena, name);

	for (char *p = folded; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return folded;
}

size_t names_find(struct names *names, const char *name)
{
	const char *folded = fold(names->arena, name);
	struct name *found;

	HASH_FIND_STR(names->table, folded, found);
	return found ? found->index : NAME_UNKNOWN;
}

void names_add(struct names *names, const char *name, size_t index)
{
	struct name *added = arena_alloc(names->arena, sizeof(*added));

	added->folded = fold(names->arena, name);
	added->index = index;
	HASH_ADD_KEYPTR(hh, names->table, added->folded, strlen(added->folded), added);
}
