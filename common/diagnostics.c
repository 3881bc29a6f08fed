/* The list of the user's mistakes and how it is printed; see diagnostics.h. */
#include "common/diagnostics.h"
#include "common/excerpt.h"

#include <assert.h>
#include <unistd.h>

struct diagnostics {
	struct arena *arena;
	struct diagnostic *items;
	size_t count;
};

struct diagnostics *diagnostics_new(struct arena *arena)
{
	struct diagnostics *list = arena_alloc(arena, sizeof(*list));

	list->arena = arena;
	return list;
}

void diagnostics_add(struct diagnostics *list, enum severity severity, const char *rule,
		     struct position at, const char *format, ...)
{
	struct diagnostic *item = arena_push(list->arena, list);
	va_list args;

	item->severity = severity;
	item->rule = rule;
	item->at = at;
	item->order = list->count;
	va_start(args, format);
	item->message = arena_vprintf(list->arena, format, args);
	va_end(args);
}

void diagnostics_hint(struct diagnostics *list, const char *format, ...)
{
	va_list args;

	assert(list->count);
	va_start(args, format);
	list->items[list->count - 1].hint = arena_vprintf(list->arena, format, args);
	va_end(args);
}

void diagnostics_hide_source(struct diagnostics *list)
{
	assert(list->count);
	list->items[list->count - 1].hide_source = true;
}

void diagnostics_fix(struct diagnostics *list, const struct fix *fix)
{
	struct fix *copy = arena_alloc(list->arena, sizeof(*copy));

	assert(list->count);
	*copy = *fix;
	list->items[list->count - 1].fix = copy;
}

const struct diagnostic *diagnostics_next(const struct diagnostics *list, size_t *at)
{
	while (*at < list->count && list->items[*at].repeated)
		++*at;
	return *at < list->count ? &list->items[(*at)++] : NULL;
}

void diagnostics_drop(struct diagnostics *list, diagnostic_test *drop, void *user)
{
	size_t kept = 0;

	for (size_t i = 0; i < list->count; i++)
		if (!drop(user, &list->items[i]))
			list->items[kept++] = list->items[i];
	list->count = kept;
}

void diagnostics_relocate(struct diagnostics *list, diagnostic_place *place, void *user)
{
	for (size_t i = 0; i < list->count; i++) {
		struct diagnostic *item = &list->items[i];

		item->at = place(user, item->at);
		if (item->fix && item->fix->source != item->at.source)
			item->fix = NULL;
	}
}

void diagnostics_rewrite(struct diagnostics *list, diagnostic_text *rewrite, void *user)
{
	for (size_t i = 0; i < list->count; i++) {
		struct diagnostic *item = &list->items[i];

		item->message = rewrite(user, item, item->message);
		if (item->hint)
			item->hint = rewrite(user, item, item->hint);
	}
}

void diagnostics_append(struct diagnostics *list, const struct diagnostics *from)
{
	for (size_t i = 0; i < from->count; i++) {
		struct diagnostic *item = arena_push(list->arena, list);

		*item = from->items[i];
		item->order = list->count;
	}
}

const char *severity_name(enum severity severity)
{
	static const char *const words[] = {"error", "warning", "info"};

	return words[severity];
}

size_t diagnostics_size(const struct diagnostics *list)
{
	return list->count;
}

size_t diagnostics_count(const struct diagnostics *list, enum severity at_least)
{
	size_t count = 0;

	for (size_t i = 0; i < list->count; i++)
		count += list->items[i].severity <= at_least;
	return count;
}

static int compare_number(size_t a, size_t b)
{
	return (a > b) - (a < b);
}

static int compare_place(const struct diagnostic *x, const struct diagnostic *y)
{
	const char *xname = x->at.source ? x->at.source->name : "";
	const char *yname = y->at.source ? y->at.source->name : "";
	int order = strcmp(xname, yname);

	if (!order)
		order = compare_number(x->at.line, y->at.line);
	if (!order)
		order = compare_number(x->at.column, y->at.column);
	return order;
}

static int compare(const void *a, const void *b)
{
	const struct diagnostic *x = a, *y = b;
	int order = compare_place(x, y);

	return order ? order : compare_number(x->order, y->order);
}

/* By place, then by what is said: the same next to each other, the first of them first. */
static int compare_text(const void *a, const void *b)
{
	const struct diagnostic *x = a, *y = b;
	int order = compare_place(x, y);

	if (!order)
		order = compare_number(x->severity, y->severity);
	if (!order)
		order = strcmp(x->message, y->message);
	return order ? order : compare_number(x->order, y->order);
}

static bool says_same(const struct diagnostic *x, const struct diagnostic *y)
{
	return compare_place(x, y) == 0 && x->severity == y->severity &&
	       strcmp(x->message, y->message) == 0;
}

void diagnostics_sort(struct diagnostics *list)
{
	if (list->count == 0)
		return;
	qsort(list->items, list->count, sizeof(*list->items), compare_text);
	for (size_t i = 1; i < list->count; i++)
		list->items[i].repeated = says_same(&list->items[i - 1], &list->items[i]);
	qsort(list->items, list->count, sizeof(*list->items), compare);
}

static void print_place(struct position at, FILE *out)
{
	if (!at.source)
		return;
	print_escaped(out, at.source->name, strlen(at.source->name));
	if (at.line)
		fprintf(out, ":%u", at.line);
	if (at.line && at.column)
		fprintf(out, ":%u", at.column);
	fputs(": ", out);
}

static void print_heading(const struct diagnostic *item, FILE *out, bool color)
{
	static const char *const colors[] = {"\033[1;31m", "\033[1;35m", "\033[1;36m"};

	print_place(item->at, out);
	fprintf(out, "%s%s:%s ", color ? colors[item->severity] : "", severity_name(item->severity),
		color ? "\033[0m" : "");
	print_escaped(out, item->message, strlen(item->message));
	if (item->rule)
		fprintf(out, " [%s]", item->rule);
	fputc('\n', out);
}

void diagnostics_print(struct diagnostics *list, FILE *out, bool color)
{
	struct excerpt_cursor cursor = {0};

	diagnostics_sort(list);
	for (size_t i = 0; i < list->count; i++) {
		const struct diagnostic *item = &list->items[i];

		if (item->repeated)
			continue;
		print_heading(item, out, color);
		excerpt_print(&cursor, item->at, item->hide_source, out);
		if (item->hint) {
			fputs("  hint: ", out);
			print_escaped(out, item->hint, strlen(item->hint));
			fputc('\n', out);
		}
	}
}

bool diagnostics_want_color(FILE *out)
{
	const char *no_color = getenv("NO_COLOR");

	return isatty(fileno(out)) && (!no_color || !*no_color);
}
