/* The examples as they are built in: "dms-relay/topology.yaml". Ends with a NULL name. */
#ifndef POSTERN_PRESETS_H
#define POSTERN_PRESETS_H

#include "common/diagnostics.h"

extern const struct source embedded_examples[];

#endif
