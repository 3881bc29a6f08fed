/* Comments that silence findings; see suppress.h. */
#include "confgen/lint/suppress.h"
#include "common/name_map.h"
#include "confgen/configuration/text.h"
#include "confgen/lint/lint.h"

#include <strings.h>

#define MARK	    "postern:"
#define IGNORE	    "ignore="
#define IGNORE_FILE "ignore-file="

/* A rule that a comment names. */
struct suppression {
	struct position at; /* of the comment */
	const char *rule;
	unsigned first, last; /* the lines that it is about */
	bool used;
};

struct suppressions {
	struct suppression *items;
	size_t count;
};

struct suppressor {
	struct arena *arena;
	enum postfix_release release;
	struct diagnostics *list;
	struct name_map *sources; /* struct suppressions, by the name of the file */
	struct diagnostics *own;
};

static void report(struct suppressor *suppressor, const char *id, struct position at,
		   const char *message, const char *hint)
{
	const struct lint_rule *rule = lint_rule_find(id);

	diagnostics_add(suppressor->own, rule->severity, rule->id, at, "%s", message);
	diagnostics_hint(suppressor->own, "%s", hint);
}

/* --- reading comments --- */

struct line {
	const char *text;
	size_t length;
	unsigned number;
};

static bool next_line(const struct source *source, struct line *line)
{
	const char *end = source->text + source->length, *stop;
	const char *start = line->text ? line->text + line->length + 1 : source->text;

	if (start >= end)
		return false;
	stop = memchr(start, '\n', (size_t)(end - start));
	*line = (struct line){start, (size_t)((stop ? stop : end) - start), line->number + 1};
	return true;
}

static size_t indent_of(const struct line *line)
{
	size_t indent = 0;

	while (indent < line->length && text_is_space(line->text[indent]))
		indent++;
	return indent;
}

static bool is_void(const struct line *line)
{
	size_t indent = indent_of(line);

	return indent == line->length || line->text[indent] == '#';
}

static bool is_yaml(const struct source *source)
{
	const char *dot = strrchr(source->name, '.');

	return dot && (strcmp(dot, ".yaml") == 0 || strcmp(dot, ".yml") == 0);
}

/*
 * The lines of the entry behind a comment. `entry` has those for the comment before: while they are
 * still to come, nothing is looked for again.
 */
static void find_entry(const struct source *source, struct line at, struct suppression *entry)
{
	if (entry->first > at.number)
		return;
	entry->first = entry->last = UINT32_MAX; /* there is none */
	while (next_line(source, &at)) {
		if (is_void(&at))
			continue;
		if (entry->first != UINT32_MAX && indent_of(&at) == 0)
			return;
		if (entry->first == UINT32_MAX)
			entry->first = at.number;
		entry->last = at.number;
		if (is_yaml(source))
			return;
	}
}

/* Whether the rest of the line begins with this; steps over it. */
static bool skip(const char **at, const char *word)
{
	size_t length = strlen(word);

	if (strncmp(*at, word, length) != 0)
		return false;
	*at += length;
	return true;
}

static void add(struct suppressor *suppressor, struct suppressions *found,
		const struct suppression *like, const char *name)
{
	const struct lint_rule *rule = lint_rule_find(name);
	struct suppression *made;

	if (!rule || rule->id[0] == 'C') {
		report(suppressor, "C03", like->at,
		       arena_printf(suppressor->arena, "'%s' is no rule that can be silenced",
				    name),
		       "'postern-confgen lint --rules' lists them");
		return;
	}
	made = arena_push(suppressor->arena, found);
	*made = *like;
	made->rule = rule->id;
}

/* Reads a comment, from '#' on. */
static void read_comment(struct suppressor *suppressor, const struct source *source,
			 const struct line *line, struct suppression *entry,
			 struct suppressions *found)
{
	size_t indent = indent_of(line), start = indent;
	const char *at =
		arena_strndup(suppressor->arena, line->text + indent, line->length - indent);
	const char *names;
	struct suppression like = {.at = {source, line->number, (unsigned)start + 1},
				   .last = UINT32_MAX};

