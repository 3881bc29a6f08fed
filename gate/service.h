/*
 * A `pass` service of Postfix: connections that wait for it, and how they are handed over.
 *
 * The way is that of Postfix's own sender, postscreen(8): connect to the service's UNIX socket;
 * send one octet with the descriptor (SCM_RIGHTS); send the connection's attributes, here an empty
 * list, which is one NUL; wait until the other side closes. All octets were read then, and the
 * descriptor with them. If it closes without having read them, the kernel reports ECONNRESET: the
 * connection is still only ours, and is handed over again.
 */
#ifndef POSTERN_GATE_SERVICE_H
#define POSTERN_GATE_SERVICE_H

#include "gate/gate.h"

/* The service with this path; made if there is none. NULL: out of memory. */
struct service *service_find(struct gate *gate, const char *path);

/* Frees the services that are not wanted and have no client. `all`: every one; none has clients. */
void services_free(struct gate *gate, bool all);

/* Hands a client over, now or as soon as the service can; it has its route. */
void service_take(struct service *service, struct client *client);

/* When the next thing is to be done for it, or NEVER. */
int64_t service_next(const struct service *service);

/* Does what is due: attempts, and answers to those who waited too long. */
void service_run(struct service *service);

/* The end of the process: answers who waits, and leaves the others to Postfix. */
void service_give_up(struct service *service);

#endif
