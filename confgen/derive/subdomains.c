/*
 * Ways out for senders in sub-domains that no route names: those of the domain above them. Postfix
 * looks up sender_dependent_relayhost_maps by the whole address and by @domain, so a sub-domain
 * would leave as the host's own mail does, past the smarthost of its domain. A regexp table after
 * the other sees the whole address. It is asked before "@domain" is, and so it needs rows of their
 * own for domains of the topology that lie below others.
 */
#include "confgen/derive/facts_private.h"
#include "confgen/topology/ways.h"

#include <stdlib.h>

/* A domain whose sub-domains are told where to go. */
struct parent {
	const struct domain *domain;
	size_t labels;
	bool below; /* another one: the pattern of that would take it along */
};

struct parent_list {
	struct parent *items;
	size_t count;
};

static size_t count_labels(const char *name)
{
	size_t count = 1;

	for (; *name; name++)
		count += *name == '.';
	return count;
}

/* Whether a domain above this one is in the map. */
static bool is_below(const struct name_map *apart, const char *name)
{
	for (const char *dot = strchr(name, '.'); dot; dot = strchr(dot + 1, '.'))
		if (name_map_find(apart, dot + 1))
			return true;
	return false;
}

/* What lies deeper comes first: the first pattern that matches wins. */
static int by_depth(const void *a, const void *b)
{
	const struct parent *one = a, *other = b;

	if (one->labels != other->labels)
		return one->labels < other->labels ? 1 : -1;
	return one->domain < other->domain ? -1 : one->domain > other->domain;
}

static struct name_map *find_apart(struct arena *arena, const struct facts *facts)
{
	const struct ways usual = ways_of_nobody(facts->topology, facts->node);
	const bool direct = ways_are_direct(facts->topology, facts->node);
	struct name_map *apart = name_map_new(arena, 0);

	for (size_t i = 0; i < facts->topology->domains.count; i++) {
		struct domain *domain = &facts->topology->domains.items[i];
		const struct ways ways = ways_of_domain(facts->topology, facts->node, domain);

		if (ways_are_apart(&ways, &usual, direct))
			name_map_add(apart, domain->head.name.value, domain);
	}
	return apart;
}

static struct parent_list find_parents(struct arena *arena, const struct facts *facts,
				       const struct name_map *apart)
{
	struct parent_list list = {0};

	for (size_t i = 0; i < facts->topology->domains.count; i++) {
		const struct domain *domain = &facts->topology->domains.items[i];
		const char *name = domain->head.name.value;
		bool below = is_below(apart, name);

		if (below || name_map_find(apart, name))
			*arena_push(arena, &list) =
				(struct parent){domain, count_labels(name), below};
	}
	qsort(list.items, list.count, sizeof(list.items[0]), by_depth);
	return list;
}

/* Postfix ignores case in patterns. A name has letters, digits, "-" and "." (and "_"). */
static const char *pattern(struct arena *arena, const struct parent *parent)
{
	const char *text = parent->below ? "/@([^@]+\\.)?" : "/@[^@]+\\.";
	const char *rest = parent->domain->head.name.value;
	size_t length;

	for (; rest[length = strcspn(rest, ".")]; rest += length + 1)
		text = arena_printf(arena, "%s%.*s\\.", text, (int)length, rest);
	return arena_printf(arena, "%s%s$/", text, rest);
}

/* The row's value is that of the domain itself, and that there is none where it has none. */
static void push_below(struct arena *arena, struct entry_list *list, const struct parent *parent,
		       const struct entry_list *domains)
{
	const char *key = arena_printf(arena, "@%s", parent->domain->head.name.value);
	const struct entry *entry = facts_find_entry(domains, key);

	if (entry)
		facts_push_entry(arena, list, pattern(arena, parent), entry->value, entry->at);
	else if (parent->below)
		facts_push_entry(arena, list, pattern(arena, parent), "DUNNO",
				 parent->domain->head.name.at);
}

void facts_derive_subdomains(struct arena *arena, struct facts *facts)
{
	size_t count = ways_count_apart(facts->topology, facts->node);
	struct parent_list parents;

	if (facts->node->kind.value != KIND_POSTFIX || !count || count > MOST_APART)
		return;
	parents = find_parents(arena, facts, find_apart(arena, facts));
	for (size_t i = 0; i < parents.count; i++) {
		push_below(arena, &facts->subdomain_relayhosts, &parents.items[i],
			   &facts->relayhosts);
		push_below(arena, &facts->subdomain_services, &parents.items[i],
			   &facts->sender_services);
	}
}
