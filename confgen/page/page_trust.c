/*
 * Who may relay through whom, and why: the facts that the configuration is rendered from, so that
 * the page cannot say anything else.
 */
#include "confgen/derive/facts.h"
#include "confgen/page/page_private.h"
#include "confgen/topology/schema.h"

struct trust_table {
	struct arena *arena;
	json_t *rows;
	size_t count;
};

/* What a row says; lists are taken. */
struct row {
	const char *who, *through;
	json_t *known, *domains; /* lists of names, or NULL */
	const char *may;
	bool danger;
	struct position at;
};

static void add_row(struct trust_table *table, const struct row *row)
{
	json_t *entry;

	if (table->count++ >= PAGE_MOST_ROWS) {
		json_decref(row->known);
		json_decref(row->domains);
		return;
	}
	entry = json_object();
	page_set(entry, "who", page_text(table->arena, row->who));
	page_set(entry, "through", page_text(table->arena, row->through));
	page_set(entry, "known", row->known ? row->known : json_false());
	page_set(entry, "domains", row->domains ? row->domains : json_false());
	page_set(entry, "may", page_text(table->arena, row->may));
	page_set(entry, "danger", json_boolean(row->danger));
	page_set(entry, "origin", page_place(table->arena, row->at));
	view_push(table->rows, entry);
}

static json_t *one_name(struct arena *arena, const char *name)
{
	struct page_names names = page_names_begin(arena);

	page_names_add(&names, name);
	return page_names_end(&names);
}

/* A single host without its prefix, as people write it. */
static const char *network_text(const struct ip_network *network, char *text)
{
	const unsigned whole = network->address.family == IP_V6 ? 128 : 32;

	return network->prefix == whole ? ip_format(&network->address, text)
					: ip_network_format(network, text);
}

/* How a peer is known: by its addresses, or by its login, of which the name is nobody's business.
 */
static json_t *known(struct arena *arena, const struct sender_limit *limit)
{
	struct page_names names = page_names_begin(arena);
	char text[IP_TEXT_SIZE];

	for (size_t i = 0; i < limit->clients.count; i++)
		page_names_add(&names, network_text(&limit->clients.items[i].network, text));
	if (limit->username)
		page_names_add(&names, "a login");
	return page_names_end(&names);
}

static json_t *senders(struct arena *arena, const struct sender_limit *limit)
{
	struct page_names names = page_names_begin(arena);

	for (size_t i = 0; i < limit->senders.count; i++) {
		const struct entry *entry = &limit->senders.items[i];

		if (strcmp(entry->value, "OK") == 0)
			page_names_add(&names,
				       strcmp(entry->key, "<>") == 0 ? "<> (bounces)" : entry->key);
	}
	return page_names_end(&names);
}

static void add_limit(struct trust_table *table, const struct facts *facts,
		      const struct sender_limit *limit)
{
	const bool dms = facts->node->kind.value == KIND_DMS;

	add_row(table,
		&(struct row){
			.who = !limit->network
				       ? limit->name
				       : arena_printf(table->arena, "%s %s",
						      limit->submits ? "clients in" : "anyone in",
						      limit->name),
			.through = facts->node->head.name.value,
			.known = known(table->arena, limit),
			.domains = dms ? NULL : senders(table->arena, limit),
			.may = dms ? "send mail anywhere, from any sender: docker-mailserver does "
				     "not limit senders"
			       : limit->inbound
				       ? "send mail anywhere from these senders, and bring mail of "
					 "strangers to the node's domains"
				       : "send mail anywhere from these senders, and below them",
			.danger = limit->network && !limit->submits,
			.at = limit->at,
		});
}

static bool has_limit(const struct facts *facts, const char *peer)
{
	for (size_t i = 0; i < facts->limits.count; i++)
		for (size_t j = 0; j < facts->limits.items[i].clients.count; j++)
			if (strcmp(facts->limits.items[i].clients.items[j].peer, peer) == 0)
				return true;
	return false;
}

