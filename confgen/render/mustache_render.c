/*
 * Trees and data into text: looks names up, repeats sections, brings in partials, and in strict
 * mode complains of what would silently become nothing. See mustache.h.
 */
#include "confgen/render/mustache.h"
#include "common/suggest.h"
#include "confgen/render/mustache_tree.h"

/* Partials deeper within each other than this can only be a loop. */
#define DEEPEST_PARTIAL 32

struct partial {
	struct partial *next;
	const char *name;
	struct mustache_node *nodes;
};

struct renderer {
	struct arena *arena;
	const struct source *template;
	const struct mustache_options *options;
	struct diagnostics *list;
	struct strbuf text;
	size_t limit, steps;
	struct partial *partials; /* those parsed so far */
	unsigned depth;		  /* of partials */
	bool stopped;
};

/* The stack of values that names are looked up in, innermost first. */
struct context {
	const struct context *outer;
	json_t *value;
};

/* What goes before each line of a partial: the indentation of each partial around it, too. */
struct indent {
	const struct indent *outer;
	const struct mustache_node *tag;
};

static void render_nodes(struct renderer *renderer, struct mustache_node *node,
			 const struct context *context, const struct indent *indent);

/* Whether to complain of this tag now: once is enough, also in a list of thousands. */
static bool first_complaint(struct mustache_node *node)
{
	bool first = !node->reported;

	node->reported = true;
	return first;
}

/* Complains of the whole template, and ends the rendering. */
static void exceed(struct renderer *renderer)
{
	struct position whole = {.source = renderer->template};

	if (!renderer->stopped)
		diagnostics_add(renderer->list, SEVERITY_ERROR, NULL, whole,
				"the template yields more than %zu octets, or takes as many steps",
				renderer->limit);
	renderer->stopped = true;
}

static void step(struct renderer *renderer)
{
	if (renderer->steps++ == renderer->limit)
		exceed(renderer);
}

static void add(struct renderer *renderer, const char *text, size_t length)
{
	if (length > renderer->limit - renderer->text.length)
		exceed(renderer);
	else
		strbuf_add(&renderer->text, text, length);
}

static void add_html(struct renderer *renderer, const char *text, size_t length)
{
	static const char *const entities[256] = {
		['&'] = "&amp;", ['<'] = "&lt;", ['>'] = "&gt;", ['"'] = "&quot;"};
	const char *end = text + length;

	for (const char *from = text; from < end && !renderer->stopped; from = text) {
		const char *entity = NULL;

		while (text < end && !(entity = entities[(unsigned char)*text]))
			text++;
		add(renderer, from, (size_t)(text - from));
		if (entity) {
			add(renderer, entity, strlen(entity));
			text++;
		}
	}
}

static void add_indent(struct renderer *renderer, const struct indent *indent)
{
	if (!indent)
		return;
	add_indent(renderer, indent->outer);
	add(renderer, indent->tag->text, indent->tag->length);
}

/* ---- names ---- */

static json_t *find_in_stack(const struct context *context, const char *name, size_t length)
{
	json_t *value = NULL;

	for (; context && !value; context = context->outer)
		value = json_object_getn(context->value, name, length);
	return value;
}

/* The value of a name, or NULL; then `*part` is the part of the name that is not in `*parent`
 * (NULL: in no value of the stack). */
static json_t *find(const struct context *context, const char *name, const char **part,
		    const json_t **parent)
{
	size_t length = strcspn(name, ".");
	json_t *value;

	*part = name;
	*parent = NULL;
	if (name[0] == '.')
		return context->value;
	value = find_in_stack(context, name, length);
	while (value && name[length]) {
		name += length + 1;
		length = strcspn(name, ".");
		*part = name;
		*parent = value;
		value = json_object_getn(value, name, length);
	}
	return value;
}

struct words {
	const char **items;
	size_t count;
};

static void add_keys(struct arena *arena, const json_t *object, struct words *words)
{
	/* jansson's iterators are for changing an object, too, hence not const */
	for (void *at = json_object_iter((json_t *)object); at;
	     at = json_object_iter_next((json_t *)object, at))
		*arena_push(arena, words) = json_object_iter_key(at);
}

