/*
 * Fuzz target: the environment of a container, a variable a line, as a topology. What is written is
 * a topology that can be read, whatever the values hold, and no password is in it or in what is
 * said.
 */
#include "confgen/environment/environment.h"
#include "confgen/topology/load.h"
#include "confgen/yaml/tree.h"

#include <assert.h>
#include <stdint.h>

#define MOST_OCTETS    8192
#define MOST_VARIABLES 64

/* No other text has this in it, or the input is of no use. */
#define SECRET "pEuL2w"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The lines, and a password at the end. */
static const char *const *split(struct arena *arena, const char *text)
{
	const char **variables = arena_array(arena, MOST_VARIABLES + 2, sizeof(*variables));
	size_t count = 0;

	while (*text && count < MOST_VARIABLES) {
		size_t length = strcspn(text, "\n");

		variables[count++] = arena_strndup(arena, text, length);
		text += length + (text[length] == '\n');
	}
	variables[count] = "RELAYHOST_PASSWORD=" SECRET;
	return variables;
}

static void check_said(struct diagnostics *list)
{
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	assert(out);
	diagnostics_print(list, out, false);
	fclose(out);
	assert(!strstr(text, SECRET));
	free(text);
}

/* Mistakes may be in it, which are the user's; what is none is its syntax. */
static void check_topology(struct arena *arena, const char *text)
{
	const struct source source = {ENVIRONMENT_NAME, text, strlen(text)};
	struct diagnostics *list = diagnostics_new(arena);

	assert(!strstr(text, SECRET));
	if (!yaml_parse(arena, &source, list)) {
		diagnostics_print(list, stderr, false);
		abort();
	}
	assert(topology_parse(arena, &source, "/nonexistent", SECRETS_LOOK, list));
	check_said(list);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(0);
	struct diagnostics *list = diagnostics_new(arena);
	struct environment environment = {.hostname = "relay.example.org", .keys = "/nonexistent"};
	const char *input = arena_strndup(arena, (const char *)data, size);

	if (size <= MOST_OCTETS && !strstr(input, SECRET)) {
		const char *text;

		environment.variables = split(arena, input);
		text = environment_topology(arena, &environment, list);
		assert(!text == (diagnostics_count(list, SEVERITY_ERROR) > 0));
		check_said(list);
		if (text)
			check_topology(arena, text);
	}
	arena_free(arena);
	return 0;
}
