/* Adding to the lists of facts what is not there yet; see facts_private.h. */
#include "confgen/derive/facts_private.h"

#include <stdint.h>

void facts_push_entry(struct arena *arena, struct entry_list *list, const char *key,
		      const char *value, struct position at)
{
	if (!list->index)
		list->index = name_map_new(arena, 0);
	/* the map keeps the row's number, from 1: rows move while there are more to come */
	if (!name_map_add(list->index, key, (void *)(uintptr_t)(list->count + 1)))
		*arena_push(arena, list) = (struct entry){key, value, at};
}

const struct entry *facts_find_entry(const struct entry_list *list, const char *key)
{
	uintptr_t number = list->index ? (uintptr_t)name_map_find(list->index, key) : 0;

	return number ? &list->items[number - 1] : NULL;
}

void facts_push_trusted(struct arena *arena, struct trusted_list *list, struct ip_network network,
			const char *peer, struct position at)
{
	for (size_t i = 0; i < list->count; i++)
		if (ip_network_equal(&list->items[i].network, &network))
			return;
	*arena_push(arena, list) = (struct trusted){network, peer, at};
}

struct sender_limit *facts_find_limit(const struct facts *facts, const char *name, bool network)
{
	for (size_t i = 0; i < facts->limits.count; i++)
		if (facts->limits.items[i].network == network &&
		    strcmp(facts->limits.items[i].name, name) == 0)
			return &facts->limits.items[i];
	return NULL;
}

struct sender_limit *facts_limit(struct arena *arena, struct facts *facts, const char *name,
				 bool network, struct position at)
{
	struct sender_limit *limit = facts_find_limit(facts, name, network);

	if (limit)
		return limit;
	limit = arena_push(arena, &facts->limits);
	limit->name = name;
	limit->network = network;
	limit->at = at;
	return limit;
}
