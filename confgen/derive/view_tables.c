/* Lookup tables as the templates see them, and what all parts of the view use; see view.h. */
#include "confgen/derive/view_private.h"
#include "confgen/derive/releases.h"
#include "confgen/topology/schema.h"
#include "common/strbuf.h"

void view_push(json_t *array, json_t *value)
{
	/* NULL is what json_pack() gives for a wrong format: a bug */
	if (json_array_append_new(array, value) < 0)
		abort();
}

const char *view_file_name(struct arena *arena, const struct source *source)
{
	const char *slash = strrchr(source->name, '/');
	char *name = arena_strdup(arena, slash ? slash + 1 : source->name);

	for (char *p = name; *p; p++)
		if ((unsigned char)*p < 0x20 || (unsigned char)*p > 0x7e)
			*p = '?';
	return name;
}

const char *view_place(struct arena *arena, struct position at)
{
	return at.source ? arena_printf(arena, "%s:%u", view_file_name(arena, at.source), at.line)
			 : "default";
}

/* There can be a million of them, of which both text and names are known to be good. */
static json_t *row(struct arena *arena, const struct entry *entry, bool with_origin)
{
	json_t *view = json_object();
	json_t *origin = with_origin ? json_string(view_place(arena, entry->at)) : json_false();

	if (json_object_set_new_nocheck(view, "key", json_string_nocheck(entry->key)) < 0 ||
	    json_object_set_new_nocheck(view, "value", json_string_nocheck(entry->value)) < 0 ||
	    json_object_set_new_nocheck(view, "origin", origin) < 0)
		abort();
	return view;
}

/* Rows with their origin, said once for a run of rows from the same line. */
static json_t *rows(struct arena *arena, const struct entry_list *list, size_t begin, size_t end)
{
	json_t *array = json_array();
	unsigned last = begin ? list->items[begin - 1].at.line : 0;

	for (size_t i = begin; i < end; i++) {
		const struct entry *entry = &list->items[i];

		view_push(array, row(arena, entry, entry->at.line != last));
		last = entry->at.line;
	}
	return array;
}

const char *view_limit_class(struct arena *arena, const struct sender_limit *limit)
{
	char *name =
		arena_printf(arena, "%ssenders_%s", limit->network ? "network_" : "", limit->name);

	for (char *p = name; *p; p++)
		if (*p == '-')
			*p = '_';
	return name;
}

static const struct entry_list *password_rows(struct arena *arena, const struct login_list *logins)
{
	struct entry_list *list = arena_alloc(arena, sizeof(*list));

	for (size_t i = 0; i < logins->count; i++)
		*arena_push(arena, list) =
			(struct entry){logins->items[i].next_hop,
				       arena_printf(arena, "%s:%s", logins->items[i].username,
						    logins->items[i].password),
				       logins->items[i].at};
	return list;
}

static bool is_limited(const struct facts *facts, const char *username)
{
	for (size_t i = 0; i < facts->limits.count; i++)
		if (facts->limits.items[i].username &&
		    strcmp(facts->limits.items[i].username, username) == 0)
			return true;
	return false;
}

/*
 * The limits of clients known by login: the login selects the class. Who only brings mail from
 * strangers may send it to the relayed domains.
 */
static const struct entry_list *login_limits(struct arena *arena, const struct facts *facts)
{
	struct entry_list *list = arena_alloc(arena, sizeof(*list));

	for (size_t i = 0; i < facts->limits.count; i++)
		if (facts->limits.items[i].username)
			*arena_push(arena, list) =
				(struct entry){facts->limits.items[i].username,
					       view_limit_class(arena, &facts->limits.items[i]),
					       facts->limits.items[i].at};
	for (size_t i = 0; i < facts->relay_users.count; i++)
		if (!is_limited(facts, facts->relay_users.items[i].key))
			*arena_push(arena, list) = (struct entry){facts->relay_users.items[i].key,
								  "reject_unauth_destination",
								  facts->relay_users.items[i].at};
	return list;
}