static bool is_told(const struct facts *facts, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (strcmp(facts->trusted.items[i].peer, facts->trusted.items[index].peer) == 0)
			return true;
	return false;
}

static json_t *networks_of(struct arena *arena, const struct facts *facts, const char *peer)
{
	struct page_names names = page_names_begin(arena);
	char text[IP_TEXT_SIZE];

	for (size_t i = 0; i < facts->trusted.count; i++)
		if (strcmp(facts->trusted.items[i].peer, peer) == 0)
			page_names_add(&names,
				       network_text(&facts->trusted.items[i].network, text));
	return page_names_end(&names);
}

/* Peers that bring mail in, and are trusted so that they are not judged. */
static void add_trusted(struct trust_table *table, const struct facts *facts)
{
	for (size_t i = 0; i < facts->trusted.count; i++) {
		const struct trusted *trusted = &facts->trusted.items[i];

		if (has_limit(facts, trusted->peer) || is_told(facts, i))
			continue;
		add_row(table,
			&(struct row){
				.who = trusted->peer,
				.through = facts->node->head.name.value,
				.known = networks_of(table->arena, facts, trusted->peer),
				.may = "bring mail in for the mailboxes, unjudged: it has judged "
				       "it; the node would also relay for it",
				.at = trusted->at,
			});
	}
}

static bool is_limited(const struct facts *facts, const char *username)
{
	for (size_t i = 0; i < facts->limits.count; i++)
		if (facts->limits.items[i].username &&
		    strcmp(facts->limits.items[i].username, username) == 0)
			return true;
	return false;
}

/* Logins that bring mail in only. */
static void add_accounts(struct trust_table *table, const struct facts *facts)
{
	for (size_t i = 0; i < facts->accounts.count; i++) {
		const struct login *login = &facts->accounts.items[i];

		if (is_limited(facts, login->username))
			continue;
		add_row(table, &(struct row){
				       .who = login->peer->head.name.value,
				       .through = facts->node->head.name.value,
				       .known = one_name(table->arena, "a login"),
				       .may = "bring mail in; whoever logs in may relay as well",
				       .at = login->at,
			       });
	}
}

static void add_strangers(struct trust_table *table, const struct facts *facts)
{
	const bool relays = facts->relay_domains.count > 0;
	struct page_names names = page_names_begin(table->arena);

	for (size_t i = 0; i < facts->relay_domains.count; i++)
		page_names_add(&names, facts->relay_domains.items[i].key);
	add_row(table, &(struct row){
			       .who = "anyone on the Internet",
			       .through = facts->node->head.name.value,
			       .domains = page_names_end(&names),
			       .may = relays ? "send mail to these domains; nothing goes elsewhere"
					     : "send mail to its mailboxes; nothing goes elsewhere",
			       .at = facts->node->head.at,
		       });
}

static void add_node(struct trust_table *table, const struct facts *facts)
{
	if (facts->internet)
		add_strangers(table, facts);
	for (size_t i = 0; i < facts->limits.count; i++)
		add_limit(table, facts, &facts->limits.items[i]);
	add_trusted(table, facts);
	add_accounts(table, facts);
}

/* Facts of many domains are large: those of a node go when its rows are there. */
json_t *page_trust(struct arena *arena, const struct page *page)
{
	const struct node_list *nodes = &page->topology->nodes;
	struct trust_table table = {.arena = arena, .rows = json_array()};

	for (size_t i = 0; i < nodes->count; i++) {
		struct arena *scratch;

		if (!facts_has(&nodes->items[i]) || nodes->items[i].kind.value == KIND_PROXY)
			continue;
		scratch = arena_new(0);
		add_node(&table, facts_derive(scratch, page->topology, &nodes->items[i]));
		arena_free(scratch);
	}
	return page_rows(arena, table.rows, table.count);
}
