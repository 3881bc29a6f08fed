/*
 * Reads a configuration file with libconfuse, and adds what libconfuse lacks; see settings.h.
 *
 * libconfuse stops at the first mistake, and keeps no places. So every option is declared as a
 * list of strings, whose callback sees each value with its line, and judging is left to others. At
 * an unknown name libconfuse stops too: the name is then made known and the text is read again.
 */
#include "common/settings.h"
#include "common/comments.h"
#include "common/suggest.h"

#include <confuse.h>
#include <ctype.h>
#include <errno.h>
#include <strings.h>

#define MOST_UNKNOWN 50 /* names that are reported before the reader gives up */
#define MOST_OPTIONS 80

struct names {
	const char *items[MOST_OPTIONS];
	size_t count, known; /* the first `known` are the vocabulary's */
};

struct reader {
	struct arena *arena;
	const struct source *source;
	const char *text; /* of the source, without comments */
	const struct vocabulary *vocabulary;
	struct diagnostics *list;
	struct settings settings;
	struct names names, section_names;
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

/* The first line from `line` on that begins with `first` and holds `second`; line 0 if none does.
 */
static struct position find_line(struct reader *reader, unsigned line, const char *first,
				 const char *second)
{
	for (; go_to_line(reader, line); line++) {
		const char *text = reader->line_text;
		size_t length = strcspn(text, "\n"), blanks = strspn(text, " \t");

		if (strncmp(text + blanks, first, strlen(first)) == 0 &&
		    memmem(text, length, second, strlen(second)))
			return place(reader, line, first);
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

static int on_value(cfg_t *cfg, cfg_opt_t *option, const char *value, void *result)
{
	const char *title = cfg_title(cfg);

	*add_setting(current) = (struct setting){
		.section = title ? arena_strdup(current->arena, title) : NULL,
		.name = arena_strdup(current->arena, cfg_opt_name(option)),
		.value = arena_strdup(current->arena, value),
		.at = place(current, (unsigned)cfg->line, value),
		.first = cfg_opt_size(option) == 1,
	};
	*(const char **)result = value;
	return 0;
}

static void add_unknown(cfg_t *cfg, const char *name)
{
	struct names *names = cfg_title(cfg) ? &current->section_names : &current->names;
	struct position at = place(current, (unsigned)cfg->line, name);
	const char *nearest = suggest(name, names->items, names->known);

	if (!nearest && names == &current->names)
		nearest = suggest(name, &current->vocabulary->section, 1);
	diagnostics_add(current->list, SEVERITY_ERROR, NULL, at, "unknown setting '%s'", name);
	if (nearest)
		diagnostics_hint(current->list, "did you mean '%s'?", nearest);
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

static void fill_options(const struct names *names, cfg_opt_t *options)
{
	for (size_t i = 0; i < names->count; i++)
		options[i] =
			(cfg_opt_t)CFG_STR_LIST_CB(names->items[i], NULL, CFGF_NODEFAULT, on_value);
}

/* NAME = {} has no value that the callback could see. `section` is NULL outside of one. */
static void note_empty_lists(struct reader *reader, cfg_t *cfg, const struct names *names,
			     const struct section *section)
{
	for (size_t i = 0; i < names->known; i++) {
		const char *name = names->items[i];
		const cfg_opt_t *option = cfg_getopt(cfg, name);
		struct setting *setting;

		if (!(option->flags & CFGF_MODIFIED) || option->nvalues)
			continue;
		setting = add_setting(reader);
		*setting = (struct setting){.name = name, .first = true};
		setting->section = section ? section->title : NULL;
		setting->at = find_line(reader, section ? section->at.line : 1, name, "");
		if (section && !setting->at.line)
			setting->at = section->at;
	}
}

static void note_sections(struct reader *reader, cfg_t *cfg)
{
	const char *name = reader->vocabulary->section;
	size_t count = cfg_size(cfg, name);
	struct section *sections = arena_array(reader->arena, count, sizeof(*sections));

	for (size_t i = 0; i < count; i++) {
		const char *title = cfg_title(cfg_getnsec(cfg, name, (unsigned)i));

		sections[i].title = arena_strdup(reader->arena, title);
		sections[i].at = find_line(reader, 1, name, title);
		note_empty_lists(reader, cfg_getnsec(cfg, name, (unsigned)i),
				 &reader->section_names, &sections[i]);
	}
	reader->settings.sections = sections;
	reader->settings.section_count = count;
}

static void read_once(struct reader *reader)
{
	cfg_opt_t section_options[MOST_OPTIONS + 1] = {CFG_END()};
	cfg_opt_t options[MOST_OPTIONS + 2] = {CFG_END()};
	cfg_t *cfg;
	int result;

	reader->again = false;
	reader->settings = (struct settings){.items = NULL};
	fill_options(&reader->section_names, section_options);
	fill_options(&reader->names, options);
	options[reader->names.count] = (cfg_opt_t)CFG_SEC(reader->vocabulary->section,
							  section_options, CFGF_MULTI | CFGF_TITLE);
	cfg = cfg_init(options, CFGF_NONE);
	if (!cfg)
		abort();
	cfg_set_error_function(cfg, on_error);
	result = cfg_parse_buf(cfg, reader->text);
	reader->settings.complete = result == CFG_SUCCESS;
	note_empty_lists(reader, cfg, &reader->names, NULL);
	note_sections(reader, cfg);
	cfg_free(cfg);
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
	names_init(&reader.section_names, vocabulary->section_names);
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

bool settings_given_before(const struct settings *settings, size_t index)
{
	const struct setting *setting = &settings->items[index];

	for (size_t i = 0; i < index; i++) {
		const struct setting *other = &settings->items[i];

		if (strcmp(other->name, setting->name) != 0 || !other->section != !setting->section)
			continue;
		if (!setting->section || strcasecmp(other->section, setting->section) == 0)
			return true;
	}
	return false;
}
