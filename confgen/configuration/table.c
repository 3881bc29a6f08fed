/* References to tables; see table.h. What tables hold is read in table_read.c. */
#include "confgen/configuration/table_private.h"

#define LEVELS 16

static struct table *parse(struct arena *arena, const struct text *reference,
			   struct diagnostics *list, unsigned level);

static void refuse(struct diagnostics *list, const struct text *at, const char *why)
{
	if (!list)
		return;
	diagnostics_add(list, SEVERITY_ERROR, RULE_TABLE_REFERENCE, text_position(at),
			"%s: '%.80s%s'", why, at->text, at->length > 80 ? "..." : "");
	diagnostics_hint(list, "see DATABASE_README for how tables are written");
}

/* The tables in "{type:name, ...}". */
static void parse_parts(struct arena *arena, struct table *table, struct diagnostics *list,
			unsigned level)
{
	struct text inside;
	size_t at = 0, start, length;

	list_strip_braces(arena, &table->name, &inside);
	while (list_next(&inside, LIST_SEPARATORS, true, &at, &start, &length)) {
		struct text part = text_slice(arena, &inside, start, length);

		*arena_push(arena, &table->parts) = parse(arena, &part, list, level + 1);
	}
}

static bool is_balanced(const struct text *name)
{
	return name->length > 2 && list_balanced(name->text, 0, name->length) == name->length;
}

static void parse_nested(struct arena *arena, struct table *table, struct diagnostics *list,
			 unsigned level)
{
	const struct table_type *type = table->type;
	bool braces_only = type->braces && !type->text;

	if (level == LEVELS) {
		refuse(list, &table->reference, "tables are nested too deeply");
	} else if (braces_only && !is_balanced(&table->name)) {
		refuse(list, &table->reference, "a table of this type is written TYPE:{...}");
		if (list && table->name.text[0] == '{')
			diagnostics_hint(list, "what holds white space or commas stands in braces "
					       "of its own");
	} else if (type->prefix) {
		*arena_push(arena, &table->parts) = parse(arena, &table->name, list, level + 1);
	} else if (type->tables) {
		parse_parts(arena, table, list, level);
	}
}

static struct table *parse(struct arena *arena, const struct text *reference,
			   struct diagnostics *list, unsigned level)
{
	struct table *table = arena_alloc(arena, sizeof(*table));
	const char *colon = strchr(reference->text, ':');
	size_t length = colon ? (size_t)(colon - reference->text) : 0;
	size_t skip = colon ? length + 1 : 0;

	table->reference = *reference;
	table->type_name = text_slice(arena, reference, 0, length);
	table->name = text_slice(arena, reference, skip, reference->length - skip);
	if (!colon) {
		refuse(list, reference, "a table is written TYPE:NAME");
		return table;
	}
	table->type = table_type_find(reference->text, length);
	if (table->type)
		parse_nested(arena, table, list, level);
	return table;
}

struct table *table_parse(struct arena *arena, const struct text *reference,
			  struct diagnostics *list)
{
	return parse(arena, reference, list, 0);
}

const struct table *table_search(const struct table *table,
				 bool (*wanted)(const struct table *table, void *user), void *user)
{
	if (wanted(table, user))
		return table;
	for (size_t i = 0; i < table->parts.count; i++) {
		const struct table *found = table_search(table->parts.items[i], wanted, user);

		if (found)
			return found;
	}
	return NULL;
}
