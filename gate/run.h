/* The life of the gate: made, run until a signal ends it, taken apart. See gate.h. */
#ifndef POSTERN_GATE_RUN_H
#define POSTERN_GATE_RUN_H

#include "gate/gate.h"

/* Blocks the signals that gate_run() handles, and opens the loop. 0 or -errno. */
int gate_open(struct gate *gate);

/* Serves until SIGTERM or SIGINT. 0 or -errno when the loop itself fails. */
int gate_run(struct gate *gate);

/* Closes and frees everything. */
void gate_close(struct gate *gate);

#endif
