/*
 * Listening sockets, and what becomes of who connects to them: a look at the peer's address
 * decides.
 */
#ifndef POSTERN_GATE_LISTENER_H
#define POSTERN_GATE_LISTENER_H

#include "gate/gate.h"

/* The listener of this name; made if there is none. NULL: out of memory. */
struct listener *listener_find(struct gate *gate, const char *name);

/* Frees the listeners that are out of the configuration and have no client. `all`: every one. */
void listeners_free(struct gate *gate, bool all);

/* Opens a socket for a listener; 0 or -errno. It accepts when the loop runs. */
int listen_socket_open(struct listener *listener, const struct listen_address *address);

/* Takes over a socket that listens already. 0 or -errno; the descriptor stays open on error. */
int listen_socket_adopt(struct listener *listener, int fd);

/* Closes it; an event of this round may still be for it. */
void listen_socket_close(struct gate *gate, struct listen_socket *socket);

/* Frees the closed ones: at the end of a round. */
void listen_sockets_free_closed(struct gate *gate);

/* Accepts again after a shortage, when it is time. */
void listeners_run(struct gate *gate);

/* When that is, or NEVER. */
int64_t listeners_next(const struct gate *gate);

/* Whether the configuration trusts a peer to speak PROXY. IPv4-mapped IPv6 counts as IPv4. */
bool listener_trusts(const struct gate_listener *config, struct ip_address peer);

#endif
