/* What stands in tables; the rows are in rows_maps.h. Types and files are in rules_map_types.c. */
#include "confgen/lint/helpers_maps.h"
#include "confgen/lint/rules.h"

#include <strings.h>

/* A duplicate loses against the first entry, as postmap(1) reports; inline, against the last. */
static void check_duplicates(const struct lint *lint, const struct lint_rule *rule,
			     const struct maps_use *use, const struct table_contents *contents)
{
	bool secret = strstr(use->setting->name, "password") != NULL;

	for (size_t i = 0; contents->index && i < contents->count; i++) {
		const struct table_entry *entry = &contents->items[i];
		struct position at = text_position(&entry->key);

		if (!entry->beaten_by || !at.source)
			continue;
		lint_report(lint, rule, at,
			    "%s%s%s is in this table already, in line %u: Postfix ignores this "
			    "entry",
			    secret ? "" : "'", secret ? "the key" : entry->key.text,
			    secret ? "" : "'", text_position(&entry->beaten_by->key).line);
		diagnostics_hint(lint->list, "remove one of them; several values stand in one "
					     "entry, separated by commas, where that is allowed");
		diagnostics_hide_source(lint->list);
	}
}

void lint_M03(const struct lint *lint, const struct lint_rule *rule)
{
	struct maps_uses uses = maps_all(lint);

	/* what else is wrong with entries is reported when they are read */
	for (size_t i = 0; i < uses.count; i++) {
		const struct table_contents *contents = maps_contents(lint, uses.items[i].table);

		if (contents)
			check_duplicates(lint, rule, &uses.items[i], contents);
	}
}

/* Tables whose values are taken apart, so that a comment does harm. */
static const char *const precise[] = {"transport_maps",
				      "virtual_alias_maps",
				      "virtual_mailbox_maps",
				      "canonical_maps",
				      "sender_canonical_maps",
				      "recipient_canonical_maps",
				      "smtp_generic_maps",
				      "recipient_bcc_maps",
				      "sender_bcc_maps",
				      "sender_dependent_relayhost_maps",
				      "sender_dependent_default_transport_maps",
				      "smtpd_sender_login_maps",
				      "smtp_tls_policy_maps",
				      "relocated_maps",
				      NULL};

/* The place of a comment in a value, or NULL. */
static const char *find_comment(const struct text *value)
{
	for (const char *at = value->text; (at = strchr(at, '#')); at++)
		if (at > value->text && text_is_space(at[-1]))
			return at;
	return NULL;
}

/* The comment comes before the entry, if that is one line. */
static void fix_comment(const struct lint *lint, const struct text *value, size_t at)
{
	struct text comment = text_slice(lint->arena, value, at, value->length - at);
	const struct source *source;
	const char *line, *more;
	size_t hash, end;

	if (!text_range(&comment, &source, &hash))
		return;
	for (line = source->text + hash; line > source->text && line[-1] != '\n';)
		line--;
	more = memchr(line, '\n', source->length - (size_t)(line - source->text));
	if (text_is_space(*line) || (more && (more[1] == ' ' || more[1] == '\t')))
		return;
	for (end = hash; source->text + end > line && text_is_space(source->text[end - 1]);)
		end--;
	diagnostics_fix(lint->list,
			&(struct fix){source, (size_t)(line - source->text),
				      hash + comment.length - (size_t)(line - source->text),
				      arena_printf(lint->arena, "%s\n%.*s", comment.text,
						   (int)(source->text + end - line), line)});
}

void lint_M06(const struct lint *lint, const struct lint_rule *rule)
{
	struct maps_uses uses = maps_all(lint);

	for (size_t i = 0; i < uses.count; i++) {
		const struct table_contents *contents =
			maps_is_one_of(uses.items[i].setting->name, precise)
				? maps_contents(lint, uses.items[i].table)
				: NULL;

		for (size_t j = 0; contents && j < contents->count; j++) {
			const struct text *value = &contents->items[j].value;
			const char *at = find_comment(value);

			if (!at)
				continue;
			lint_report(lint, rule, text_position_at(value, (size_t)(at - value->text)),
				    "this is no comment, but part of the value");
			diagnostics_hint(lint->list, "put the comment on a line of its own");
			fix_comment(lint, value, (size_t)(at - value->text));
		}
	}
}

/* What is wrong with a key, by what is looked up; NULL: nothing. */
static const char *judge_domain_key(const char *key)
{
	if (strcmp(key, "*") == 0)
		return NULL;
	if (key[0] == '@')
		return "a domain is looked up without '@'";
	return strchr(key, '*') ? "no wildcards but a lone '*'; '.domain' stands for subdomains"
				: NULL;
}

