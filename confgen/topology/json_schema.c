/* Rows to JSON Schema; see json_schema.h. */
#include "confgen/topology/json_schema.h"

static json_t *of_object(const struct schema *schema);

static json_t *type(const char *name)
{
	return json_pack("{s:s}", "type", name);
}

static json_t *either(json_t *a, json_t *b)
{
	return json_pack("{s:[o, o]}", "anyOf", a, b);
}

/* One text stands for a list of one. */
static json_t *text_or_texts(void)
{
	return either(type("string"), json_pack("{s:s, s:i, s:o}", "type", "array", "minItems", 1,
						"items", type("string")));
}

static json_t *of_choice(const struct schema_row *row)
{
	json_t *words = json_array();

	for (size_t i = 0; row->choices[i]; i++)
		json_array_append_new(words, json_string(row->choices[i]));
	return json_pack("{s:o}", "enum", words);
}

static json_t *of_value(const struct schema_row *row)
{
	switch (row->type) {
	case SCHEMA_TEXT:
		/* a version such as 3.7 is a number to YAML when it stands without quotes */
		return json_pack("{s:[s, s]}", "type", "string", "number");
	case SCHEMA_NUMBER:
		return json_pack("{s:s, s:I, s:I}", "type", "integer", "minimum",
				 (json_int_t)row->least, "maximum", (json_int_t)row->most);
	case SCHEMA_CHOICE:
		return of_choice(row);
	case SCHEMA_TEXTS:
	case SCHEMA_NETWORKS:
	case SCHEMA_ADDRESSES:
		return text_or_texts();
	case SCHEMA_OBJECT:
		return of_object(row->of);
	case SCHEMA_MAP:
		return json_pack("{s:s, s:o}", "type", "object", "additionalProperties",
				 of_object(row->of));
	case SCHEMA_LIST:
		return json_pack("{s:s, s:o}", "type", "array", "items", of_object(row->of));
	}
	return NULL;
}

static void add_default(json_t *property, const struct schema_row *row)
{
	if (row->type == SCHEMA_CHOICE && !row->required)
		json_object_set_new(property, "default", json_string(row->choices[row->preset]));
	if (row->type == SCHEMA_NUMBER && row->preset)
		json_object_set_new(property, "default", json_integer((json_int_t)row->preset));
}

static json_t *of_object(const struct schema *schema)
{
	json_t *properties = json_object(), *required = json_array(), *object;
	const struct schema_row *shorthand = NULL;

	for (size_t i = 0; i < schema->count; i++) {
		const struct schema_row *row = &schema->rows[i];
		json_t *property = of_value(row);

		json_object_set_new(property, "description", json_string(row->doc));
		add_default(property, row);
		json_object_set_new(properties, row->key, property);
		if (row->required)
			json_array_append_new(required, json_string(row->key));
		if (schema->shorthand && strcmp(schema->shorthand, row->key) == 0)
			shorthand = row;
	}
	object = json_pack("{s:s, s:o, s:o, s:b}", "type", "object", "properties", properties,
			   "required", required, "additionalProperties", 0);
	if (schema->filled)
		json_object_set_new(object, "minProperties", json_integer(1));
	return shorthand ? either(of_value(shorthand), object) : object;
}

json_t *json_schema(const struct schema *schema)
{
	json_t *object = of_object(schema);

	json_object_set_new(object, "$schema",
			    json_string("http://json-schema.org/draft-07/schema#"));
	json_object_set_new(object, "title", json_string("Postern relay topology"));
	return object;
}
