/* The arguments of a service in master.cf: master_cf.h's own part. */
#ifndef CONFGEN_CONFIGURATION_MASTER_ARGUMENTS_H
#define CONFGEN_CONFIGURATION_MASTER_ARGUMENTS_H

#include "confgen/configuration/master_cf.h"

/*
 * Reads the arguments of `line` from `at` on into `service`, whose fields are filled. False where
 * the daemon would not start with one of them; it is reported then.
 */
bool master_arguments_parse(struct arena *arena, const struct text *line, size_t at,
			    struct service *service, struct diagnostics *list);

#endif
