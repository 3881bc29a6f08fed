/* The schema's rows as a JSON Schema, for editors and validators. */
#ifndef POSTERN_JSON_SCHEMA_H
#define POSTERN_JSON_SCHEMA_H

#include "confgen/topology/schema.h"

#include <jansson.h>

/*
 * A JSON Schema (draft-07, which yaml-language-server reads) of the language that `schema` is the
 * top of. What only the program can judge, such as whether a name is declared, is not in it. The
 * caller owns the reference.
 */
json_t *json_schema(const struct schema *schema);

#endif
