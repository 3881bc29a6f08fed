/*
 * Look-ups in the rendered tables, and lists that domains and addresses are matched with, as
 * Postfix makes them; see host_private.h.
 */
#include "confgen/trace/host_private.h"

#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What regcomp(3) may be given: patterns may be a stranger's, and counted repetitions multiply. */
#define LONGEST_PATTERN 1000

/* What docker-mailserver makes of its accounts, which the oracle knows. */
#define VMAILBOX "texthash:/etc/postfix/vmailbox"
#define VHOST	 "/etc/postfix/vhost"

const char *lookup_domain_of(const char *address)
{
	const char *at = strrchr(address, '@');

	return at ? at + 1 : "";
}

const char *lookup_without_extension(struct host *host, const char *address)
{
	const char *delimiters =
		configuration_value(host->configuration, NULL, "recipient_delimiter")->text.text;
	const char *at = strrchr(address, '@');
	size_t local = at ? (size_t)(at - address) : strlen(address);
	size_t cut = strcspn(address, *delimiters ? delimiters : "@");

	if (!*delimiters || cut == 0 || cut >= local)
		return NULL;
	/* owner-list and the like are names of their own where the delimiter is a dash */
	return arena_printf(host->arena, "%.*s%s", (int)cut, address, at ? at : "");
}

/* --- tables --- */

/* \1 and the like, for which matching takes exponential time. */
static bool refers_back(const char *pattern)
{
	for (; *pattern; pattern++)
		if (*pattern == '\\' && *++pattern >= '1' && *pattern <= '9')
			return true;
		else if (!*pattern)
			break;
	return false;
}

static bool matches_expression(const struct table_entry *entry, const char *key)
{
	bool counted = strpbrk(entry->key.text, "{") || refers_back(entry->key.text);
	int flags = REG_EXTENDED | REG_NOSUB |
		    (strchr(entry->options.text ? entry->options.text : "", 'i') ? 0 : REG_ICASE);
	regex_t expression;
	bool found;

	if (counted || entry->key.length > LONGEST_PATTERN ||
	    regcomp(&expression, entry->key.text, flags))
		return false;
	found = regexec(&expression, key, 0, NULL, 0) == 0;
	regfree(&expression);
	return found != entry->negated;
}

static const struct table_entry *find_expression(const struct table_contents *contents,
						 const char *key)
{
	size_t skip = 0;

	for (size_t i = 0; i < contents->count; i++) {
		const struct table_entry *entry = &contents->items[i];

		if (entry->kind == TABLE_ENDIF)
			skip -= skip > 0;
		else if (entry->kind == TABLE_IF)
			skip += skip || !matches_expression(entry, key);
		else if (!skip && matches_expression(entry, key))
			return entry;
	}
	return NULL;
}

static bool is_type(const struct table *table, const char *name)
{
	return table->type && strcmp(table->type->name, name) == 0;
}

static const struct table_contents *read_table(struct host *host, const struct text *reference,
					       const struct table *table)
{
	struct read_table *read = name_map_find(host->by_reference, reference->text);

	if (!read) {
		read = arena_alloc(host->arena, sizeof(*read));
		read->reference = reference->text;
		if (configuration_contents(host->configuration, table, NULL, &read->contents) !=
		    CONTENTS_READ)
			read->contents = NULL;
		name_map_add(host->by_reference, read->reference, read);
	}
	return read->contents;
}

static enum lookup_result take(const struct table_entry *entry, struct found *out)
{
	if (!entry)
		return LOOKUP_NONE;
	*out = (struct found){entry->value, entry->key};
	return LOOKUP_FOUND;
}

/* passwd.byname: the accounts that any Debian has. */
static enum lookup_result look_up_account(const char *key, const struct text *reference,
					  struct found *out)
{
	static const char *const accounts[] = {"root", "daemon", "mail", "nobody", "postfix"};

	for (size_t i = 0; i < sizeof(accounts) / sizeof(accounts[0]); i++) {
		if (strcasecmp(key, accounts[i]) != 0)
			continue;
		*out = (struct found){text_constant(accounts[i]), *reference};
		return LOOKUP_FOUND;
	}
	return LOOKUP_NONE;
}

