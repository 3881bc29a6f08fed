/*
 * One connection: where it is kept, and how it ends. See gate.h.
 *
 * A client is in one list at a time, and registered with the loop at most once. What ends it frees
 * it at the end of the round.
 */
#ifndef POSTERN_GATE_CLIENT_H
#define POSTERN_GATE_CLIENT_H

#include "gate/gate.h"

/* Takes over `fd`, also when it fails. NULL: out of memory, and the connection is closed. */
struct client *client_new(struct listener *listener, int fd);

/* Moves a client to the end of `list`, until a deadline. */
void client_move(struct client *client, struct client_list *list, int64_t deadline);

/* Closes it, and counts it as `verdict` unless it was counted before. */
void client_end(struct client *client, enum verdict verdict);

/*
 * Sends a reply, then waits for a moment until the client has closed: what it sent is not read, and
 * closing at once would make its kernel throw the reply away. Without a reply, closes it.
 */
void client_answer(struct client *client, enum verdict verdict, const char *reply);

/* Lets the loop watch the connection itself. 0 or -errno. */
int client_watch(struct client *client, void (*on_event)(struct watch *watch, uint32_t events));

/* The loop forgets it: before somebody else has it, and before it is closed. */
void client_forget(struct client *client);

/* Whether nothing can come of the connection any more; not when it holds octets to read. */
bool client_has_left(const struct client *client, uint32_t events);

/* When the next client that lingers must be closed, or NEVER. */
int64_t clients_next(const struct gate *gate);

/* Closes those that lingered long enough. */
void clients_run(struct gate *gate);

/* Frees the ended ones: at the end of a round. */
void clients_free_gone(struct gate *gate);

#endif
