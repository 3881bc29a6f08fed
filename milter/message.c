/* Collects the fields of a message and feeds its signers; see message.h. */
#include "milter/message.h"

#include <strings.h>
#include <time.h>

#define MOST_FROM_FIELDS 16
#define LONGEST_NAME	 128 /* that the configuration may name */

void message_begin(struct message *message, struct arena *arena, struct snapshot *snapshot)
{
	*message = (struct message){.arena = arena, .snapshot = snapshot};
}

void message_done(struct message *message)
{
	for (size_t i = 0; i < message->signature_count; i++)
		signer_free(message->signatures[i].signer);
	for (size_t i = 0; i < 2; i++)
		canonical_free(message->bodies[i]);
	if (message->arena)
		arena_reset(message->arena);
	snapshot_release(message->snapshot);
	*message = (struct message){.arena = NULL};
}

/* A field's name as the configuration has it, or NULL. Blanks before the colon are not part of it
 * (RFC 5322 4.5). */
static const char *find_name(const struct config *config, const char *name)
{
	char copy[LONGEST_NAME];
	size_t length = strlen(name);

	while (length && (name[length - 1] == ' ' || name[length - 1] == '\t'))
		length--;
	if (length >= sizeof(copy))
		return NULL;
	memcpy(copy, name, length);
	copy[length] = '\0';
	return name_map_find(config->kept_fields, copy);
}

/* Keeps a field for signing. Gives its value, or NULL when there is no room. */
static const char *keep_field(struct message *message, const char *known, const char *name,
			      const char *separator, const char *value)
{
	struct message_field *fields;
	size_t length;
	char *text = line_ends_header(message->arena, name, separator, value, &length);

	fields = text ? arena_grow(message->arena, message->fields, message->count, sizeof(*fields))
		      : NULL;
	if (!fields)
		return NULL;
	fields[message->count++] = (struct message_field){known, text, length};
	message->fields = fields;
	message->size += length;
	return text + strlen(name) + strlen(separator);
}

/* Reads a From field; `value` stands in the arena, or is NULL for one that could not be kept. */
static void add_from(struct message *message, const char *value)
{
	struct from_field *fields, *field;

	if (message->from_count == MOST_FROM_FIELDS)
		return; /* several are a mistake already */
	fields = arena_grow(message->arena, message->from, message->from_count, sizeof(*fields));
	if (!fields) {
		message->lost_from = true;
		return;
	}
	field = &fields[message->from_count++];
	*field = (struct from_field){.value = value};
	message->from = fields;
	if (value && from_parse(message->arena, value, &field->parsed) != 0)
		field->value = NULL;
}

/* Keeps a signature of an earlier hop, if there is room: it is looked at, but not signed. */
static void keep_earlier(struct message *message, const char *name, const char *separator,
			 const char *value)
{
	struct earlier_signature *earlier = &message->earlier[message->earlier_count];
	struct message_field *field = &earlier->field;
	size_t length = strlen(value);

	if (message->earlier_count == MESSAGE_MOST_EARLIER ||
	    message->size + length > MESSAGE_MOST_HEADER)
		return;
	field->name = "DKIM-Signature";
	field->text = line_ends_header(message->arena, name, separator, value, &field->length);
	if (!field->text)
		return;
	earlier->value = field->text + strlen(name) + strlen(separator);
	earlier->replaces = SIZE_MAX;
	message->size += field->length;
	message->earlier_count++;
}

void message_header(struct message *message, const char *name, const char *separator,
		    const char *value)
{
	const char *known = find_name(&message->snapshot->config, name), *kept = NULL;
	bool is_from, is_sender;

	if (strcasecmp(name, "DKIM-Signature") == 0)
		keep_earlier(message, name, separator, value);
	if (!known)
		return;
	is_from = strcasecmp(known, "From") == 0;
	is_sender = strcasecmp(known, "Sender") == 0;
	if (is_from || message->size + strlen(value) <= MESSAGE_MOST_HEADER)
		kept = keep_field(message, known, name, separator, value);
	if (!kept)
		message->obstacle = "header too large";
	else if (line_ends_stray_in_header(value))
		message->obstacle = "stray CR or LF in a field";
	if (is_from)
		add_from(message, kept);
	if (is_sender && (message->sender_count++ || !kept ||
			  from_parse(message->arena, kept, &message->sender) != 0))
		message->sender = (struct from){.malformed = true};
}

/* Adds a signature; those that are inserted last stand on top, which is the place of RSA. */
static struct message_signature *add_signature(struct message *message,
					       const struct signing_key *key, size_t *others)
{
	struct message_signature *signatures = message->signatures, *place;

	if (key->key->type == KEY_RSA) {
		place = &signatures[message->signature_count];
	} else {
		place = &signatures[*others];
		memmove(place + 1, place,
			(message->signature_count - *others) * sizeof(*signatures));
		(*others)++;
	}
	message->signature_count++;
	*place = (struct message_signature){.key = key};
	return place;
}

static const char *choose_keys(struct message *message)
{
	const struct signing_domain *domain = message->decision.domain;
	int64_t now = time(NULL);
	size_t others = 0;

	for (size_t i = 0; i < domain->key_count; i++) {
		if (!key_is_active(&domain->keys[i], now))
			continue;
		if (message->signature_count == JOURNAL_MOST_SIGNATURES)
			return "too many active keys";
		add_signature(message, &domain->keys[i], &others);
	}
	return message->signature_count ? NULL : "no key of the domain is active";
}

