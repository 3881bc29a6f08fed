/* postern-confgen render: a topology becomes a tree of files, or nothing changes. */
#include "confgen/commands/command.h"
#include "confgen/output/staging.h"

#include <errno.h>

struct arguments {
	struct run *run;
	const char *output;
};

static const struct argp_option options[] = {
	{"output", 'o', "DIR", 0, "Write the tree to DIR (default: out)", 0},
	{"host", 'n', "NODE", 0, "Render the files of this node only", 0},
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

static enum exit_status output_failed(const char *output, const char *what, int error)
{
	complain("cannot write %s%s%s: %s", output, what ? "/" : "", what ? what : "",
		 strerror(-error));
	return EXIT_BROKEN;
}

/* Puts the files in place; the staging is gone afterwards, whatever happens. */
static enum exit_status write_tree(struct run *run, const char *output)
{
	struct staging *staging;
	int error = staging_begin(run->arena, output, &staging);

	if (error)
		return output_failed(output, NULL, error);
	for (size_t i = 0; i < run->files.count; i++) {
		const struct rendered_file *file = &run->files.items[i];

		error = staging_add(staging, file->path, file->mode, file->text, file->length);
		if (error) {
			staging_abort(staging);
			return output_failed(output, file->path, error);
		}
	}
	error = staging_commit(staging, run->list);
	staging_abort(staging);
	if (error && error != -ECANCELED)
		return output_failed(output, NULL, error);
	return error ? EXIT_BROKEN : EXIT_CLEAN;
}

static bool has_host(const struct topology *topology, const char *name)
{
	for (size_t i = 0; i < topology->nodes.count; i++)
		if (strcmp(topology->nodes.items[i].head.name.value, name) == 0)
			return topology->nodes.items[i].kind.value <= KIND_DMS;
	return false;
}

int command_render(int argc, char **argv)
{
	struct run run;
	struct arguments arguments = {.run = &run, .output = "out"};
	enum exit_status status;

	run_begin(&run, "render", &argp, argc, argv, &arguments);
	status = run_files(&run, SECRETS_READ);
	if (status == EXIT_CLEAN && run.options.host && !has_host(run.topology, run.options.host)) {
		complain("the topology has no host '%s' of yours", run.options.host);
		status = EXIT_USAGE;
	}
	if (status == EXIT_CLEAN)
		status = write_tree(&run, arguments.output);
	run_report(&run, stderr);
	run_done(&run);
	return status;
}
