/*
 * Reads a configuration file with libconfuse, and adds what libconfuse lacks; see settings.h.
 *
 * libconfuse stops at the first mistake, and keeps no places. So every option is declared as a
 * list of strings, whose callback sees each value with its line, and judging is left to others. At
 * an unknown name libconfuse stops too: the name is then made known and the text is read again.
 */
#include "common/settings.h"
#include "common/suggest.h"
#include "common/comments.h"

#include <confuse.h>
#include <ctype.h>
#include <errno.h>
#include <stdint.h>

#define MOST_UNKNOWN 50 /* names that are reported before the reader gives up */
#define MOST_OPTIONS 80

struct names {
	const char *items[MOST_OPTIONS];
	size_t count, known; /* the first `known` are the vocabulary's */
};

struct reader {
	struct arena *arena;
	const struct source *source;
	const char *text; /* of the source, without comments, sections renamed */
	const struct vocabulary *vocabulary;
	struct diagnostics *list;
	struct settings settings;
	struct names names, section_names[SETTINGS_MOST_KINDS];
	unsigned line; /* where the last place was found */
	const char *line_text;
	const char *seen; /* the end of the last place in that line */
	size_t unknown;
	bool again; /* an unknown name was found: read once more */
};

/* libconfuse hands no context to its callbacks. */
static struct reader *current;

/* Goes to a line, which is mostly at or after the one of the last call; false beyond the end. */
static bool go_to_line(struct reader *reader, unsigned line)
{
	if (line != reader->line)
		reader->seen = NULL;
	if (!reader->line_text || line < reader->line) {
		reader->line = 1;
		reader->line_text = reader->source->text;
	}
	while (reader->line < line) {
		const char *newline = strchr(reader->line_text, '\n');

		if (!newline)
			return false;
		reader->line_text = newline + 1;
		reader->line++;
	}
	return true;
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || strchr("-_.:/@", c);
}

/* Where `word` stands in the line as a word of its own, or as part of one; NULL if it does not. */
static const char *find_word(const char *line, const char *end, const char *word)
{
	const char *first = memmem(line, (size_t)(end - line), word, strlen(word));

	for (const char *p = first; p && *word;) {
		const char *after = p + strlen(word);

		if ((p == line || !is_word(p[-1])) && (after == end || !is_word(*after)))
			return p;
		p = memmem(p + 1, (size_t)(end - p - 1), word, strlen(word));
	}
	return *word ? first : NULL;
}

/* The place of `word` in a line, the next one after the last place, or of the first thing in it. */
static struct position place(struct reader *reader, unsigned line, const char *word)
{
	struct position at = {reader->source, line, 1};
	const char *text, *found, *end;

	if (!go_to_line(reader, line))
		return at;
	text = reader->line_text;
	end = text + strcspn(text, "\n");
	found = reader->seen ? find_word(reader->seen, end, word) : NULL;
	if (!found)
		found = find_word(text, end, word);
	if (found)
		reader->seen = found + strlen(word);
	else
		for (found = text; found < end && isspace((unsigned char)*found); found++)
			;
	for (; text < found; text++)
		at.column += ((unsigned char)*text & 0xc0) != 0x80;
	return at;
}

/* The first assignment to `name` at or after a line; line 0 if there is none. */
static struct position find_assignment(struct reader *reader, unsigned line, const char *name)
{
	for (; go_to_line(reader, line); line++) {
		const char *text = reader->line_text, *end = text + strcspn(text, "\n");

		if (find_word(text, end, name))
			return place(reader, line, name);
	}
	return (struct position){reader->source, 0, 0};
}

static struct setting *add_setting(struct reader *reader)
{
	struct settings *settings = &reader->settings;

	settings->items = arena_grow(reader->arena, settings->items, settings->count,
				     sizeof(*settings->items));
	return &settings->items[settings->count++];
}

/* The section that libconfuse is in. */
static const struct section *section_of(cfg_t *cfg)
{
	bool any = strcmp(cfg->opts[0].name, SECTION_NUMBER) == 0;
	const char *text = any ? cfg_opt_getnstr(cfg->opts, 0) : NULL;
	size_t number = text ? strtoul(text, NULL, 10) : SIZE_MAX;
	const struct sections *sections = &current->settings.sections;

	return number < sections->count ? sections->items[number] : NULL;
}

