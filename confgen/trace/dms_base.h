/* What docker-mailserver's image sets, as the lab boots it: lab/base. Ends with a NULL name. */
#ifndef POSTERN_TRACE_DMS_BASE_H
#define POSTERN_TRACE_DMS_BASE_H

#include "common/diagnostics.h"

extern const struct source embedded_dms_base[];

#endif
