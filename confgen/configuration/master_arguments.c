/*
 * The arguments of a daemon. Postfix's daemons read options with getopt(3), which stops at the
 * first argument that is no option; only pipe(8) and spawn(8) have use for what follows.
 */
#include "confgen/configuration/master_arguments.h"
#include "confgen/configuration/list.h"
#include "confgen/configuration/rules.h"

#include <stdint.h>

static bool takes_arguments(const struct service *service)
{
	const char *daemon = service_daemon(service);

	return strcmp(daemon, "pipe") == 0 || strcmp(daemon, "spawn") == 0;
}

struct reader {
	struct arena *arena;
	struct service *service;
	struct diagnostics *list;
	bool ended; /* the options are over */
	bool good;
	bool full; /* more options than are read; told */
	const struct text *line;
	size_t option; /* where the value of the last -o begins in the line; or NOWHERE */
};

#define NOWHERE SIZE_MAX

/* What -o was meant to have: from its value up to the next word that looks like an option. */
static struct text meant(const struct reader *reader)
{
	size_t at = reader->option, start, length, end = at;

	while (list_next(reader->line, MASTER_SEPARATORS, true, &at, &start, &length) &&
	       (end == reader->option || reader->line->text[start] != '-'))
		end = start + length;
	return text_slice(reader->arena, reader->line, reader->option, end - reader->option);
}

/* "name = value" or "name=a, b" without braces, on one line: as it has to be written. */
static void repair(struct reader *reader)
{
	struct text whole, name, value;
	struct fix fix;
	size_t at;

	if (reader->option == NOWHERE || takes_arguments(reader->service))
		return;
	whole = meant(reader);
	reader->option = NOWHERE;
	if (strpbrk(whole.text, "{}\"'") || !text_range(&whole, &fix.source, &fix.start) ||
	    assignment_split(reader->arena, &whole, &name, &value, &at) || !value.length)
		return;
	fix.length = whole.length;
	fix.text = strpbrk(value.text, MASTER_SEPARATORS)
			   ? arena_printf(reader->arena, "{ %s = %s }", name.text, value.text)
			   : arena_printf(reader->arena, "%s=%s", name.text, value.text);
	diagnostics_fix(reader->list, &fix);
}

static void complain(struct reader *reader, const struct text *at, const char *why)
{
	diagnostics_add(reader->list, SEVERITY_ERROR, RULE_MASTER_OPTION, text_position(at),
			"service '%.80s': %s: '%.80s'", reader->service->fields[SERVICE_NAME].text,
			why, at->text);
	diagnostics_hint(reader->list, "write -o name=value, or -o { name = value }");
	reader->good = false;
}

/* The argument with its braces taken off. */
static struct text strip(struct reader *reader, const struct text *argument)
{
	struct text stripped;
	const char *why;

	if (argument->text[0] != '{')
		return *argument;
	why = list_strip_braces(reader->arena, argument, &stripped);
	if (why)
		complain(reader, argument, why);
	return stripped;
}

/* The value of -o. */
static void add_override(struct reader *reader, const struct text *argument)
{
	struct assignment *override = arena_alloc(reader->arena, sizeof(*override));
	struct text stripped = strip(reader, argument);
	size_t at;
	const char *why =
		assignment_split(reader->arena, &stripped, &override->name, &override->value, &at);

	*arena_push(reader->arena, &reader->service->arguments) = stripped;
	if (why) {
		complain(reader, &stripped, why);
		diagnostics_hint(reader->list, "write -o name=value without white space, or "
					       "-o { name = value }");
		repair(reader);
		return;
	}
	if (reader->service->overrides.count == MASTER_MOST_OVERRIDES) {
		if (!reader->full)
			complain(reader, &stripped, "more options than are read here");
		reader->full = true;
		return;
	}
	for (size_t i = reader->service->overrides.count; i > 0; i--) {
		struct assignment *earlier = reader->service->overrides.items[i - 1];

		if (text_equal(&earlier->name, override->name.text)) {
			earlier->overridden = true;
			override->replaced = earlier;
			break;
		}
	}
	*arena_push(reader->arena, &reader->service->overrides) = override;
}

/* smtp(8) and lmtp(8) take flags, from 3.5 on. */
static bool is_flags(const struct service *service, const struct text *argument)
{
	const char *daemon = service_daemon(service);

	return (strcmp(daemon, "smtp") == 0 || strcmp(daemon, "lmtp") == 0) &&
	       strncmp(argument->text, "flags=", strlen("flags=")) == 0;
}

/* The first argument that is no option, and all behind it. */
static void add_operand(struct reader *reader, const struct text *argument)
{
	struct text stripped = strip(reader, argument);
	struct service *service = reader->service;
	struct text *added = arena_push(reader->arena, &service->arguments);

	*added = stripped;
	if (reader->ended || takes_arguments(service)) {
		reader->ended = true;
		return;
	}
	reader->ended = true;
	if (stripped.text[0] == '-' || is_flags(service, &stripped))
		return;
	service->has_stray = true;
	service->stray = stripped;
	complain(reader, argument, "an argument that is no option, so the daemon does not start");
	diagnostics_hint(reader->list, "put braces around what holds white space: -o { name = "
				       "value }");
	repair(reader);
}

/* An option, perhaps with others before it in one word, and with its value in the same word. */
static bool add_option(struct reader *reader, const struct text *word)
{
	const char *o = strchr(word->text + 1, 'o');
	size_t before = o ? (size_t)(o - word->text) : 0;
	struct text value;

	if (!o) {
		*arena_push(reader->arena, &reader->service->arguments) = *word;
		return false;
	}
	if (before > 1)
		*arena_push(reader->arena, &reader->service->arguments) =
			text_slice(reader->arena, word, 0, before);
	*arena_push(reader->arena, &reader->service->arguments) = text_constant("-o");
	value = text_slice(reader->arena, word, before + 1, word->length - before - 1);
	if (value.length == 0)
		return true;
	add_override(reader, &value);
	return false;
}

bool master_arguments_parse(struct arena *arena, const struct text *line, size_t at,
			    struct service *service, struct diagnostics *list)
{
	struct reader reader = {arena, service, list, false, true, false, line, NOWHERE};
	bool value_wanted = false;
	struct text word = text_constant("");
	size_t start, length;

	while (list_next(line, MASTER_SEPARATORS, true, &at, &start, &length)) {
		word = text_slice(arena, line, start, length);
		if (value_wanted) {
			reader.option = start;
			add_override(&reader, &word);
			value_wanted = false;
		} else if (!reader.ended && word.text[0] == '-' && !text_equal(&word, "--")) {
			value_wanted = add_option(&reader, &word);
		} else {
			add_operand(&reader, &word);
		}
	}
	if (value_wanted)
		complain(&reader, &word, "an option without its value");
	return reader.good;
}
