/* Reading the configuration and the keys anew while the service runs. */
#ifndef POSTERN_MILTER_RELOAD_H
#define POSTERN_MILTER_RELOAD_H

#include "milter/snapshot.h"

/*
 * Reads `file` through `opener` and puts it in place of the current configuration; a file with
 * mistakes changes nothing. Both are told to the log, and so are settings that only a restart
 * changes: those that differ from `started`. Returns whether it was taken. For the main thread.
 */
bool reload(struct snapshot_place *place, const char *file, const struct opener *opener,
	    const struct config *started);

#endif
