/*
 * Who gets through the restrictions of smtpd(8); see helpers_relay.h. Postfix goes through the
 * lists one by one; a permit ends its own list only, so that whoever is to relay has to get
 * through all of them.
 */
#include "confgen/lint/helpers_relay.h"

#include <ctype.h>
#include <strings.h>

/* Classes may name classes; bounded, because they may name themselves as well. */
#define CLASS_LEVELS 8
#define MOST_STEPS   5000

/* The lists that a recipient has to get through, those about relaying first. */
static const char *const lists[] = {"smtpd_relay_restrictions", "smtpd_recipient_restrictions",
				    "smtpd_client_restrictions", "smtpd_helo_restrictions",
				    "smtpd_sender_restrictions"};

#define LISTS (sizeof(lists) / sizeof(*lists))

static bool is_class(const struct lint *lint, const struct service *service, const char *name)
{
	const struct value *value =
		configuration_value(lint->configuration, service, "smtpd_restriction_classes");
	struct list classes = list_split(lint->arena, &value->text);

	for (size_t i = 0; i < classes.count; i++)
		if (text_equal(&classes.items[i].text, name))
			return true;
	return false;
}

static void add_steps(const struct lint *lint, const struct service *service, const char *parameter,
		      bool warn_only, unsigned level, struct relay_steps *out)
{
	const struct value *value = configuration_value(lint->configuration, service, parameter);
	struct restriction_uses uses = restrictions_read(lint->arena, &value->text);

	for (size_t i = 0; i < uses.count && out->count < MOST_STEPS; i++) {
		const struct restriction_use *use = &uses.items[i];
		bool quiet = warn_only || use->warn_only;

		if (!use->restriction && level < CLASS_LEVELS &&
		    use->name->kind == LIST_ITEM_PLAIN &&
		    is_class(lint, service, use->name->text.text))
			add_steps(lint, service, use->name->text.text, quiet, level + 1, out);
		else
			*arena_push(lint->arena, out) = (struct relay_step){use, value, quiet};
	}
}

struct relay_steps relay_steps(const struct lint *lint, const struct service *service,
			       const char *parameter)
{
	struct relay_steps steps = {0};

	add_steps(lint, service, parameter, false, 0, &steps);
	return steps;
}

static bool is_one_of(const char *name, const char *const *names)
{
	for (; *names; names++)
		if (strcasecmp(name, *names) == 0)
			return true;
	return false;
}

/* What stops a client with a recipient elsewhere; check_relay_domains until 3.9. */
static const char *const stops[] = {
	"reject_unauth_destination", "defer_unauth_destination", "reject", "defer",
	"defer_if_permit",	     "check_relay_domains",	 NULL};

static bool has_required(const struct lint *lint, const struct service *service,
			 const char *parameter, unsigned level, size_t *budget)
{
	const struct value *value = configuration_value(lint->configuration, service, parameter);
	struct restriction_uses uses = restrictions_read(lint->arena, &value->text);

	for (size_t i = 0; i < uses.count && *budget; i++) {
		const struct restriction_use *use = &uses.items[i];
		const char *name = use->name->text.text;

		--*budget;
		if (use->warn_only)
			continue;
		if (use->restriction && strcasecmp(name, "permit") == 0)
			return false;
		if (use->restriction && is_one_of(name, stops))
			return true;
		if (!use->restriction && level < CLASS_LEVELS && is_class(lint, service, name) &&
		    has_required(lint, service, name, level + 1, budget))
			return true;
	}
	return false;
}

bool relay_has_required(const struct lint *lint, const struct service *service,
			const char *parameter)
{
	size_t budget = MOST_STEPS;

	return has_required(lint, service, parameter, 0, &budget);
}

static bool is_number(const char *word)
{
	return *word && word[strspn(word, "0123456789")] == '\0';
}

/* 4NN or 5NN */
static bool is_code(const char *word)
{
	return strlen(word) == 3 && (word[0] == '4' || word[0] == '5') && is_number(word);
}

/* Tables have many entries: nothing is allocated here. */
enum relay_answer relay_answer(const struct text *result)
{
	static const char *const permits[] = {"ok", "permit", NULL};
	size_t at = 0, start, length;
	char word[64];

	while (list_next(result, LIST_SEPARATORS, true, &at, &start, &length)) {
		if (length >= sizeof(word))
			return RELAY_GOES_ON;
		memcpy(word, result->text + start, length);
		word[length] = '\0';
		if (is_one_of(word, permits))
			return RELAY_PERMITS;
		if (is_code(word) || is_one_of(word, stops))
			return RELAY_STOPS;
		if (is_number(word))
			return length == result->length ? RELAY_PERMITS : RELAY_GOES_ON;
		/* an action with text behind it, or restrictions, of which each counts */
		if (!restriction_find(word))
			return RELAY_GOES_ON;
	}
	return RELAY_GOES_ON;
}

/* What a table answers to all who are not in it, or to everybody. */
static enum relay_answer answer_to_all(const struct lint *lint, const struct table *table,
				       struct text *at)
{
	const struct table_contents *contents;

