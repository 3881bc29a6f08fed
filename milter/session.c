/*
 * What happens between a mail server's events: the client is judged when it comes and when it names
 * a sender, the authors at the end of the header; the body goes through the signers; see session.h.
 */
#include "milter/session.h"
#include "milter/inbound.h"
#include "milter/message.h"
#include "milter/tally.h"

#include <time.h>

struct session {
	const struct service *service;
	struct caller caller;
	struct arena *arena; /* of the message */
	struct message message;
	struct inbound *inbound; /* NULL: nothing is verified */
	struct inbound_result found;
	struct removal removals[INBOUND_MOST_FORGED];
	enum client_kind kind;
	struct timespec began;
	bool refused;		/* in `reply`; the mail server may have missed it */
	bool needless;		/* all signatures were there already */
	bool passes;		/* nothing is signed, but there are other changes */
	const char *note;	/* a cause to log though the message goes on, or NULL */
	const char *rule;	/* that it comes from, or NULL */
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
	if (!session->arena) {
		free(session);
		return NULL;
	}
	if (service->metrics)
		metrics_session_began(service->metrics);
	return session;
}

static const char *listener_name(const struct session *session)
{
	return *session->caller.listener ? session->caller.listener : NULL;
}

/* The message is over. It holds the snapshot, whose library the verifier needs to the end. */
static void forget(struct session *session)
{
	inbound_free(session->inbound);
	session->inbound = NULL;
	message_done(&session->message);
	session->found = (struct inbound_result){.field = NULL};
	session->kind = CLIENT_STRANGER;
	session->refused = session->passes = session->needless = false;
	session->note = session->quarantine = session->rule = NULL;
	caller_rest(&session->caller);
}

void session_give_up(struct session *session)
{
	const struct message_record record = {
		.listener = listener_name(session),
		.verdict = "aborted",
	};

	if (session->message.snapshot)
		tally_message(session->service->metrics, &record);
	forget(session);
}

