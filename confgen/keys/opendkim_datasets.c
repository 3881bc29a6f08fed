/* The lists and tables that opendkim.conf names; see opendkim.h. */
#include "common/file.h"
#include "common/network.h"
#include "confgen/keys/opendkim.h"
#include "confgen/keys/rules.h"
#include "confgen/topology/syntax.h"

#include <strings.h>

#define LARGEST_TABLE ((size_t)16 << 20)
#define MOST_NETWORKS 10000

static void tell(struct diagnostics *list, struct position at, const char *what, const char *value,
		 const char *why)
{
	keys_report(list, CONVERT, at, "%s %s %s", what, value, why);
	diagnostics_hide_source(list);
}

/* The path in a dataset that is a file; NULL when it is none. */
static const char *path_of(const char *dataset)
{
	if (strncasecmp(dataset, "file:", 5) == 0)
		return dataset + 5;
	if (strncasecmp(dataset, "refile:", 7) == 0)
		return dataset + 7;
	return *dataset == '/' ? dataset : NULL;
}

static const struct source *read_dataset(struct arena *arena, const char *root,
					 const struct text *value, struct diagnostics *list)
{
	struct source *source = arena_alloc(arena, sizeof(*source));
	const char *path = path_of(value->value);
	char *text;
	int error;

	if (!path) {
		tell(list, value->at, "the data set", value->value,
		     "is no file: write its rows into one");
		return NULL;
	}
	source->name = arena_printf(arena, "%s%s", root, path);
	error = file_read_regular(arena, source->name, LARGEST_TABLE, &text, &source->length);
	if (error) {
		diagnostics_add(list, SEVERITY_ERROR, NULL, value->at, "%s cannot be read: %s",
				source->name, strerror(-error));
		return NULL;
	}
	source->text = text;
	return source;
}

/* --- InternalHosts --- */

static void add_network(struct arena *arena, struct opendkim *given, const struct text *item,
			struct diagnostics *list)
{
	char text[IP_TEXT_SIZE];
	struct ip_network network;

	if (*item->value == '!')
		*arena_push(arena, &given->exceptions) = *item;
	else if (ip_network_parse(item->value, &network) != IP_OK)
		tell(list, item->at, "the internal host", item->value,
		     "is not carried over: it is no address and no network");
	else if (given->networks.count == MOST_NETWORKS)
		tell(list, item->at, "the internal host", item->value,
		     "is not carried over: there are too many");
	else
		*arena_push(arena, &given->networks) = (struct text){
			arena_strdup(arena, ip_network_format(&network, text)), item->at};
}

static void add_rows(struct arena *arena, struct opendkim *given, const struct source *source,
		     struct diagnostics *list)
{
	const char *next = source->text, *end = source->text + source->length;
	struct position at = {source, 0, 1};

	while (next < end) {
		const char *stop = memchr(next, '\n', (size_t)(end - next));
		struct text row = {.at = at};
		struct text_list items;

		stop = stop ? stop : end;
		row.at.line = ++at.line;
		row.value = arena_strndup(arena, next, (size_t)(stop - next));
		row.value = arena_strndup(arena, row.value, strcspn(row.value, "#\r"));
		items = opendkim_items(arena, &row);
		for (size_t i = 0; i < items.count; i++)
			add_network(arena, given, &items.items[i], list);
		next = stop + (stop < end);
	}
}

/* A network with an exception in it is left out: to trust all of it would be more than was asked
 * for. */
static void drop_excepted(struct opendkim *given, struct diagnostics *list)
{
	struct text_list *networks = &given->networks;

	for (size_t i = 0; i < given->exceptions.count; i++) {
		const struct text *exception = &given->exceptions.items[i];
		struct ip_network excepted, network;
		size_t kept = 0;

		if (ip_network_parse(exception->value + 1, &excepted) != IP_OK) {
			tell(list, exception->at, "the exception", exception->value,
			     "is not carried over: it is no address and no network");
			continue;
		}
		for (size_t j = 0; j < networks->count; j++) {
			ip_network_parse(networks->items[j].value, &network);
			if (!ip_network_overlaps(&network, &excepted))
				networks->items[kept++] = networks->items[j];
			else
				tell(list, exception->at, networks->items[j].value,
				     "is not carried over, because of the exception",
				     exception->value);
		}
		networks->count = kept;
	}
}

