/*
 * Whether the keys that sign for a domain can be told apart, and are given in one form. The domains
 * of a set share their setting, which is looked at once.
 */
#include "common/date.h"
#include "confgen/topology/load.h"
#include "confgen/topology/rules.h"

#include <strings.h>

static void verify_form(const struct dkim *dkim, struct diagnostics *list)
{
	const struct text *text = dkim->selector.at.line ? &dkim->selector : &dkim->key;

	if (dkim->keys.count && text->at.line) {
		report(list, MISPLACED_KEY, text->at,
		       "a '%s' beside 'keys': a domain has one key, or a list of them",
		       text == &dkim->key ? "key" : "selector");
		diagnostics_hint(list, "move it into the list: - {selector: NAME, key: PATH}");
	} else if (!dkim->keys.count && !dkim->selector.at.line) {
		report(list, MISSING_KEY, dkim->head.at,
		       "a DKIM setting needs the key 'selector', or a list of 'keys'");
		diagnostics_hint(list,
				 "the key is published at SELECTOR._domainkey.DOMAIN, such as "
				 "selector: mail");
	}
}

/* The milter refuses to start with a key that never signs. */
static void verify_dates(const struct dkim_key *key, struct diagnostics *list)
{
	int64_t from, after;

	if (!key->active_from.value || !key->retire_after.value ||
	    !date_parse(key->active_from.value, &from) ||
	    !date_parse(key->retire_after.value, &after) || from < after)
		return;
	report(list, BAD_VALUE, key->retire_after.at,
	       "the key would be retired before it is active, from %s on", key->active_from.value);
}

static void verify_selectors(const struct dkim *dkim, size_t index, struct diagnostics *list)
{
	const struct text *selector = &dkim->keys.items[index].selector;

	for (size_t i = 0; i < index && selector->value; i++) {
		const char *other = dkim->keys.items[i].selector.value;

		if (!other || strcasecmp(other, selector->value) != 0)
			continue;
		report(list, NAME_TWICE, selector->at, "the selector '%s' is listed already",
		       selector->value);
		diagnostics_hint(list, "one name in DNS has one key: give each a selector");
		return;
	}
}

static void verify_setting(const struct dkim *dkim, struct diagnostics *list)
{
	if (!dkim->head.given)
		return;
	verify_form(dkim, list);
	for (size_t i = 0; i < dkim->keys.count; i++) {
		verify_dates(&dkim->keys.items[i], list);
		verify_selectors(dkim, i, list);
	}
}

void topology_verify_dkim(const struct topology *topology, struct diagnostics *list)
{
	const struct domain_set_list *sets = &topology->domain_sets;
	size_t own = sets->count ? sets->items[0].first : topology->domains.count;

	for (size_t i = 0; i < own; i++)
		verify_setting(&topology->domains.items[i].dkim, list);
	for (size_t i = 0; i < sets->count; i++)
		verify_setting(&sets->items[i].dkim, list);
}
