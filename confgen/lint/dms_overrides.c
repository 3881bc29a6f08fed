/* Reading docker-mailserver's override files; see dms_overrides.h. */
#include "confgen/lint/dms_overrides.h"

#include <ctype.h>
#include <string.h>
#include <sys/stat.h>

static const char *const files[] = {"postfix-main.cf", "postfix-master.cf", "user-patches.sh",
				    "postfix-relaymap.cf", "postfix-sasl-password.cf"};
static const char *const environments[] = {"mailserver.env", "compose.yaml", "compose.yml",
					   "docker-compose.yml"};

static bool exists(struct arena *arena, const char *folder, const char *name)
{
	struct stat status;

	return stat(arena_printf(arena, "%s/%s", folder, name), &status) == 0 &&
	       S_ISREG(status.st_mode);
}

bool dms_overrides_recognise(struct arena *arena, const char *folder)
{
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
		if (exists(arena, folder, files[i]))
			return true;
	return false;
}

static const struct source *load(struct arena *arena, const char *folder, const char *name,
				 struct diagnostics *list)
{
	const char *path = arena_printf(arena, "%s/%s", folder, name);
	const struct source *source = NULL;

	if (exists(arena, folder, name))
		lines_load_inside(arena, folder, path, CONFIGURATION_FILE_LIMIT, list, &source);
	return source;
}

/* Gives the next physical line without its line feed; false at the end. */
static bool next_line(struct arena *arena, const struct source *source, size_t *at, unsigned *line,
		      struct text *out, bool *ended)
{
	const char *start = source->text + *at;
	size_t left = source->length - *at;
	const char *feed = left ? memchr(start, '\n', left) : NULL;
	size_t length = feed ? (size_t)(feed - start) : left;
	struct text_writer writer;

	if (!left)
		return false;
	text_writer_init(&writer, arena);
	/* a NUL ends a line for the shell as well */
	text_writer_add_raw(&writer, source, start, strnlen(start, length), ++*line);
	*out = text_writer_take(&writer);
	*ended = feed != NULL;
	*at += length + (feed != NULL);
	return true;
}

/* Splits service/type/name=value; false where it is none. */
static bool split_setting(struct arena *arena, struct dms_setting *setting)
{
	const struct text *line = &setting->line;
	const char *start = line->text, *equals = strchr(start, '=');
	const char *first = strchr(start, '/');
	const char *second = first ? strchr(first + 1, '/') : NULL;

	if (!equals || !second || second > equals)
		return false;
	setting->service = text_slice(arena, line, 0, (size_t)(first - start));
	setting->type =
		text_slice(arena, line, (size_t)(first + 1 - start), (size_t)(second - first - 1));
	setting->name =
		text_trim(arena, line, (size_t)(second + 1 - start), (size_t)(equals - second - 1));
	setting->value = text_trim(arena, line, (size_t)(equals + 1 - start),
				   line->length - (size_t)(equals + 1 - start));
	return setting->service.length && setting->type.length && setting->name.length;
}

static void read_master(struct arena *arena, struct dms_overrides *overrides)
{
	size_t at = 0;
	unsigned number = 0;
	struct text line;
	bool ended;

	while (next_line(arena, overrides->master_cf, &at, &number, &line, &ended)) {
		struct dms_setting setting = {.kind = DMS_SETTING,
					      .line = text_trim(arena, &line, 0, line.length)};
		unsigned char first = (unsigned char)*setting.line.text;

		if (!ended || !first || first == '#')
			continue;
		if (!isdigit(first) && !islower(first))
			setting.kind = DMS_SKIPPED;
		else if (!split_setting(arena, &setting))
			setting.kind = DMS_BROKEN;
		else if (strpbrk(setting.value.text, " \t"))
			setting.kind = DMS_SPACE;
		*arena_push(arena, &overrides->master) = setting;
	}
}

static void read_pairs(struct arena *arena, const struct source *source, struct dms_pairs *pairs)
{
	size_t at = 0, length, rest;
	unsigned number = 0;
	struct text line;
	bool ended;

	while (next_line(arena, source, &at, &number, &line, &ended)) {
		struct text text = text_trim(arena, &line, 0, line.length);

		if (!text.length || *text.text == '#')
			continue;
		length = strcspn(text.text, " \t");
		rest = length + strspn(text.text + length, " \t");
		*arena_push(arena, pairs) =
			(struct dms_pair){text_slice(arena, &text, 0, length),
					  text_trim(arena, &text, rest, text.length - rest)};
	}
}

void dms_overrides_read(struct arena *arena, struct dms_overrides *overrides,
			struct diagnostics *list)
{
	if (overrides->main_cf && lines_check(overrides->main_cf, list))
		main_cf_parse(arena, overrides->main_cf, list, &overrides->main);
	if (overrides->master_cf)
		read_master(arena, overrides);
	if (overrides->relaymap_cf)
		read_pairs(arena, overrides->relaymap_cf, &overrides->relays);
	if (overrides->passwords_cf)
		read_pairs(arena, overrides->passwords_cf, &overrides->passwords);
}

struct dms_overrides *dms_overrides_load(struct arena *arena, const char *folder,
					 struct diagnostics *list)
{
	struct dms_overrides *overrides;

	if (!dms_overrides_recognise(arena, folder))
		return NULL;
	overrides = arena_alloc(arena, sizeof(*overrides));
	overrides->folder = arena_strdup(arena, folder);
	overrides->main_cf = load(arena, folder, files[0], list);
	overrides->master_cf = load(arena, folder, files[1], list);
	overrides->patches = load(arena, folder, files[2], list);
	overrides->relaymap_cf = load(arena, folder, files[3], list);
	overrides->passwords_cf = load(arena, folder, files[4], list);
	for (size_t i = 0;
	     !overrides->environment && i < sizeof(environments) / sizeof(*environments); i++)
		overrides->environment = load(arena, folder, environments[i], list);
	dms_overrides_read(arena, overrides, list);
	return overrides;
}
