/*
 * manifest.json: what the output holds and where each file goes, for programs; domains.json: the
 * domains, which can be many; and the same for people, as the data of the README's template.
 */
#ifndef POSTERN_MANIFEST_H
#define POSTERN_MANIFEST_H

#include "confgen/derive/facts.h"
#include "confgen/render/files.h"

#include <jansson.h>

/* The text of manifest.json, in the arena. `facts` are those of the nodes that were rendered. */
const char *manifest_text(struct arena *arena, const struct topology *topology,
			  const struct facts *const *facts, size_t count,
			  const struct rendered_files *files);

/* The text of domains.json, in the arena. */
const char *manifest_domains(struct arena *arena, const struct topology *topology);

/* The data for the README's template. The caller owns the reference. */
json_t *manifest_readme(struct arena *arena, const struct facts *const *facts, size_t count,
			const struct rendered_files *files);

#endif
