/* Baselines; see baseline.h. */
#include "confgen/report/baseline.h"
#include "common/file.h"
#include "common/strbuf.h"
#include "confgen/report/fingerprint.h"

#include <jansson.h>
#include <stdlib.h>

#define LARGEST_BASELINE ((size_t)64 << 20)

struct known {
	const char *fingerprint, *rule, *file;
	bool seen;
};

struct known_list {
	struct known **items;
	size_t count;
};

struct baseline {
	struct arena *arena;
	struct name_map *map; /* struct known, by fingerprint */
	struct known_list known;
	size_t stale; /* of them, not seen by baseline_apply() */
};

struct baseline *baseline_new(struct arena *arena)
{
	struct baseline *baseline = arena_alloc(arena, sizeof(*baseline));

	baseline->arena = arena;
	baseline->map = name_map_new(arena, 64);
	return baseline;
}

static void know(struct baseline *baseline, const char *fingerprint, const char *rule,
		 const char *file)
{
	struct known *known = arena_alloc(baseline->arena, sizeof(*known));

	known->fingerprint = arena_strdup(baseline->arena, fingerprint);
	known->rule = arena_strdup(baseline->arena, rule);
	known->file = arena_strdup(baseline->arena, file);
	if (name_map_add(baseline->map, known->fingerprint, known))
		return;
	*arena_push(baseline->arena, &baseline->known) = known;
	baseline->stale++;
}

/* NULL, or what is wrong. */
static const char *read_findings(struct baseline *baseline, const json_t *root)
{
	const json_t *findings = json_object_get(root, "findings"), *item;
	size_t i;

	if (json_integer_value(json_object_get(root, "postern_baseline")) != 1 ||
	    !json_is_array(findings))
		return "this is no baseline of postern-confgen lint";
	json_array_foreach (findings, i, item) {
		const char *print = json_string_value(json_object_get(item, "fingerprint"));
		const char *rule = json_string_value(json_object_get(item, "rule"));
		const char *file = json_string_value(json_object_get(item, "file"));

		if (!print)
			return "a finding in it has no fingerprint";
		know(baseline, print, rule ? rule : "", file ? file : "");
	}
	return NULL;
}

int baseline_read(struct arena *arena, const char *path, struct baseline **out, const char **why)
{
	struct baseline *baseline = baseline_new(arena);
	json_error_t problem;
	json_t *root;
	const char *wrong;
	char *text;
	size_t length;
	int error = file_read(arena, path, LARGEST_BASELINE, &text, &length);

	if (error)
		return error;
	root = json_loadb(text, length, JSON_REJECT_DUPLICATES, &problem);
	wrong = root ? read_findings(baseline, root)
		     : arena_printf(arena, "line %d: %s", problem.line, problem.text);
	json_decref(root);
	if (wrong) {
		*why = wrong;
		return -1;
	}
	*out = baseline;
	return 0;
}

struct applying {
	struct baseline *baseline;
	struct fingerprints prints;
};

static bool is_known(void *user, const struct diagnostic *item)
{
	struct applying *applying = user;
	struct known *known;

	if (item->repeated)
		return true;
	known = name_map_find(applying->baseline->map, fingerprint_make(&applying->prints, item));
	if (known && !known->seen) {
		known->seen = true;
		applying->baseline->stale--;
	}
	return known != NULL;
}

void baseline_apply(struct baseline *baseline, struct diagnostics *list)
{
	struct applying applying = {.baseline = baseline};
	struct arena *arena = arena_new(0);

	fingerprints_init(&applying.prints, arena);
	diagnostics_sort(list);
	diagnostics_drop(list, is_known, &applying);
	arena_free(arena);
}

void baseline_add(struct baseline *baseline, struct diagnostics *list)
{
	struct fingerprints prints;
	const struct diagnostic *item;
	struct arena *arena = arena_new(0);
	size_t at = 0;

	fingerprints_init(&prints, arena);
	diagnostics_sort(list);
	while ((item = diagnostics_next(list, &at)))
		know(baseline, fingerprint_make(&prints, item), item->rule ? item->rule : "",
		     item->at.source ? item->at.source->name : "");
	arena_free(arena);
}

size_t baseline_count(const struct baseline *baseline)
{
	return baseline->known.count;
}

size_t baseline_stale(const struct baseline *baseline)
{
	return baseline->stale;
}

static int compare(const void *a, const void *b)
{
	const struct known *x = *(struct known *const *)a, *y = *(struct known *const *)b;
	int order = strcmp(x->file, y->file);

	if (!order)
		order = strcmp(x->rule, y->rule);
	return order ? order : strcmp(x->fingerprint, y->fingerprint);
}

/* A name as JSON: what is not UTF-8 is left out, for it is there for people only. */
static const char *utf8_or_nothing(const char *name)
{
	json_t *value = json_string(name);

	json_decref(value);
	return value ? name : "";
}

int baseline_write(const struct baseline *baseline, const char *path)
{
	struct strbuf buf = STRBUF_INIT;
	int error;

	if (baseline->known.count)
		qsort(baseline->known.items, baseline->known.count, sizeof(struct known *),
		      compare);
	strbuf_adds(&buf, "{\"postern_baseline\": 1, \"findings\": [");
	for (size_t i = 0; i < baseline->known.count; i++) {
		const struct known *known = baseline->known.items[i];
		json_t *item =
			json_pack("{s:s,s:s,s:s}", "rule", known->rule, "file",
				  utf8_or_nothing(known->file), "fingerprint", known->fingerprint);
		char *line = item ? json_dumps(item, 0) : NULL;

		if (!line)
			abort();
		strbuf_addf(&buf, "%s\n  %s", i ? "," : "", line);
		free(line);
		json_decref(item);
	}
	strbuf_adds(&buf, "\n]}\n");
	error = file_replace(path, NULL, 0, buf.text, buf.length);
	strbuf_done(&buf);
	return error;
}
