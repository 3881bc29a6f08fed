/*
 * Fuzz target: keys turned over in any topology: the fixes lie within the text, and where the
 * changed text is taken for sound it is a topology without errors that turns over no second time.
 */
#include "confgen/keys/rotate.h"
#include "confgen/lint/fixes.h"
#include "confgen/topology/load.h"

#include <assert.h>
#include <stdint.h>

#define MOST_OCTETS 20000
#define NOW	    1800000000 /* 2027 */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct rotation_options options = {
	.folder = "/nonexistent",
	.at = "2098-01-01",
};

static void check_twice(struct arena *arena, const struct yaml_node *tree,
			const struct topology *topology, const struct domain *domain)
{
	struct diagnostics *list = diagnostics_new(arena);
	struct rotation rotation;

	assert(!rotation_plan(arena, tree, topology, domain, &options, NOW, list, &rotation));
}

static void rotate(struct arena *arena, const struct yaml_node *tree,
		   const struct topology *topology, const struct domain *domain)
{
	struct diagnostics *list = diagnostics_new(arena), *after_list = diagnostics_new(arena);
	struct rotation rotation;
	struct fixed_files files;
	struct source changed = {.name = "changed.yaml"};
	const struct yaml_node *new_tree;
	const struct topology *after;

	if (!rotation_plan(arena, tree, topology, domain, &options, NOW, list, &rotation))
		return;
	files = fixes_collect(arena, list);
	if (files.count != 1 || files.waiting)
		return;
	changed.text = fixes_text(arena, &files.items[0], &changed.length);
	new_tree = yaml_parse(arena, &changed, after_list);
	after = new_tree ? topology_parse(arena, &changed, "/nonexistent", SECRETS_LOOK, after_list)
			 : NULL;
	if (!after || diagnostics_count(after_list, SEVERITY_ERROR) ||
	    !rotation_is_sound(&rotation, tree, new_tree, topology, after))
		return;
	check_twice(arena, new_tree, after,
		    &after->domains.items[rotation.domain - topology->domains.items]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(0);
	struct diagnostics *list = diagnostics_new(arena);
	struct source source = {"topology.yaml", arena_strndup(arena, (const char *)data, size),
				size};
	const struct yaml_node *tree =
		size > MOST_OCTETS ? NULL : yaml_parse(arena, &source, diagnostics_new(arena));
	const struct topology *topology =
		tree ? topology_parse(arena, &source, "/nonexistent", SECRETS_LOOK, list) : NULL;

	if (topology && !diagnostics_count(list, SEVERITY_ERROR))
		for (size_t i = 0; i < topology->domains.count && i < 4; i++)
			rotate(arena, tree, topology, &topology->domains.items[i]);
	arena_free(arena);
	return 0;
}