	at += strspn(at, "#");
	at += strspn(at, " \t");
	if (!skip(&at, MARK))
		return;
	at += strspn(at, " \t");
	if (skip(&at, IGNORE)) {
		find_entry(source, *line, entry);
		like.first = entry->first;
		like.last = entry->last;
	} else if (!skip(&at, IGNORE_FILE)) {
		at = NULL;
	}
	if (!at || strchr(" \t\r", *at)) {
		report(suppressor, "C03", like.at, "this comment says nothing that is known",
		       "# " MARK " " IGNORE "RULE reason");
		return;
	}
	names = at;
	at += strcspn(at, " \t\r");
	if (at[strspn(at, " \t\r")] == '\0') {
		report(suppressor, "C01", like.at,
		       "no reason is given: the comment counts for nothing",
		       "say why, behind the rule: whoever reads it in five years will ask");
		return;
	}
	while (names < at) {
		size_t length = strcspn(names, ", \t\r");

		add(suppressor, found, &like, arena_strndup(suppressor->arena, names, length));
		names += length + 1;
	}
}

static void scan(struct suppressor *suppressor, const struct source *source)
{
	struct suppressions *found;
	struct suppression entry = {0};
	struct line line = {0};

	if (!source || !source->text)
		return;
	found = arena_alloc(suppressor->arena, sizeof(*found));
	if (name_map_add(suppressor->sources, source->name, found))
		return;
	while (found->count < MOST_SUPPRESSIONS && next_line(source, &line))
		if (line.length && is_void(&line) &&
		    memmem(line.text, line.length, MARK, strlen(MARK)))
			read_comment(suppressor, source, &line, &entry, found);
}

/* --- what they do --- */

static bool is_silenced(void *user, const struct diagnostic *item)
{
	struct suppressor *suppressor = user;
	struct suppressions *found;
	bool silenced = false;

	if (!item->rule || !item->at.source)
		return false;
	found = name_map_find(suppressor->sources, item->at.source->name);
	for (size_t i = 0; found && i < found->count; i++) {
		struct suppression *one = &found->items[i];

		if (strcasecmp(one->rule, item->rule) == 0 && one->first <= item->at.line &&
		    item->at.line <= one->last)
			silenced = one->used = true;
	}
	return silenced;
}

static void report_unused(struct suppressor *suppressor, const struct source *source)
{
	struct suppressions *found =
		source ? name_map_find(suppressor->sources, source->name) : NULL;

	for (size_t i = 0; found && i < found->count; i++) {
		const struct suppression *one = &found->items[i];

		if (!one->used && lint_rule_holds(lint_rule_find(one->rule), suppressor->release))
			report(suppressor, "C02", one->at,
			       arena_printf(suppressor->arena, "%s is not found here", one->rule),
			       "remove the comment");
	}
	if (found)
		found->count = 0; /* once */
}

void suppress_findings(struct arena *arena, const struct source *const *sources, size_t count,
		       enum postfix_release release, struct diagnostics *list)
{
	struct suppressor suppressor = {.arena = arena, .release = release, .list = list};
	struct {
		const struct source **items;
		size_t count;
	} all = {0};
	const struct diagnostic *item;
	size_t at = 0;

	suppressor.sources = name_map_new(arena, 16);
	suppressor.own = diagnostics_new(arena);
	for (size_t i = 0; i < count; i++)
		*arena_push(arena, &all) = sources[i];
	while ((item = diagnostics_next(list, &at)))
		if (item->at.source && !name_map_find(suppressor.sources, item->at.source->name)) {
			*arena_push(arena, &all) = item->at.source;
			scan(&suppressor, item->at.source);
		}
	for (size_t i = 0; i < count; i++)
		scan(&suppressor, sources[i]);
	diagnostics_drop(list, is_silenced, &suppressor);
	for (size_t i = 0; i < all.count; i++)
		report_unused(&suppressor, all.items[i]);
	diagnostics_append(list, suppressor.own);
}
