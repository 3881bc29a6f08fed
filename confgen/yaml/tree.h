/*
 * YAML text as a tree in which every node knows its place.
 *
 * Accepted is the part of YAML 1.1 that a configuration needs: mappings, lists and texts, in one
 * document. What makes one text mean two things (anchors, merge keys, tags, duplicate keys) is
 * refused. The tree knows no types: what a plain text means, number or name, its key decides.
 *
 * Limits: 16 MiB of text, 1,000,000 nodes, 32 levels. The parser takes time in proportion to the
 * text's length (n log n in the keys of one mapping). Not thread-safe: the arena is not.
 *
 * Source: https://yaml.org/spec/1.1/, as read by libyaml.
 */
#ifndef CONFGEN_YAML_TREE_H
#define CONFGEN_YAML_TREE_H

#include "common/arena.h"
#include "common/diagnostics.h"

#include <stdbool.h>
#include <stddef.h>

enum yaml_kind { YAML_SCALAR, YAML_SEQUENCE, YAML_MAPPING };

struct yaml_node;

struct yaml_pair {
	const char *key;
	struct position at; /* of the key */
	struct yaml_node *value;
};

struct yaml_node {
	enum yaml_kind kind;
	struct position at; /* where it starts */
	struct position
		end;	  /* behind its last character; without brackets, that of its last item */
	bool flow;	  /* mapping, sequence: in brackets */
	bool quoted;	  /* scalar: written in quotes or as a block */
	const char *text; /* scalar: UTF-8, NUL-terminated, with no NUL and no control character
			     inside but tab, line feed and carriage return */
	size_t length;	  /* scalar: octets of `text` */
	struct yaml_node **items; /* sequence: its items */
	struct yaml_pair *pairs;  /* mapping: its pairs, in the order of the file */
	size_t count;		  /* of items or pairs */
};

/*
 * Reads `source`. Returns the root of the tree, which lives in `arena` (one without limit) and
 * refers to `source`. Mistakes are added to `list`; if there is any, returns NULL. After a syntax
 * error the rest of the text is not looked at.
 */
struct yaml_node *yaml_parse(struct arena *arena, const struct source *source,
			     struct diagnostics *list);

/* What the node is, for people: "a list", "a mapping", "a text" or "nothing". NULL is nothing. */
const char *yaml_kind_name(const struct yaml_node *node);

/* The value of a key of a mapping, or NULL; with `pair`, the pair itself. NULL is no mapping. */
struct yaml_node *yaml_get(const struct yaml_node *node, const char *key,
			   const struct yaml_pair **pair);

/* How many octets stand before the place in its source. */
size_t yaml_offset(struct position at);

/* Whether both say the same, wherever it stands; but `ignored`, a node of `a`, is like any other.
 */
bool yaml_equal(const struct yaml_node *a, const struct yaml_node *b,
		const struct yaml_node *ignored);

/* Whether the node is a plain scalar that says nothing: empty, ~, null, Null or NULL. */
bool yaml_is_null(const struct yaml_node *node);

#endif
