/* postern-confgen render: a topology becomes a tree of files, or nothing changes. */
#include "confgen/commands/command.h"
#include "confgen/output/staging.h"
#include "confgen/render/files.h"
#include "confgen/topology/load.h"

#include <argp.h>
#include <errno.h>

struct arguments {
	const char *topology, *output;
	struct render_options render;
};

static const struct argp_option options[] = {
	{"output", 'o', "DIR", 0, "Write the tree to DIR (default: out)", 0},
	{"host", 'n', "NODE", 0, "Render the files of this node only", 0},
	{"templates", 't', "DIR", 0, "Use the templates in DIR in place of those built in", 0},
	{0},
};

static error_t parse_option(int key, char *value, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case 'o':
		arguments->output = value;
		return 0;
	case 'n':
		arguments->render.host = value;
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
	.doc = "Write the files of every host of a topology.\v"
	       "The tree replaces one that was rendered before; a folder with other files in it is "
	       "left alone. A failed run changes nothing.",
};

static bool has_node(const struct topology *topology, const char *name)
{
	for (size_t i = 0; i < topology->nodes.count; i++)
		if (strcmp(topology->nodes.items[i].head.name.value, name) == 0)
			return topology->nodes.items[i].kind.value <= KIND_DMS;
	return false;
}

static int output_failed(const char *output, const char *what, int error)
{
	fprintf(stderr, "postern-confgen: cannot write %s%s%s: %s\n", output, what ? "/" : "",
		what ? what : "", strerror(-error));
	return EXIT_BROKEN;
}

/* Puts the files in place; the staging is gone afterwards, whatever happens. */
static int write_tree(struct arena *arena, const char *output, const struct rendered_files *files,
		      struct diagnostics *list)
{
	struct staging *staging;
	int error = staging_begin(arena, output, &staging);

	if (error)
		return output_failed(output, NULL, error);
	for (size_t i = 0; i < files->count; i++) {
		const struct rendered_file *file = &files->items[i];

		error = staging_add(staging, file->path, file->mode, file->text, file->length);
		if (error) {
			staging_abort(staging);
			return output_failed(output, file->path, error);
		}
	}
	error = staging_commit(staging, list);
	staging_abort(staging);
	if (error && error != -ECANCELED)
		return output_failed(output, NULL, error);
	return error ? EXIT_BROKEN : EXIT_CLEAN;
}

static int render(struct arena *arena, const struct arguments *arguments, struct diagnostics *list)
{
	struct rendered_files files;
	struct topology *topology;
	int error = topology_load(arena, arguments->topology, SECRETS_READ, list, &topology);

	if (error)
		return EXIT_BROKEN;
	if (!topology || diagnostics_count(list, SEVERITY_ERROR))
		return EXIT_FINDINGS;
	if (arguments->render.host && !has_node(topology, arguments->render.host)) {
		fprintf(stderr, "postern-confgen: the topology has no host '%s' of yours\n",
			arguments->render.host);
		return EXIT_USAGE;
	}
	error = files_render(arena, topology, &arguments->render, &files, list);
	if (error < -1) {
		fprintf(stderr, "postern-confgen: cannot use the templates in %s: %s\n",
			arguments->render.templates, strerror(-error));
		return EXIT_BROKEN;
	}
	if (error || diagnostics_count(list, SEVERITY_ERROR))
		return EXIT_FINDINGS;
	return write_tree(arena, arguments->output, &files, list);
}

int command_render(int argc, char **argv)
{
	struct arguments arguments = {.topology = DEFAULT_TOPOLOGY, .output = "out"};
	struct arena *arena;
	struct diagnostics *list;
	int status;

	argv[0] = (char[]){"postern-confgen render"};
	argp_err_exit_status = EXIT_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, &arguments);
	arena = arena_new(0);
	list = diagnostics_new(arena);
	status = render(arena, &arguments, list);
	command_print(list, stderr);
	arena_free(arena);
	return status;
}
