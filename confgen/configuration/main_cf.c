/* main.cf as a list of assignments; see main_cf.h. */
#include "confgen/configuration/main_cf.h"
#include "confgen/configuration/lines.h"
#include "confgen/configuration/rules.h"

const char *assignment_split(struct arena *arena, const struct text *line, struct text *name,
			     struct text *value, size_t *at)
{
	const char *text = line->text;
	size_t start = 0, end, equals;

	while (text_is_space(text[start]))
		start++;
	*at = start;
	if (text[start] == '\0' || text[start] == '=')
		return "missing attribute name";
	for (end = start; text[end] && text[end] != '=' && !text_is_space(text[end]); end++)
		;
	for (equals = end; text_is_space(text[equals]); equals++)
		;
	if (text[equals] != '=') {
		*at = text[equals] ? equals : end;
		return "missing '=' after attribute name";
	}
	*name = text_slice(arena, line, start, end - start);
	*value = text_trim(arena, line, equals + 1, line->length - equals - 1);
	return NULL;
}

static void refuse(const struct text *line, const char *why, size_t at, struct diagnostics *list)
{
	size_t shown = strcspn(line->text, "=");

	while (shown && text_is_space(line->text[shown - 1]))
		shown--;
	if (shown > 60)
		shown = 60;
	diagnostics_add(list, SEVERITY_ERROR, RULE_MAIN_SYNTAX, text_position_at(line, at),
			"%s: '%.*s': Postfix does not start with this line", why, (int)shown,
			line->text);
	if (line->text[0] == '$' || line->text[0] == '@' || line->text[0] == '%')
		diagnostics_hint(list, "if this is a template, give the file that it renders to");
	else
		diagnostics_hint(list, "write NAME = VALUE, or '#' before a comment; a line that "
				       "continues the one before begins with white space");
}

static int compare_names(const void *a, const void *b)
{
	const struct assignment *x = *(struct assignment *const *)a;
	const struct assignment *y = *(struct assignment *const *)b;
	int order = strcmp(x->name.text, y->name.text);

	/* the one further down in the file comes later: texts of one source are ordered by place */
	if (order)
		return order;
	return (x->name.map->items[0].raw > y->name.map->items[0].raw) -
	       (x->name.map->items[0].raw < y->name.map->items[0].raw);
}

static void sort_names(struct arena *arena, struct main_cf *main_cf)
{
	struct assignment **sorted =
		arena_array(arena, main_cf->count, sizeof(struct assignment *));

	if (main_cf->count) {
		memcpy(sorted, main_cf->items, main_cf->count * sizeof(struct assignment *));
		qsort(sorted, main_cf->count, sizeof(struct assignment *), compare_names);
	}
	for (size_t i = 1; i < main_cf->count; i++) {
		if (strcmp(sorted[i - 1]->name.text, sorted[i]->name.text) != 0)
			continue;
		sorted[i]->replaced = sorted[i - 1];
		sorted[i - 1]->overridden = true;
	}
	main_cf->by_name = sorted;
}

void main_cf_parse(struct arena *arena, const struct source *source, struct diagnostics *list,
		   struct main_cf *out)
{
	struct main_cf main_cf = {.source = source};
	struct line_reader reader;
	struct text line;

	line_reader_init(&reader, arena, source, list);
	while (line_reader_next(&reader, &line)) {
		struct assignment *assignment = arena_alloc(arena, sizeof(*assignment));
		size_t at;
		const char *why =
			assignment_split(arena, &line, &assignment->name, &assignment->value, &at);

		if (why) {
			refuse(&line, why, at, list);
			main_cf.broken = true;
		} else {
			*arena_push(arena, &main_cf) = assignment;
		}
	}
	sort_names(arena, &main_cf);
	*out = main_cf;
}

const struct assignment *main_cf_find(const struct main_cf *main_cf, const char *name)
{
	size_t low = 0, high = main_cf->count;

	/* finds the last of those that are called so */
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(main_cf->by_name[middle]->name.text, name) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0 || strcmp(main_cf->by_name[low - 1]->name.text, name) != 0)
		return NULL;
	return main_cf->by_name[low - 1];
}
