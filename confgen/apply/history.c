/* What was applied; see history.h. */
#include "confgen/apply/history.h"

static json_t *files_to_json(const struct state_files *files)
{
	json_t *array = json_array();

	for (size_t i = 0; i < files->count; i++)
		json_array_append_new(
			array, json_pack("{s:s, s:b, s:b}", "path", files->items[i].path, "before",
					 files->items[i].before, "after", files->items[i].after));
	return array;
}

json_t *state_to_json(const struct state *state)
{
	return json_pack("{s:i, s:i, s:s, s:i, s:s, s:s, s:s, s:s, s:s, s:s, s:[I,I], s:o, s:o}",
			 "format", APPLY_FORMAT, "state", state->number, "kind",
			 state->rollback ? "rollback" : "apply", "amounts_to", state->amounts_to,
			 "time", state->time, "who", state->who, "node", state->node, "topology",
			 state->topology, "mode", state->full ? "full" : "overlay", "needs",
			 state->restart ? "restart" : "reload", "folder_time",
			 (json_int_t)state->folder_time.tv_sec,
			 (json_int_t)state->folder_time.tv_nsec, "files",
			 files_to_json(&state->files), "owned", owned_to_json(&state->owned));
}

static const char *copy(struct arena *arena, const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? arena_strdup(arena, text) : "";
}

bool state_from_json(struct arena *arena, const json_t *object, struct state *out)
{
	const json_t *files = json_object_get(object, "files"), *item;
	const json_t *time = json_object_get(object, "folder_time");
	const json_t *format =
		json_object_get(object, "format"); /* the first releases wrote none */
	struct state state = {
		.number = (int)json_integer_value(json_object_get(object, "state")),
		.amounts_to = (int)json_integer_value(json_object_get(object, "amounts_to")),
		.rollback = strcmp(copy(arena, object, "kind"), "rollback") == 0,
		.full = strcmp(copy(arena, object, "mode"), "full") == 0,
		.restart = strcmp(copy(arena, object, "needs"), "restart") == 0,
		.time = copy(arena, object, "time"),
		.who = copy(arena, object, "who"),
		.node = copy(arena, object, "node"),
		.topology = copy(arena, object, "topology"),
		.folder_time = {json_integer_value(json_array_get(time, 0)),
				json_integer_value(json_array_get(time, 1))},
		.owned = owned_from_json(arena, json_object_get(object, "owned")),
	};
	size_t at;

	if (state.number <= 0 || (format && json_integer_value(format) != APPLY_FORMAT))
		return false;
	json_array_foreach (files, at, item)
		*arena_push(arena, &state.files) = (struct state_file){
			copy(arena, item, "path"),
			json_is_true(json_object_get(item, "before")),
			json_is_true(json_object_get(item, "after")),
		};
	*out = state;
	return true;
}

const struct state *history_last(const struct history *history)
{
	return history->count ? &history->items[history->count - 1] : NULL;
}

const struct state *history_find(const struct history *history, int number)
{
	for (size_t i = 0; i < history->count; i++)
		if (history->items[i].number == number)
			return &history->items[i];
	return NULL;
}

bool history_reaches(const struct history *history, int number)
{
	return history->count && number >= history->items[0].number - 1 &&
	       number <= history_last(history)->number;
}

static const struct state_file *find_file(const struct state *state, const char *path)
{
	for (size_t i = 0; i < state->files.count; i++)
		if (strcmp(state->files.items[i].path, path) == 0)
			return &state->files.items[i];
	return NULL;
}

bool history_file(const struct history *history, int number, const char *path, int *from,
		  bool *there)
{
	for (size_t i = 0; i < history->count; i++) {
		const struct state_file *file = find_file(&history->items[i], path);

		if (history->items[i].number <= number || !file)
			continue;
		*from = history->items[i].number;
		*there = file->before;
		return true;
	}
	return false;
}

int history_written(const struct history *history, const char *path)
{
	for (size_t i = history->count; i > 0; i--) {
		const struct state_file *file = find_file(&history->items[i - 1], path);

		if (file)
			return file->after ? history->items[i - 1].number : 0;
	}
	return 0;
}
