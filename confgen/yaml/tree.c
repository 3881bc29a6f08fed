/*
 * Builds the tree from libyaml's events, with a stack of bounded depth instead of recursion. What
 * is refused but can be stepped over is reported and left out, so that one run finds all of it;
 * a tree that lacks something is never handed out.
 */
#include "confgen/yaml/tree.h"
#include "confgen/yaml/octets.h"
#include "confgen/yaml/rules.h"
#include "confgen/yaml/syntax.h"

#include <assert.h>
#include <yaml.h>

#define MOST_OCTETS ((size_t)16 << 20)
#define MOST_NODES  1000000
#define MOST_LEVELS 32
#define MOST_ERRORS 100 /* a file with more is something else than meant */

/* A mapping or list that is not at its end yet. */
struct frame {
	struct yaml_node *node;
	bool flow;	       /* in brackets */
	bool have_key;	       /* mapping: the next node is the value of ... */
	struct yaml_pair pair; /* ... this; without key it is left out, for the key was refused */
};

struct builder {
	struct arena *arena;
	const struct source *source;
	struct diagnostics *list;
	struct yaml_node *root;
	struct frame stack[MOST_LEVELS];
	size_t depth, nodes, errors;
	unsigned documents;
};

static struct position place(const struct builder *b, const yaml_event_t *event)
{
	return syntax_position(b->source, &event->start_mark);
}

/* Adds an error. Returns whether to read on. */
static bool refuse(struct builder *b, const char *rule, struct position at, const char *message,
		   const char *hint)
{
	diagnostics_add(b->list, SEVERITY_ERROR, rule, at, "%s", message);
	diagnostics_hint(b->list, "%s", hint);
	if (++b->errors < MOST_ERRORS)
		return true;
	diagnostics_add(b->list, SEVERITY_INFO, NULL, at,
			"%d mistakes: the rest of the file is not looked at", MOST_ERRORS);
	return false;
}

static bool is_plain(const struct yaml_node *node)
{
	return node->kind == YAML_SCALAR && !node->quoted;
}

/* Begins the pair whose key is `node`; a key that is refused gives a pair without key. */
static bool begin_pair(struct builder *b, struct frame *frame, const struct yaml_node *node)
{
	frame->have_key = true;
	frame->pair = (struct yaml_pair){.at = node->at};
	if (node->kind != YAML_SCALAR)
		return refuse(b, YAML_RULE_KEY, node->at,
			      "a key must be a text, not a list or a mapping",
			      "Write the key as a text, in quotes if it begins with '[' or '{'.");
	if (is_plain(node) && node->length == 0)
		return refuse(b, YAML_RULE_KEY, node->at, "a key is missing here",
			      "Write 'key: value'.");
	if (is_plain(node) && strcmp(node->text, "<<") == 0)
		return refuse(b, YAML_RULE_ANCHOR, node->at, "merge keys are not accepted",
			      "Write out the keys that '<<' would bring in.");
	frame->pair.key = node->text;
	return true;
}

static bool refuse_number(struct builder *b, struct position at)
{
	refuse(b, YAML_RULE_SIZE, at,
	       arena_printf(b->arena, "more than %d texts, lists and mappings", MOST_NODES),
	       "Is it the right file? Long lists of domains can be in files of their own.");
	return false;
}

static void finish_pair(struct builder *b, struct frame *frame, struct yaml_node *value)
{
	struct yaml_node *mapping = frame->node;

	frame->have_key = false;
	frame->pair.value = value;
	if (!frame->pair.key)
		return;
	mapping->pairs =
		arena_grow(b->arena, mapping->pairs, mapping->count, sizeof(*mapping->pairs));
	mapping->pairs[mapping->count++] = frame->pair;
}

static void add_item(struct builder *b, struct yaml_node *list, struct yaml_node *item)
{
	list->items = arena_grow(b->arena, list->items, list->count, sizeof(struct yaml_node *));
	list->items[list->count++] = item;
}

/* Puts a new node where the text has come to: below the innermost open list or mapping. */
static bool attach(struct builder *b, struct yaml_node *node)
{
	struct frame *frame = b->depth ? &b->stack[b->depth - 1] : NULL;

	if (++b->nodes > MOST_NODES)
		return refuse_number(b, node->at);
	if (!frame)
		b->root = node;
	else if (frame->node->kind == YAML_SEQUENCE)
		add_item(b, frame->node, node);
	else if (frame->have_key)
		finish_pair(b, frame, node);
	else
		return begin_pair(b, frame, node);
	return true;
}

