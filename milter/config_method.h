/* How signatures are made, as the configuration has it: defaults, the file's own, a section's. */
#ifndef POSTERN_MILTER_CONFIG_METHOD_H
#define POSTERN_MILTER_CONFIG_METHOD_H

#include "milter/config_reader.h"

/*
 * What the section `own` says, then `other`, then the file outside of sections, then the defaults.
 * `own` and `other` may be NULL. Equal methods are one.
 */
const struct signing_method *method_settle(struct reader *reader, const struct method_given *own,
					   const struct method_given *other);

#endif
