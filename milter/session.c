/*
 * What happens between a mail server's events: the client is judged when it comes and when it names
 * a sender, the authors at the end of the header; the body goes through the signers; see session.h.
 */
#include "milter/session.h"
#include "milter/idna.h"
#include "milter/listener_names.h"
#include "milter/message.h"

#include <netinet/in.h>
#include <time.h>

#define LONGEST_LISTENER 128
#define LONGEST_USER	 256

struct session {
	const struct service *service;
	struct client client; /* its listener is set for each message anew */
	bool connected;
	char client_text[IP_TEXT_SIZE];
	char listener[LONGEST_LISTENER]; /* {daemon_name}, or "" */
	char user[LONGEST_USER];
	struct arena *arena; /* of the message */
	struct message message;
	enum client_kind kind;
	struct timespec began;
	bool refused;		/* in `reply`; the mail server may have missed it */
	bool needless;		/* all signatures were there already */
	bool passes;		/* nothing is signed, but there are other changes */
	const char *note;	/* a cause to log though the message goes on, or NULL */
	const char *quarantine; /* likewise */
	char text[400];
	struct reply reply;
};

struct session *session_new(const struct service *service)
{
	struct session *session = calloc(1, sizeof(*session));

	if (!session)
		return NULL;
	session->service = service;
	session->arena = arena_new(MESSAGE_ARENA_LIMIT);
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
	message_done(&session->message);
	session->kind = CLIENT_STRANGER;
	session->refused = session->passes = session->needless = false;
	session->note = session->quarantine = NULL;
	session->client.listener = NULL;
	session->client.authenticated = session->client.relay = false;
	session->client.user = NULL;
}

const struct reply *session_reply(const struct session *session)
{
	return &session->reply;
}

