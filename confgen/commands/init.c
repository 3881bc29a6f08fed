/* postern-confgen init: an example of the pattern that is wanted, as the topology to start from. */
#include "confgen/commands/run.h"
#include "confgen/commands/presets.h"

#include "common/file.h"
#include "common/suggest.h"

#include <errno.h>
#include <fcntl.h>

#define MOST_PRESETS 64

struct arguments {
	const char *output, *preset;
};

static const struct argp_option options[] = {
	{"output", 'o', "FILE", 0, "Write to FILE (default: " DEFAULT_TOPOLOGY ")", 0},
	{0},
};

static error_t parse_option(int key, char *value, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case 'o':
		arguments->output = value;
		return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num > 0)
			argp_error(state, "only one preset at a time");
		arguments->preset = value;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse_option,
	.args_doc = "[PRESET]",
	.doc = "Write a topology to start from.\v"
	       "Without a PRESET, lists them. A file that is there is never overwritten.",
};

/* "dms-relay/topology.yaml" is the preset dms-relay. */
static const char *preset_name(struct arena *arena, const struct source *example)
{
	return arena_strndup(arena, example->name, strcspn(example->name, "/"));
}

/* The first comment of an example says what it is. */
static void print_presets(struct arena *arena)
{
	for (const struct source *example = embedded_examples; example->name; example++) {
		const char *line = example->text + strlen("# ");

		printf("%-20s %.*s\n", preset_name(arena, example), (int)strcspn(line, "\n"), line);
	}
}

static const struct source *find_preset(struct arena *arena, const char *name)
{
	const char *names[MOST_PRESETS], *near;
	size_t count = 0;

	for (const struct source *example = embedded_examples; example->name; example++) {
		if (strcmp(preset_name(arena, example), name) == 0)
			return example;
		if (count < MOST_PRESETS)
			names[count++] = preset_name(arena, example);
	}
	near = suggest(name, names, count);
	fprintf(stderr, "postern-confgen: there is no preset '%s'%s%s%s\n", name,
		near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
	fputs("'postern-confgen init' lists them.\n", stderr);
	return NULL;
}

static enum exit_status init(struct arena *arena, const struct arguments *arguments)
{
	const struct source *preset;
	int error;

	if (!arguments->preset) {
		print_presets(arena);
		return EXIT_CLEAN;
	}
	preset = find_preset(arena, arguments->preset);
	if (!preset)
		return EXIT_USAGE;
	error = file_create(AT_FDCWD, arguments->output, 0644, preset->text, preset->length);
	if (error) {
		fprintf(stderr, "postern-confgen: cannot write %s: %s\n", arguments->output,
			strerror(-error));
		return EXIT_BROKEN;
	}
	printf("%s written; adapt it, then run: postern-confgen check %s\n", arguments->output,
	       arguments->output);
	return EXIT_CLEAN;
}

int command_init(int argc, char **argv)
{
	struct arguments arguments = {.output = DEFAULT_TOPOLOGY};
	enum exit_status status;
	struct run run;

	run_begin(&run, "init", &argp, argc, argv, &arguments);
	status = init(run.arena, &arguments);
	run_done(&run);
	return status;
}