static int on_value(cfg_t *cfg, cfg_opt_t *option, const char *value, void *result)
{
	*add_setting(current) = (struct setting){
		.section = section_of(cfg),
		.name = arena_strdup(current->arena, cfg_opt_name(option)),
		.value = arena_strdup(current->arena, value),
		.at = place(current, (unsigned)cfg->line, value),
		.first = cfg_opt_size(option) == 1,
	};
	*(const char **)result = value;
	return 0;
}

/* Where a name that is wrong here would be right, or how it is meant to be used. */
static void hint_at_place(const struct section *section, const char *name)
{
	const struct vocabulary *vocabulary = current->vocabulary;

	for (size_t i = 0; i < vocabulary->kind_count; i++) {
		const struct section_kind *kind = &vocabulary->kinds[i];

		if (strcmp(kind->name, name) == 0) {
			diagnostics_hint(current->list, "a section is written: %s \"NAME\" { ... }",
					 name);
			return;
		}
		for (const char *const *p = kind->names; *p && (!section || section->kind != kind);
		     p++) {
			if (strcmp(*p, name) == 0) {
				diagnostics_hint(current->list, "it belongs into a section '%s'",
						 kind->name);
				return;
			}
		}
	}
}

static void add_unknown(cfg_t *cfg, const char *name)
{
	const struct section *section = section_of(cfg);
	struct names *names =
		section ? &current->section_names[section->kind - current->vocabulary->kinds]
			: &current->names;
	struct position at = place(current, (unsigned)cfg->line, name);
	const char *nearest = suggest(name, names->items, names->known);

	diagnostics_add(current->list, SEVERITY_ERROR, NULL, at, "unknown setting '%s'", name);
	if (nearest)
		diagnostics_hint(current->list, "did you mean '%s'?", nearest);
	else
		hint_at_place(section, name);
	if (current->unknown++ < MOST_UNKNOWN && names->count < MOST_OPTIONS) {
		names->items[names->count++] = arena_strdup(current->arena, name);
		current->again = true;
	}
}

static void on_error(cfg_t *cfg, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));

static void on_error(cfg_t *cfg, const char *format, va_list args)
{
	char message[256];

	if (strcmp(format, "no such option '%s'") == 0) {
		add_unknown(cfg, va_arg(args, const char *));
		return;
	}
	vsnprintf(message, sizeof(message), format, args);
	/* an unknown section was made known as an option: that it is none is no second mistake */
	if (strncmp(message, "missing equal sign", 18) == 0 && current->unknown)
		return;
	diagnostics_add(current->list, SEVERITY_ERROR, NULL,
			place(current, (unsigned)cfg->line, ""), "%s", message);
}

/* Room for the names, the sections, the number, and the end. */
struct options {
	cfg_opt_t items[MOST_OPTIONS + SETTINGS_MOST_KINDS + 2];
};

static void fill_options(struct reader *reader, struct options *options, const struct names *names,
			 const char *parent, struct options *of_kinds)
{
	size_t count = 0;

	/* the first one, for section_of(); titles would be compared with each other */
	if (parent)
		options->items[count++] = (cfg_opt_t)CFG_STR(SECTION_NUMBER, NULL, CFGF_NODEFAULT);
	for (size_t i = 0; i < names->count; i++)
		options->items[count++] =
			(cfg_opt_t)CFG_STR_LIST_CB(names->items[i], NULL, CFGF_NODEFAULT, on_value);
	for (size_t i = 0; i < reader->vocabulary->kind_count; i++) {
		const struct section_kind *kind = &reader->vocabulary->kinds[i];

		if (parent ? kind->parent && strcmp(kind->parent, parent) == 0 : !kind->parent)
			options->items[count++] = (cfg_opt_t)CFG_SEC(
				arena_printf(reader->arena, SECTION_PREFIX "%s", kind->name),
				of_kinds[i].items, CFGF_MULTI);
	}
	options->items[count] = (cfg_opt_t)CFG_END();
}

