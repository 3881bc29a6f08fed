/* The DKIM keys of a topology; see roll.h. */
#include "confgen/keys/roll.h"
#include "common/date.h"
#include "common/dkim_record.h"
#include "common/name_map.h"
#include "confgen/keys/rules.h"
#include "confgen/topology/schema.h"

#include <errno.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <strings.h>

#define DAY	  86400
#define KEPT_DAYS 7   /* that a record stays published when its key does not sign any more */
#define OLD_DAYS  730 /* M3AAWG: turn keys over at least twice a year; two years is neglect */

const struct key_rule_row key_rules[KEY_RULE_COUNT] = {
#define X(id, name, severity, summary) [KEY_RULE_##id] = {name, SEVERITY_##severity, summary},
	KEY_RULES(X)
#undef X
};

static void push(struct arena *arena, struct roll *roll, const struct roll_options *options,
		 const struct domain *domain, struct rolled_key key, const char *path)
{
	const char *name = domain->head.name.value;

	key.domain = domain;
	if (!options->installed)
		key.path = store_path(arena, options->folder, name, key.selector, "private");
	else if (path)
		key.path = path;
	else
		key.path = store_path(arena, "/etc/postern/keys", name, key.selector, "private");
	*arena_push(arena, roll) = key;
}

static void push_domain(struct arena *arena, struct roll *roll, const struct roll_options *options,
			const struct domain *domain)
{
	const struct dkim *dkim = &domain->dkim;

	if (dkim->selector.value)
		push(arena, roll, options, domain,
		     (struct rolled_key){.selector = dkim->selector.value,
					 .type = &dkim->type,
					 .at = dkim->selector.at},
		     dkim->key.value);
	for (size_t i = 0; i < dkim->keys.count; i++) {
		const struct dkim_key *key = &dkim->keys.items[i];

		push(arena, roll, options, domain,
		     (struct rolled_key){.selector = key->selector.value,
					 .type = &key->type,
					 .active_from = key->active_from.value,
					 .retire_after = key->retire_after.value,
					 .at = key->selector.at},
		     key->key.value);
	}
}

struct roll roll_list(struct arena *arena, const struct topology *topology,
		      const struct roll_options *options)
{
	struct roll roll = {0};

	for (size_t i = 0; i < topology->domains.count; i++) {
		const struct domain *domain = &topology->domains.items[i];
		const struct node *signer = domain->dkim.signer;

		if ((options->domain &&
		     strcasecmp(options->domain, domain->head.name.value) != 0) ||
		    (options->host &&
		     (!signer || strcmp(signer->head.name.value, options->host) != 0)))
			continue;
		push_domain(arena, &roll, options, domain);
	}
	return roll;
}

/* --- judging --- */

/* "rsa 2048" or "ed25519". */
static const char *describe(struct arena *arena, const EVP_PKEY *key)
{
	return EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519
		       ? "ed25519"
		       : arena_printf(arena, "rsa %d", EVP_PKEY_get_bits(key));
}

static void judge_type(const struct rolled_key *key, struct diagnostics *list)
{
	if (!key->type->given || store_type(key->key) == key->type->value)
		return;
	keys_report(list, TYPE, key->type->at, "the key %s is no %s key", key->path,
		    dkim_type_words[key->type->value]);
	diagnostics_hint(list, "turn it over: postern-confgen keys rotate %s",
			 key->domain->head.name.value);
}

static int64_t date_of(const char *text, int64_t otherwise)
{
	int64_t date = otherwise;

	if (text)
		date_parse(text, &date);
	return date;
}

/* The milter's rule: a key signs from the one date on, up to the other. */
static bool signs(const struct rolled_key *key, time_t now)
{
	return date_of(key->active_from, INT64_MIN) <= now &&
	       now < date_of(key->retire_after, INT64_MAX);
}

static void judge_age(const struct rolled_key *key, time_t now, struct diagnostics *list)
{
	int64_t retired = date_of(key->retire_after, INT64_MAX);
	const char *domain = key->domain->head.name.value;

	if (retired < now - (int64_t)KEPT_DAYS * DAY) {
		keys_report(list, RETIRED, key->at,
			    "the key '%s' of %s was retired more than %d days ago: its record and "
			    "its line here can go",
			    key->selector, domain, KEPT_DAYS);
	} else if (key->key && signs(key, now) && retired == INT64_MAX &&
		   key->modified < now - (time_t)OLD_DAYS * DAY) {
		keys_report(list, OLD, key->at,
			    "the key '%s' of %s has signed for more than %d years", key->selector,
			    domain, OLD_DAYS / 365);
		diagnostics_hint(list, "turn it over: postern-confgen keys rotate %s", domain);
	}
}

/* Keys whose digest is in the map are known already. */
static void judge_twins(struct arena *arena, struct name_map *seen, const struct rolled_key *key,
			struct diagnostics *list)
{
	const char *record = dkim_record_text(arena, key->key);
	const struct rolled_key *twin =
		record ? name_map_add(seen, record, (void *)(uintptr_t)key) : NULL;

	if (!twin)
		return;
	keys_report(list, TWIN, key->at, "the key '%s' of %s is the same as '%s' of %s",
		    key->selector, key->domain->head.name.value, twin->selector,
		    twin->domain->head.name.value);
	diagnostics_hint(list, "a key that leaks then forges both: give each its own");
}

/* Whether a key of the domain, whose first is `first`, signs at a time. */
static bool any_signs(const struct roll *roll, size_t first, time_t when)
{
	const struct domain *domain = roll->items[first].domain;

	for (size_t i = first; i < roll->count && roll->items[i].domain == domain; i++)
		if (signs(&roll->items[i], when))
			return true;
	return false;
}

