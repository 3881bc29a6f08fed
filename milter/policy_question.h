/*
 * What the policy service answers: the rules for client addresses and sender bindings, as they hold
 * for a message at the milter, applied before there is a message.
 */
#ifndef POSTERN_MILTER_POLICY_QUESTION_H
#define POSTERN_MILTER_POLICY_QUESTION_H

#include "milter/policy_protocol.h"
#include "milter/session.h"

/*
 * Decides one request; `context` is the struct service that sessions have. The listener is
 * policy_context, the login sasl_username. Until the client has named a sender only its address is
 * judged. What is not just let pass is told to the log. Thread-safe. See policy_decide.
 */
const char *policy_question_decide(void *context, const struct policy_request *request,
				   char *buffer, size_t size);

#endif
