/*
 * Fuzz target: a stranger's topology, read and verified but not rendered, which is what goes
 * fastest: the rows of the schema, names that refer to others, and all that is checked. What is
 * said points into the text, and a topology without errors is whole.
 */
#include "confgen/topology/load.h"
#include "confgen/topology/syntax.h"

#include <assert.h>
#include <stdint.h>

#define MOST_OCTETS 20000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned count_lines(const struct source *source)
{
	unsigned lines = 1;

	for (size_t i = 0; i < source->length; i++)
		lines += source->text[i] == '\n' || source->text[i] == '\r';
	/* YAML has line ends of several octets as well */
	for (size_t i = 1; i < source->length; i++)
		lines += (unsigned char)source->text[i] >= 0x80;
	return lines;
}

static void check_findings(struct diagnostics *list, const struct source *source)
{
	const struct diagnostic *item;
	unsigned lines = count_lines(source);
	size_t at = 0;

	diagnostics_sort(list);
	while ((item = diagnostics_next(list, &at))) {
		assert(item->message && *item->message);
		assert(item->severity != SEVERITY_ERROR || item->at.source == source);
		assert(item->at.source != source || item->at.line <= lines);
	}
}

static bool is_node(const struct topology *topology, const struct node *node)
{
	return node == &topology->internet ||
	       (node >= topology->nodes.items &&
		node < topology->nodes.items + topology->nodes.count);
}

/* Names were resolved. */
static void check_whole(const struct topology *topology)
{
	for (size_t i = 0; i < topology->links.count; i++) {
		const struct link *link = &topology->links.items[i];

		assert(is_node(topology, link->ends[0]) && is_node(topology, link->ends[1]));
		assert(link->ends[0] != link->ends[1]);
	}
	for (size_t i = 0; i < topology->routes.count; i++) {
		const struct route *route = &topology->routes.items[i];

		assert(route->complete && route->hop_count >= 2);
		for (size_t j = 0; j < route->hop_count; j++)
			assert(is_node(topology, route->hops[j]));
	}
	for (size_t i = 0; i < topology->domains.count; i++)
		assert(!check_domain(topology->domains.items[i].head.name.value));
}

static const struct topology *parse(struct arena *arena, const struct source *source,
				    struct diagnostics *list)
{
	return topology_parse(arena, source, "/nonexistent", SECRETS_LOOK, list);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct source source = {"t", (const char *)data, size};
	struct arena *arena;
	struct diagnostics *list;
	const struct topology *topology;

	if (size > MOST_OCTETS)
		return 0;
	arena = arena_new(0);
	list = diagnostics_new(arena);
	topology = parse(arena, &source, list);
	check_findings(list, &source);
	assert(topology || diagnostics_count(list, SEVERITY_ERROR));
	if (topology && !diagnostics_count(list, SEVERITY_ERROR))
		check_whole(topology);
	arena_free(arena);
	return 0;
}
