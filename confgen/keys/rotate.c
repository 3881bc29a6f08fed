/* Turning DKIM keys over; see rotate.h. */
#include "confgen/keys/rotate.h"
#include "common/date.h"
#include "confgen/keys/edit.h"
#include "confgen/keys/rules.h"
#include "confgen/topology/schema.h"
#include "confgen/topology/syntax.h"

#include <ctype.h>
#include <openssl/evp.h>
#include <strings.h>
#include <unistd.h>

#define MOST_TRIES 10000 /* of names for a selector */

struct planner {
	struct arena *arena;
	const struct topology *topology;
	const struct rotation_options *options;
	struct diagnostics *list;
	struct rotation rotation;
	const struct dkim *dkim;
	const struct yaml_node *node; /* of the key 'dkim' */
	struct edits edits;
};

/* --- what is to be done --- */

/* The set that the domain comes from, or NULL. */
static const struct domain_set *set_of(const struct topology *topology, const struct domain *domain)
{
	size_t index = (size_t)(domain - topology->domains.items);

	for (size_t i = 0; i < topology->domain_sets.count; i++) {
		const struct domain_set *set = &topology->domain_sets.items[i];

		if (index >= set->first && index < set->first + set->count)
			return set;
	}
	return NULL;
}

static const struct yaml_node *find_dkim(const struct yaml_node *tree, const struct rotation *of)
{
	const struct yaml_node *things = yaml_get(tree, of->set ? "domain_sets" : "domains", NULL);
	const struct text *name = of->set ? &of->set->head.name : &of->domain->head.name;

	return yaml_get(yaml_get(things, name->value, NULL), "dkim", NULL);
}

static bool is_taken(const struct planner *planner, const char *selector)
{
	const struct dkim *dkim = planner->dkim;
	const struct domain_set *set = planner->rotation.set;
	const struct domain *first = planner->rotation.domain;

	if (dkim->selector.value && strcasecmp(dkim->selector.value, selector) == 0)
		return true;
	for (size_t i = 0; i < dkim->keys.count; i++)
		if (strcasecmp(dkim->keys.items[i].selector.value, selector) == 0)
			return true;
	for (size_t i = 0; i < planner->rotation.count; i++)
		if (strcasecmp(planner->rotation.items[i].selector, selector) == 0)
			return true;
	for (size_t i = 0; i < (set ? set->count : 1); i++)
		if (access(store_path(planner->arena, planner->options->folder,
				      first[i].head.name.value, selector, "private"),
			   F_OK) == 0)
			return true;
	return false;
}

/* mail -> mail2, mail9 -> mail10, s20260101 -> s20260102: the next that is free. */
static const char *next_selector(const struct planner *planner, const char *selector)
{
	size_t stem = strlen(selector);
	unsigned long number;

	while (stem && isdigit((unsigned char)selector[stem - 1]))
		stem--;
	/* a number too long to count with is left alone */
	if (strlen(selector + stem) > 9)
		stem = strlen(selector);
	number = selector[stem] ? strtoul(selector + stem, NULL, 10) : 1;
	for (unsigned tries = 0; tries < MOST_TRIES; tries++) {
		const char *next =
			arena_printf(planner->arena, "%.*s%lu", (int)stem, selector, ++number);

		if (!is_taken(planner, next))
			return check_selector(next) ? NULL : next;
	}
	return NULL;
}

/* The type of the old key: as the topology says, or as it is. */
static enum dkim_type type_of(const struct planner *planner, const char *selector,
			      const struct choice *type)
{
	struct diagnostics *unused = diagnostics_new(planner->arena);
	const struct choice *wanted = planner->options->type;
	time_t modified;
	bool missing;
	EVP_PKEY *key;
	int found;

	if (wanted && wanted->given)
		return (enum dkim_type)wanted->value;
	if (type->given)
		return (enum dkim_type)type->value;
	key = store_load(store_path(planner->arena, planner->options->folder,
				    planner->rotation.domain->head.name.value, selector, "private"),
			 (struct position){0}, unused, &modified, &missing);
	found = key ? store_type(key) : -1;
	EVP_PKEY_free(key);
	return found < 0 ? DKIM_RSA_2048 : (enum dkim_type)found;
}

static bool add_successor(struct planner *planner, const struct text *selector,
			  const struct choice *type)
{
	struct rotation *rotation = &planner->rotation;
	const char *wanted = planner->options->selector;
	struct successor successor = {.from = selector->value,
				      .selector = wanted ? wanted
							 : next_selector(planner, selector->value),
				      .type = type_of(planner, selector->value, type)};

	if (!successor.selector || (wanted && is_taken(planner, wanted))) {
		keys_report(planner->list, ROTATION, selector->at,
			    "%s%s for the successor of '%s': give --selector NAME",
			    wanted ? wanted : "no name was found",
			    wanted ? " is taken, as a selector or as a file of the folder of keys,"
				   : "",
			    selector->value);
		return false;
	}
	*arena_push(planner->arena, rotation) = successor;
	return true;
}

