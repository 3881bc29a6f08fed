/*
 * Fuzz target: the picture of any topology without errors, as dot and Mermaid have it. What its
 * writer wrote stays within the quotes where it belongs, and the same topology makes the same
 * picture.
 */
#include "confgen/graph/graph.h"
#include "confgen/topology/load.h"

#include <assert.h>
#include <stdint.h>

#define MOST_OCTETS 20000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_characters(const struct strbuf *text)
{
	assert(text->length == strlen(strbuf_text(text)));
	for (const char *p = strbuf_text(text); *p; p++)
		assert((unsigned char)*p >= ' ' || *p == '\n' || *p == '\t');
}

/*
 * Quotes come in pairs and hold no line end, labels like HTML have their tags whole, and brackets
 * outside of both match.
 */
static void check_dot(const struct strbuf *text)
{
	bool quoted = false;
	int depth = 0, tags = 0;

	check_characters(text);
	for (const char *p = strbuf_text(text); *p; p++) {
		if (quoted && *p == '\\') {
			p++;
			assert(*p && *p != '\n');
		} else if (*p == '"') {
			quoted = !quoted;
		} else if (quoted) {
			assert(*p != '\n');
		} else if (strncmp(p, "->", 2) == 0 && !tags) {
			p++;
		} else {
			tags += (*p == '<') - (*p == '>');
			assert(tags >= 0 && tags <= 2);
			if (tags)
				continue;
			depth += (*p == '{' || *p == '[') - (*p == '}' || *p == ']');
			assert(depth >= 0 && (unsigned char)*p < 0x7f);
		}
	}
	assert(!quoted && !depth && !tags);
}

/* Each line has its quotes in pairs; there is no way to escape one within them. */
static void check_mermaid(const struct strbuf *text)
{
	bool quoted = false;

	check_characters(text);
	for (const char *p = strbuf_text(text); *p; p++) {
		quoted ^= *p == '"';
		assert(*p != '\n' || !quoted);
		assert(quoted || (unsigned char)*p < 0x7f);
	}
	assert(!quoted);
}

static void draw(struct arena *arena, const struct topology *topology, struct strbuf out[3])
{
	const struct graph *graph = graph_of_topology(arena, topology);

	graph_write_dot(graph, GRAPH_ACROSS, &out[0]);
	graph_write_dot(graph, GRAPH_DOWN, &out[1]);
	graph_write_mermaid(graph, &out[2]);
}

static void check(struct arena *arena, const struct topology *topology)
{
	struct strbuf first[3] = {STRBUF_INIT, STRBUF_INIT, STRBUF_INIT},
		      second[3] = {STRBUF_INIT, STRBUF_INIT, STRBUF_INIT};

	draw(arena, topology, first);
	draw(arena, topology, second);
	check_dot(&first[0]);
	check_dot(&first[1]);
	check_mermaid(&first[2]);
	for (int i = 0; i < 3; i++) {
		assert(strcmp(strbuf_text(&first[i]), strbuf_text(&second[i])) == 0);
		strbuf_done(&first[i]);
		strbuf_done(&second[i]);
	}
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
	topology = topology_parse(arena, &source, "/nonexistent", SECRETS_LOOK, list);
	if (topology && !diagnostics_count(list, SEVERITY_ERROR))
		check(arena, topology);
	arena_free(arena);
	return 0;
}
