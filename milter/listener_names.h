/* Names of listeners that the configuration does not know: each is told to the log once. */
#ifndef POSTERN_MILTER_LISTENER_NAMES_H
#define POSTERN_MILTER_LISTENER_NAMES_H

#include "milter/config.h"

/*
 * Logs a name that has no section, the first time that it is seen, if the configuration has
 * listeners at all. It remembers a bounded number of names. Thread-safe.
 */
void listener_names_note(const struct config *config, const char *name);

#endif
