/*
 * Postfix warns of a parameter that main.cf sets twice, so the earlier one goes; see extra.h. All
 * that is known here of the file is its lines: NAME = VALUE, and lines with white space in front
 * that continue one (postconf(5)); and of files with services, that a comment "# LISTENER behind
 * PROXY" stands before each.
 */
#include "confgen/render/extra.h"
#include "common/strbuf.h"
#include "confgen/topology/rules.h"

#define BLANK " \t\r\n"

/* Where the logical line that begins at `line` ends. */
static const char *logical_end(const char *line)
{
	do {
		line += strcspn(line, "\n");
		line += *line == '\n';
	} while (*line == ' ' || *line == '\t');
	return line;
}

static bool sets(const char *line, const char *name)
{
	size_t length = strlen(name);

	if (strncmp(line, name, length) != 0)
		return false;
	line += length;
	return line[strspn(line, " \t")] == '=';
}

static size_t count_settings(const char *text, const char *name)
{
	size_t count = 0;

	for (const char *line = text; *line; line = logical_end(line))
		count += sets(line, name);
	return count;
}

/* The value of a logical line, its words joined by single spaces. */
static const char *value_of(struct arena *arena, const char *line, const char *end)
{
	struct strbuf value = STRBUF_INIT;
	const char *result;

	line = strchr(line, '=') + 1;
	for (line += strspn(line, BLANK); line < end; line += strspn(line, BLANK)) {
		size_t length = strcspn(line, BLANK);

		if (value.length)
			strbuf_addch(&value, ' ');
		strbuf_add(&value, line, length);
		line += length;
	}
	result = arena_strdup(arena, strbuf_text(&value));
	strbuf_done(&value);
	return result;
}

static void warn(const struct setting *setting, const char *derived, struct diagnostics *list)
{
	const char *name = setting->head.name.value;

	if (strcmp(derived, setting->value.value) == 0)
		return;
	report(list, EXTRA_OVERRIDES, setting->head.name.at,
	       "'%s' undoes what follows from the topology: %s = %s", name, name, derived);
}

/* The text without all but the last `keep` places that set the parameter. */
static const char *apply_one(struct arena *arena, const char *text, const struct setting *setting,
			     struct diagnostics *list)
{
	const char *name = setting->head.name.value, *end, *result;
	size_t keep = *setting->value.value ? 1 : 0;
	size_t count = count_settings(text, name);
	struct strbuf out = STRBUF_INIT;

	if (count <= keep)
		return text;
	for (const char *line = text; *line; line = end) {
		end = logical_end(line);
		if (sets(line, name) && count-- > keep)
			warn(setting, value_of(arena, line, end), list);
		else
			strbuf_add(&out, line, (size_t)(end - line));
	}
	result = arena_strdup(arena, strbuf_text(&out));
	strbuf_done(&out);
	return result;
}

const char *extra_apply(struct arena *arena, const char *text, const struct node *node,
			struct diagnostics *list)
{
	for (size_t i = 0; i < node->extra.count; i++)
		text = apply_one(arena, text, &node->extra.items[i], list);
	return text;
}

/* --- services --- */

/* What the templates say of a listener: the lines after its comment, up to a blank or a comment. */
static const char *find_block(struct arena *arena, const char *text,
			      const struct listener *listener)
{
	const char *mark = arena_printf(arena, "\n# %s behind ", listener->head.name.value);
	const char *line = strstr(text, mark);

	if (!line)
		return NULL;
	for (line++; *line == '#'; line += *line == '\n')
		line += strcspn(line, "\n");
	return line;
}

static const char *block_end(const char *line)
{
	while (*line && *line != '\n' && *line != '#') {
		line += strcspn(line, "\n");
		line += *line == '\n';
	}
	return line;
}

/* The value that the block gives the parameter, as a word NAME=VALUE or SERVICE/NAME=VALUE; or
 * NULL.
 */
static const char *block_value(struct arena *arena, const char *block, const char *end,
			       const char *name)
{
	const char *entry = arena_printf(arena, "%s=", name);

	for (const char *at = block; (at = strstr(at, entry)) && at < end; at++)
		if (at > block && strchr(" \t/", at[-1])) {
			at += strlen(entry);
			return arena_strndup(arena, at, strcspn(at, BLANK));
		}
	return NULL;
}

void extra_compare(struct arena *arena, const char *text, const struct node *node,
		   struct diagnostics *list)
{
	for (size_t i = 0; i < node->listeners.count; i++) {
		const struct listener *listener = &node->listeners.items[i];
		const char *block = find_block(arena, text, listener);

		for (size_t j = 0; block && j < listener->extra.count; j++) {
			const struct setting *setting = &listener->extra.items[j];
			const char *derived = block_value(arena, block, block_end(block),
							  setting->head.name.value);

			if (derived)
				warn(setting, derived, list);
		}
	}
}
