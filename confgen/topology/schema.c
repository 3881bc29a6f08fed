/* From the YAML tree to structs, by the rows of the schema; see schema.h. */
#include "confgen/topology/schema.h"
#include "common/strbuf.h"
#include "common/suggest.h"
#include "confgen/topology/rules.h"

#include <errno.h>

#define MOST_KEYS 64 /* more than any schema has */

struct loader {
	struct arena *arena;
	struct diagnostics *list;
};

static void load_object(struct loader *load, const struct schema *schema,
			const struct yaml_node *node, void *out, bool secret);

static void wrong_type(struct loader *load, const struct schema_row *row,
		       const struct yaml_node *node, const char *wanted)
{
	report(load->list, WRONG_TYPE, node->at, "'%s' is %s, but %s is wanted", row->key,
	       yaml_is_null(node) ? "empty" : yaml_kind_name(node), wanted);
	diagnostics_hint(load->list, "%s", row->doc);
	if (row->secret)
		diagnostics_hide_source(load->list);
}

/* The text of a scalar that is not empty; else an error and NULL. */
static const char *scalar(struct loader *load, const struct schema_row *row,
			  const struct yaml_node *node, const char *wanted)
{
	if (node->kind == YAML_SCALAR && !yaml_is_null(node) && (node->length > 0 || row->blank))
		return node->text;
	wrong_type(load, row, node, wanted);
	return NULL;
}

/* A scalar that also passes the row's check. */
static const char *checked(struct loader *load, const struct schema_row *row,
			   const struct yaml_node *node)
{
	const char *value = scalar(load, row, node, "a text");
	const char *wrong = value && row->check ? row->check(value) : NULL;

	if (!wrong)
		return value;
	report(load->list, BAD_VALUE, node->at, "'%s' %s", row->secret ? "(not shown)" : value,
	       wrong);
	if (row->hint)
		diagnostics_hint(load->list, "%s", row->hint);
	if (row->secret)
		diagnostics_hide_source(load->list);
	return NULL;
}

static void load_text(struct loader *load, const struct schema_row *row,
		      const struct yaml_node *node, void *out)
{
	struct text *text = out;

	text->at = node->at;
	text->value = checked(load, row, node);
}

static void load_number(struct loader *load, const struct schema_row *row,
			const struct yaml_node *node, void *out)
{
	const char *value = scalar(load, row, node, "a number");
	struct number *number = out;
	unsigned long result;
	char *end;

	if (!value)
		return;
	errno = 0;
	result = strtoul(value, &end, 10);
	if (value[0] < '0' || value[0] > '9' || *end || errno || node->quoted ||
	    (value[0] == '0' && value[1])) {
		report(load->list, WRONG_TYPE, node->at, "'%s' is not a whole number", value);
		diagnostics_hint(load->list, "%s", row->doc);
	} else if (result < row->least || result > row->most) {
		report(load->list, BAD_VALUE, node->at, "%s must be between %lu and %lu", row->key,
		       row->least, row->most);
	} else {
		*number = (struct number){.given = true, .value = result, .at = node->at};
	}
}

static void load_choice(struct loader *load, const struct schema_row *row,
			const struct yaml_node *node, void *out)
{
	const char *value = scalar(load, row, node, "a word"), *near;
	struct choice *choice = out;
	struct strbuf words = STRBUF_INIT;
	int count = 0;

	if (!value)
		return;
	for (; row->choices[count]; count++) {
		if (strcmp(value, row->choices[count]) == 0) {
			*choice = (struct choice){.given = true, .value = count, .at = node->at};
			strbuf_done(&words);
			return;
		}
		strbuf_addf(&words, "%s%s", count ? ", " : "", row->choices[count]);
	}
	near = suggest(value, row->choices, (size_t)count);
	report(load->list, BAD_VALUE, node->at, "'%s' is no %s", value, row->key);
	if (near)
		diagnostics_hint(load->list, "did you mean '%s'? There are: %s", near, words.text);
	else
		diagnostics_hint(load->list, "there are: %s", words.text);
	strbuf_done(&words);
}

static void push_text(struct loader *load, const struct schema_row *row,
		      const struct yaml_node *node, void *out)
{
	struct text_list *list = out;
	const char *value = checked(load, row, node);

	if (value)
		*arena_push(load->arena, list) = (struct text){.value = value, .at = node->at};
}

