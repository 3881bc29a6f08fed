/* Plans for people and for programs; see report_plan.h. */
#include "confgen/apply/report_plan.h"

static const char *const kind_words[][2] = {
	{"file", "files"}, {"setting", "settings"}, {"service", "services"}};

static const char *word_of_change(const struct planned_file *file)
{
	if (!file->changed)
		return "index missing";
	if (!file->actual.there)
		return "added";
	return file->after.text ? "changed" : "removed";
}

static bool is_planned_change(const struct planned_file *file)
{
	return file->changed || file->index_missing;
}

/* ---- for people ---- */

static void print_word(const char *text, FILE *out)
{
	print_escaped(out, text, strlen(text));
}

static bool same_text(const struct planned_file *file)
{
	return file->actual.there && file->after.text &&
	       file->actual.text.length == file->after.length &&
	       memcmp(file->actual.text.text, file->after.text, file->after.length) == 0;
}

static void print_attributes(const struct planned_file *file, FILE *out)
{
	const struct stat *status = &file->actual.status;

	if (!file->actual.there || !file->after.text)
		return;
	if ((status->st_mode & 07777) != file->mode)
		fprintf(out, "  mode %04o becomes %04o\n", (unsigned)(status->st_mode & 07777),
			(unsigned)file->mode);
	if (status->st_uid != file->uid || status->st_gid != file->gid)
		fprintf(out, "  owner %ld:%ld becomes %ld:%ld\n", (long)status->st_uid,
			(long)status->st_gid, (long)file->uid, (long)file->gid);
}

static void print_file(struct arena *arena, const struct planned_file *file,
		       const struct place *place, FILE *out)
{
	const char *name = place_display(arena, place, file->path);

	print_word(name, out);
	fprintf(out, ": %s\n", word_of_change(file));
	print_attributes(file, out);
	if (file->changed && !same_text(file))
		diff_print(arena, name, &file->actual.text, &file->after, file->mask, out);
	fputc('\n', out);
}

static void print_drift(struct arena *arena, const struct plan *plan, const struct place *place,
			FILE *out)
{
	if (!plan->drifts.count)
		return;
	fputs("Changed by hand since the last apply:\n\n", out);
	for (size_t i = 0; i < plan->drifts.count; i++) {
		const struct drift *drift = &plan->drifts.items[i];
		const char *name = place_display(arena, place, drift->path);

		print_word(name, out);
		fputs(drift->now.text ? "\n" : ": removed\n", out);
		for (size_t j = 0; j < plan->drifted.count; j++) {
			const struct change *change = &plan->drifted.items[j];

			if (strcmp(change->file, drift->path) != 0)
				continue;
			fprintf(out, "  %s: ", change_name(change->kind));
			print_word(change->key, out);
			fputc('\n', out);
		}
		if (drift->now.text)
			diff_print(arena, name, &drift->then, &drift->now, drift->mask, out);
		fputc('\n', out);
	}
}

static void print_changes(const struct plan *plan, enum layout_kind kind, FILE *out)
{
	static const char signs[] = "+~-";
	size_t counts[3] = {0};
	bool any = false;

	for (size_t i = 0; i < plan->changes.count; i++) {
		const struct change *change = &plan->changes.items[i];

		if ((kind == LAYOUT_SERVICES) != (strcmp(change->file, "config/master.cf") == 0))
			continue;
		if (!any)
			fprintf(out, "Changes by %s:\n", kind_words[kind][0]);
		any = true;
		counts[change->kind]++;
		fprintf(out, "  %c ", signs[change->kind]);
		print_word(change->key, out);
		fputc('\n', out);
	}
	if (any)
		fprintf(out, "  %zu added, %zu changed, %zu removed", counts[CHANGE_ADDED],
			counts[CHANGE_CHANGED], counts[CHANGE_REMOVED]);
	else
		fprintf(out, "No changes by %s", kind_words[kind][0]);
	fprintf(out, "; %zu %s that the topology does not name %s\n\n", plan->unmanaged[kind],
		kind_words[kind][plan->unmanaged[kind] != 1],
		plan->options.full ? "would go" : "left alone");
}

static void print_rest(const struct plan *plan, FILE *out)
{
	for (size_t i = 0; i < plan->released.count; i++) {
		if (i == 0)
			fputs("Once set by the topology, changed by hand since: now yours\n", out);
		fputs("  ", out);
		print_word(plan->released.items[i], out);
		fputs(i + 1 == plan->released.count ? "\n\n" : "\n", out);
	}
	for (size_t i = 0; i < plan->left.count; i++) {
		if (i == 0)
			fputs("Left for you to put in place (postern-confgen render writes "
			      "them):\n",
			      out);
		fputs("  ", out);
		print_word(plan->left.items[i].rendered, out);
		fputs(" -> ", out);
		print_word(plan->left.items[i].install, out);
		fputs(i + 1 == plan->left.count ? "\n\n" : "\n", out);
	}
}

static void print_need(const struct plan *plan, FILE *out)
{
	if (plan->node->kind.value == KIND_DMS) {
		fputs("Files only: they take effect when the container is made anew "
		      "(docker compose up --detach --force-recreate).\n",
		      out);
		return;
	}
	if (plan->need == NEED_NOTHING)
		return;
	fprintf(out, "Postfix needs a %s%s\n", need_name(plan->need),
		plan->need == NEED_RESTART ? ":" : ".");
	for (size_t i = 0; i < plan->reasons.count; i++)
		fprintf(out, "  %s\n", plan->reasons.items[i]);
}

