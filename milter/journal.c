/* One list of keys and values for a message, written in either format; see journal.h. */
#include "milter/journal.h"
#include "common/log.h"

#include <ctype.h>
#include <jansson.h>

#define LONGEST_LINE 2000

struct pair {
	const char *key, *value;
};

#define MOST_PAIRS 16

struct pairs {
	struct pair items[MOST_PAIRS];
	size_t count;
	char address[IP_TEXT_SIZE], from[256], selectors[256], algorithms[256], time[32];
	char domains[400], results[160], sender[256], listener[128], cause[512];
};

/* Printable ASCII without what would end the value. */
static char *clean(char *out, size_t size, const char *text, const char *allowed)
{
	size_t i;

	for (i = 0; text[i] && i + 1 < size; i++)
		out[i] =
			isalnum((unsigned char)text[i]) || strchr(allowed, text[i]) ? text[i] : '?';
	out[i] = '\0';
	return out;
}

static void add(struct pairs *pairs, const char *key, const char *value)
{
	pairs->items[pairs->count++] = (struct pair){key, value ? value : "-"};
}

/* What all signatures say of one thing, whose place in the record is `offset`. */
static char *join(char *out, size_t size, const struct message_record *record, size_t offset)
{
	size_t length = 0;

	out[0] = '\0';
	for (size_t i = 0; i < record->signature_count && length + 1 < size; i++) {
		const char *text =
			*(const char *const *)((const char *)&record->signatures[i] + offset);

		if (i)
			out[length++] = ',';
		clean(out + length, size - length, text ? text : "-", ".-_");
		length += strlen(out + length);
	}
	return out;
}

#define JOIN(out, record, member) \
	join(out, sizeof(out), record, offsetof(struct signature_record, member))

static void add_signatures(struct pairs *pairs, const struct message_record *record)
{
	bool any = record->signature_count > 0;
	bool verified = any && record->signatures[0].result;

	/* one domain signs, but those that are verified have one each */
	if (verified)
		JOIN(pairs->domains, record, domain);
	else if (any)
		clean(pairs->domains, sizeof(pairs->domains), record->signatures[0].domain, ".-_");
	add(pairs, "d", any ? pairs->domains : NULL);
	add(pairs, "s", any ? JOIN(pairs->selectors, record, selector) : NULL);
	add(pairs, "a", any ? JOIN(pairs->algorithms, record, algorithm) : NULL);
	if (verified)
		add(pairs, "dkim", JOIN(pairs->results, record, result));
}

static void add_verdict(struct pairs *pairs, const struct message_record *record)
{
	add(pairs, "verdict", record->verdict);
	snprintf(pairs->time, sizeof(pairs->time), "%lu", record->milliseconds);
	add(pairs, "ms", pairs->time);
	if (record->cause)
		add(pairs, "cause",
		    clean(pairs->cause, sizeof(pairs->cause), record->cause, " .-_:/@(),;'<>"));
}

static void collect_client(struct pairs *pairs, const struct message_record *record)
{
	pairs->count = 0;
	if (record->service)
		add(pairs, "service", record->service);
	add(pairs, "queue", record->queue_id);
	add(pairs, "client",
	    record->address && record->address->family != IP_NONE
		    ? ip_format(record->address, pairs->address)
		    : NULL);
	if (record->address && record->address->family != IP_NONE)
		add(pairs, "address", record->claimed ? "claimed" : "direct");
	else
		add(pairs, "address", NULL);
	add(pairs, "listener",
	    record->listener
		    ? clean(pairs->listener, sizeof(pairs->listener), record->listener, ".-_:/@")
		    : NULL);
	add(pairs, "reason", client_kind_name(record->client));
}

static void collect_message(struct pairs *pairs, const struct message_record *record)
{
	collect_client(pairs, record);
	add(pairs, "from",
	    record->from ? clean(pairs->from, sizeof(pairs->from), record->from, ".-_") : NULL);
	add_signatures(pairs, record);
	add_verdict(pairs, record);
}

/* A question to the policy service: there is no message yet. */
static void collect_question(struct pairs *pairs, const struct message_record *record)
{
	collect_client(pairs, record);
	if (record->sender)
		add(pairs, "sender",
		    clean(pairs->sender, sizeof(pairs->sender), record->sender, ".-_"));
	add_verdict(pairs, record);
}

static char *format_json(const struct pairs *pairs, char *text, size_t size)
{
	json_t *object = json_object();
	char *dump;

	for (size_t i = 0; object && i < pairs->count; i++) {
		const struct pair *pair = &pairs->items[i];
		bool number = pair->value == pairs->time;

		json_object_set_new(object, pair->key,
				    number ? json_integer(atoll(pair->value))
					   : json_string(pair->value));
	}
	dump = object ? json_dumps(object, JSON_COMPACT | JSON_PRESERVE_ORDER) : NULL;
	snprintf(text, size, "%s", dump ? dump : "{}");
	free(dump);
	json_decref(object);
	return text;
}

char *journal_format(const struct message_record *record, bool json, char *text, size_t size)
{
	struct pairs pairs;
	size_t length = 0;

	(record->service ? collect_question : collect_message)(&pairs, record);
	if (json)
		return format_json(&pairs, text, size);
	text[0] = '\0';
	for (size_t i = 0; i < pairs.count && length < size; i++) {
		const char *quote = strcmp(pairs.items[i].key, "cause") == 0 ? "\"" : "";

		length +=
			(size_t)snprintf(text + length, size - length, "%s%s=%s%s%s", i ? " " : "",
					 pairs.items[i].key, quote, pairs.items[i].value, quote);
	}
	return text;
}

void journal_write(const struct message_record *record, bool json)
{
	bool refused = strcmp(record->verdict, "deferred") == 0 ||
		       strcmp(record->verdict, "rejected") == 0;
	char text[LONGEST_LINE];

	log_write(refused ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO, "%s",
		  journal_format(record, json, text, sizeof(text)));
}
