/* What the gate tells of itself: counts in the log, and figures in a file for Prometheus. */
#ifndef POSTERN_GATE_REPORT_H
#define POSTERN_GATE_REPORT_H

#include "gate/gate.h"

/* Writes a line for each listener to the log. */
void report_log(const struct gate *gate);

/*
 * Writes the file for node_exporter's textfile collector, where the configuration names one. It is
 * renamed into its place, so that readers see it whole. Failures go to the log, seldom.
 */
void report_write(struct gate *gate);

/* The text of that file, which the caller frees; NULL: out of memory. */
char *report_text(const struct gate *gate);

#endif