struct table_list view_tables(struct arena *arena, const struct facts *facts)
{
	const struct table fixed[] = {
		{"transport", "next hop by recipient domain", false, &facts->transports, false},
		{"relay_domains", "domains that this host relays", false, &facts->relay_domains,
		 false},
		{"relay_recipients", "recipients that exist", false, &facts->recipients, false},
		{"verify_recipients", "domains whose recipients the mailbox host is asked for",
		 false, &facts->unlisted, false},
		{"virtual", "role addresses of this host", false, &facts->postmasters, false},
		{"relayhosts", "way out by sender domain", false, &facts->relayhosts, false},
		{"sender_services", "client service by sender domain", false,
		 &facts->sender_services, false},
		{"subdomain_relayhosts", "way out by sender, for what is below a domain", false,
		 &facts->subdomain_relayhosts, true},
		{"subdomain_services", "client service by sender, for what is below a domain",
		 false, &facts->subdomain_services, true},
		{"tls_policy", "TLS level by next hop", false, &facts->tls_policies, false},
		{"sasl_passwd", "logins at next hops", true, password_rows(arena, &facts->logins),
		 false},
		{"sasl_limits", "sender limits by login", false, login_limits(arena, facts), false},
	};
	struct table_list list = {0};

	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++)
		if (fixed[i].rows->count)
			*arena_push(arena, &list) = fixed[i];
	for (size_t i = 0; i < facts->limits.count; i++)
		*arena_push(arena, &list) =
			(struct table){view_limit_class(arena, &facts->limits.items[i]),
				       arena_printf(arena, "sender domains that %s may use",
						    facts->limits.items[i].name),
				       false, &facts->limits.items[i].senders, false};
	return list;
}

bool table_is_inline(const struct node *node, const struct table *table)
{
	if (table->patterns && !releases_have(node->postfix.number, "inline_patterns"))
		return false;
	return (node->map_type.value == MAP_INLINE || node->kind.value == KIND_DMS) &&
	       !table->secret;
}

const char *table_type(const struct node *node, const struct table *table)
{
	if (table->patterns)
		return "regexp";
	return map_type_words[node->map_type.value == MAP_INLINE ? MAP_TEXTHASH
								 : node->map_type.value];
}

bool table_is_indexed(const struct node *node, const struct table *table)
{
	return !table->patterns && !table_is_inline(node, table) &&
	       (node->map_type.value == MAP_LMDB || node->map_type.value == MAP_HASH);
}

/* Rows as they stand in main.cf: a pattern needs no "=", and its "$" would be a parameter's. */
static void add_inline_row(struct strbuf *out, const struct table *table, const struct entry *row)
{
	if (!table->patterns) {
		strbuf_addf(out, " { %s = %s }", row->key, row->value);
		return;
	}
	strbuf_adds(out, " { ");
	for (const char *p = row->key; *p; p++)
		strbuf_addf(out, *p == '$' ? "$$" : "%c", *p);
	strbuf_addf(out, " %s }", row->value);
}

const char *view_lookup(struct arena *arena, const struct node *node, const struct table *table)
{
	struct strbuf inline_rows = STRBUF_INIT;
	const char *result;

	if (!table_is_inline(node, table))
		return arena_printf(arena, "%s:${config_directory}/%s", table_type(node, table),
				    table->name);
	strbuf_adds(&inline_rows, table->patterns ? "regexp:{" : "inline:{");
	for (size_t i = 0; i < table->rows->count; i++)
		add_inline_row(&inline_rows, table, &table->rows->items[i]);
	strbuf_adds(&inline_rows, " }");
	result = arena_strdup(arena, inline_rows.text);
	strbuf_done(&inline_rows);
	return result;
}

json_t *view_of_table(struct arena *arena, const struct facts *facts, const struct table *table,
		      size_t begin, size_t end)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:b, s:o}", "name", table->name, "title",
			 table->title, "node", facts->node->head.name.value, "topology",
			 view_file_name(arena, facts->node->head.at.source), "first", begin == 0,
			 "rows", rows(arena, table->rows, begin, end));
}