void report_plan_text(struct arena *arena, const struct plan *plan, const struct place *place,
		      FILE *out)
{
	size_t count = 0;

	fputs("Plan for node ", out);
	print_word(plan->node->head.name.value, out);
	fputs(" in ", out);
	print_word(place->folders[ROOT_CONFIG], out);
	fprintf(out, ", mode %s\n\n", plan->options.full ? "full" : "overlay");
	print_drift(arena, plan, place, out);
	for (size_t i = 0; i < plan->files.count; i++) {
		if (!is_planned_change(&plan->files.items[i]))
			continue;
		print_file(arena, &plan->files.items[i], place, out);
		count++;
	}
	if (count) {
		print_changes(plan, LAYOUT_SETTINGS, out);
		if (plan->node->kind.value == KIND_POSTFIX)
			print_changes(plan, LAYOUT_SERVICES, out);
	}
	print_rest(plan, out);
	if (count)
		fprintf(out, "%zu of %zu files would change. ", count, plan->files.count);
	else
		fputs("Nothing would change.\n", out);
	if (count)
		print_need(plan, out);
}

/* ---- for programs ---- */

/* Whatever octets it has. */
static json_t *text(const char *value)
{
	json_t *string = json_string(value);
	char *escaped = NULL;
	size_t size;
	FILE *out;

	if (string)
		return string;
	out = open_memstream(&escaped, &size);
	if (!out)
		return json_null();
	print_escaped(out, value, strlen(value));
	fclose(out);
	string = json_string(escaped);
	free(escaped);
	return string;
}

static json_t *diff_text(struct arena *arena, const char *name, const struct source *before,
			 const struct source *after, enum diff_mask mask)
{
	char *buffer = NULL;
	size_t size;
	FILE *out = open_memstream(&buffer, &size);
	json_t *string;

	if (!out)
		return json_null();
	diff_print(arena, name, before, after, mask, out);
	fclose(out);
	string = json_string(buffer);
	free(buffer);
	return string ? string : json_null();
}

static json_t *files_json(struct arena *arena, const struct plan *plan, const struct place *place)
{
	json_t *array = json_array();

	for (size_t i = 0; i < plan->files.count; i++) {
		const struct planned_file *file = &plan->files.items[i];
		const char *name = place_display(arena, place, file->path);

		if (!is_planned_change(file))
			continue;
		json_array_append_new(
			array, json_pack("{s:o, s:s, s:s, s:o}", "path", text(name), "change",
					 word_of_change(file), "mode",
					 arena_printf(arena, "%04o", (unsigned)file->mode), "diff",
					 file->changed ? diff_text(arena, name, &file->actual.text,
								   &file->after, file->mask)
						       : json_string("")));
	}
	return array;
}

static json_t *changes_json(struct arena *arena, const struct changes *changes,
			    const struct place *place)
{
	json_t *array = json_array();

	for (size_t i = 0; i < changes->count; i++) {
		const struct change *change = &changes->items[i];

		json_array_append_new(
			array, json_pack("{s:o, s:o, s:s}", "file",
					 text(place_display(arena, place, change->file)), "name",
					 text(change->key), "change", change_name(change->kind)));
	}
	return array;
}

static json_t *drifts_json(struct arena *arena, const struct plan *plan, const struct place *place)
{
	json_t *array = json_array();

	for (size_t i = 0; i < plan->drifts.count; i++) {
		const struct drift *drift = &plan->drifts.items[i];
		const char *name = place_display(arena, place, drift->path);

		json_array_append_new(
			array,
			json_pack("{s:o, s:s, s:o}", "path", text(name), "change",
				  drift->now.text ? "changed" : "removed", "diff",
				  diff_text(arena, name, &drift->then, &drift->now, drift->mask)));
	}
	return array;
}

static json_t *words_json(const struct words *words)
{
	json_t *array = json_array();

	for (size_t i = 0; i < words->count; i++)
		json_array_append_new(array, text(words->items[i]));
	return array;
}

static json_t *left_json(const struct plan *plan)
{
	json_t *array = json_array();

	for (size_t i = 0; i < plan->left.count; i++)
		json_array_append_new(array,
				      json_pack("{s:o, s:o}", "rendered",
						text(plan->left.items[i].rendered), "install",
						text(plan->left.items[i].install)));
	return array;
}

void report_plan_json(struct arena *arena, const struct plan *plan, const struct place *place,
		      FILE *out)
{
	json_t *root = json_pack(
		"{s:o, s:o, s:s, s:b, s:o, s:o, s:{s:I, s:I}, s:o, s:o, s:o, s:o, s:s, s:o}",
		"node", text(plan->node->head.name.value), "folder",
		text(place->folders[ROOT_CONFIG]), "mode", plan->options.full ? "full" : "overlay",
		"changes", (int)plan_has_changes(plan), "files", files_json(arena, plan, place),
		"entries", changes_json(arena, &plan->changes, place), "unmanaged", "settings",
		(json_int_t)plan->unmanaged[LAYOUT_SETTINGS], "services",
		(json_int_t)plan->unmanaged[LAYOUT_SERVICES], "drift",
		drifts_json(arena, plan, place), "drift_entries",
		changes_json(arena, &plan->drifted, place), "released", words_json(&plan->released),
		"left", left_json(plan), "needs", need_name(plan->need), "reasons",
		words_json(&plan->reasons));

	if (root)
		json_dumpf(root, out, JSON_INDENT(2));
	fputc('\n', out);
	json_decref(root);
}
