/* The rules of lint, over what a topology gives. */
#ifndef POSTERN_LINT_RENDERED_H
#define POSTERN_LINT_RENDERED_H

#include "confgen/render/files.h"

/*
 * Judges the rendered Postfix files of each host in memory. Findings, at their place in the output
 * ("public/main.cf"), go to `list`, with the line of the topology that their block names.
 */
void lint_rendered(struct arena *arena, const struct topology *topology,
		   const struct rendered_files *files, struct diagnostics *list);

#endif
