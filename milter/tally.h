/* What the records of messages add to the counters. Thread-safe. */
#ifndef POSTERN_MILTER_TALLY_H
#define POSTERN_MILTER_TALLY_H

#include "milter/journal.h"
#include "milter/metrics.h"

/* Counts a message; `metrics` NULL: nothing is counted. */
void tally_message(struct metrics *metrics, const struct message_record *record);

/* Counts an answer of the policy service. */
void tally_question(struct metrics *metrics, const struct message_record *record);

#endif
