/* Differences by setting and service; see changes.h. */
#include "confgen/apply/changes.h"

const char *change_name(enum change_kind kind)
{
	static const char *const names[] = {"added", "changed", "removed"};

	return names[kind];
}

/* The entry in force of the key at `at`, which is stepped over all entries of that key. */
static const struct entry *next_key(const struct layout *layout, size_t *at)
{
	size_t i = *at;

	while (i + 1 < layout->count &&
	       strcmp(layout->by_key[i]->key, layout->by_key[i + 1]->key) == 0)
		i++;
	*at = i + 1;
	return layout->by_key[i];
}

static void add(struct arena *arena, struct changes *changes, const char *file,
		const struct entry *entry, enum change_kind kind)
{
	*arena_push(arena, changes) = (struct change){kind, file, entry->key};
}

void changes_find(struct arena *arena, enum layout_kind kind, const char *file,
		  const struct source *before, const struct source *after, struct changes *changes)
{
	struct layout old = layout_read(arena, before, kind);
	struct layout new = layout_read(arena, after, kind);

	for (size_t at = 0; at < old.count;) {
		const struct entry *entry = next_key(&old, &at);
		const struct entry *now = layout_find(&new, entry->key);

		if (!now)
			add(arena, changes, file, entry, CHANGE_REMOVED);
		else if (strcmp(entry->value, now->value) != 0)
			add(arena, changes, file, entry, CHANGE_CHANGED);
	}
	for (size_t at = 0; at < new.count;) {
		const struct entry *entry = next_key(&new, &at);

		if (!layout_find(&old, entry->key))
			add(arena, changes, file, entry, CHANGE_ADDED);
	}
}

size_t changes_count_others(struct arena *arena, enum layout_kind kind, const struct source *actual,
			    const struct source *wanted)
{
	struct layout has = layout_read(arena, actual, kind);
	struct layout wants = layout_read(arena, wanted, kind);
	size_t count = 0;

	for (size_t at = 0; at < has.count;)
		count += !layout_find(&wants, next_key(&has, &at)->key);
	return count;
}
