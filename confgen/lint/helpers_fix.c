/* Fixes of whole lines; see helpers_fix.h. */
#include "confgen/lint/helpers_fix.h"

static size_t line_end(const struct source *source, size_t at)
{
	const char *feed = memchr(source->text + at, '\n', source->length - at);

	return feed ? (size_t)(feed - source->text) : source->length;
}

/* Whether the physical line at `at` continues the one before: white space, and something behind. */
static bool continues(const struct source *source, size_t at, size_t end)
{
	if (at >= source->length || (source->text[at] != ' ' && source->text[at] != '\t'))
		return false;
	while (at < end && text_is_space(source->text[at]))
		at++;
	return at < end && source->text[at] != '#';
}

/* Whether a line that continues the assignment comes later, behind comments or empty lines. */
static bool goes_on(const struct source *source, size_t at)
{
	while (at < source->length) {
		size_t end = line_end(source, at), word = at;

		if (continues(source, at, end))
			return true;
		while (word < end && text_is_space(source->text[word]))
			word++;
		if (word < end && source->text[word] != '#')
			return false;
		at = end + 1;
	}
	return false;
}

bool fix_lines(const struct assignment *assignment, struct fix_range *out)
{
	const struct source *source;
	size_t start, end;

	if (!text_range(&assignment->name, &source, &start) ||
	    (start && source->text[start - 1] != '\n'))
		return false;
	end = line_end(source, start);
	while (end < source->length && continues(source, end + 1, line_end(source, end + 1)))
		end = line_end(source, end + 1);
	if (end < source->length && goes_on(source, end + 1))
		return false;
	*out = (struct fix_range){source, start, end};
	return true;
}

static void give(const struct lint *lint, const struct fix_range *range, const char *text)
{
	struct fix fix = {range->source, range->start, range->end - range->start, text};

	diagnostics_fix(lint->list, &fix);
}

void fix_delete(const struct lint *lint, const struct assignment *assignment)
{
	struct fix_range range;

	if (!fix_lines(assignment, &range))
		return;
	range.end += range.end < range.source->length;
	give(lint, &range, "");
}

void fix_replace(const struct lint *lint, const struct assignment *assignment, const char *text)
{
	struct fix_range range;

	if (fix_lines(assignment, &range))
		give(lint, &range, text);
}

void fix_append(const struct lint *lint, const struct source *source, const char *line)
{
	struct fix_range range;

	if (!source || !source->length)
		return;
	range = (struct fix_range){source, source->length, source->length};
	give(lint, &range,
	     arena_printf(lint->arena, "%s%s\n",
			  source->text[source->length - 1] == '\n' ? "" : "\n", line));
}

bool fix_is_overridden(const struct lint *lint, const char *name)
{
	const struct service *service;
	size_t next = 0;

	while ((service = configuration_next(lint->configuration, NULL, &next)))
		if (service_override(service, name))
			return true;
	return false;
}
