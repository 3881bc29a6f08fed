/* What the parts of configuration.h share among themselves. */
#ifndef CONFGEN_CONFIGURATION_CONFIGURATION_PRIVATE_H
#define CONFGEN_CONFIGURATION_CONFIGURATION_PRIVATE_H

#include "confgen/configuration/configuration.h"

/* More names than this that nothing defines are not told: who has so many knows. */
#define MAX_UNDEFINED 1000

/* Makes the caches, once main.cf and master.cf are read. */
void value_prepare(struct configuration *configuration);
void classify_prepare(struct configuration *configuration);
void contents_prepare(struct configuration *configuration);

/* Expands a value that is set for `service` (NULL: main.cf) under `name`. */
bool value_expand(const struct configuration *configuration, const struct service *service,
		  const struct text *name, const struct text *raw, struct diagnostics *list,
		  void (*undefined)(void *user, const struct text *name), void *user,
		  struct text *out);

#endif