bool session_may_refuse(const struct service *service)
{
	struct snapshot *snapshot = snapshot_current(service->snapshots);
	const struct config *config = &snapshot->config;
	bool may = config->listener_count > 1 || config->listeners[0].at.line ||
		   config->binding_count || config->binding_default_deny;

	snapshot_release(snapshot);
	return may;
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

static void keep_text(char *out, size_t size, const char *text)
{
	snprintf(out, size, "%s", text ? text : "");
}

static bool same_client(const struct session *session, const char *client_macro)
{
	return strncmp(session->client_text, client_macro ? client_macro : "",
		       sizeof(session->client_text) - 1) == 0;
}

/* Tells the record of the message to the log and to who observes. */
static void record_verdict(const struct session *session, const struct config *config,
			   const char *verdict, const char *cause)
{
	const struct message *message = &session->message;
	const struct from *from = message->from_count ? &message->from[0].parsed : NULL;
	const struct listener *listener = session->client.listener;
	struct message_record record = {
		.queue_id = message->queue_id,
		.listener = listener && listener->at.line ? session->listener : NULL,
		.address = &session->client.address,
		.claimed = listener && listener->proxied,
		.client = session->kind,
		.from = from && from->count ? from->domains[0] : NULL,
		.verdict = verdict,
		.cause = cause ? cause : session->note,
	};
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	record.milliseconds = (unsigned long)((now.tv_sec - session->began.tv_sec) * 1000 +
					      (now.tv_nsec - session->began.tv_nsec) / 1000000);
	for (size_t i = message->signature_count; i-- > 0; record.signature_count++) {
		const struct signing_key *key = message->signatures[i].key;

		record.signatures[record.signature_count].domain = message->decision.domain->name;
		record.signatures[record.signature_count].selector = key->selector;
		record.signatures[record.signature_count].algorithm = key_algorithm(key->key);
	}
	journal_write(&record, config->log_json);
	if (session->service->observe)
		session->service->observe(session->service->context, &record);
}

static enum step refuse(struct session *session, const char *code, const char *status,
			const char *text, const char *cause)
{
	const struct snapshot *snapshot = session->message.snapshot;

	record_verdict(session, &snapshot->config, *code == '5' ? "rejected" : "deferred", cause);
	session_abort(session);
	keep_text(session->text, sizeof(session->text), text);
	session->reply = (struct reply){code, status, session->text};
	session->refused = true;
	return STEP_REFUSE;
}

static enum step defer(struct session *session, const char *cause)
{
	return refuse(session, "451", "4.7.0", "Message cannot be signed now, try again later",
		      cause);
}

/* Nothing is signed. A message that goes into quarantine must be heard to its end. */
static enum step pass(struct session *session, const char *cause)
{
	if (session->quarantine) {
		session->passes = true;
		return STEP_CONTINUE;
	}
	record_verdict(session, &session->message.snapshot->config, "passed", cause);
	session_abort(session);
	return STEP_PASS;
}

/* Takes what a judgement says to heart. STEP_REFUSE ends the message. */
static enum step obey(struct session *session, const struct judgement *judgement)
{
	if (judgement->kind == JUDGEMENT_REJECT || judgement->kind == JUDGEMENT_TEMPFAIL)
		return refuse(session, judgement->code, judgement->status, judgement->text,
			      judgement->cause);
	if (judgement->cause)
		session->note = judgement->cause;
	if (judgement->kind == JUDGEMENT_QUARANTINE)
		session->quarantine = judgement->cause;
	return STEP_CONTINUE;
}

/* Begins a message, or the judging of a client, with the configuration of the moment. */
static const struct config *begin(struct session *session)
{
	struct snapshot *snapshot = snapshot_current(session->service->snapshots);
	const struct config *config = &snapshot->config;

	clock_gettime(CLOCK_MONOTONIC, &session->began);
	message_begin(&session->message, session->arena, snapshot);
	session->client.listener = config_listener(config, session->listener);
	listener_names_note(config, session->listener);
	return config;
}

enum step session_connect(struct session *session, const char *hostname,
			  const struct sockaddr *address, const char *client_macro,
			  const char *listener)
{
	struct client client = {.address = {.family = IP_NONE}};
	struct judgement judgement;
	enum step step = STEP_CONTINUE;

	session_abort(session);
	if (address)
		client.address = ip_unmap(ip_from_sockaddr(address));
	client.local = is_local(hostname, address, &client.address);
	session->client = client;
	session->connected = true;
	keep_text(session->client_text, sizeof(session->client_text), client_macro);
	keep_text(session->listener, sizeof(session->listener), listener);
	judgement = policy_address(begin(session), &session->client);
	if (!judgement.later &&
	    (judgement.kind == JUDGEMENT_REJECT || judgement.kind == JUDGEMENT_TEMPFAIL))
		step = obey(session, &judgement);
	if (step == STEP_CONTINUE)
		session_abort(session);
	return step;
}

/*
 * The client at MAIL is another than the one that connected: nothing is known but its address, and
 * it is a stranger, whatever it says.
 */
static void forget_client(struct session *session, const char *client_macro)
{
	struct ip_address address;

	session->connected = false;
	session->client = (struct client){.address = {.family = IP_NONE}};
	if (client_macro && ip_parse(client_macro, &address) == IP_OK)
		session->client.address = ip_unmap(address);
}

static enum step judge_sender(struct session *session, const struct config *config,
			      const char *sender)
{
	struct judgement judgement;
	const char *domain = NULL;
	bool is_null = strcmp(sender, "<>") == 0 || !*sender;
	int error = is_null ? 0 : idna_envelope_domain(session->arena, sender, &domain);

	if (!is_null && error)
		domain = "";
	judgement = policy_sender(config, &session->client, domain);
	return obey(session, &judgement);
}

enum step session_mail(struct session *session, const char *client_macro, const char *user,
		       const char *sender)
{
	const struct config *config;
	struct judgement judgement;

	session_abort(session);
	if (!session->connected || !same_client(session, client_macro))
		forget_client(session, client_macro);
	config = begin(session);
	if (session->connected) {
		keep_text(session->user, sizeof(session->user), user);
		session->client.user = user && *user ? session->user : NULL;
		session->client.authenticated = user && *user;
		session->client.relay = user && config_is_relay_user(config, user);
		session->kind = policy_client(config, &session->client);
	}
	judgement = policy_address(config, &session->client);
	if (obey(session, &judgement) == STEP_REFUSE)
		return STEP_REFUSE;
	return judge_sender(session, config, sender ? sender : "");
}

static bool reads_authors(const struct session *session)
{
	const struct config *config = &session->message.snapshot->config;

	return session->kind != CLIENT_STRANGER || config->binding_count ||
	       config->binding_default_deny;
}

void session_header(struct session *session, const char *name, const char *separator,
		    const char *value)
{
	if (session->message.snapshot && reads_authors(session))
		message_header(&session->message, name, separator, value);
}

/* Whether the client may use the domains of all authors. One that cannot be read may be any. */
static enum step judge_authors(struct session *session, const struct config *config)
{
	const struct message *message = &session->message;
	struct judgement judgement = {.kind = JUDGEMENT_GOOD};

	if (message->lost_from)
		judgement = policy_author(config, &session->client, "");
	for (size_t i = 0; i < message->from_count; i++) {
		const struct from_field *field = &message->from[i];

		if (!field->value || field->parsed.malformed || !field->parsed.count)
			judgement = policy_author(config, &session->client, "");
		for (size_t j = 0; j < field->parsed.count && judgement.kind == JUDGEMENT_GOOD; j++)
			judgement =
				policy_author(config, &session->client, field->parsed.domains[j]);
		if (judgement.kind != JUDGEMENT_GOOD)
			break;
	}
	return obey(session, &judgement);
}

/* Who signs, if anybody. */
static enum step decide(struct session *session, const struct config *config)
{
	struct message *message = &session->message;
	const char *failure;

	if (!(session->client.listener->mode & MODE_SIGN))
		return pass(session, "the listener does not sign");
	if (session->kind == CLIENT_STRANGER)
		return pass(session, "client may not have mail signed");
	message->decision =
		policy_message(config, message->from, message->from_count,
			       message->sender_count ? &message->sender : NULL, message->obstacle);
	if (message->lost_from)
		return defer(session, "out of memory");
	switch (message->decision.verdict) {
	case VERDICT_PASS:
		return pass(session, message->decision.cause);
	case VERDICT_REJECT:
		return refuse(session, "550", "5.7.1", "Message has several authors",
			      message->decision.cause);
	case VERDICT_DEFER:
		return defer(session, message->decision.cause);
	case VERDICT_SIGN:
		break;
	}
	failure = message_sign(message);
	return failure ? defer(session, failure) : STEP_CONTINUE;
}

enum step session_headers_done(struct session *session, const char *queue_id)
{
	struct message *message = &session->message;
	const struct config *config;

	if (session->refused)
		return STEP_REFUSE;
	if (!message->snapshot)
		return STEP_PASS; /* no message: the mail server is out of order */
	config = &message->snapshot->config;
	message->queue_id = queue_id ? arena_strdup(session->arena, queue_id) : NULL;
	if (judge_authors(session, config) == STEP_REFUSE)
		return STEP_REFUSE;
	return decide(session, config);
}

void session_body(struct session *session, const unsigned char *data, size_t size)
{
	message_body(&session->message, data, size);
}

enum step session_finish(struct session *session, const char *queue_id, struct changes *changes)
{
	struct message *message = &session->message;
	struct changes all = {.quarantine = session->quarantine};
	const char *failure;

	if (session->refused)
		return STEP_REFUSE;
	if (!message->signature_count && !session->passes) {
		enum step step = session_headers_done(session, queue_id);

		if (step != STEP_CONTINUE)
			return step;
	}
	failure = message_finish(message);
	if (failure)
		return defer(session, failure);
	for (size_t i = 0; i < message->signature_count; i++)
		if (!message->signatures[i].needless)
			all.insertions[all.insertion_count++] =
				(struct insertion){"DKIM-Signature", message->signatures[i].value};
	session->needless = message->signature_count && !all.insertion_count;
	*changes = all;
	return STEP_CONTINUE;
}

enum step session_end(struct session *session, bool made)
{
	const struct config *config = &session->message.snapshot->config;

	if (!made)
		return defer(session, session->message.signature_count
					      ? "the signature could not be added"
					      : "the message could not be put into quarantine");
	record_verdict(session, config,
		       session->quarantine ? "quarantined"
		       : session->needless ? "passed"
					   : "signed",
		       session->needless ? "an earlier hop signed it with the same key" : NULL);
	session_abort(session);
	return STEP_CONTINUE;
}