static enum lookup_result look_up(struct host *host, const struct text *reference,
				  const struct table *table, const char *key, bool partial,
				  struct found *out)
{
	const struct table_contents *contents;

	if (is_type(table, "static")) {
		struct text value = table->name;

		if (partial)
			return LOOKUP_NONE;
		if (value.text[0] == '{')
			list_strip_braces(host->arena, &table->name, &value);
		*out = (struct found){value, *reference};
		return LOOKUP_FOUND;
	}
	if (is_type(table, "unix"))
		return look_up_account(key, reference, out);
	if (is_type(table, "fail") || is_type(table, "pcre"))
		return LOOKUP_UNKNOWN;
	contents = read_table(host, reference, table);
	if (!contents)
		return LOOKUP_UNKNOWN;
	if (is_type(table, "regexp"))
		return partial ? LOOKUP_NONE : take(find_expression(contents, key), out);
	if (is_type(table, "cidr") && partial)
		return LOOKUP_NONE;
	return take(table_find(contents, key), out);
}

enum lookup_result lookup_table(struct host *host, const struct text *reference, const char *key,
				bool partial, struct found *out)
{
	const struct table *table = table_parse(host->arena, reference, NULL);

	while (table->type && table->type->prefix && table->parts.count)
		table = table->parts.items[0];
	if (!table->type || !*key)
		return table->type ? LOOKUP_NONE : LOOKUP_UNKNOWN;
	if (host->input.dms && strcmp(reference->text, VMAILBOX) == 0) {
		if (!strchr(key, '@') || *key == '@' ||
		    !host->input.oracle.mailbox(host->input.oracle.user, key))
			return LOOKUP_NONE;
		*out = (struct found){text_constant(key), *reference};
		return LOOKUP_FOUND;
	}
	return look_up(host, reference, table, key, partial, out);
}

enum lookup_result lookup_maps(struct host *host, const struct value *maps, const char *key,
			       bool partial, struct found *out)
{
	struct list list = list_split(host->arena, &maps->text);
	enum lookup_result result = LOOKUP_NONE;

	for (size_t i = 0; i < list.count && result != LOOKUP_FOUND; i++) {
		enum lookup_result one = lookup_table(host, &list.items[i].text, key, partial, out);

		if (one != LOOKUP_NONE)
			result = one;
	}
	return result;
}

enum lookup_result lookup_address(struct host *host, const struct value *maps, const char *address,
				  struct found *out)
{
	const char *bare = lookup_without_extension(host, address), *at = strrchr(address, '@');
	enum lookup_result result = lookup_maps(host, maps, address, false, out);

	if (result == LOOKUP_NONE && bare)
		result = lookup_maps(host, maps, bare, true, out);
	if (result == LOOKUP_NONE && at && host_is_local_domain(host, at + 1)) {
		const char *local = arena_strndup(host->arena, address, (size_t)(at - address));

		result = lookup_maps(host, maps, local, true, out);
		if (result == LOOKUP_NONE && bare)
			result = lookup_maps(host, maps,
					     arena_strndup(host->arena, bare, strcspn(bare, "@")),
					     true, out);
	}
	if (result == LOOKUP_NONE && at)
		result = lookup_maps(host, maps, at, true, out);
	return result;
}

/* --- lists --- */

bool lookup_parents(const struct host *host, const char *word)
{
	const struct value *value =
		configuration_value(host->configuration, NULL, "parent_domain_matches_subdomains");
	struct list list = list_split(host->arena, &value->text);

	for (size_t i = 0; i < list.count; i++)
		if (text_equal(&list.items[i].text, word))
			return true;
	return false;
}

/* Whether a plain item is the domain, or one above it that stands for what is below as well. */
static bool is_domain(const char *item, const char *domain, bool parents)
{
	size_t length = strlen(item), all = strlen(domain);

	if (strcasecmp(item, domain) == 0)
		return true;
	if (all <= length)
		return false;
	if (*item == '.')
		return strcasecmp(domain + all - length, item) == 0;
	return parents && domain[all - length - 1] == '.' &&
	       strcasecmp(domain + all - length, item) == 0;
}

