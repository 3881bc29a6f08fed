/*
 * Opens the configuration file and the keys: directly at the start, while the process is root's,
 * and afterwards through a helper that stayed root (see keeper.h).
 */
#ifndef POSTERN_MILTER_OPENER_H
#define POSTERN_MILTER_OPENER_H

#include <stdbool.h>

struct opener {
	/* Opens a file, or a folder, for reading: a descriptor or -errno. */
	int (*open)(const struct opener *opener, const char *path, bool folder);
	int channel; /* to the helper; -1 without one */
};

/* Opens as the process itself may. Thread-safe. */
extern const struct opener opener_direct;

#endif
