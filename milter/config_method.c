/*
 * How signatures are made: what may be said of it outside of sections and in each domain, put
 * together so that equal methods are one; see config.h.
 */
#include "milter/config_method.h"
#include "common/config_value.h"

#include <strings.h>

#define SHORT_LIFETIME (5 * 86400) /* as long as mail waits in Postfix's queue */

/*
 * The fields that are signed where present: those that RFC 6376 5.4.1 recommends, and those that
 * decide how the content is read. Fields that relays add or change are left out.
 */
static const char *const signed_names[] = {"From",
					   "Sender",
					   "Reply-To",
					   "Subject",
					   "Date",
					   "Message-ID",
					   "To",
					   "Cc",
					   "In-Reply-To",
					   "References",
					   "MIME-Version",
					   "Content-Type",
					   "Content-Transfer-Encoding",
					   "Content-ID",
					   "Content-Description",
					   "Resent-Date",
					   "Resent-From",
					   "Resent-Sender",
					   "Resent-To",
					   "Resent-Cc",
					   "Resent-Message-ID",
					   "List-Id",
					   "List-Help",
					   "List-Unsubscribe",
					   "List-Unsubscribe-Post",
					   "List-Subscribe",
					   "List-Post",
					   "List-Owner",
					   "List-Archive"};

/*
 * The fields of which none may be added later: what a reader sees, and what decides how the content
 * is read. Not Sender and List-*: mailing lists add those, and Resent-* is there to be added.
 */
static const char *const oversigned_names[] = {
	"From",	    "To",	  "Cc",		  "Subject",	  "Date",
	"Reply-To", "Message-ID", "MIME-Version", "Content-Type", "Content-Transfer-Encoding"};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static struct method_given *given(struct reader *reader, struct subject *subject)
{
	return subject ? subject->method : &reader->method;
}

void set_canonicalization(struct reader *reader, const struct setting *setting,
			  struct subject *subject)
{
	static const struct {
		const char *text;
		enum canonicalization header, body;
	} pairs[] = {
		{"simple", CANONICALIZATION_SIMPLE, CANONICALIZATION_SIMPLE},
		{"relaxed", CANONICALIZATION_RELAXED, CANONICALIZATION_SIMPLE},
		{"simple/simple", CANONICALIZATION_SIMPLE, CANONICALIZATION_SIMPLE},
		{"simple/relaxed", CANONICALIZATION_SIMPLE, CANONICALIZATION_RELAXED},
		{"relaxed/simple", CANONICALIZATION_RELAXED, CANONICALIZATION_SIMPLE},
		{"relaxed/relaxed", CANONICALIZATION_RELAXED, CANONICALIZATION_RELAXED},
	};
	struct method_given *method = given(reader, subject);

	for (size_t i = 0; i < COUNT(pairs); i++) {
		if (strcmp(setting->value, pairs[i].text) != 0)
			continue;
		method->method.header = pairs[i].header;
		method->method.body = pairs[i].body;
		method->canonicalization = true;
		return;
	}
	mistake(reader, setting->at, "canonicalization '%s' is none of DKIM's", setting->value);
	diagnostics_hint(reader->list, "it is simple or relaxed for the header, then for the body: "
				       "\"relaxed/relaxed\"");
}

void add_signed_field(struct reader *reader, const struct setting *setting, struct subject *subject)
{
	static const char *const changing[] = {"Return-Path", "Received", "Bcc", "Resent-Bcc"};
	struct method_given *method = given(reader, subject);

	method->signed_fields = true;
	method->signed_at = setting->at;
	if (setting->value && !field_name_read(setting, reader->list))
		return;
	if (setting->value && strcasecmp(setting->value, "DKIM-Signature") == 0) {
		mistake(reader, setting->at, "DKIM-Signature must not be among the signed fields");
		return;
	}
	for (size_t i = 0; setting->value && i < COUNT(changing); i++)
		if (strcasecmp(setting->value, changing[i]) == 0)
			caution(reader, setting->at,
				"mail servers on the way change %s: the signature will break",
				changing[i]);
	words_add(reader, setting, &method->method.signed_fields);
}

void add_oversigned_field(struct reader *reader, const struct setting *setting,
			  struct subject *subject)
{
	struct method_given *method = given(reader, subject);

