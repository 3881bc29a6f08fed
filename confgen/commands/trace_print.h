/* A traced message as text and as JSON: for trace and test. */
#ifndef POSTERN_COMMANDS_TRACE_PRINT_H
#define POSTERN_COMMANDS_TRACE_PRINT_H

#include "confgen/trace/trace.h"

#include <jansson.h>
#include <stdio.h>

/* The steps, a line each with the places that decided, and the outcome. `explain`: all that was
 * looked at, with the lines themselves. `indent` stands before each line. */
void trace_print(FILE *out, struct arena *arena, const struct trace_result *result, bool explain,
		 const char *indent);

/* The result as an object, with its steps. The caller owns the reference. */
json_t *trace_to_json(struct arena *arena, const struct trace_result *result, bool explain);

/* What a client has to do to send the message: for the lab. The caller owns the reference. */
json_t *trace_request_to_json(const struct request *request, const struct trace_result *result);

/* An array of texts, or of nodes' names. */
json_t *trace_path_to_json(const struct trace_result *result);

#endif