static void complain_of_name(struct renderer *renderer, struct mustache_node *node,
			     const struct context *context, const char *part, const json_t *parent)
{
	const char *word = arena_strndup(renderer->arena, part, strcspn(part, ".")), *nearest;
	struct words words = {0};

	if (parent)
		add_keys(renderer->arena, parent, &words);
	for (; !parent && context; context = context->outer)
		add_keys(renderer->arena, context->value, &words);
	nearest = suggest(word, words.items, words.count);
	diagnostics_add(renderer->list, SEVERITY_ERROR, NULL, node->at,
			strcmp(word, node->name) == 0 ? "unknown name '%s'"
						      : "unknown name '%s' in '%s'",
			word, node->name);
	if (nearest)
		diagnostics_hint(renderer->list, "did you mean '%s'?", nearest);
}

/* The value of the name in a tag; NULL when there is none, in strict mode after complaining. */
static json_t *look_up(struct renderer *renderer, struct mustache_node *node,
		       const struct context *context)
{
	const char *part;
	const json_t *parent;
	json_t *value = find(context, node->name, &part, &parent);

	if (!value && renderer->options->strict && first_complaint(node))
		complain_of_name(renderer, node, context, part, parent);
	return value;
}

/* ---- tags ---- */

static bool has_control(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			return true;
	return false;
}

static void render_string(struct renderer *renderer, struct mustache_node *node,
			  const json_t *value)
{
	const char *text = json_string_value(value);
	size_t length = json_string_length(value);
	bool raw = node->kind == MUSTACHE_RAW;

	if (!raw && renderer->options->strict && has_control(text, length)) {
		if (!first_complaint(node))
			return;
		diagnostics_add(renderer->list, SEVERITY_ERROR, NULL, node->at,
				"the value of '%s' has a line break or another control character",
				node->name);
		diagnostics_hint(renderer->list, "where that is meant, write {{{%s}}}", node->name);
	} else if (!raw && renderer->options->html) {
		add_html(renderer, text, length);
	} else {
		add(renderer, text, length);
	}
}

/* The shortest text that reads back as the same number. */
static void render_real(struct renderer *renderer, const json_t *value)
{
	double number = json_real_value(value);
	int precision = 1;
	char text[32];

	do
		snprintf(text, sizeof(text), "%.*g", precision, number);
	while (strtod(text, NULL) != number && ++precision <= 17);
	add(renderer, text, strlen(text));
}

static void render_variable(struct renderer *renderer, struct mustache_node *node,
			    const struct context *context)
{
	const json_t *value = look_up(renderer, node, context);
	char text[32];

	if (json_is_string(value)) {
		render_string(renderer, node, value);
	} else if (json_is_integer(value)) {
		snprintf(text, sizeof(text), "%" JSON_INTEGER_FORMAT, json_integer_value(value));
		add(renderer, text, strlen(text));
	} else if (json_is_real(value)) {
		render_real(renderer, value);
	} else if (json_is_boolean(value)) {
		add(renderer, json_is_true(value) ? "true" : "false", json_is_true(value) ? 4 : 5);
	} else if (value && !json_is_null(value) && renderer->options->strict &&
		   first_complaint(node)) {
		diagnostics_add(renderer->list, SEVERITY_ERROR, NULL, node->at,
				"'%s' is a %s and has no text", node->name,
				json_is_array(value) ? "list" : "mapping");
	}
}

static bool is_no(const json_t *value)
{
	return !value || json_is_false(value) || json_is_null(value) ||
	       (json_is_array(value) && json_array_size(value) == 0);
}

static void render_section(struct renderer *renderer, struct mustache_node *node,
			   const struct context *outer, const struct indent *indent)
{
	json_t *value = look_up(renderer, node, outer);
	struct context inner = {.outer = outer, .value = value};

	if (is_no(value) != (node->kind == MUSTACHE_INVERTED))
		return;
	if (node->kind == MUSTACHE_INVERTED) {
		render_nodes(renderer, node->children, outer, indent);
		return;
	}
	if (!json_is_array(value)) {
		render_nodes(renderer, node->children, &inner, indent);
		return;
	}
	for (size_t i = 0; i < json_array_size(value) && !renderer->stopped; i++) {
		inner.value = json_array_get(value, i);
		step(renderer);
		render_nodes(renderer, node->children, &inner, indent);
	}
}