static struct yaml_node *new_node(struct builder *b, enum yaml_kind kind, const yaml_event_t *event)
{
	struct yaml_node *node = arena_alloc(b->arena, sizeof(*node));

	node->kind = kind;
	node->at = place(b, event);
	node->text = "";
	return node;
}

static bool check_properties(struct builder *b, const yaml_event_t *event,
			     const yaml_char_t *anchor, const yaml_char_t *tag)
{
	if (anchor &&
	    !refuse(b, YAML_RULE_ANCHOR, place(b, event), "anchors are not accepted",
		    "Remove the anchor and write out what refers to it; put quotes around "
		    "a text that begins with '&'."))
		return false;
	return !tag || refuse(b, YAML_RULE_TAG, place(b, event), "tags are not accepted",
			      "Remove the tag: its key decides how a value is read; put quotes "
			      "around a text that begins with '!'.");
}

static bool take_alias(struct builder *b, const yaml_event_t *event)
{
	struct yaml_node *node = new_node(b, YAML_SCALAR, event);

	node->quoted = true; /* so that it is not taken for an empty key as well */
	return refuse(b, YAML_RULE_ANCHOR, node->at, "references to anchors are not accepted",
		      "Write out what it refers to; put quotes around a text that begins with "
		      "'*'.") &&
	       attach(b, node);
}

static bool take_scalar(struct builder *b, const yaml_event_t *event)
{
	const char *text = (const char *)event->data.scalar.value, *what;
	struct yaml_node *node = new_node(b, YAML_SCALAR, event);
	uint32_t code;

	node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
	node->length = event->data.scalar.length;
	node->text = arena_strndup(b->arena, text, node->length);
	node->end = syntax_position(b->source, &event->end_mark);
	if (!check_properties(b, event, event->data.scalar.anchor, event->data.scalar.tag))
		return false;
	what = octets_find_refused(node->text, node->length, &code);
	if (what &&
	    !refuse(b, YAML_RULE_ENCODING, node->at,
		    arena_printf(b->arena, "an escape in this text stands for a %s (U+%04X)", what,
				 (unsigned)code),
		    "Remove the escape."))
		return false;
	return attach(b, node);
}

static bool open_collection(struct builder *b, struct yaml_node *node, bool flow,
			    const yaml_event_t *event, const yaml_char_t *anchor,
			    const yaml_char_t *tag)
{
	if (!check_properties(b, event, anchor, tag) || !attach(b, node))
		return false;
	if (b->depth == MOST_LEVELS) {
		refuse(b, YAML_RULE_DEPTH, node->at,
		       arena_printf(b->arena, "more than %d levels of lists and mappings",
				    MOST_LEVELS),
		       "Nothing here needs as many: a bracket may be missing its mate.");
		return false;
	}
	node->flow = flow;
	node->end = node->at;
	b->stack[b->depth++] = (struct frame){.node = node, .flow = flow};
	return true;
}

static bool take_sequence(struct builder *b, const yaml_event_t *event)
{
	bool flow = event->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE;

	return open_collection(b, new_node(b, YAML_SEQUENCE, event), flow, event,
			       event->data.sequence_start.anchor, event->data.sequence_start.tag);
}

static bool take_mapping(struct builder *b, const yaml_event_t *event)
{
	bool flow = event->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE;

	return open_collection(b, new_node(b, YAML_MAPPING, event), flow, event,
			       event->data.mapping_start.anchor, event->data.mapping_start.tag);
}

/* By key; the same keys in the order of the file. */
static int compare_pairs(const void *x, const void *y)
{
	const struct yaml_pair *a = *(const struct yaml_pair *const *)x;
	const struct yaml_pair *b = *(const struct yaml_pair *const *)y;
	int order = strcmp(a->key, b->key);

	return order ? order : (a > b) - (a < b);
}

static bool check_duplicates(struct builder *b, const struct yaml_node *mapping)
{
	const struct yaml_pair **sorted, *first;

	if (mapping->count < 2)
		return true;
	sorted = arena_array(b->arena, mapping->count, sizeof(struct yaml_pair *));
	for (size_t i = 0; i < mapping->count; i++)
		sorted[i] = &mapping->pairs[i];
	qsort(sorted, mapping->count, sizeof(struct yaml_pair *), compare_pairs);
	first = sorted[0];
	for (size_t i = 1; i < mapping->count; i++) {
		if (strcmp(first->key, sorted[i]->key) != 0)
			first = sorted[i];
		else if (!refuse(b, YAML_RULE_DUPLICATE, sorted[i]->at,
				 arena_printf(b->arena, "the key '%.80s' is on line %u already",
					      first->key, first->at.line),
				 "Remove one of them, or put what they hold under one."))
			return false;
	}
	return true;
}