static void read_networks(struct arena *arena, const char *root, struct opendkim *given,
			  struct diagnostics *list)
{
	const struct text *value = &given->internal_hosts;
	const struct source *source;
	struct text_list items;

	if (!value->value) {
		*arena_push(arena, &given->networks) = (struct text){"127.0.0.1/32", {0}};
		return;
	}
	if (path_of(value->value)) {
		source = read_dataset(arena, root, value, list);
		if (source)
			add_rows(arena, given, source, list);
		drop_excepted(given, list);
		return;
	}
	items = opendkim_items(arena, value);
	for (size_t i = 0; i < items.count; i++)
		add_network(arena, given, &items.items[i], list);
	drop_excepted(given, list);
}

/* --- keys --- */

static bool is_yes(const struct text *value)
{
	return value->value && *value->value && strchr("yYtT1", *value->value);
}

static void make_keys(struct arena *arena, struct opendkim *given, struct diagnostics *list)
{
	struct text_list domains = opendkim_items(arena, &given->domains);

	if (!given->selector.value || check_selector(given->selector.value) ||
	    !given->key_file.value) {
		tell(list, given->domains.at, "Domain", "",
		     "needs a Selector and a KeyFile beside it");
		return;
	}
	if (*given->key_file.value != '/') {
		tell(list, given->key_file.at, "KeyFile", given->key_file.value,
		     "is no absolute path");
		return;
	}
	for (size_t i = 0; i < domains.count; i++) {
		const struct text *domain = &domains.items[i];

		if (check_domain(domain->value))
			tell(list, domain->at, "the domain", domain->value, "is not carried over");
		else
			*arena_push(arena, &given->keys) =
				(struct import_key){.domain = domain->value,
						    .selector = given->selector.value,
						    .path = given->key_file.value,
						    .itself = true,
						    .below = is_yes(&given->subdomains),
						    .used_at = domain->at,
						    .at = domain->at};
	}
}

static void read_keys(struct arena *arena, const char *root, struct opendkim *given,
		      struct diagnostics *list)
{
	const struct source *keys = read_dataset(arena, root, &given->key_table, list), *signing;

	if (!keys)
		return;
	import_key_table(arena, keys, &given->keys, list);
	if (!given->signing_table.value) {
		tell(list, given->key_table.at, "KeyTable", given->key_table.value,
		     "has no SigningTable beside it: nothing was signed");
		given->keys.count = 0;
		return;
	}
	signing = read_dataset(arena, root, &given->signing_table, list);
	if (signing)
		import_signing_table(arena, signing, &given->keys, list);
	else
		given->keys.count = 0;
}

/* Without MultipleSignatures, the first row that fits a sender decides alone. */
static bool is_shadowed(const struct import_keys *keys, size_t index)
{
	const struct import_key *key = &keys->items[index];

	for (size_t i = 0; i < keys->count; i++)
		if (i != index && strcasecmp(keys->items[i].domain, key->domain) == 0 &&
		    keys->items[i].used_at.line < key->used_at.line)
			return true;
	return false;
}

static void judge_keys(struct arena *arena, struct opendkim *given, struct diagnostics *list)
{
	struct import_keys kept = {0};

	for (size_t i = 0; i < given->keys.count; i++) {
		const struct import_key *key = &given->keys.items[i];

		if (*key->path != '/') {
			tell(list, key->at, "the key", key->path,
			     "is not carried over: its path is not absolute");
			continue;
		}
		if (!is_yes(&given->several) && is_shadowed(&given->keys, i)) {
			tell(list, key->used_at, "the key", key->name,
			     "is not carried over: without MultipleSignatures one key of the "
			     "domain "
			     "signs");
			continue;
		}
		if (!key->itself)
			tell(list, key->used_at, "mail of", key->domain,
			     "itself is signed as well, not only what is below it");
		if (key->single)
			tell(list, key->used_at, "all mail of", key->domain,
			     "is signed, not that of single addresses only");
		*arena_push(arena, &kept) = *key;
	}
	given->keys = kept;
}

void opendkim_datasets(struct arena *arena, const char *root, struct opendkim *given,
		       struct diagnostics *list)
{
	read_networks(arena, root, given, list);
	if (given->key_table.value)
		read_keys(arena, root, given, list);
	else if (given->domains.value)
		make_keys(arena, given, list);
	judge_keys(arena, given, list);
}