static void push_network(struct loader *load, const struct schema_row *row,
			 const struct yaml_node *node, void *out)
{
	static const char *const wrong[] = {
		[IP_ERROR_SYNTAX] = "is not a network in CIDR notation",
		[IP_ERROR_PREFIX] = "has a prefix length that cannot be",
		[IP_ERROR_HOST_BITS] = "has bits set beyond its prefix: Postfix would refuse it",
	};
	const char *value = scalar(load, row, node, "a network in CIDR notation");
	struct network_list *list = out;
	struct ip_network network;
	enum ip_error error;

	if (!value)
		return;
	error = ip_network_parse(value, &network);
	if (error != IP_OK) {
		report(load->list, BAD_VALUE, node->at, "'%s' %s", value, wrong[error]);
		diagnostics_hint(load->list, "write it like 192.168.2.0/24 or fd00:2::/64");
		return;
	}
	*arena_push(load->arena, list) = (struct network_value){.value = network, .at = node->at};
}

static void push_address(struct loader *load, const struct schema_row *row,
			 const struct yaml_node *node, void *out)
{
	const char *value = scalar(load, row, node, "an IP address");
	struct address_list *list = out;
	struct ip_address address;

	if (!value)
		return;
	if (ip_parse(value, &address) != IP_OK) {
		report(load->list, BAD_VALUE, node->at, "'%s' is not an IP address", value);
		if (strchr(value, '/'))
			diagnostics_hint(load->list,
					 "an address of the node itself, without prefix length");
		return;
	}
	address = ip_unmap(address);
	if (ip_is_loopback(&address) || ip_is_unspecified(&address) || ip_is_multicast(&address)) {
		report(load->list, BAD_VALUE, node->at, "'%s' cannot be reached from another node",
		       value);
		return;
	}
	*arena_push(load->arena, list) = (struct address_value){.value = address, .at = node->at};
}

static void load_list(struct loader *load, const struct schema_row *row,
		      const struct yaml_node *node, void *out)
{
	void (*push)(struct loader *, const struct schema_row *, const struct yaml_node *, void *) =
		row->type == SCHEMA_TEXTS      ? push_text
		: row->type == SCHEMA_NETWORKS ? push_network
					       : push_address;

	if (node->kind == YAML_MAPPING || yaml_is_null(node) ||
	    (node->kind == YAML_SEQUENCE && node->count == 0)) {
		wrong_type(load, row, node, "a list");
		return;
	}
	if (node->kind == YAML_SCALAR)
		push(load, row, node, out);
	for (size_t i = 0; node->kind == YAML_SEQUENCE && i < node->count; i++)
		push(load, row, node->items[i], out);
}

/* All lists of objects have the same shape: where the items are, and how many. */
struct object_list {
	char *items;
	size_t count;
};

static void load_objects(struct loader *load, const struct schema_row *row,
			 const struct yaml_node *node, void *out)
{
	enum yaml_kind wanted = row->type == SCHEMA_MAP ? YAML_MAPPING : YAML_SEQUENCE;
	struct object_list *list = out;

	if (node->kind != wanted) {
		wrong_type(load, row, node,
			   wanted == YAML_MAPPING ? "a mapping of names" : "a list");
		return;
	}
	if (row->required && node->count == 0) {
		report(load->list, MISSING_KEY, node->at, "nothing is listed under '%s'", row->key);
		diagnostics_hint(load->list, "%s", row->doc);
	}
	list->items = arena_array(load->arena, node->count ? node->count : 1, row->of->size);
	for (size_t i = 0; i < node->count; i++) {
		struct head *head = (void *)(list->items + list->count * row->of->size);
		const char *wrong = NULL;

		if (row->type == SCHEMA_LIST) {
			load_object(load, row->of, node->items[i], head, false);
			list->count++;
			continue;
		}
		wrong = row->name_check(node->pairs[i].key);
		if (wrong)
			report(load->list, BAD_VALUE, node->pairs[i].at, "'%s' %s",
			       node->pairs[i].key, wrong);
		load_object(load, row->of, node->pairs[i].value, head, false);
		head->name = (struct text){node->pairs[i].key, node->pairs[i].at};
		list->count++;
	}
}

static void load_value(struct loader *load, const struct schema_row *row,
		       const struct yaml_node *node, void *base)
{
	void *out = (char *)base + row->offset;

	switch (row->type) {
	case SCHEMA_TEXT:
		load_text(load, row, node, out);
		break;
	case SCHEMA_NUMBER:
		load_number(load, row, node, out);
		break;
	case SCHEMA_CHOICE:
		load_choice(load, row, node, out);
		break;
	case SCHEMA_TEXTS:
	case SCHEMA_NETWORKS:
	case SCHEMA_ADDRESSES:
		load_list(load, row, node, out);
		break;
	case SCHEMA_OBJECT:
		load_object(load, row->of, node, out, row->secret);
		break;
	case SCHEMA_MAP:
	case SCHEMA_LIST:
		load_objects(load, row, node, out);
		break;
	}
}

