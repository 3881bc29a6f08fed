/* The pages of the rules as they are built in: "R01.md". Ends with a NULL name. */
#ifndef POSTERN_PAGES_H
#define POSTERN_PAGES_H

#include "common/diagnostics.h"

extern const struct source embedded_pages[];

#endif
