/* Listening sockets that the service manager hands over: to which listener each belongs. */
#ifndef POSTERN_GATE_ACTIVATION_H
#define POSTERN_GATE_ACTIVATION_H

#include "gate/gate.h"

/*
 * Gives every socket that was handed over to the listener of its name, or, where there is only one
 * listener, to that. Returns false when one has no place or is no listening TCP socket; the log
 * says which.
 */
bool activation_adopt(struct gate *gate);

/* Whether each listener has a socket; the log names those that have none. */
bool activation_complete(const struct gate *gate);

#endif