/* NAME = {} has no value that the callback could see. */
static void note_empty_lists(struct reader *reader, cfg_t *cfg)
{
	const struct section *section = section_of(cfg);
	const struct names *names =
		section ? &reader->section_names[section->kind - reader->vocabulary->kinds]
			: &reader->names;

	for (size_t i = 0; i < names->known; i++) {
		const cfg_opt_t *option = cfg_getopt(cfg, names->items[i]);
		struct position at;

		if (!option || !(option->flags & CFGF_MODIFIED) || option->nvalues)
			continue;
		at = find_assignment(reader, section ? section->at.line : 1, names->items[i]);
		*add_setting(reader) = (struct setting){
			.section = section, .name = names->items[i], .at = at, .first = true};
	}
	for (size_t i = 0; i < reader->vocabulary->kind_count; i++) {
		const struct section_kind *kind = &reader->vocabulary->kinds[i];
		const char *name = arena_printf(reader->arena, SECTION_PREFIX "%s", kind->name);

		if (section ? !kind->parent || strcmp(kind->parent, section->kind->name) != 0
			    : kind->parent != NULL)
			continue;
		for (unsigned j = 0; j < cfg_size(cfg, name); j++)
			note_empty_lists(reader, cfg_getnsec(cfg, name, j));
	}
}

static void read_once(struct reader *reader)
{
	struct options *options = calloc(1 + SETTINGS_MOST_KINDS, sizeof(*options));
	cfg_t *cfg;
	int result;

	if (!options)
		abort();
	reader->again = false;
	reader->settings.items = NULL;
	reader->settings.count = 0;
	for (size_t i = 0; i < reader->vocabulary->kind_count; i++)
		fill_options(reader, &options[1 + i], &reader->section_names[i],
			     reader->vocabulary->kinds[i].name, options + 1);
	fill_options(reader, options, &reader->names, NULL, options + 1);
	cfg = cfg_init(options->items, CFGF_NONE);
	if (!cfg)
		abort();
	cfg_set_error_function(cfg, on_error);
	result = cfg_parse_buf(cfg, reader->text);
	reader->settings.complete = result == CFG_SUCCESS;
	note_empty_lists(reader, cfg);
	cfg_free(cfg);
	free(options);
}

static void names_init(struct names *names, const char *const *list)
{
	while (list[names->count]) {
		names->items[names->count] = list[names->count];
		names->count++;
	}
	names->known = names->count;
}

void settings_read(struct arena *arena, const struct source *source,
		   const struct vocabulary *vocabulary, struct diagnostics *list,
		   struct settings *out)
{
	struct reader reader = {
		.arena = arena, .source = source, .vocabulary = vocabulary, .list = list};
	size_t before = diagnostics_count(list, SEVERITY_ERROR);

	*out = (struct settings){.items = NULL};
	if (memchr(source->text, '\0', source->length)) {
		diagnostics_add(list, SEVERITY_ERROR, NULL, (struct position){source, 0, 0},
				"holds a NUL character: not a configuration file");
		return;
	}
	reader.text = comments_blank(arena, source, list);
	if (!reader.text)
		return;
	names_init(&reader.names, vocabulary->names);
	reader.text = sections_find(arena, source, reader.text, vocabulary->kinds,
				    vocabulary->kind_count, list, &reader.settings.sections);
	for (size_t i = 0; i < vocabulary->kind_count; i++)
		names_init(&reader.section_names[i], vocabulary->kinds[i].names);
	current = &reader;
	do
		read_once(&reader);
	while (reader.again);
	current = NULL;
	if (!reader.settings.complete && diagnostics_count(list, SEVERITY_ERROR) == before)
		diagnostics_add(list, SEVERITY_ERROR, NULL, (struct position){source, 0, 0},
				"cannot be read: %s", strerror(errno ? errno : EINVAL));
	*out = reader.settings;
}

/* Settings of one section follow each other, but for those of sections in it and empty lists. */
bool settings_given_before(const struct settings *settings, size_t index)
{
	const struct setting *setting = &settings->items[index];

	for (size_t i = index; i-- > 0;) {
		const struct setting *other = &settings->items[i];

		if (other->section == setting->section && strcmp(other->name, setting->name) == 0)
			return true;
		if (setting->section && setting->value && other->section != setting->section &&
		    (!other->section || other->section->parent != setting->section))
			return false;
	}
	return false;
}
