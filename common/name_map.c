/* Open addressing over slots that double; see name_map.h. */
#include "common/name_map.h"

#include <ctype.h>
#include <stdint.h>
#include <strings.h>
#include <sys/random.h>

#define FIRST_SLOTS 16 /* a power of two */

struct slot {
	const char *name; /* NULL: free */
	void *value;
};

struct name_map {
	struct arena *arena;
	struct slot *slots;
	size_t size, count;
	uint64_t seed;
};

struct name_map *name_map_new(struct arena *arena, size_t expected)
{
	struct name_map *map = arena_alloc(arena, sizeof(*map));

	map->arena = arena;
	map->size = FIRST_SLOTS;
	while (map->size < expected * 2)
		map->size *= 2;
	map->slots = arena_array(arena, map->size, sizeof(*map->slots));
	if (getrandom(&map->seed, sizeof(map->seed), 0) != sizeof(map->seed))
		map->seed = (uintptr_t)map;
	return map;
}

/* FNV-1a from a secret start, and a last mix so that the low bits depend on all. */
static uint64_t hash(const struct name_map *map, const char *name)
{
	uint64_t value = map->seed;

	for (; *name; name++)
		value = (value ^ (uint64_t)tolower((unsigned char)*name)) * 0x100000001b3U;
	value ^= value >> 32;
	return value * 0x9e3779b97f4a7c15U >> 20;
}

static struct slot *find_slot(const struct name_map *map, const char *name)
{
	size_t i = hash(map, name) & (map->size - 1);

	while (map->slots[i].name && strcasecmp(map->slots[i].name, name) != 0)
		i = (i + 1) & (map->size - 1);
	return &map->slots[i];
}

void *name_map_find(const struct name_map *map, const char *name)
{
	return find_slot(map, name)->value;
}

static void grow(struct name_map *map)
{
	const struct slot *old = map->slots;
	size_t size = map->size;

	map->size *= 2;
	map->slots = arena_array(map->arena, map->size, sizeof(*map->slots));
	for (size_t i = 0; i < size; i++)
		if (old[i].name)
			*find_slot(map, old[i].name) = old[i];
}

void *name_map_add(struct name_map *map, const char *name, void *value)
{
	struct slot *slot = find_slot(map, name);

	if (slot->name)
		return slot->value;
	*slot = (struct slot){name, value};
	if (++map->count * 2 > map->size)
		grow(map);
	return NULL;
}