/* `event` is NULL when the text broke off. What has no brackets ends where its last item does. */
static bool close_collection(struct builder *b, const yaml_event_t *event)
{
	struct yaml_node *node;

	assert(b->depth);
	node = b->stack[--b->depth].node;
	if (node->flow && event)
		node->end = syntax_position(b->source, &event->end_mark);
	else if (node->count)
		node->end = node->kind == YAML_MAPPING ? node->pairs[node->count - 1].value->end
						       : node->items[node->count - 1]->end;
	return node->kind != YAML_MAPPING || check_duplicates(b, node);
}

static bool begin_document(struct builder *b, const yaml_event_t *event)
{
	if (b->documents++ == 0)
		return true;
	refuse(b, YAML_RULE_DOCUMENT, place(b, event), "a second document begins here",
	       "A file holds one document: remove the line with ---, or split the file.");
	return false;
}

/* Returns whether to read on. */
static bool take(struct builder *b, const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_DOCUMENT_START_EVENT:
		return begin_document(b, event);
	case YAML_ALIAS_EVENT:
		return take_alias(b, event);
	case YAML_SCALAR_EVENT:
		return take_scalar(b, event);
	case YAML_SEQUENCE_START_EVENT:
		return take_sequence(b, event);
	case YAML_MAPPING_START_EVENT:
		return take_mapping(b, event);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		return close_collection(b, event);
	default:
		return event->type != YAML_STREAM_END_EVENT;
	}
}

static void report_syntax(struct builder *b, const yaml_parser_t *parser)
{
	const struct frame *frame = b->depth ? &b->stack[b->depth - 1] : NULL;

	syntax_report(parser, b->source, frame && frame->flow ? &frame->node->at : NULL, b->list);
	/* duplicates in what was read are mistakes all the same */
	for (bool more = true; more && b->depth;)
		more = close_collection(b, NULL);
}

static void build(struct builder *b)
{
	const unsigned char *text = (const unsigned char *)b->source->text;
	size_t mark = octets_mark(b->source);
	yaml_parser_t parser;
	yaml_event_t event;
	bool more = true;

	if (!yaml_parser_initialize(&parser))
		abort(); /* out of memory, as in an arena without limit */
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&parser, text + mark, b->source->length - mark);
	while (more && yaml_parser_parse(&parser, &event)) {
		more = take(b, &event);
		yaml_event_delete(&event);
	}
	if (parser.error == YAML_MEMORY_ERROR)
		abort();
	if (parser.error)
		report_syntax(b, &parser);
	yaml_parser_delete(&parser);
}

static bool check_size(const struct source *source, struct diagnostics *list)
{
	if (source->length <= MOST_OCTETS)
		return true;
	diagnostics_add(list, SEVERITY_ERROR, YAML_RULE_SIZE, (struct position){.source = source},
			"the file has %zu octets, more than %zu MiB", source->length,
			MOST_OCTETS >> 20);
	diagnostics_hint(
		list, "Is it the right file? Long lists of domains can be in files of their own.");
	return false;
}

struct yaml_node *yaml_parse(struct arena *arena, const struct source *source,
			     struct diagnostics *list)
{
	struct builder b = {.arena = arena, .source = source, .list = list};
	size_t before = diagnostics_count(list, SEVERITY_ERROR);

	if (!check_size(source, list) || !octets_check(source, list))
		return NULL;
	if (source->length)
		build(&b);
	if (diagnostics_count(list, SEVERITY_ERROR) > before)
		return NULL;
	if (!b.root || (is_plain(b.root) && b.root->length == 0)) {
		diagnostics_add(list, SEVERITY_ERROR, YAML_RULE_EMPTY,
				(struct position){.source = source}, "the file says nothing");
		diagnostics_hint(list, "Write at least one 'key: value'; lines that begin with '#' "
				       "are comments.");
		return NULL;
	}
	return b.root;
}

const char *yaml_kind_name(const struct yaml_node *node)
{
	if (!node || yaml_is_null(node))
		return "nothing";
	switch (node->kind) {
	case YAML_SEQUENCE:
		return "a list";
	case YAML_MAPPING:
		return "a mapping";
	case YAML_SCALAR:
		break;
	}
	return "a text";
}

bool yaml_is_null(const struct yaml_node *node)
{
	static const char *const nulls[] = {"", "~", "null", "Null", "NULL"};

	for (size_t i = 0; is_plain(node) && i < sizeof(nulls) / sizeof(nulls[0]); i++)
		if (strcmp(node->text, nulls[i]) == 0)
			return true;
	return false;
}
