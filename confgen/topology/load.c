/* Reading a topology: text, tree, structs, pointers, and then whether it makes sense. */
#include "confgen/topology/load.h"
#include "common/file.h"
#include "confgen/topology/rules.h"
#include "confgen/topology/schema.h"

#include <errno.h>
#include <libgen.h>

#define LARGEST_TOPOLOGY ((size_t)16 << 20)

const struct topology_rule_row topology_rules[RULE_COUNT] = {
#define X(id, name, severity, summary) [RULE_##id] = {name, SEVERITY_##severity, summary},
	TOPOLOGY_RULES(X)
#undef X
};

struct topology *topology_parse(struct arena *arena, const struct source *source,
				const char *folder, enum secret_policy secrets,
				struct diagnostics *list)
{
	const struct yaml_node *tree = yaml_parse(arena, source, list);
	struct topology *topology;

	if (!tree)
		return NULL;
	topology = arena_alloc(arena, sizeof(*topology));
	topology->folder = folder;
	schema_load(arena, &topology_schema, tree, topology, list);
	if (topology->version.given && topology->version.value != 1) {
		report(list, VERSION, topology->version.at,
		       "this is version %lu of the language, but this program speaks version 1",
		       topology->version.value);
		diagnostics_hint(list, "a newer topology needs a newer postern-confgen");
		return topology;
	}
	topology_read_lists(arena, topology, list);
	topology_resolve(arena, topology, list);
	topology_verify_nodes(topology, list);
	topology_verify_dkim(topology, list);
	topology_verify_dns(topology, list);
	topology_verify_links(topology, list);
	topology_verify_egress(topology, list);
	topology_verify_proxies(topology, list);
	topology_verify_routes(topology, list);
	topology_verify_clients(topology, list);
	topology_verify_tests(arena, topology, list);
	topology_resolve_secrets(arena, topology, secrets, list);
	return topology;
}

static const char *explain_read(int error)
{
	return error == -EFBIG	  ? "larger than 16 MiB, which no topology needs"
	       : error == -EISDIR ? "is a folder"
	       : error == -EINVAL ? "not a regular file"
				  : strerror(-error);
}

int topology_load(struct arena *arena, const char *path, enum secret_policy secrets,
		  struct diagnostics *list, struct topology **out)
{
	struct source *source = arena_alloc(arena, sizeof(*source));
	char *text = NULL;
	size_t length = 0;
	int error;

	source->name = arena_strdup(arena, path);
	error = file_read(arena, path, LARGEST_TOPOLOGY, &text, &length);
	if (error) {
		diagnostics_add(list, SEVERITY_ERROR, NULL, (struct position){source, 0, 0},
				"cannot read the topology: %s", explain_read(error));
		if (error == -ENOENT)
			diagnostics_hint(list,
					 "name a topology, or run in a folder with topology.yaml");
		return error;
	}
	source->text = text;
	source->length = length;
	*out = topology_parse(arena, source, dirname(arena_strdup(arena, path)), secrets, list);
	return 0;
}