void session_free(struct session *session)
{
	if (!session)
		return;
	session_give_up(session);
	if (session->service->metrics)
		metrics_session_ended(session->service->metrics);
	arena_free(session->arena);
	free(session);
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

static void record_made(const struct message *message, struct message_record *record)
{
	for (size_t i = message->signature_count; i-- > 0; record->signature_count++) {
		const struct message_signature *signature = &message->signatures[i];

		record->signatures[record->signature_count] = (struct signature_record){
			.domain = message->decision.domain->name,
			.selector = signature->key->selector,
			.algorithm = key_algorithm(signature->key->key),
			.nanoseconds = signature->nanoseconds,
		};
	}
}

static void record_found(const struct verification *found, struct message_record *record)
{
	for (size_t i = 0; i < found->count && i < JOURNAL_MOST_SIGNATURES; i++)
		record->signatures[record->signature_count++] = (struct signature_record){
			.domain = found->signatures[i].domain,
			.selector = found->signatures[i].selector,
			.algorithm = found->signatures[i].algorithm,
			.result = dkim_result_name(found->signatures[i].result),
		};
}

/* Tells the record of the message to the log and the counters. */
static void record_verdict(const struct session *session, const struct config *config,
			   const char *verdict, const char *cause)
{
	const struct message *message = &session->message;
	const struct from *from = message->from_count ? &message->from[0].parsed : NULL;
	const struct listener *listener = session->caller.client.listener;
	struct message_record record = {
		.queue_id = message->queue_id,
		.listener = listener_name(session),
		.address = &session->caller.client.address,
		.claimed = listener && listener->proxied,
		.client = session->kind,
		.from = from && from->count ? from->domains[0] : NULL,
		.verdict = verdict,
		.cause = cause ? cause : session->note,
		.rule = session->rule,
	};
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	record.milliseconds = (unsigned long)((now.tv_sec - session->began.tv_sec) * 1000 +
					      (now.tv_nsec - session->began.tv_nsec) / 1000000);
	record_made(message, &record);
	record_found(&session->found.verification, &record);
	journal_write(&record, config->log_json);
	tally_message(session->service->metrics, &record);
}

static enum step refuse(struct session *session, const char *code, const char *status,
			const char *text, const char *cause)
{
	const struct snapshot *snapshot = session->message.snapshot;

	record_verdict(session, &snapshot->config, *code == '5' ? "rejected" : "deferred", cause);
	forget(session);
	snprintf(session->text, sizeof(session->text), "%s", text);
	session->reply = (struct reply){code, status, session->text};
	session->refused = true;
	return STEP_REFUSE;
}

static enum step defer(struct session *session, const char *cause)
{
	return refuse(session, "451", "4.7.0",
		      session->inbound ? "Message cannot be verified now, try again later"
				       : "Message cannot be signed now, try again later",
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
	forget(session);
	return STEP_PASS;
}

/* Takes what a judgement says to heart. STEP_REFUSE ends the message. */
static enum step obey(struct session *session, const struct judgement *judgement)
{
	session->rule = judgement->rule;
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
	caller_meet(&session->caller, config);
	return config;
}

enum step session_connect(struct session *session, const char *hostname,
			  const struct sockaddr *address, const struct connect_macros *macros)
{
	struct judgement judgement;
	enum step step = STEP_CONTINUE;

	session_give_up(session);
	caller_connect(&session->caller, hostname, address, macros);
	judgement = policy_address(begin(session), &session->caller.client);
	if (!judgement.later &&
	    (judgement.kind == JUDGEMENT_REJECT || judgement.kind == JUDGEMENT_TEMPFAIL))
		step = obey(session, &judgement);
	if (step == STEP_CONTINUE)
		forget(session);
	return step;
}

/* Begins to verify what a stranger brings, where the listener says so. */
static enum step begin_to_verify(struct session *session, const struct config *config)
{
	const struct caller *caller = &session->caller;
	struct verifier_library *library = session->message.snapshot->verifiers;

	if (session->kind != CLIENT_STRANGER || !(caller->client.listener->mode & MODE_VERIFY))
		return STEP_CONTINUE;
	session->inbound =
		inbound_begin(library, config->verify_signatures_most,
			      config->authserv_id ? config->authserv_id : caller->server);
	if (session->inbound)
		return STEP_CONTINUE;
	return refuse(session, "451", "4.7.0", "Message cannot be verified now, try again later",
		      "out of memory");
}

enum step session_mail(struct session *session, const char *client_macro, const char *user,
		       const char *sender)
{
	struct caller *caller = &session->caller;
	const struct config *config;
	struct judgement judgement;
	const char *domain;

	session_give_up(session);
	caller_mail(caller, client_macro);
	config = begin(session);
	if (caller->connected) {
		caller_login(caller, config, user);
		session->kind = policy_client(config, &caller->client);
	}
	judgement = policy_address(config, &caller->client);
	if (obey(session, &judgement) == STEP_REFUSE)
		return STEP_REFUSE;
	judgement = policy_envelope(session->arena, config, &caller->client, sender ? sender : "",
				    &domain);
	if (obey(session, &judgement) == STEP_REFUSE)
		return STEP_REFUSE;
	return begin_to_verify(session, config);
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
	if (session->inbound)
		inbound_header(session->inbound, name, separator, value);
	if (session->message.snapshot && reads_authors(session))
		message_header(&session->message, name, separator, value);
}

/* Whether the client may use a domain of ours that the Sender field names: it may have mail signed.
 */
static struct judgement judge_sender(const struct session *session, const struct config *config)
{
	const struct from *sender = &session->message.sender;
	struct judgement judgement = {.kind = JUDGEMENT_GOOD};

	for (size_t i = 0; i < sender->count && judgement.kind == JUDGEMENT_GOOD; i++)
		if (config_signer(config, sender->domains[i]))
			judgement =
				policy_author(config, &session->caller.client, sender->domains[i]);
	return judgement;
}

/* Whether the client may use the domains of all authors. One that cannot be read may be any. */
static enum step judge_authors(struct session *session, const struct config *config)
{
	const struct message *message = &session->message;
	struct judgement judgement = {.kind = JUDGEMENT_GOOD};

	if (message->lost_from)
		judgement = policy_author(config, &session->caller.client, "");
	for (size_t i = 0; i < message->from_count; i++) {
		const struct from_field *field = &message->from[i];

		if (!field->value || field->parsed.malformed || !field->parsed.count)
			judgement = policy_author(config, &session->caller.client, "");
		for (size_t j = 0; j < field->parsed.count && judgement.kind == JUDGEMENT_GOOD; j++)
			judgement = policy_author(config, &session->caller.client,
						  field->parsed.domains[j]);
		if (judgement.kind != JUDGEMENT_GOOD)
			break;
	}
	if (judgement.kind == JUDGEMENT_GOOD)
		judgement = judge_sender(session, config);
	return obey(session, &judgement);
}

/* What is verified may need changes, which only the end of a message allows. */
static enum step hear_to_end(struct session *session)
{
	const char *mistake = inbound_headers_done(session->inbound);

	if (mistake)
		return refuse(session, "550", "5.7.1",
			      "Message has too many forged Authentication-Results fields", mistake);
	session->passes = true;
	return STEP_CONTINUE;
}

/* Who signs, if anybody. */
static enum step decide(struct session *session, const struct config *config)
{
	struct message *message = &session->message;
	const char *failure;

	if (session->inbound)
		return hear_to_end(session);
	if (!(session->caller.client.listener->mode & MODE_SIGN))
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
	if (message->signature_count || session->passes)
		return STEP_CONTINUE; /* decided already: likewise */
	config = &message->snapshot->config;
	message->queue_id = queue_id ? arena_strdup(session->arena, queue_id) : NULL;
	if (judge_authors(session, config) == STEP_REFUSE)
		return STEP_REFUSE;
	return decide(session, config);
}

void session_body(struct session *session, const unsigned char *data, size_t size)
{
	message_body(&session->message, data, size);
	if (session->inbound)
		inbound_body(session->inbound, data, size);
}

/* Forged fields go, from the last one on, since each shifts those below it; the results come. */
static int add_results(struct session *session, struct changes *changes)
{
	struct inbound_result *found = &session->found;
	int error = inbound_finish(session->inbound, found);

	if (error)
		return error;
	for (size_t i = 0; i < found->forged_count; i++)
		session->removals[i] = (struct removal){"Authentication-Results",
							found->forged[found->forged_count - 1 - i]};
	changes->removals = session->removals;
	changes->removal_count = found->forged_count;
	changes->insertions[changes->insertion_count++] =
		(struct insertion){"Authentication-Results", found->field};
	return 0;
}

bool session_may_wait(const struct session *session)
{
	return session->inbound != NULL;
}

enum step session_finish(struct session *session, const char *queue_id, struct changes *changes)
{
	struct message *message = &session->message;
	struct changes all = {.quarantine = session->quarantine};
	const char *failure;
	enum step step = session_headers_done(session, queue_id); /* if it was not called */

	if (step != STEP_CONTINUE)
		return step;
	failure = message_finish(message);
	if (failure)
		return defer(session, failure);
	for (size_t i = 0; i < message->signature_count; i++)
		if (!message->signatures[i].needless)
			all.insertions[all.insertion_count++] =
				(struct insertion){"DKIM-Signature", message->signatures[i].value};
	session->needless = message->signature_count && !all.insertion_count;
	if (session->inbound && add_results(session, &all) != 0)
		return defer(session, "out of memory");
	*changes = all;
	return STEP_CONTINUE;
}

enum step session_end(struct session *session, bool made)
{
	const struct config *config = &session->message.snapshot->config;

	if (!made)
		return defer(session, session->inbound ? "the results could not be added"
				      : session->message.signature_count
					      ? "the signature could not be added"
					      : "the message could not be put into quarantine");
	record_verdict(session, config,
		       session->quarantine ? "quarantined"
		       : session->inbound  ? "verified"
		       : session->needless ? "passed"
					   : "signed",
		       session->needless ? "an earlier hop signed it with the same key" : NULL);
	forget(session);
	return STEP_CONTINUE;
}