	method->oversigned_fields = true;
	method->oversigned_at = setting->at;
	if (setting->value && !field_name_read(setting, reader->list))
		return;
	if (setting->value && (strcasecmp(setting->value, "Sender") == 0 ||
			       strncasecmp(setting->value, "List-", 5) == 0))
		caution(reader, setting->at,
			"mailing lists add %s: their mail will have no good signature",
			setting->value);
	words_add(reader, setting, &method->method.oversigned_fields);
}

void set_lifetime(struct reader *reader, const struct setting *setting, struct subject *subject)
{
	struct method_given *method = given(reader, subject);

	if (!duration_read(setting, reader->list, &method->method.lifetime))
		return;
	method->lifetime = true;
	if (method->method.lifetime && method->method.lifetime < SHORT_LIFETIME)
		caution(reader, setting->at,
			"signatures expire after %s: mail may wait longer than that in queues",
			setting->value);
}

static struct words words_of(struct reader *reader, const char *const *names, size_t count)
{
	struct words words = {arena_array(reader->arena, count + 1, sizeof(*words.items)), count};

	memcpy(words.items, names, count * sizeof(*names));
	return words;
}

static bool words_equal(const struct words *a, const struct words *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (strcasecmp(a->items[i], b->items[i]) != 0)
			return false;
	return true;
}

static bool same_method(const struct signing_method *a, const struct signing_method *b)
{
	return a->header == b->header && a->body == b->body && a->lifetime == b->lifetime &&
	       words_equal(&a->signed_fields, &b->signed_fields) &&
	       words_equal(&a->oversigned_fields, &b->oversigned_fields);
}

/* The one that is equal to `method`, a new one if there is none. */
static const struct signing_method *intern(struct reader *reader, struct signing_method method)
{
	struct config *config = reader->config;
	struct signing_method *copy;

	for (size_t i = 0; i < config->method_count; i++)
		if (same_method(config->methods[i], &method))
			return config->methods[i];
	copy = arena_alloc(reader->arena, sizeof(*copy));
	*copy = method;
	copy->number = config->method_count;
	config->methods = arena_grow(reader->arena, config->methods, config->method_count,
				     sizeof(*config->methods));
	config->methods[config->method_count++] = copy;
	for (size_t i = 0; i < method.signed_fields.count; i++)
		name_map_add(config->kept_fields, method.signed_fields.items[i],
			     (void *)method.signed_fields.items[i]);
	return copy;
}

static void merge(struct method_given *into, const struct method_given *from)
{
	if (from->canonicalization) {
		into->method.header = from->method.header;
		into->method.body = from->method.body;
	}
	if (from->lifetime)
		into->method.lifetime = from->method.lifetime;
	if (from->signed_fields) {
		into->method.signed_fields = from->method.signed_fields;
		into->signed_fields = true;
		into->signed_at = from->signed_at;
	}
	if (from->oversigned_fields) {
		into->method.oversigned_fields = from->method.oversigned_fields;
		into->oversigned_fields = true;
		into->oversigned_at = from->oversigned_at;
	}
}

/* A field that is listed once more than it is signed would make a signature that is not good. */
static void check_fields(struct reader *reader, struct method_given *method)
{
	struct words *oversigned = &method->method.oversigned_fields;
	const struct words *signs = &method->method.signed_fields;
	struct words kept = {NULL, 0};

	if (!words_contain(signs, "From"))
		mistake(reader, method->signed_at, "From must be among the signed fields");
	if (!words_contain(oversigned, "From"))
		caution(reader, method->oversigned_at,
			"From is not oversigned: others can add a second one to signed mail");
	kept.items = arena_array(reader->arena, oversigned->count + 1, sizeof(*kept.items));
	for (size_t i = 0; i < oversigned->count; i++) {
		if (words_contain(signs, oversigned->items[i]))
			kept.items[kept.count++] = oversigned->items[i];
		else if (method->oversigned_fields)
			mistake(reader, method->oversigned_at,
				"%s is oversigned, but not among the signed fields",
				oversigned->items[i]);
	}
	*oversigned = kept;
}

const struct signing_method *method_settle(struct reader *reader, const struct method_given *own,
					   const struct method_given *other)
{
	struct method_given all = {
		.method = {.header = CANONICALIZATION_RELAXED,
			   .body = CANONICALIZATION_RELAXED,
			   .signed_fields = words_of(reader, signed_names, COUNT(signed_names)),
			   .oversigned_fields =
				   words_of(reader, oversigned_names, COUNT(oversigned_names))},
	};

	merge(&all, &reader->method);
	if (other)
		merge(&all, other);
	if (own)
		merge(&all, own);
	check_fields(reader, &all);
	return intern(reader, all.method);
}
