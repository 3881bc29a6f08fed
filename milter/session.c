/*
 * What happens between a mail server's events: fields are collected, the policy decides at the end
 * of the header, the body goes through the signer; see session.h.
 */
#include "milter/session.h"
#include "common/log.h"
#include "milter/line_ends.h"

#include <netinet/in.h>
#include <strings.h>

#define MOST_FROM_FIELDS 16

/* Room for the fields with their list, and for the From fields even when others took all else. */
#define ARENA_LIMIT (SESSION_MOST_HEADER * 3 / 2)

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

struct field {
	const char *text;
	size_t length;
};

struct message {
	enum client_kind client;
	struct field *fields;
	size_t count, size;
	struct from_field *from;
	size_t from_count;
	bool lost_from;	      /* there was one more, and no memory for it */
	const char *obstacle; /* why the message cannot be signed, a constant */
	struct decision decision;
	struct signer *signer;
	struct line_ends line_ends;
	const char *queue_id;
};

struct session {
	const struct service *service;
	struct client client;
	bool connected;
	char client_text[IP_TEXT_SIZE];
	struct arena *arena; /* of the message */
	struct message message;
};

struct session *session_new(const struct service *service)
{
	struct session *session = calloc(1, sizeof(*session));

	if (!session)
		return NULL;
	session->service = service;
	session->arena = arena_new(ARENA_LIMIT);
	if (session->arena)
		return session;
	free(session);
	return NULL;
}

void session_free(struct session *session)
{
	if (!session)
		return;
	session_abort(session);
	arena_free(session->arena);
	free(session);
}

void session_abort(struct session *session)
{
	signer_free(session->message.signer);
	session->message = (struct message){.client = CLIENT_STRANGER};
	arena_reset(session->arena);
}

static in_port_t port_of(const struct sockaddr *address)
{
	return address->sa_family == AF_INET6 ? ((const struct sockaddr_in6 *)address)->sin6_port
					      : ((const struct sockaddr_in *)address)->sin_port;
}

/*
 * Postfix has no network client for what sendmail(1) and its own daemons submit: it shows
 * localhost without an address, or a loopback address with port 0, which no TCP connection has. A
 * client that vanished is shown without an address too, but as "unknown".
 */
static bool is_local(const char *hostname, const struct sockaddr *address,
		     const struct ip_address *ip)
{
	if (!address || ip->family == IP_NONE)
		return strcmp(hostname, "localhost") == 0;
	return ip_is_loopback(ip) && port_of(address) == 0;
}

static void set_client_text(struct session *session, const char *client_macro)
{
	snprintf(session->client_text, sizeof(session->client_text), "%s",
		 client_macro ? client_macro : "");
}

static bool same_client(const struct session *session, const char *client_macro)
{
	return strncmp(session->client_text, client_macro ? client_macro : "",
		       sizeof(session->client_text) - 1) == 0;
}

void session_connect(struct session *session, const char *hostname, const struct sockaddr *address,
		     const char *client_macro)
{
	struct client client = {.address = {.family = IP_NONE}};

	session_abort(session);
	if (address)
		client.address = ip_unmap(ip_from_sockaddr(address));
	client.local = is_local(hostname, address, &client.address);
	session->client = client;
	session->connected = true;
	set_client_text(session, client_macro);
}

void session_mail(struct session *session, const char *client_macro, const char *user)
{
	session_abort(session);
	if (!session->connected || !same_client(session, client_macro)) {
		session->connected = false;
		return;
	}
	session->client.authenticated = user && *user;
	session->client.relay = user && config_is_relay_user(session->service->config, user);
	session->message.client = policy_client(session->service->config, &session->client);
}

/* The length of a field's name: blanks before the colon are not part of it (RFC 5322 4.5). */
static size_t name_length(const char *name)
{
	size_t length = strlen(name);

	while (length && (name[length - 1] == ' ' || name[length - 1] == '\t'))
		length--;
	return length;
}

/* The name as signed_names has it, or NULL. */
static const char *find_signed_name(const char *name)
{
	size_t length = name_length(name);

	for (size_t i = 0; i < sizeof(signed_names) / sizeof(signed_names[0]); i++)
		if (strncasecmp(signed_names[i], name, length) == 0 && !signed_names[i][length])
			return signed_names[i];
	return NULL;
}

/* Keeps a field for signing. Gives its text, or NULL when there is no room. */
static const char *keep_field(struct session *session, const char *name, const char *separator,
			      const char *value)
{
	struct message *message = &session->message;
	struct field *fields;
	size_t length;
	char *text = line_ends_header(session->arena, name, separator, value, &length);

	fields = text ? arena_grow(session->arena, message->fields, message->count, sizeof(*fields))
		      : NULL;
	if (!fields)
		return NULL;
	fields[message->count++] = (struct field){text, length};
	message->fields = fields;
	message->size += length;
	return text;
}

