/*
 * Prints a YAML file as postern-confgen understands it, for comparison with another parser: one
 * JSON object a node, with its place. Mistakes go to stderr, and then the exit status is 1.
 */
#include "common/file.h"
#include "confgen/yaml/tree.h"

#include <jansson.h>

static json_t *dump(const struct yaml_node *node);

static json_t *dump_items(const struct yaml_node *list)
{
	json_t *items = json_array();

	for (size_t i = 0; i < list->count; i++)
		json_array_append_new(items, dump(list->items[i]));
	return items;
}

static json_t *dump_pairs(const struct yaml_node *mapping)
{
	json_t *pairs = json_array();

	for (size_t i = 0; i < mapping->count; i++) {
		const struct yaml_pair *pair = &mapping->pairs[i];

		json_array_append_new(pairs, json_pack("[s,[i,i],o]", pair->key, (int)pair->at.line,
						       (int)pair->at.column, dump(pair->value)));
	}
	return pairs;
}

/* Recursive, but never deeper than yaml_parse() lets a tree be. */
static json_t *dump(const struct yaml_node *node)
{
	json_t *what;

	switch (node->kind) {
	case YAML_SEQUENCE:
		what = json_pack("{s:o}", "list", dump_items(node));
		break;
	case YAML_MAPPING:
		what = json_pack("{s:o}", "mapping", dump_pairs(node));
		break;
	default:
		what = json_pack("{s:s%,s:b}", "text", node->text, node->length, "quoted",
				 node->quoted);
	}
	json_object_set_new(what, "at",
			    json_pack("[i,i]", (int)node->at.line, (int)node->at.column));
	return what;
}

int main(int argc, char **argv)
{
	struct arena *arena = arena_new(0);
	struct diagnostics *list = diagnostics_new(arena);
	struct source source = {0};
	struct yaml_node *root = NULL;
	char *text;

	if (argc == 2 && file_read(arena, argv[1], (size_t)64 << 20, &text, &source.length) == 0) {
		source.name = argv[1];
		source.text = text;
		root = yaml_parse(arena, &source, list);
		diagnostics_print(list, stderr, false);
	}
	if (root) {
		json_t *tree = dump(root);

		json_dumpf(tree, stdout, JSON_SORT_KEYS);
		json_decref(tree);
	}
	arena_free(arena);
	return !root;
}
