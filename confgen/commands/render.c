/* postern-confgen render: a topology becomes a tree of files, or nothing changes. */
#include "confgen/commands/run.h"
#include "confgen/environment/environment.h"

#include <errno.h>
#include <unistd.h>

struct arguments {
	struct run *run;
	const char *output, *keys;
	bool environment, print;
};

static const struct argp_option options[] = {
	{"output", 'o', "DIR", 0, "Write the tree to DIR (default: out)", 0},
	{"host", 'n', "NODE", 0, "Render the files of this node only", 0},
	{"from-env", 'e', NULL, 0, "Read the environment of a relay container, not a topology", 0},
	{"keys", 'k', "DIR", 0, "Look for DOMAIN.private in DIR (" ENVIRONMENT_KEYS ")", 0},
	{"print-topology", 'p', NULL, 0, "Print what the environment amounts to, and exit", 0},
	{0},
};

static error_t parse_option(int key, char *value, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = arguments->run;
		return 0;
	case 'o':
		arguments->output = value;
		return 0;
	case 'n':
		arguments->run->options.host = value;
		return 0;
	case 'e':
		arguments->environment = true;
		return 0;
	case 'k':
		arguments->keys = value;
		return 0;
	case 'p':
		arguments->print = true;
		return 0;
	case ARGP_KEY_END:
		if (arguments->environment && arguments->run->named)
			argp_error(state, "--from-env takes no topology");
		if (!arguments->environment && (arguments->print || arguments->keys))
			argp_error(state, "--print-topology and --keys go with --from-env");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse_option,
	.children = run_argp,
	.args_doc = "[TOPOLOGY]",
	.doc = "Write the files of every host of a topology.\v"
	       "The tree replaces one that was rendered before; a folder with other files in it is "
	       "left alone. A failed run changes nothing.",
};

static bool has_host(const struct topology *topology, const char *name)
{
	for (size_t i = 0; i < topology->nodes.count; i++)
		if (strcmp(topology->nodes.items[i].head.name.value, name) == 0)
			return topology->nodes.items[i].kind.value <= KIND_DMS;
	return false;
}

/* Loads the topology that the environment amounts to. Passwords are read from it for files only. */
static enum exit_status load_environment(struct run *run, const struct arguments *arguments)
{
	char hostname[256] = "";
	const struct environment environment = {
		.variables = (const char *const *)environ,
		.hostname = hostname,
		.keys = arguments->keys ? arguments->keys : ENVIRONMENT_KEYS,
	};
	struct source *source = arena_alloc(run->arena, sizeof(*source));

	gethostname(hostname, sizeof(hostname) - 1);
	source->name = ENVIRONMENT_NAME;
	source->text = environment_topology(run->arena, &environment, run->list);
	if (!source->text)
		return EXIT_FINDINGS;
	source->length = strlen(source->text);
	run->topology = topology_parse(run->arena, source, ".",
				       arguments->print ? SECRETS_LOOK : SECRETS_READ, run->list);
	if (diagnostics_count(run->list, SEVERITY_ERROR))
		return EXIT_FINDINGS;
	if (!arguments->print)
		return run_render(run);
	return fputs(source->text, stdout) == EOF || fflush(stdout) == EOF ? EXIT_BROKEN
									   : EXIT_CLEAN;
}

int command_render(int argc, char **argv)
{
	struct run run;
	struct arguments arguments = {.run = &run, .output = "out"};
	enum exit_status status;

	run_begin(&run, "render", &argp, argc, argv, &arguments);
	status = arguments.environment ? load_environment(&run, &arguments)
				       : run_files(&run, SECRETS_READ);
	if (status == EXIT_CLEAN && run.options.host && !has_host(run.topology, run.options.host)) {
		complain("the topology has no host '%s' of yours", run.options.host);
		status = EXIT_USAGE;
	}
	if (status == EXIT_CLEAN && !arguments.print)
		status = run_write(&run, arguments.output);
	run_report(&run, stderr);
	run_done(&run);
	return status;
}
