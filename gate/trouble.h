/* What the log says of a service that does not take connections: each cause by its name, seldom. */
#ifndef POSTERN_GATE_TROUBLE_H
#define POSTERN_GATE_TROUBLE_H

#include "gate/gate.h"

/* The cause of a failed attempt, from its -errno. */
enum cause trouble_cause(const struct service *service, int error);

/* Notes a failed attempt. `error` is its -errno, or 0. */
void trouble_note(struct service *service, enum cause cause, int error);

/* Notes that the service took a connection. */
void trouble_over(struct service *service);

/* Notes that a client was answered 421 for it. */
void trouble_busy(struct service *service);

/* Notes that the service did not say in time whether it took a connection. */
void trouble_unanswered(struct service *service);

#endif