/* Reads a From field; `value` stands in the arena, or is NULL for one that could not be kept. */
static void add_from(struct session *session, const char *value)
{
	struct message *message = &session->message;
	struct from_field *fields, *field;

	if (message->from_count == MOST_FROM_FIELDS)
		return; /* several are a mistake already */
	fields = arena_grow(session->arena, message->from, message->from_count, sizeof(*fields));
	if (!fields) {
		message->lost_from = true;
		return;
	}
	field = &fields[message->from_count++];
	*field = (struct from_field){.value = value};
	message->from = fields;
	if (value && from_parse(session->arena, value, &field->parsed) != 0)
		field->value = NULL;
}

void session_header(struct session *session, const char *name, const char *separator,
		    const char *value)
{
	struct message *message = &session->message;
	const char *known, *text = NULL;
	bool is_from;

	if (message->client == CLIENT_STRANGER)
		return;
	known = find_signed_name(name);
	if (!known)
		return;
	is_from = known == signed_names[0];
	if (is_from || message->size + strlen(value) <= SESSION_MOST_HEADER)
		text = keep_field(session, known, separator, value);
	if (!text)
		message->obstacle = "header too large";
	if (is_from)
		add_from(session, text ? text + strlen(known) + strlen(separator) : NULL);
}

static void log_message(const struct session *session, const char *verdict, const char *cause)
{
	const struct message *message = &session->message;
	const struct signing_domain *domain = message->decision.domain;
	const struct from *from = message->from_count ? &message->from[0].parsed : NULL;
	char address[IP_TEXT_SIZE] = "-";

	if (session->client.address.family != IP_NONE)
		ip_format(&session->client.address, address);
	log_write(strcmp(verdict, "deferred") == 0 ? LOG_LEVEL_WARNING : LOG_LEVEL_INFO,
		  "queue=%s client=%s reason=%s from=%s d=%s s=%s verdict=%s%s%s%s",
		  message->queue_id ? message->queue_id : "-", address,
		  client_kind_name(message->client), from && from->count ? from->domains[0] : "-",
		  domain ? domain->name : "-", domain ? domain->selector : "-", verdict,
		  cause ? " cause=\"" : "", cause ? cause : "", cause ? "\"" : "");
}

static enum step defer(struct session *session, const char *cause)
{
	log_message(session, "deferred", cause);
	session_abort(session);
	return STEP_DEFER;
}

static enum step pass(struct session *session, const char *cause)
{
	log_message(session, "passed", cause);
	session_abort(session);
	return STEP_PASS;
}

/* Gives the kept fields to a new signer. Returns the cause of a failure, or NULL. */
static const char *begin_signing(struct session *session)
{
	struct message *message = &session->message;
	const struct signing_domain *domain = message->decision.domain;
	int error = 0;

	message->signer =
		signer_begin(session->service->signers, message->queue_id ? message->queue_id : "-",
			     domain->name, domain->selector, domain->key);
	if (!message->signer)
		return "the signing engine could not begin";
	for (size_t i = 0; i < message->count && !error; i++)
		error = signer_header(message->signer, message->fields[i].text,
				      message->fields[i].length);
	if (!error)
		error = signer_headers_done(message->signer);
	return error ? signer_error(message->signer) : NULL;
}

enum step session_headers_done(struct session *session, const char *queue_id)
{
	struct message *message = &session->message;
	const char *failure;

	message->queue_id = queue_id ? arena_strdup(session->arena, queue_id) : NULL;
	if (message->client == CLIENT_STRANGER)
		return pass(session, "client may not have mail signed");
	message->decision = policy_message(session->service->config, message->from,
					   message->from_count, message->obstacle);
	if (message->decision.verdict == VERDICT_PASS && !message->lost_from)
		return pass(session, message->decision.cause);
	if (message->decision.verdict != VERDICT_SIGN || message->lost_from)
		return defer(session,
			     message->lost_from ? "out of memory" : message->decision.cause);
	failure = begin_signing(session);
	return failure ? defer(session, failure) : STEP_CONTINUE;
}

/* Remembers the first failure of the engine; the message is deferred at its end. */
static void feed(struct message *message, const void *data, size_t size)
{
	if (!message->obstacle && signer_body(message->signer, data, size) != 0)
		message->obstacle = "the signing engine refused the body";
}

void session_body(struct session *session, const unsigned char *data, size_t size)
{
	struct message *message = &session->message;

	while (message->signer && size) {
		size_t length;
		const unsigned char *piece =
			line_ends_next(&message->line_ends, &data, &size, &length);

		feed(message, piece, length);
	}
}

enum step session_finish(struct session *session, const char *queue_id, const char **signature)
{
	struct message *message = &session->message;

	if (!message->signer) {
		enum step step = session_headers_done(session, queue_id);

		if (step != STEP_CONTINUE)
			return step;
	}
	if (line_ends_missing(&message->line_ends))
		feed(message, "\r\n", 2);
	if (message->obstacle)
		return defer(session, message->obstacle);
	if (signer_finish(message->signer, signature) != 0)
		return defer(session, signer_error(message->signer));
	return STEP_CONTINUE;
}

enum step session_end(struct session *session, bool added)
{
	if (!added)
		return defer(session, "the signature could not be added");
	log_message(session, "signed", NULL);
	session_abort(session);
	return STEP_CONTINUE;
}