static bool plan_list(struct planner *planner, time_t now)
{
	const struct dkim_key_list *keys = &planner->dkim->keys;

	for (size_t i = 0; i < keys->count; i++) {
		const struct dkim_key *key = &keys->items[i];
		int64_t from = 0;

		if (key->active_from.value && date_parse(key->active_from.value, &from) &&
		    from > now) {
			keys_report(planner->list, ROTATION, key->active_from.at,
				    "a turn-over is under way: '%s' takes over at %s",
				    key->selector.value, key->active_from.value);
			return false;
		}
	}
	for (size_t i = 0; i < keys->count; i++)
		if (!keys->items[i].retire_after.value &&
		    !add_successor(planner, &keys->items[i].selector, &keys->items[i].type))
			return false;
	return true;
}

static bool plan_keys(struct planner *planner, time_t now)
{
	const struct dkim *dkim = planner->dkim;

	if (dkim->selector.value ? !add_successor(planner, &dkim->selector, &dkim->type)
				 : !plan_list(planner, now))
		return false;
	if (planner->rotation.count == 0) {
		keys_report(planner->list, ROTATION, dkim->head.at,
			    "every key of %s is to retire already: none is left to turn over",
			    planner->rotation.domain->head.name.value);
		return false;
	}
	if (planner->options->selector && planner->rotation.count > 1) {
		keys_report(planner->list, ROTATION, dkim->head.at,
			    "%zu keys are to be turned over: one name is not enough for them",
			    planner->rotation.count);
		diagnostics_hint(planner->list, "leave out --selector: names are found");
		return false;
	}
	return true;
}

/* --- how it is written --- */

static const char *new_item(struct planner *planner, size_t index, bool typed)
{
	const struct successor *successor = &planner->rotation.items[index];
	const struct choice *wanted = planner->options->type;

	return arena_printf(
		planner->arena, "{selector: %s%s%s, active_from: \"%s\"}", successor->selector,
		typed || (wanted && wanted->given) ? ", type: " : "",
		typed || (wanted && wanted->given) ? dkim_type_words[successor->type] : "",
		planner->rotation.at);
}

/* A pair of the short form as it goes into the list; "" when it is not there. */
static const char *move_pair(struct planner *planner, const char *key)
{
	const struct yaml_pair *pair = NULL;
	const struct yaml_node *value = yaml_get(planner->node, key, &pair);

	if (!value)
		return "";
	edit_remove_pair(&planner->edits, planner->node, pair);
	return arena_printf(planner->arena, ", %s: %s", key,
			    edit_slice(&planner->edits, value->at, value->end));
}

/* The short form, selector and key, becomes a list. */
static void write_short(struct planner *planner)
{
	const struct yaml_pair *pair = NULL;
	const struct yaml_node *selector = yaml_get(planner->node, "selector", &pair);
	struct edits *edits = &planner->edits;
	const char *old, *new, *key, *type;

	if (!selector) {
		edits->failed = true;
		return;
	}
	key = move_pair(planner, "key");
	type = move_pair(planner, "type");
	old = arena_printf(planner->arena, "{selector: %s%s%s, retire_after: \"%s\"}",
			   edit_slice(edits, selector->at, selector->end), key, type,
			   planner->rotation.at);
	new = new_item(planner, 0, planner->dkim->type.given);
	if (planner->node->flow) {
		edit_replace(edits, pair->at, selector->end,
			     arena_printf(planner->arena, "keys: [%s, %s]", old, new));
		return;
	}
	edit_replace(edits, pair->at, selector->end, "keys:");
	edit_insert_line(edits, selector->end, pair->at.column + 1,
			 arena_printf(planner->arena, "- %s", old));
	edit_insert_line(edits, selector->end, pair->at.column + 1,
			 arena_printf(planner->arena, "- %s", new));
}

static void retire(struct planner *planner, const struct yaml_node *item)
{
	const char *pair =
		arena_printf(planner->arena, "retire_after: \"%s\"", planner->rotation.at);

	if (item->kind != YAML_MAPPING || item->count == 0)
		planner->edits.failed = true;
	else if (item->flow)
		edit_insert(&planner->edits, item->pairs[item->count - 1].value->end,
			    arena_printf(planner->arena, ", %s", pair));
	else
		edit_insert_line(&planner->edits, item->end, item->pairs[0].at.column - 1, pair);
}

