/* OpenDKIM's KeyTable and SigningTable; see import.h. */
#include "common/name_map.h"
#include "confgen/keys/import.h"
#include "confgen/keys/rules.h"
#include "confgen/topology/syntax.h"

#include <strings.h>

#define MOST_KEYS    100000
#define LONGEST_PATH 1024 /* what is longer is key data */

struct reader {
	const struct source *source;
	const char *next;
	unsigned line;
};

/* A row: the word before the first blank, and the rest. */
struct row {
	char *name, *value;
	struct position at;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static char *trimmed(struct arena *arena, const char *from, const char *to)
{
	while (from < to && is_blank(*from))
		from++;
	while (to > from && is_blank(to[-1]))
		to--;
	return arena_strndup(arena, from, (size_t)(to - from));
}

/* The next row that is no comment. False at the end. */
static bool next_row(struct arena *arena, struct reader *reader, struct row *out)
{
	const char *end = reader->source->text + reader->source->length;

	while (reader->next < end) {
		const char *start = reader->next;
		const char *stop = memchr(start, '\n', (size_t)(end - start));
		const char *name;

		reader->line++;
		reader->next = stop ? stop + 1 : end;
		stop = stop ? stop : end;
		while (start < stop && is_blank(*start))
			start++;
		if (start == stop || *start == '#')
			continue;
		for (name = start; name < stop && !is_blank(*name);)
			name++;
		*out = (struct row){
			arena_strndup(arena, start, (size_t)(name - start)),
			trimmed(arena, name, stop),
			{reader->source, reader->line, 1},
		};
		return true;
	}
	return false;
}

static void wrong(struct diagnostics *list, struct position at, const char *what, const char *value)
{
	keys_report(list, IMPORT, at, "%s%s%s%s", what, value ? " '" : "", value ? value : "",
		    value ? "'" : "");
	diagnostics_hide_source(list);
}

/* "DOMAIN:SELECTOR:PATH" */
static void read_key(struct arena *arena, const struct row *row, struct import_keys *keys,
		     struct diagnostics *list)
{
	char *selector = strchr(row->value, ':');
	char *path = selector ? strchr(selector + 1, ':') : NULL;

	if (!path) {
		wrong(list, row->at, "this is no DOMAIN:SELECTOR:PATH", NULL);
		return;
	}
	*selector++ = '\0';
	*path++ = '\0';
	if (strcmp(row->value, "%") == 0) {
		wrong(list, row->at, "a key for any domain (%) has to be imported by hand", NULL);
	} else if (check_domain(row->value)) {
		wrong(list, row->at, "this is no domain:", row->value);
	} else if (check_selector(selector)) {
		wrong(list, row->at, "this is no selector:", selector);
	} else if (!*path || strlen(path) > LONGEST_PATH || strstr(path, "-----")) {
		wrong(list, row->at, "the key stands in the table itself: put it into a file",
		      NULL);
	} else if (keys->count == MOST_KEYS) {
		wrong(list, row->at, "there are too many keys", NULL);
	} else {
		*arena_push(arena, keys) = (struct import_key){.name = row->name,
							       .domain = row->value,
							       .selector = selector,
							       .path = path,
							       .at = row->at};
	}
}

void import_key_table(struct arena *arena, const struct source *source, struct import_keys *keys,
		      struct diagnostics *list)
{
	struct reader reader = {source, source->text, 0};
	struct row row;

	while (next_row(arena, &reader, &row))
		read_key(arena, &row, keys, list);
}

/* --- SigningTable --- */

/* The domain of a pattern: "*@example.com", "example.com", ".example.com", "user@example.com". */
static const char *domain_of(const char *pattern)
{
	const char *at = strrchr(pattern, '@');

	if (at)
		pattern = at + 1;
	while (*pattern == '*' || *pattern == '.')
		pattern++;
	return pattern;
}

static void add_subdomain(struct arena *arena, struct import_key *key, const char *name,
			  struct position at)
{
	for (size_t i = 0; i < key->subdomains.count; i++)
		if (strcasecmp(key->subdomains.items[i].value, name) == 0)
			return;
	*arena_push(arena, &key->subdomains) = (struct text){name, at};
}

static void use_key(struct arena *arena, struct import_key *key, const struct row *row,
		    struct diagnostics *list)
{
	const char *domain = domain_of(row->name), *at = strrchr(row->name, '@');
	const char *host = at ? at + 1 : row->name;
	bool same = strcasecmp(domain, key->domain) == 0;

	if (key->used_at.line == 0)
		key->used_at = row->at;
	if (same && (*host == '.' || *host == '*'))
		key->below = true;
	else if (same)
		key->itself = true;
	key->single = key->single || (at && strncmp(row->name, "*@", 2) != 0);
	if (!*domain || same)
		return;
	if (check_domain(domain))
		wrong(list, row->at, "this pattern names no domain:", row->name);
	else if (domain_is_within(domain, key->domain))
		add_subdomain(arena, key, domain, row->at);
	else
		wrong(list, row->at,
		      "mail of another domain is signed here, which gives no DMARC alignment:",
		      domain);
}

void import_signing_table(struct arena *arena, const struct source *source,
			  struct import_keys *keys, struct diagnostics *list)
{
	struct name_map *names = name_map_new(arena, keys->count);
	struct name_map *used = name_map_new(arena, keys->count);
	struct reader reader = {source, source->text, 0};
	size_t kept = 0;
	struct row row;

	for (size_t i = 0; i < keys->count; i++)
		name_map_add(names, keys->items[i].name, &keys->items[i]);
	while (next_row(arena, &reader, &row)) {
		struct import_key *key;

		row.value[strcspn(row.value, ":% \t")] = '\0';
		key = name_map_find(names, row.value);
		if (!key) {
			wrong(list, row.at, "KeyTable has no key", row.value);
			continue;
		}
		name_map_add(used, row.value, key);
		use_key(arena, key, &row, list);
	}
	for (size_t i = 0; i < keys->count; i++) {
		if (name_map_find(used, keys->items[i].name))
			keys->items[kept++] = keys->items[i];
		else
			wrong(list, keys->items[i].at, "SigningTable does not use the key",
			      keys->items[i].name);
	}
	keys->count = kept;
}