static const char *judge_address_key(const char *key)
{
	if (strchr(key, '*'))
		return "there are no wildcards; '@domain' stands for all addresses in it";
	return key[0] == '.' ? "subdomains need entries of their own" : NULL;
}

static const char *judge_sender_key(const char *key)
{
	if (!strchr(key, '@') && strcmp(key, "<>") != 0)
		return "addresses are looked up, and '@domain'";
	return judge_address_key(key);
}

static const char *judge_access_key(const char *key)
{
	if (key[0] == '@' && key[1])
		return "a domain is looked up without '@'";
	return strchr(key, '*') ? "there are no wildcards" : NULL;
}

static const char *const access_tables[] = {"check_sender_access",
					    "check_recipient_access",
					    "check_client_access",
					    "check_helo_access",
					    "check_reverse_client_hostname_access",
					    NULL};

static const struct {
	const char *parameter;
	const char *(*judge)(const char *key);
} judges[] = {
	{"transport_maps", judge_domain_key},
	{"virtual_alias_maps", judge_address_key},
	{"virtual_mailbox_maps", judge_address_key},
	{"canonical_maps", judge_address_key},
	{"sender_canonical_maps", judge_address_key},
	{"recipient_canonical_maps", judge_address_key},
	{"smtp_generic_maps", judge_address_key},
	{"recipient_bcc_maps", judge_address_key},
	{"sender_bcc_maps", judge_address_key},
	{"relay_recipient_maps", judge_address_key},
	{"sender_dependent_relayhost_maps", judge_sender_key},
	{"sender_dependent_default_transport_maps", judge_sender_key},
};

static const char *judge_key(const struct maps_use *use, const char *key)
{
	if (use->restriction)
		return maps_is_one_of(use->restriction->name, access_tables) ? judge_access_key(key)
									     : NULL;
	for (size_t i = 0; i < sizeof(judges) / sizeof(*judges); i++)
		if (strcmp(use->setting->name, judges[i].parameter) == 0)
			return judges[i].judge(key);
	return NULL;
}

void lint_M10(const struct lint *lint, const struct lint_rule *rule)
{
	struct maps_uses uses = maps_all(lint);

	for (size_t i = 0; i < uses.count; i++) {
		const struct maps_use *use = &uses.items[i];
		const struct table_contents *contents = maps_contents(lint, use->table);

		/* only of tables that are looked up by key */
		for (size_t j = 0; contents && contents->index && j < contents->count; j++) {
			const struct text *key = &contents->items[j].key;
			const char *why = judge_key(use, key->text);

			if (!why || !text_position(key).source)
				continue;
			lint_report(lint, rule, text_position(key), "nothing looks up '%s' in %s",
				    key->text,
				    use->restriction ? use->restriction->name : use->setting->name);
			diagnostics_hint(lint->list, "%s", why);
		}
	}
}

static bool is_known_action(const struct lint *lint, const char *word)
{
	static const char *const actions[] = {
		"OK",	   "REJECT", "DEFER", "DEFER_IF_REJECT", "DEFER_IF_PERMIT", "BCC",
		"DISCARD", "FILTER", "HOLD",  "PREPEND",	 "REDIRECT",	    "INFO",
		"WARN",	   "DUNNO",  NULL};

	return maps_is_one_of(word, actions) || restriction_find(word) || strchr(word, ':') ||
	       strchr(word, '$') || word[strspn(word, "0123456789")] == '\0' ||
	       configuration_classify(lint->configuration, word) == NAME_CLASS;
}

static void check_action(const struct lint *lint, const struct lint_rule *rule,
			 const struct table_entry *entry)
{
	struct list words = list_split(lint->arena, &entry->value);

	if (entry->kind != TABLE_ENTRY || !words.count ||
	    is_known_action(lint, words.items[0].text.text))
		return;
	lint_report(lint, rule, text_position(&entry->value),
		    "Postfix knows no action '%s': it answers clients with 451",
		    words.items[0].text.text);
	diagnostics_hint(lint->list, "such as OK, DUNNO, REJECT text; see access(5)");
}

void lint_M12(const struct lint *lint, const struct lint_rule *rule)
{
	struct maps_uses uses = maps_all(lint);

	for (size_t i = 0; i < uses.count; i++) {
		const struct maps_use *use = &uses.items[i];
		const struct table_contents *contents = use->setting->kind == PARAMETER_RESTRICTIONS
								? maps_contents(lint, use->table)
								: NULL;

		for (size_t j = 0; contents && j < contents->count; j++)
			check_action(lint, rule, &contents->items[j]);
	}
}
