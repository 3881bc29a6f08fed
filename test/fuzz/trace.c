/*
 * A topology as a stranger wrote it, whose tests and implied checks are traced: no crash, no leak,
 * no message without an end, and work that is bounded.
 */
#include "confgen/render/files.h"
#include "confgen/topology/load.h"
#include "confgen/trace/checks.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void follow(struct arena *arena, struct trace *trace, const struct check *check)
{
	for (size_t i = 0; i < check->requests.count && i < 20; i++) {
		struct trace_result result;
		const char *why = NULL;

		trace_message(trace, &check->requests.items[i], &result);
		assert(result.outcome < OUTCOME_ANY);
		assert(result.reply && trace_summary(arena, &result));
		assert((result.end != NULL) || result.outcome == OUTCOME_UNREACHABLE);
		assert(check_met(arena, check, &result, &why) == !why);
		for (size_t j = 0; j < result.steps.count; j++)
			assert(result.steps.items[j].text);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(0);
	struct source source = {.name = "t", .text = (const char *)data, .length = size};
	struct diagnostics *list = diagnostics_new(arena);
	struct topology *topology =
		topology_parse(arena, &source, "/nonexistent", SECRETS_LOOK, list);
	struct render_options options = {0};
	struct rendered_files files = {0};
	struct checks checks = {0};
	struct source *sources;
	struct trace *trace;

	if (topology && !diagnostics_count(list, SEVERITY_ERROR) &&
	    files_render(arena, topology, &options, &files, list) == 0) {
		sources = arena_array(arena, files.count + 1, sizeof(*sources));
		for (size_t i = 0; i < files.count; i++)
			sources[i] = (struct source){files.items[i].path, files.items[i].text,
						     files.items[i].length};
		trace = trace_new(arena, topology, sources, files.count);
		checks_of_tests(arena, topology, &checks);
		checks_implied(trace, 3, &checks);
		for (size_t i = 0; i < checks.count && i < 60; i++)
			follow(arena, trace, &checks.items[i]);
		trace_done(trace);
	}
	arena_free(arena);
	return 0;
}
