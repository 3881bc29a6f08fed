/* What the topology owns; see owned.h. */
#include "confgen/apply/owned.h"

const struct owned *owned_find(const struct owned_list *list, const char *file, const char *key)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->items[i].key, key) == 0 && strcmp(list->items[i].file, file) == 0)
			return &list->items[i];
	return NULL;
}

/* Octets that are not UTF-8 must come back as they were, and JSON cannot hold them. */
static json_t *octets(const char *text)
{
	json_t *array;

	if (!text)
		return json_null();
	array = json_string(text);
	if (array)
		return array;
	array = json_array();
	for (; *text; text++)
		json_array_append_new(array, json_integer((unsigned char)*text));
	return array;
}

static const char *from_octets(struct arena *arena, const json_t *value)
{
	size_t count = json_array_size(value);
	char *text;

	if (json_is_string(value))
		return arena_strdup(arena, json_string_value(value));
	if (!json_is_array(value))
		return NULL;
	text = arena_alloc(arena, count + 1);
	for (size_t i = 0; i < count; i++)
		text[i] = (char)json_integer_value(json_array_get(value, i));
	return text;
}

json_t *owned_to_json(const struct owned_list *list)
{
	json_t *array = json_array();

	for (size_t i = 0; i < list->count; i++) {
		const struct owned *owned = &list->items[i];

		json_array_append_new(array,
				      json_pack("{s:s, s:o, s:o, s:o}", "file", owned->file, "key",
						octets(owned->key), "set", octets(owned->set),
						"former", octets(owned->former)));
	}
	return array;
}

struct owned_list owned_from_json(struct arena *arena, const json_t *array)
{
	struct owned_list list = {0};
	const json_t *item;
	size_t at;

	json_array_foreach (array, at, item) {
		struct owned owned = {
			.file = from_octets(arena, json_object_get(item, "file")),
			.key = from_octets(arena, json_object_get(item, "key")),
			.set = from_octets(arena, json_object_get(item, "set")),
			.former = from_octets(arena, json_object_get(item, "former")),
		};

		if (owned.file && owned.key && owned.set)
			*arena_push(arena, &list) = owned;
	}
	return list;
}