/* The partial of that name, parsed at its first use; NULL if there is none. */
static const struct partial *find_partial(struct renderer *renderer, const char *name)
{
	const struct mustache_loader *loader = renderer->options->partials;
	struct partial *partial = renderer->partials;
	const struct source *source;

	while (partial && strcmp(partial->name, name) != 0)
		partial = partial->next;
	if (partial)
		return partial;
	source = loader ? loader->find(loader->context, name) : NULL;
	if (!source)
		return NULL;
	partial = arena_alloc(renderer->arena, sizeof(*partial));
	partial->name = name;
	partial->next = renderer->partials;
	renderer->partials = partial;
	/* a partial with mistakes is told once and then taken for empty */
	if (mustache_parse(renderer->arena, source, renderer->list, &partial->nodes) < 0)
		partial->nodes = NULL;
	return partial;
}

static void render_partial(struct renderer *renderer, struct mustache_node *node,
			   const struct context *context, const struct indent *outer)
{
	const struct indent inner = {.outer = outer, .tag = node};
	const struct partial *partial = find_partial(renderer, node->name);

	if (!partial) {
		if (renderer->options->strict && first_complaint(node))
			diagnostics_add(renderer->list, SEVERITY_ERROR, NULL, node->at,
					"no partial '%s'", node->name);
		return;
	}
	if (renderer->depth == DEEPEST_PARTIAL) {
		diagnostics_add(renderer->list, SEVERITY_ERROR, NULL, node->at,
				"more than %d partials within each other", DEEPEST_PARTIAL);
		renderer->stopped = true;
		return;
	}
	renderer->depth++;
	render_nodes(renderer, partial->nodes, context, node->alone ? &inner : NULL);
	renderer->depth--;
}

static void render_text(struct renderer *renderer, const struct mustache_node *node,
			const struct indent *indent)
{
	bool empty_line = node->length && (node->text[0] == '\n' || node->text[0] == '\r');

	if (node->begins_line && !empty_line)
		add_indent(renderer, indent);
	add(renderer, node->text, node->length);
}

static void render_nodes(struct renderer *renderer, struct mustache_node *node,
			 const struct context *context, const struct indent *indent)
{
	for (; node && !renderer->stopped; node = node->next) {
		step(renderer);
		switch (node->kind) {
		case MUSTACHE_TEXT:
			render_text(renderer, node, indent);
			break;
		case MUSTACHE_VARIABLE:
		case MUSTACHE_RAW:
			render_variable(renderer, node, context);
			break;
		case MUSTACHE_SECTION:
		case MUSTACHE_INVERTED:
			render_section(renderer, node, context, indent);
			break;
		case MUSTACHE_PARTIAL:
			render_partial(renderer, node, context, indent);
			break;
		}
	}
}

int mustache_render(struct arena *arena, const struct source *template, json_t *data,
		    const struct mustache_options *options, struct strbuf *out,
		    struct diagnostics *list)
{
	size_t errors_before = diagnostics_count(list, SEVERITY_ERROR);
	const struct context root = {.value = data};
	struct renderer renderer = {
		.arena = arena,
		.template = template,
		.options = options,
		.list = list,
		.limit = options->limit ? options->limit : MUSTACHE_LIMIT,
	};
	struct mustache_node *nodes;
	int error = -1;

	if (mustache_parse(arena, template, list, &nodes) < 0)
		return -1;
	render_nodes(&renderer, nodes, &root, NULL);
	if (diagnostics_count(list, SEVERITY_ERROR) == errors_before) {
		strbuf_add(out, strbuf_text(&renderer.text), renderer.text.length);
		error = 0;
	}
	strbuf_done(&renderer.text);
	return error;
}