/*
 * Gives a field to a signer. Blanks before the colon do not count in the relaxed form, but are not
 * understood by every engine.
 */
static int give_field(struct message *message, struct signer *signer,
		      const struct signing_method *method, const struct message_field *field)
{
	size_t name = strlen(field->name), before = strcspn(field->text, ":");
	char *text;

	if (method->header == CANONICALIZATION_SIMPLE || before == name)
		return signer_header(signer, field->text, field->length);
	text = arena_printf(message->arena, "%s%s", field->name, field->text + before);
	return text ? signer_header(signer, text, field->length - before + name) : -1;
}

/* Has the body hashed in a form. Returns the cause of a failure, or NULL. */
static const char *want_body(struct message *message, enum canonicalization form)
{
	if (!message->bodies[form])
		message->bodies[form] = canonical_new(form);
	return message->bodies[form] ? NULL : "out of memory";
}

static const char *begin_signature(struct message *message, struct message_signature *signature)
{
	const struct signing_domain *domain = message->decision.domain;
	const struct signature_request request = {
		.id = message->queue_id ? message->queue_id : "-",
		.domain = domain->name,
		.selector = signature->key->selector,
		.identity = domain->identity,
		.key = signature->key->key,
		.method = domain->method,
	};
	int error = 0;

	signature->signer = signer_begin(message->snapshot->signers, &request);
	if (!signature->signer)
		return "the signing engine could not begin";
	for (size_t i = 0; i < message->count && !error; i++)
		if (words_contain(&domain->method->signed_fields, message->fields[i].name))
			error = give_field(message, signature->signer, domain->method,
					   &message->fields[i]);
	if (!error)
		error = signer_headers_done(signature->signer);
	if (error)
		return signer_error(signature->signer);
	return signer_wants_body(signature->signer) ? NULL
						    : want_body(message, domain->method->body);
}

/* Which of our signatures an earlier one would make needless. */
static void match_earlier(struct message *message, struct earlier_signature *earlier)
{
	const struct signature_tags *tags = &earlier->tags;

	if (!signature_tags_read(message->arena, earlier->value, time(NULL), &earlier->tags) ||
	    strcasecmp(tags->domain, message->decision.domain->name) != 0)
		return;
	for (size_t i = 0; i < message->signature_count; i++)
		if (strcasecmp(tags->selector, message->signatures[i].key->selector) == 0)
			earlier->replaces = i;
	if (earlier->replaces != SIZE_MAX && want_body(message, tags->body))
		earlier->replaces = SIZE_MAX; /* then it is signed again */
}

/* Verifies the earlier signatures that are said to be by our keys. */
static void judge_earlier(struct message *message, unsigned char digests[2][CANONICAL_DIGEST_SIZE])
{
	for (size_t i = 0; i < message->earlier_count; i++) {
		const struct earlier_signature *earlier = &message->earlier[i];
		struct message_signature *ours;

		if (earlier->replaces == SIZE_MAX)
			continue;
		ours = &message->signatures[earlier->replaces];
		if (signature_is_good(message->arena, &earlier->tags, &earlier->field,
				      message->fields, message->count, digests[earlier->tags.body],
				      ours->key->key))
			ours->needless = true;
	}
}

const char *message_sign(struct message *message)
{
	const char *failure = choose_keys(message);

	for (size_t i = 0; i < message->earlier_count && !failure; i++)
		match_earlier(message, &message->earlier[i]);
	for (size_t i = 0; i < message->signature_count && !failure; i++)
		failure = begin_signature(message, &message->signatures[i]);
	return failure;
}

/* Remembers the first failure of an engine; the message is deferred at its end. */
static void feed(struct message *message, const void *data, size_t size)
{
	for (size_t i = 0; i < message->signature_count && !message->obstacle; i++)
		if (signer_wants_body(message->signatures[i].signer) &&
		    signer_body(message->signatures[i].signer, data, size) != 0)
			message->obstacle = "the signing engine refused the body";
	for (size_t i = 0; i < 2; i++)
		if (message->bodies[i])
			canonical_body(message->bodies[i], data, size);
}

void message_body(struct message *message, const unsigned char *data, size_t size)
{
	while (message->signature_count && size) {
		size_t length;
		const unsigned char *piece =
			line_ends_next(&message->line_ends, &data, &size, &length);

		feed(message, piece, length);
	}
}

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

const char *message_finish(struct message *message)
{
	unsigned char digests[2][CANONICAL_DIGEST_SIZE];
	uint64_t began;

	if (line_ends_missing(&message->line_ends))
		feed(message, "\r\n", 2);
	if (message->signature_count && line_ends_stray_cr(&message->line_ends))
		message->obstacle = "stray CR in the body";
	for (size_t i = 0; i < 2; i++)
		if (message->bodies[i] &&
		    canonical_finish_body(message->bodies[i], digests[i]) != 0)
			return "the body could not be hashed";
	judge_earlier(message, digests);
	for (size_t i = 0; i < message->signature_count && !message->obstacle; i++) {
		struct message_signature *signature = &message->signatures[i];

		if (signature->needless)
			continue;
		began = now();
		if (signer_finish(signature->signer,
				  digests[message->decision.domain->method->body],
				  &signature->value) != 0)
			return signer_error(signature->signer);
		signature->nanoseconds = now() - began + 1;
	}
	return message->obstacle;
}