static const struct schema_row *find_row(const struct schema *schema, const char *key)
{
	for (size_t i = 0; i < schema->count; i++)
		if (strcmp(schema->rows[i].key, key) == 0)
			return &schema->rows[i];
	return NULL;
}

/* Where a secret is expected, a key that is none may be the secret itself. */
static void unknown_key(struct loader *load, const struct schema *schema,
			const struct yaml_pair *pair, bool secret)
{
	const char *keys[MOST_KEYS], *near;
	size_t errors = diagnostics_count(load->list, SEVERITY_ERROR);
	struct strbuf all = STRBUF_INIT;

	for (size_t i = 0; i < schema->count && i < MOST_KEYS; i++) {
		keys[i] = schema->rows[i].key;
		strbuf_addf(&all, "%s%s", i ? ", " : "", keys[i]);
	}
	near = errors < MOST_SUGGESTIONS ? suggest(pair->key, keys, schema->count) : NULL;
	report(load->list, UNKNOWN_KEY, pair->at, "%s has no key '%s'", schema->what,
	       secret ? "(not shown)" : pair->key);
	if (schema->secret)
		diagnostics_hide_source(load->list);
	if (near)
		diagnostics_hint(load->list, "did you mean '%s'?", near);
	else
		diagnostics_hint(load->list, "it has: %s", all.text);
	strbuf_done(&all);
}

static void set_presets(const struct schema *schema, void *out)
{
	for (size_t i = 0; i < schema->count; i++) {
		const struct schema_row *row = &schema->rows[i];
		void *member = (char *)out + row->offset;

		if (row->type == SCHEMA_NUMBER)
			((struct number *)member)->value = row->preset;
		else if (row->type == SCHEMA_CHOICE)
			((struct choice *)member)->value = (int)row->preset;
		else if (row->type == SCHEMA_OBJECT)
			set_presets(row->of, member);
	}
}

static bool has_key(const struct yaml_node *node, const char *key)
{
	for (size_t i = 0; i < node->count; i++)
		if (strcmp(node->pairs[i].key, key) == 0)
			return true;
	return false;
}

static void load_object(struct loader *load, const struct schema *schema,
			const struct yaml_node *node, void *out, bool secret)
{
	struct head *head = out;

	set_presets(schema, out);
	head->given = true;
	head->at = node->at;
	if (node->kind != YAML_MAPPING && schema->shorthand) {
		load_value(load, find_row(schema, schema->shorthand), node, out);
		return;
	}
	if (node->kind != YAML_MAPPING) {
		head->given = false;
		report(load->list, WRONG_TYPE, node->at, "%s is a mapping of keys, not %s",
		       schema->what, yaml_is_null(node) ? "empty" : yaml_kind_name(node));
		diagnostics_hint(load->list, "its keys: %s%s%s", schema->rows[0].key,
				 schema->count > 1 ? ", " : "",
				 schema->count > 1 ? schema->rows[1].key : "");
		if (secret)
			diagnostics_hide_source(load->list);
		return;
	}
	if (schema->filled && node->count == 0) {
		report(load->list, MISSING_KEY, node->at, "%s without a key says nothing",
		       schema->what);
		diagnostics_hint(load->list, "its keys: %s, %s", schema->rows[0].key,
				 schema->rows[1].key);
	}
	for (size_t i = 0; i < node->count; i++) {
		const struct schema_row *row = find_row(schema, node->pairs[i].key);

		if (row)
			load_value(load, row, node->pairs[i].value, out);
		else
			unknown_key(load, schema, &node->pairs[i], secret);
	}
	for (size_t i = 0; i < schema->count; i++)
		if (schema->rows[i].required && !has_key(node, schema->rows[i].key)) {
			report(load->list, MISSING_KEY, node->at, "%s needs the key '%s'",
			       schema->what, schema->rows[i].key);
			diagnostics_hint(load->list, "%s", schema->rows[i].doc);
		}
}

void schema_load(struct arena *arena, const struct schema *schema, const struct yaml_node *tree,
		 void *out, struct diagnostics *list)
{
	struct loader load = {arena, list};

	load_object(&load, schema, tree, out, false);
}
