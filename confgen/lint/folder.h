/*
 * Lint over the files of a host that exist in memory only: those that a topology gives.
 *
 * Includes nothing of confgen/configuration, whose names others use for things of their own.
 */
#ifndef CONFGEN_LINT_FOLDER_H
#define CONFGEN_LINT_FOLDER_H

#include "common/diagnostics.h"

struct lint_folder {
	const char *name;     /* that the names of its files begin with: "public" */
	const char *topology; /* what comments in them call the topology: "topology.yaml" */
	unsigned release;     /* 307 for 3.7 */
	const struct source *files;
	size_t count;
};

/*
 * Judges main.cf and master.cf of the folder, or postfix-main.cf of docker-mailserver. Findings go
 * to `list`, with the line of the topology that the comments of their block name. Everything lives
 * in `arena`.
 */
void lint_folder(struct arena *arena, const struct lint_folder *folder, struct diagnostics *list);

#endif