/* The list gets an end for those that have none, and the successors behind them. */
static void write_list(struct planner *planner)
{
	const struct yaml_node *list = yaml_get(planner->node, "keys", NULL);
	const struct dkim_key_list *keys = &planner->dkim->keys;
	size_t next = 0;

	if (!list || list->kind != YAML_SEQUENCE || list->count != keys->count) {
		planner->edits.failed = true;
		return;
	}
	for (size_t i = 0; i < keys->count; i++)
		if (!keys->items[i].retire_after.value)
			retire(planner, list->items[i]);
	for (size_t i = 0; i < keys->count; i++) {
		const struct yaml_node *last = list->items[list->count - 1];
		const char *item;

		if (keys->items[i].retire_after.value)
			continue;
		item = new_item(planner, next++, keys->items[i].type.given);
		if (list->flow)
			edit_insert(&planner->edits, last->end,
				    arena_printf(planner->arena, ", %s", item));
		else
			edit_insert_line(&planner->edits, last->end,
					 edit_dash(&planner->edits, last),
					 arena_printf(planner->arena, "- %s", item));
	}
}

bool rotation_plan(struct arena *arena, const struct yaml_node *tree,
		   const struct topology *topology, const struct domain *domain,
		   const struct rotation_options *options, time_t now, struct diagnostics *list,
		   struct rotation *out)
{
	const struct domain_set *set = set_of(topology, domain);
	struct planner planner = {
		.arena = arena,
		.topology = topology,
		.options = options,
		.list = list,
		.rotation = {.domain = set ? &topology->domains.items[set->first] : domain,
			     .set = set,
			     .at = options->at},
		.dkim = &domain->dkim,
		.edits = {.arena = arena, .source = tree->at.source},
	};

	planner.node = find_dkim(tree, &planner.rotation);
	if (!domain->dkim.head.given || !planner.node) {
		keys_report(list, ROTATION, domain->head.name.at, "%s is not signed",
			    domain->head.name.value);
		return false;
	}
	if (!plan_keys(&planner, now))
		return false;
	if (planner.dkim->selector.value)
		write_short(&planner);
	else
		write_list(&planner);
	if (planner.edits.failed) {
		keys_report(list, ROTATION, domain->dkim.head.at,
			    "the text is laid out in a way that a person has to change");
		diagnostics_hint(list,
				 "write keys: [{selector: OLD, retire_after: \"%s\"}, "
				 "{selector: NEW, active_from: \"%s\"}]",
				 options->at, options->at);
		return false;
	}
	edit_report(&planner.edits, list, domain->dkim.head.at, "the keys are turned over");
	planner.rotation.changed = planner.node;
	*out = planner.rotation;
	return true;
}

/* --- whether it came out as it was meant --- */

static bool same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

/* The old key, as it was but for its end. */
static bool is_old(const struct dkim_key *key, const char *selector, const char *path,
		   const struct choice *type, const char *from, const char *retire)
{
	return same(key->selector.value, selector) && same(key->key.value, path) &&
	       key->type.given == type->given && key->type.value == type->value &&
	       same(key->active_from.value, from) && same(key->retire_after.value, retire);
}

static bool is_new(const struct dkim_key *key, const struct successor *successor, const char *at)
{
	return same(key->selector.value, successor->selector) && !key->key.value &&
	       (!key->type.given || key->type.value == (int)successor->type) &&
	       same(key->active_from.value, at) && !key->retire_after.value;
}

static bool same_keys(const struct rotation *rotation, const struct dkim *old,
		      const struct dkim *new)
{
	size_t kept = old->selector.value ? 1 : old->keys.count;

	if (new->selector.value || new->key.value || new->keys.count != kept + rotation->count)
		return false;
	if (old->selector.value && !is_old(&new->keys.items[0], old->selector.value, old->key.value,
					   &old->type, NULL, rotation->at))
		return false;
	for (size_t i = 0; i < old->keys.count; i++) {
		const struct dkim_key *key = &old->keys.items[i];
		const char *end = key->retire_after.value ? key->retire_after.value : rotation->at;

		if (!is_old(&new->keys.items[i], key->selector.value, key->key.value, &key->type,
			    key->active_from.value, end))
			return false;
	}
	for (size_t i = 0; i < rotation->count; i++)
		if (!is_new(&new->keys.items[kept + i], &rotation->items[i], rotation->at))
			return false;
	return true;
}

bool rotation_is_sound(const struct rotation *rotation, const struct yaml_node *old_tree,
		       const struct yaml_node *new_tree, const struct topology *before,
		       const struct topology *after)
{
	size_t index = (size_t)(rotation->domain - before->domains.items);
	const struct dkim *old = &rotation->domain->dkim, *new;

	if (!yaml_equal(old_tree, new_tree, rotation->changed) ||
	    before->domains.count != after->domains.count)
		return false;
	new = &after->domains.items[index].dkim;
	if (!same(old->sign_at.value, new->sign_at.value) ||
	    old->subdomains.count != new->subdomains.count)
		return false;
	for (size_t i = 0; i < old->subdomains.count; i++)
		if (!same(old->subdomains.items[i].value, new->subdomains.items[i].value))
			return false;
	return same_keys(rotation, old, new);
}