/* The first gap that the dates leave after `now`: the key that ends then, and the next to begin. */
static void judge_gap_ahead(const struct roll *roll, size_t first, time_t now,
			    struct diagnostics *list)
{
	const struct domain *domain = roll->items[first].domain;
	const struct rolled_key *last = NULL, *next = NULL;
	int64_t gap = INT64_MAX, end = INT64_MAX;

	for (size_t i = first; i < roll->count && roll->items[i].domain == domain; i++) {
		int64_t date = date_of(roll->items[i].retire_after, INT64_MAX);

		if (date > now && date < gap && !any_signs(roll, first, date)) {
			gap = date;
			last = &roll->items[i];
		}
	}
	if (!last)
		return;
	for (size_t i = first; i < roll->count && roll->items[i].domain == domain; i++) {
		int64_t date = date_of(roll->items[i].active_from, INT64_MIN);

		if (date > gap && date < end) {
			end = date;
			next = &roll->items[i];
		}
	}
	keys_report(list, AHEAD, last->at, "no key of %s signs from %s on%s%s",
		    domain->head.name.value, last->retire_after, next ? " until " : "",
		    next ? next->active_from : "");
	diagnostics_hint(list,
			 next ? "let the key '%s' begin when the one before it ends"
			      : "'%s' is the last: keep it until there is another",
			 next ? next->selector : last->selector);
}

/* Whether some key of the domain, which begins at `first`, signs now and later. */
static void judge_gaps(const struct roll *roll, size_t first, time_t now, struct diagnostics *list)
{
	const struct domain *domain = roll->items[first].domain;

	if (first && roll->items[first - 1].domain == domain)
		return;
	if (any_signs(roll, first, now))
		judge_gap_ahead(roll, first, now, list);
	else
		keys_report(list, GAP, domain->dkim.head.at,
			    "no key of %s signs today: its mail waits with 451",
			    domain->head.name.value);
}

void roll_load(struct roll *roll, time_t now, struct diagnostics *list)
{
	struct arena *arena = arena_new(0);
	struct name_map *seen = name_map_new(arena, roll->count);

	for (size_t i = 0; i < roll->count; i++) {
		struct rolled_key *key = &roll->items[i];

		key->key = store_load(key->path, key->at, list, &key->modified, &key->missing);
		if (key->key) {
			judge_type(key, list);
			judge_twins(arena, seen, key, list);
		}
		judge_age(key, now, list);
		judge_gaps(roll, i, now, list);
	}
	arena_free(arena);
}

/* --- making --- */

/* A key of the same path that was made a moment ago: the topology shares it. */
static EVP_PKEY *shared(const struct roll *roll, size_t index)
{
	for (size_t i = 0; i < index; i++) {
		if (!roll->items[i].made ||
		    strcmp(roll->items[i].path, roll->items[index].path) != 0)
			continue;
		EVP_PKEY_up_ref(roll->items[i].key);
		return roll->items[i].key;
	}
	return NULL;
}

static int make_one(struct arena *arena, const struct rolled_key *key,
		    const struct roll_options *options, EVP_PKEY **out)
{
	enum dkim_type type = key->type->given ? (enum dkim_type)key->type->value : options->type;
	EVP_PKEY *fresh = store_generate(type);
	int error = fresh ? store_write_at(arena, key->path, key->domain->head.name.value,
					   key->selector, fresh, &options->owner)
			  : -ENOMEM;

	if (error)
		EVP_PKEY_free(fresh);
	else
		*out = fresh;
	return error;
}

int roll_make(struct arena *arena, struct roll *roll, const struct roll_options *options,
	      const struct rolled_key **failed)
{
	for (size_t i = 0; i < roll->count; i++) {
		struct rolled_key *key = &roll->items[i];
		int error = 0;

		if (key->key)
			error = store_complete(arena, key->path, key->domain->head.name.value,
					       key->selector, key->key);
		else if (key->missing)
			error = make_one(arena, key, options, &key->key);
		if (error == -EEXIST) {
			key->key = shared(roll, i);
			error = key->key ? 0 : error;
		}
		if (error) {
			*failed = key;
			return error;
		}
		key->made |= key->missing;
		key->missing = false;
	}
	return 0;
}

/* --- showing --- */

static void print_state(struct arena *arena, const struct rolled_key *key, time_t now, FILE *out)
{
	fprintf(out, "; %s %s: ", key->domain->head.name.value, key->selector);
	if (!key->key)
		fputs(key->missing ? "missing" : "cannot be used", out);
	else if (key->made)
		fprintf(out, "%s, new", describe(arena, key->key));
	else
		fprintf(out, "%s, %jd days old", describe(arena, key->key),
			(intmax_t)((now - key->modified) / DAY));
	if (key->active_from)
		fprintf(out, ", from %s", key->active_from);
	if (key->retire_after)
		fprintf(out, ", until %s", key->retire_after);
	fputs(", ", out);
	print_escaped(out, key->path, strlen(key->path));
	fputc('\n', out);
}

void roll_print(struct arena *arena, const struct roll *roll, time_t now, FILE *out)
{
	for (size_t i = 0; i < roll->count; i++) {
		const struct rolled_key *key = &roll->items[i];

		print_state(arena, key, now, out);
		if (key->key)
			fprintf(out, "%s\n",
				dkim_record_zone_line(arena, key->domain->head.name.value,
						      key->selector,
						      dkim_record_text(arena, key->key)));
	}
}

void roll_done(struct roll *roll)
{
	for (size_t i = 0; i < roll->count; i++)
		EVP_PKEY_free(roll->items[i].key);
}
