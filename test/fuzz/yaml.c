/* yaml_parse() and the printing of its diagnostics: no crash, no leak, and a tree or an error. */

#include "confgen/yaml/tree.h"

#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Looks at every node: places inside the text, texts of the length they say, no deeper than 32. */
static void walk(const struct yaml_node *node, const struct source *source, unsigned depth)
{
	assert(depth <= 33);
	assert(node->at.source == source && node->at.line && node->at.column);
	assert(node->at.line <= source->length + 1 && node->at.column <= source->length + 1);
	assert(strlen(node->text) == node->length);
	assert(yaml_kind_name(node));
	for (size_t i = 0; node->kind == YAML_SEQUENCE && i < node->count; i++)
		walk(node->items[i], source, depth + 1);
	for (size_t i = 0; node->kind == YAML_MAPPING && i < node->count; i++) {
		assert(node->pairs[i].key && node->pairs[i].at.line);
		walk(node->pairs[i].value, source, depth + 1);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(0);
	struct source source = {.name = "t", .text = (const char *)data, .length = size};
	struct diagnostics *list = diagnostics_new(arena);
	struct yaml_node *root = yaml_parse(arena, &source, list);
	char *text = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&text, &length);

	assert(!root == (diagnostics_count(list, SEVERITY_ERROR) > 0));
	if (root)
		walk(root, &source, 1);
	if (out) {
		diagnostics_print(list, out, false);
		fclose(out);
	}
	/* the hint for what syntax.c has no words for: a gap in its table */
	assert(!text || !strstr(text, "\n  hint: Look at quotes"));
	free(text);
	arena_free(arena);
	return 0;
}
