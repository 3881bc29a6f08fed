/* Reads requests of the policy protocol as the milter reads a session; see policy_question.h. */
#include "milter/policy_question.h"
#include "milter/tally.h"

#include <time.h>

#define ARENA_LIMIT ((size_t)64 << 10)

static const char *value(const struct policy_request *request, const char *name)
{
	return policy_request_value(request, name);
}

/* The client, as smtpd(8) describes it. sendmail(1) does not come here: nobody is local. */
static void read_caller(const struct policy_request *request, const struct config *config,
			struct caller *caller)
{
	struct ip_address address;

	*caller = (struct caller){.client = {.address = {.family = IP_NONE}}};
	if (ip_parse(value(request, "client_address"), &address) == IP_OK)
		caller->client.address = ip_unmap(address);
	snprintf(caller->listener, sizeof(caller->listener), "%s",
		 value(request, "policy_context"));
	caller_meet(caller, config);
	caller_login(caller, config, value(request, "sasl_username"));
}

/* Whether MAIL FROM was given; before that, an empty sender is none. */
static bool has_sender(const struct policy_request *request)
{
	static const char *const states[] = {"MAIL", "RCPT", "DATA", "END-OF-MESSAGE", "BDAT"};

	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		if (strcmp(value(request, "protocol_state"), states[i]) == 0)
			return true;
	return false;
}

static bool refuses(const struct judgement *judgement)
{
	return judgement->kind == JUDGEMENT_REJECT || judgement->kind == JUDGEMENT_TEMPFAIL;
}

/* The address first, then the sender: the order of the milter, where a refusal ends it. */
static struct judgement judge(struct arena *arena, const struct policy_request *request,
			      const struct config *config, const struct client *client,
			      const char **domain)
{
	struct judgement address = policy_address(config, client), sender;

	if (!has_sender(request)) {
		/* the proxy itself may connect */
		if (refuses(&address) && address.later)
			address = (struct judgement){.kind = JUDGEMENT_GOOD};
		return address;
	}
	if (refuses(&address))
		return address;
	sender = policy_envelope(arena, config, client, value(request, "sender"), domain);
	return sender.kind == JUDGEMENT_GOOD ? address : sender;
}

/* The action of access(5). Never OK: what comes after in the restrictions must be asked still. */
static const char *action_of(const struct judgement *judgement, char *buffer, size_t size)
{
	switch (judgement->kind) {
	case JUDGEMENT_REJECT:
	case JUDGEMENT_TEMPFAIL:
		snprintf(buffer, size, "%s %s %s", judgement->code, judgement->status,
			 judgement->text);
		return buffer;
	case JUDGEMENT_QUARANTINE:
		snprintf(buffer, size, "HOLD %s", judgement->cause);
		return buffer;
	case JUDGEMENT_GOOD:
		break;
	}
	return "DUNNO";
}

static const char *verdict_of(const struct judgement *judgement)
{
	switch (judgement->kind) {
	case JUDGEMENT_REJECT:
		return "rejected";
	case JUDGEMENT_TEMPFAIL:
		return "deferred";
	case JUDGEMENT_QUARANTINE:
		return "quarantined";
	case JUDGEMENT_GOOD:
		break;
	}
	return "passed";
}

static void tell(const struct service *service, const struct config *config,
		 const struct policy_request *request, const struct caller *caller,
		 const struct judgement *judgement, const char *domain)
{
	const struct listener *listener = caller->client.listener;
	const char *queue_id = value(request, "queue_id");
	const struct message_record record = {
		.service = "policy",
		.queue_id = *queue_id ? queue_id : NULL,
		.listener = *caller->listener ? caller->listener : NULL,
		.address = &caller->client.address,
		.claimed = listener->proxied,
		.client = policy_client(config, &caller->client),
		.sender = domain,
		.verdict = verdict_of(judgement),
		.cause = judgement->cause,
		.rule = judgement->rule,
	};

	tally_question(service->metrics, &record);
	if (record.cause)
		journal_write(&record, config->log_json);
}

const char *policy_question_decide(void *context, const struct policy_request *request,
				   char *buffer, size_t size)
{
	const struct service *service = context;
	struct arena *arena = arena_new(ARENA_LIMIT);
	struct snapshot *snapshot;
	struct judgement judgement;
	struct caller caller;
	const char *domain = NULL;

	if (!arena)
		return "451 4.7.0 Policy service is out of memory, try again later";
	snapshot = snapshot_current(service->snapshots);
	read_caller(request, &snapshot->config, &caller);
	judgement = judge(arena, request, &snapshot->config, &caller.client, &domain);
	tell(service, &snapshot->config, request, &caller, &judgement, domain);
	snapshot_release(snapshot);
	arena_free(arena);
	return action_of(&judgement, buffer, size);
}
