/* Tries rendered files with the Postfix that is installed here, without touching its own. */
#ifndef POSTERN_PROBE_H
#define POSTERN_PROBE_H

#include "confgen/render/files.h"

enum probe_result {
	PROBE_DONE,
	PROBE_NO_POSTFIX, /* it is not installed */
	PROBE_NOT_ROOT,	  /* all but postfix check, which needs root */
};

/*
 * Runs postconf, postmap and postfix check over the files of each Postfix node, and over those of
 * docker-mailserver nodes as it would apply them, in a temporary folder with a queue of its own.
 * Whatever these programs complain of is an error in `list`. Returns 0 or -errno (no temporary
 * folder, programs that cannot be started).
 */
int probe_files(struct arena *arena, const struct topology *topology,
		const struct rendered_files *files, struct diagnostics *list,
		enum probe_result *result);

#endif
