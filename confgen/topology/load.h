/* From a topology file to a verified model. */
#ifndef POSTERN_LOAD_H
#define POSTERN_LOAD_H

#include "confgen/topology/model.h"

enum secret_policy {
	SECRETS_READ, /* a secret that cannot be had is an error */
	SECRETS_LOOK, /* files are looked at but never opened: for checking strangers' topologies */
};

/*
 * Reads, parses and verifies the topology at `path`. All of it, and its source text, belongs to
 * `arena`. The user's mistakes go to `list`. Returns 0 when the file could be read (mistakes or
 * not), else -errno with an error in `list`. `*out` is NULL when nothing useful could be made of
 * it; it may be used for rendering only when `list` holds no error.
 */
int topology_load(struct arena *arena, const char *path, enum secret_policy secrets,
		  struct diagnostics *list, struct topology **out);

/*
 * The same from text already in memory: `source->name` is what diagnostics call it, `folder` is
 * where the files that it names are looked for.
 */
struct topology *topology_parse(struct arena *arena, const struct source *source,
				const char *folder, enum secret_policy secrets,
				struct diagnostics *list);

/* The steps, in order; used by topology_parse(). Each adds what it finds to `list`. */
void topology_read_lists(struct arena *arena, struct topology *topology, struct diagnostics *list);
void topology_resolve(struct arena *arena, struct topology *topology, struct diagnostics *list);
void topology_resolve_secrets(struct arena *arena, struct topology *topology,
			      enum secret_policy secrets, struct diagnostics *list);
void topology_verify_nodes(const struct topology *topology, struct diagnostics *list);
void topology_verify_dkim(const struct topology *topology, struct diagnostics *list);
void topology_verify_dns(const struct topology *topology, struct diagnostics *list);
void topology_verify_links(const struct topology *topology, struct diagnostics *list);
void topology_verify_egress(const struct topology *topology, struct diagnostics *list);
void topology_verify_proxies(const struct topology *topology, struct diagnostics *list);
void topology_verify_routes(const struct topology *topology, struct diagnostics *list);
/* Called by topology_verify_routes() when each route makes sense. */
void topology_verify_ways_out(const struct topology *topology, struct diagnostics *list);
void topology_verify_subdomains(const struct topology *topology, struct diagnostics *list);
void topology_verify_sizes(const struct topology *topology, struct diagnostics *list);
void topology_verify_tests(struct arena *arena, const struct topology *topology,
			   struct diagnostics *list);
void topology_verify_clients(const struct topology *topology, struct diagnostics *list);

#endif