/* The same in a table. */
static bool find_domain(struct host *host, const struct text *reference, const char *domain,
			bool parents, struct text *item)
{
	struct found found;
	bool first = true;

	for (; domain; first = false) {
		if (lookup_table(host, reference, domain, !first, &found) == LOOKUP_FOUND) {
			*item = found.place;
			return true;
		}
		domain = strchr(domain + 1, '.');
		if (domain && parents)
			domain++;
	}
	return false;
}

/* A file with patterns, one or more a line. */
static struct list read_patterns(struct host *host, const struct text *path)
{
	const char *name = path->text;
	const struct source *source;
	struct text_writer writer;
	struct line_reader lines;
	struct text line;

	if (strncmp(name, "/etc/postfix/", 13) == 0)
		name += 13;
	source = host->configuration->find_file(host->configuration->user, name);
	if (!source)
		return (struct list){0};
	text_writer_init(&writer, host->arena);
	line_reader_init(&lines, host->arena, source, NULL);
	while (line_reader_next(&lines, &line)) {
		text_writer_add(&writer, &line, 0, line.length);
		text_writer_add_for(&writer, " ", 1, &line, 0);
	}
	line = text_writer_take(&writer);
	return list_split(host->arena, &line);
}

static bool match_items(struct host *host, const struct list *list, const char *domain,
			bool parents, bool nested, struct text *item)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct list_item *at = &list->items[i];
		bool found = false;

		*item = at->text;
		if (host->input.dms && text_equal(&at->text, VHOST)) {
			found = host->input.oracle.hosts(host->input.oracle.user, domain);
		} else if (at->kind == LIST_ITEM_TABLE) {
			found = find_domain(host, &at->text, domain, parents, item);
		} else if (at->kind == LIST_ITEM_FILE && !nested) {
			struct list inner = read_patterns(host, &at->text);

			found = match_items(host, &inner, domain, parents, true, item);
		} else if (at->kind == LIST_ITEM_PLAIN) {
			found = is_domain(at->text.text, domain, parents);
		}
		if (found)
			return !at->negated;
	}
	return false;
}

bool match_domain(struct host *host, const struct service *service, const char *name,
		  const char *domain, struct text *item)
{
	const struct value *value = configuration_value(host->configuration, service, name);
	struct list list = list_split(host->arena, &value->text);

	return *domain && match_items(host, &list, domain, lookup_parents(host, name), false, item);
}

static bool is_network(const char *pattern, const struct ip_address *address)
{
	struct ip_network network;
	size_t length = strlen(pattern);
	char inner[IP_TEXT_SIZE];

	if (ip_network_parse(pattern, &network) == IP_OK)
		return ip_network_contains(&network, address);
	/* [ADDRESS/PREFIX] */
	if (length < 3 || length >= sizeof(inner) || pattern[0] != '[' ||
	    pattern[length - 1] != ']')
		return false;
	memcpy(inner, pattern + 1, length - 2);
	inner[length - 2] = '\0';
	return ip_network_parse(inner, &network) == IP_OK && ip_network_contains(&network, address);
}

bool match_client(struct host *host, const struct service *service, const char *name,
		  const struct ip_address *address, struct text *item)
{
	const struct value *value = configuration_value(host->configuration, service, name);
	struct list list = list_split(host->arena, &value->text);
	char text[IP_TEXT_SIZE];
	struct found found;

	if (address->family == IP_NONE)
		return false;
	ip_format(address, text);
	for (size_t i = 0; i < list.count; i++) {
		const struct list_item *at = &list.items[i];
		bool here = at->kind == LIST_ITEM_TABLE ? lookup_table(host, &at->text, text, false,
								       &found) == LOOKUP_FOUND
							: is_network(at->text.text, address);

		if (!here)
			continue;
		*item = at->text;
		return !at->negated;
	}
	return false;
}