	if (!table->type)
		return RELAY_GOES_ON;
	if (strcmp(table->type->name, "static") == 0) {
		*at = table->reference;
		return relay_answer(&table->name);
	}
	contents = table->type->braces ? relay_contents(lint, table) : NULL;
	for (size_t i = 0; contents && i < contents->count; i++) {
		const struct table_entry *entry = &contents->items[i];
		bool cidr = strcmp(table->type->name, "cidr") == 0;

		if (entry->kind != TABLE_ENTRY)
			return RELAY_GOES_ON;
		if (cidr ? entry->network.prefix == 0 && !entry->negated : relay_fits_all(entry)) {
			*at = entry->key;
			return relay_answer(&entry->value);
		}
	}
	return RELAY_GOES_ON;
}

/* Whether some entry permits: its place. */
static bool find_permit(const struct lint *lint, const struct table *table, struct text *at)
{
	const struct table_contents *contents = relay_contents(lint, table);

	for (size_t i = 0; contents && i < contents->count; i++) {
		const struct table_entry *entry = &contents->items[i];

		if (entry->kind == TABLE_ENTRY && !entry->beaten_by &&
		    relay_answer(&entry->value) == RELAY_PERMITS) {
			*at = entry->key;
			return true;
		}
	}
	return false;
}

/* Look-ups of what the client says of itself, or whose DNS it runs. */
static bool is_pretence(const char *name)
{
	static const char *const names[] = {"check_helo_access", "check_sender_access",
					    "check_reverse_client_hostname_access", NULL};

	return is_one_of(name, names);
}

static enum relay_answer judge_table(const struct lint *lint, const struct relay_step *step,
				     unsigned client, struct text *at)
{
	const struct restriction_use *use = step->use;
	const struct list_item *item = use->restriction ? use->argument : use->name;
	const struct table *table = item ? relay_table(lint, item) : NULL;

	if (!table)
		return RELAY_GOES_ON;
	if ((client & RELAY_PRETENDING) && use->restriction &&
	    is_pretence(use->restriction->name) && find_permit(lint, table, at))
		return RELAY_PERMITS;
	return answer_to_all(lint, table, at);
}

/* The restrictions that permit one sort of client or another. */
static const struct {
	const char *name;
	unsigned clients;
} permits[] = {
	{"permit_mynetworks", RELAY_TRUSTED},
	{"permit_tls_all_clientcerts", RELAY_CERTIFIED},
	{"permit_mx_backup", RELAY_MX_BACKUP},
	{"permit_auth_destination", RELAY_OURS},
	{"permit_sasl_authenticated", RELAY_WHITELISTED},
	{"permit_tls_clientcerts", RELAY_WHITELISTED},
};

static bool is_about_destinations(const char *name)
{
	return strstr(name, "_unauth_destination") || strcmp(name, "check_relay_domains") == 0;
}

static enum relay_answer judge(const struct lint *lint, const struct relay_step *step,
			       unsigned client, struct text *at)
{
	const struct restriction *restriction = step->use->restriction;

	if (step->warn_only)
		return RELAY_GOES_ON;
	if (!restriction || restriction->argument == RESTRICTION_WITH_TABLE)
		return judge_table(lint, step, client, at);
	if (is_one_of(restriction->name, stops))
		return (client & RELAY_OURS) && is_about_destinations(restriction->name)
			       ? RELAY_GOES_ON
			       : RELAY_STOPS;
	*at = step->use->name->text;
	if (strcmp(restriction->name, "permit") == 0)
		return RELAY_PERMITS;
	for (size_t i = 0; i < sizeof(permits) / sizeof(*permits); i++)
		if ((permits[i].clients & client) &&
		    strcmp(restriction->name, permits[i].name) == 0)
			return RELAY_PERMITS;
	return RELAY_GOES_ON;
}

static enum relay_answer judge_list(const struct lint *lint, const struct service *service,
				    const char *parameter, unsigned client, struct text *at)
{
	struct relay_steps steps = relay_steps(lint, service, parameter);

	for (size_t i = 0; i < steps.count; i++) {
		struct text place = {0};
		enum relay_answer answer = judge(lint, &steps.items[i], client, &place);

		if (answer == RELAY_PERMITS)
			*at = place;
		if (answer != RELAY_GOES_ON)
			return answer;
	}
	return RELAY_GOES_ON;
}

bool relay_stops(const struct lint *lint, const struct service *service, const char *parameter,
		 unsigned client)
{
	struct text ignored;

	return judge_list(lint, service, parameter, client, &ignored) == RELAY_STOPS;
}

bool relay_passes(const struct lint *lint, const struct service *service, unsigned client,
		  struct text *at)
{
	struct text found = {0};

	for (size_t i = 0; i < LISTS; i++) {
		struct text place = {0};
		enum relay_answer answer = judge_list(lint, service, lists[i], client, &place);

		if (answer == RELAY_STOPS)
			return false;
		/* a permit in another list says nothing about relaying */
		if (answer == RELAY_PERMITS && i < 2 && !found.text)
			found = place;
	}
	*at = found;
	return true;
}

bool relay_uses(const struct lint *lint, const struct service *service, const char *restriction)
{
	for (size_t i = 0; i < LISTS; i++) {
		struct relay_steps steps = relay_steps(lint, service, lists[i]);

		for (size_t j = 0; j < steps.count; j++)
			if (steps.items[j].use->restriction && !steps.items[j].warn_only &&
			    strcmp(steps.items[j].use->restriction->name, restriction) == 0)
				return true;
	}
	return false;
}
