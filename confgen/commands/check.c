/* postern-confgen check: is this topology sound, and does Postfix accept what it gives? */
#include "confgen/commands/command.h"
#include "confgen/postfix/probe.h"
#include "confgen/render/files.h"
#include "confgen/topology/load.h"

#include <argp.h>
#include <errno.h>

struct arguments {
	const char *topology;
	bool probe;
	struct render_options render;
};

static const struct argp_option options[] = {
	{"no-postfix", 'P', NULL, 0, "Do not try the files with the Postfix installed here", 0},
	{"templates", 't', "DIR", 0, "Use the templates in DIR in place of those built in", 0},
	{0},
};

static error_t parse_option(int key, char *value, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case 'P':
		arguments->probe = false;
		return 0;
	case 't':
		arguments->render.templates = value;
		return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num > 0)
			argp_error(state, "only one topology at a time");
		arguments->topology = value;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse_option,
	.args_doc = "[TOPOLOGY]",
	.doc = "Tell what is wrong with a topology.\v"
	       "Where Postfix is installed, the files are rendered into a temporary folder and "
	       "tried with "
	       "postconf, postmap and postfix check. Secrets are not read: files and variables "
	       "that hold them are only looked at.",
};

static int try_files(struct arena *arena, const struct arguments *arguments,
		     const struct topology *topology, struct diagnostics *list)
{
	enum probe_result result = PROBE_DONE;
	struct rendered_files files;
	int error = files_render(arena, topology, &arguments->render, &files, list);

	if (error < -1) {
		fprintf(stderr, "postern-confgen: cannot use the templates in %s: %s\n",
			arguments->render.templates, strerror(-error));
		return EXIT_BROKEN;
	}
	if (error || diagnostics_count(list, SEVERITY_ERROR))
		return EXIT_FINDINGS;
	if (!arguments->probe)
		return EXIT_CLEAN;
	error = probe_files(arena, topology, &files, list, &result);
	if (error) {
		fprintf(stderr, "postern-confgen: cannot try the files with Postfix: %s\n",
			strerror(-error));
		return EXIT_BROKEN;
	}
	if (result == PROBE_NO_POSTFIX)
		fputs("postern-confgen: Postfix is not installed here, so it could not be asked\n",
		      stderr);
	if (result == PROBE_NOT_ROOT)
		fputs("postern-confgen: not root: 'postfix check' was left out\n", stderr);
	return diagnostics_count(list, SEVERITY_ERROR) ? EXIT_FINDINGS : EXIT_CLEAN;
}

static int check(struct arena *arena, const struct arguments *arguments, struct diagnostics *list)
{
	struct topology *topology;
	int error = topology_load(arena, arguments->topology, SECRETS_LOOK, list, &topology);

	if (error)
		return EXIT_BROKEN;
	if (!topology || diagnostics_count(list, SEVERITY_ERROR))
		return EXIT_FINDINGS;
	return try_files(arena, arguments, topology, list);
}

static void summarize(const char *topology, const struct diagnostics *list)
{
	size_t errors = diagnostics_count(list, SEVERITY_ERROR);
	size_t warnings = diagnostics_count(list, SEVERITY_WARNING) - errors;

	print_escaped(stdout, topology, strlen(topology));
	printf(": %zu error%s, %zu warning%s\n", errors, errors == 1 ? "" : "s", warnings,
	       warnings == 1 ? "" : "s");
}

int command_check(int argc, char **argv)
{
	struct arguments arguments = {.topology = DEFAULT_TOPOLOGY, .probe = true};
	struct arena *arena;
	struct diagnostics *list;
	int status;

	argv[0] = (char[]){"postern-confgen check"};
	argp_err_exit_status = EXIT_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, &arguments);
	arena = arena_new(0);
	list = diagnostics_new(arena);
	status = check(arena, &arguments, list);
	command_print(list, stdout);
	if (status != EXIT_BROKEN)
		summarize(arguments.topology, list);
	arena_free(arena);
	return status;
}
