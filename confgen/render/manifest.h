/*
 * manifest.json: what the output holds and where each file goes, for programs; domains.json: the
 * domains, which can be many; and the same for people, as the data of the README's template.
 */
#ifndef POSTERN_MANIFEST_H
#define POSTERN_MANIFEST_H

#include "confgen/derive/facts.h"
#include "confgen/render/files.h"

#include <jansson.h>

/*
 * What is said of the nodes, gathered as each is rendered: its facts may go when it is done.
 */
struct manifest {
	json_t *nodes; /* all of them, for manifest.json */
	json_t *hosts; /* those that were rendered, for the README */
};

void manifest_init(struct manifest *manifest);

/* Adds a node that no files are rendered for. */
void manifest_add_node(struct manifest *manifest, const struct node *node,
		       const struct rendered_files *files);

/* Adds a node whose files are all in `files`; `view` is its view_of_node(), borrowed. */
void manifest_add_host(struct manifest *manifest, const struct facts *facts, json_t *view,
		       const struct rendered_files *files);

void manifest_done(struct manifest *manifest);

/* The text of manifest.json, in the arena. */
const char *manifest_text(struct arena *arena, const struct manifest *manifest,
			  const struct topology *topology, const struct rendered_files *files);

/* The text of domains.json, in the arena. */
const char *manifest_domains(struct arena *arena, const struct topology *topology);

/* The data for the README's template. The caller owns the reference. */
json_t *manifest_readme(const struct manifest *manifest);

#endif
