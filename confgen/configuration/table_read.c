/* What tables hold; see table.h. Rules of pattern tables are read in table_pattern.c. */
#include "confgen/configuration/lines.h"
#include "confgen/configuration/main_cf.h"
#include "confgen/configuration/table_private.h"

bool table_warn(const struct table_reader *reader, struct position at, const char *why)
{
	if (!reader->list)
		return false;
	diagnostics_add(reader->list, SEVERITY_WARNING, RULE_TABLE_ENTRY, at,
			"%s: Postfix ignores this entry", why);
	diagnostics_hint(reader->list, "mend the entry, or remove it");
	diagnostics_hide_source(reader->list);
	return false;
}

/* The length of the key: up to the first white space that is not quoted. False: a quote is open. */
static bool measure_key(const struct text *line, size_t *length)
{
	bool quoted = false;
	size_t at;

	for (at = 0; line->text[at]; at++) {
		if (line->text[at] == '\\') {
			if (line->text[at + 1] == '\0') {
				at++;
				break;
			}
			at++;
		} else if (line->text[at] == '"') {
			quoted = !quoted;
		} else if (text_is_space(line->text[at]) && !quoted) {
			break;
		}
	}
	*length = at;
	return !quoted;
}

/* "key value" of indexed tables and texthash. */
static bool read_pair(const struct table_reader *reader, const struct text *line,
		      struct table_entry *entry)
{
	size_t length;

	if (!measure_key(line, &length))
		return table_warn(reader, text_position(line), "a quote is never closed");
	entry->key = text_slice(reader->arena, line, 0, length);
	entry->value = text_trim(reader->arena, line, length, line->length - length);
	if (entry->value.length == 0)
		return table_warn(reader, text_position(line), "a key without a value");
	return true;
}

static bool is_pattern_type(const struct table_type *type)
{
	return type->text && type->braces;
}

static void add_line(struct table_reader *reader, const struct text *line)
{
	struct table_entry entry = {.kind = TABLE_ENTRY};
	bool good = is_pattern_type(reader->type) ? table_read_pattern(reader, line, &entry)
						  : read_pair(reader, line, &entry);

	if (good)
		*arena_push(reader->arena, reader->contents) = entry;
}

/*
 * Keys are found in whatever letter case; of those that are the same, the first wins, but in an
 * inline table the last. Only once no entry moves any more.
 */
static void make_index(const struct table_reader *reader)
{
	struct table_contents *contents = reader->contents;
	bool last_wins = reader->type->braces;

	contents->index = name_map_new(reader->arena, contents->count);
	for (size_t i = 0; i < contents->count; i++) {
		struct table_entry *entry =
			&contents->items[last_wins ? contents->count - 1 - i : i];

		entry->beaten_by = name_map_add(contents->index, entry->key.text, entry);
	}
}

static void init(struct table_reader *reader, struct arena *arena, const struct table_type *type,
		 struct diagnostics *list)
{
	*reader = (struct table_reader){
		.arena = arena,
		.type = type,
		.list = list,
		.contents = arena_alloc(arena, sizeof(*reader->contents)),
	};
}

static void warn_of_open(const struct table_reader *reader)
{
	size_t open = reader->open;

	for (size_t i = reader->contents->count; reader->list && open && i > 0; i--) {
		const struct table_entry *entry = &reader->contents->items[i - 1];

		if (entry->kind == TABLE_ENDIF) {
			open++;
		} else if (entry->kind == TABLE_IF) {
			diagnostics_add(reader->list, SEVERITY_WARNING, RULE_TABLE_ENTRY,
					text_position(&entry->key), "this 'if' has no 'endif'");
			diagnostics_hint(reader->list, "add 'endif' behind the last entry");
			diagnostics_hide_source(reader->list);
			return;
		}
	}
}

static struct table_contents *finish(const struct table_reader *reader)
{
	if (is_pattern_type(reader->type))
		warn_of_open(reader);
	else
		make_index(reader);
	return reader->contents;
}

struct table_contents *table_read(struct arena *arena, const struct table_type *type,
				  const struct source *source, struct diagnostics *list)
{
	struct table_reader reader;
	struct line_reader lines;
	struct text line;

	init(&reader, arena, type, list);
	line_reader_init(&lines, arena, source, list);
	while (line_reader_next(&lines, &line))
		add_line(&reader, &line);
	return finish(&reader);
}

/* key=value, or { key = value } */
static void add_assignment(struct table_reader *reader, const struct text *piece)
{
	struct table_entry entry = {.kind = TABLE_ENTRY};
	struct text stripped = *piece;
	const char *why = NULL;
	size_t at;

	if (piece->text[0] == '{')
		why = list_strip_braces(reader->arena, piece, &stripped);
	if (!why)
		why = assignment_split(reader->arena, &stripped, &entry.key, &entry.value, &at);
	if (why)
		table_warn(reader, text_position(piece), why);
	else
		*arena_push(reader->arena, reader->contents) = entry;
}

static void add_rule(struct table_reader *reader, const struct text *piece)
{
	struct text stripped;

	if (piece->text[0] != '{' || list_strip_braces(reader->arena, piece, &stripped))
		table_warn(reader, text_position(piece), "a rule stands in braces of its own");
	else
		add_line(reader, &stripped);
}

struct table_contents *table_read_inline(struct arena *arena, const struct table *table,
					 struct diagnostics *list)
{
	struct table_reader reader;
	struct text inside;
	size_t at = 0, start, length;

	init(&reader, arena, table->type, list);
	if (table->type && table->type->braces && !table->type->tables &&
	    table->name.text[0] == '{') {
		list_strip_braces(arena, &table->name, &inside);
		while (list_next(&inside, LIST_SEPARATORS, true, &at, &start, &length)) {
			struct text piece = text_slice(arena, &inside, start, length);

			if (is_pattern_type(table->type))
				add_rule(&reader, &piece);
			else if (strcmp(table->type->name, "randmap") != 0)
				add_assignment(&reader, &piece);
		}
	}
	if (!table->type)
		return reader.contents;
	return finish(&reader);
}

/* Whether a rule of a cidr table matches; '!' makes it match other addresses of its own family. */
static bool matches(const struct table_entry *entry, const struct ip_address *address)
{
	return entry->network.address.family == address->family &&
	       ip_network_contains(&entry->network, address) != entry->negated;
}

/* The place of the endif that belongs to the if at `at`, or the end. */
static size_t find_endif(const struct table_contents *contents, size_t at)
{
	size_t level = 1;

	while (level && ++at < contents->count) {
		level += contents->items[at].kind == TABLE_IF;
		level -= contents->items[at].kind == TABLE_ENDIF;
	}
	return at;
}

/* cidr: the first rule that matches; an if that does not match skips to its endif. */
static const struct table_entry *find_address(const struct table_contents *contents,
					      const struct ip_address *address)
{
	for (size_t i = 0; i < contents->count; i++) {
		const struct table_entry *entry = &contents->items[i];

		if (entry->kind == TABLE_ENTRY && matches(entry, address))
			return entry;
		if (entry->kind != TABLE_IF)
			continue;
		if (!matches(entry, address))
			i = find_endif(contents, i);
	}
	return NULL;
}

const struct table_entry *table_find(const struct table_contents *contents, const char *key)
{
	struct ip_address address;

	if (contents->index)
		return name_map_find(contents->index, key);
	if (key[0] == '[' || ip_parse(key, &address) != IP_OK)
		return NULL;
	return find_address(contents, &address);
}
