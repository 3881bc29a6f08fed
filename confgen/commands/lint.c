/* postern-confgen lint: what is wrong in Postfix configurations, whoever wrote them. */
#include "confgen/commands/command.h"
#include "confgen/lint/lint.h"

#include <argp.h>

struct lint_arguments {
	struct arena *arena;
	const char **paths;
	size_t count;
	enum postfix_release release;
};

static const struct argp_option options[] = {
	{"target-postfix", 'T', "VERSION", 0, "The release that the files are for, such as 3.7", 0},
	{0},
};

static error_t parse_option(int key, char *value, struct argp_state *state)
{
	struct lint_arguments *arguments = state->input;

	switch (key) {
	case 'T':
		if (!postfix_release_parse(value, &arguments->release))
			argp_error(state, "'%s' is no version of Postfix", value);
		return 0;
	case ARGP_KEY_ARG:
		arguments->paths = arena_grow(arguments->arena, arguments->paths, arguments->count,
					      sizeof(*arguments->paths));
		arguments->paths[arguments->count++] = value;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse_option,
	.args_doc = "[PATH...]",
	.doc = "Tell what is wrong in a Postfix configuration.\v"
	       "PATH is a folder with main.cf and master.cf, or one of these files; by default "
	       "/etc/postfix. Postfix is not run, and nothing is changed.",
};

static void lint_path(struct lint_arguments *arguments, const char *path, struct diagnostics *list,
		      size_t *unread)
{
	struct configuration *configuration =
		configuration_load(arguments->arena, path, arguments->release, list);
	struct lint lint = {.arena = arguments->arena,
			    .configuration = configuration,
			    .list = list,
			    .permissions = true};

	if (configuration)
		lint_run(&lint);
	else
		++*unread;
}

int command_lint(int argc, char **argv)
{
	struct lint_arguments arguments = {.arena = arena_new(0), .release = POSTFIX_USUAL};
	struct diagnostics *list = diagnostics_new(arguments.arena);
	static const char *usual[] = {"/etc/postfix"};
	size_t unread = 0, warnings;

	argv[0] = arena_printf(arguments.arena, "postern-confgen lint");
	argp_err_exit_status = EXIT_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, &arguments);
	if (!arguments.count) {
		arguments.paths = usual;
		arguments.count = 1;
	}
	for (size_t i = 0; i < arguments.count; i++)
		lint_path(&arguments, arguments.paths[i], list, &unread);
	warnings = diagnostics_count(list, SEVERITY_WARNING);
	diagnostics_print(list, stdout, diagnostics_want_color(stdout));
	arena_free(arguments.arena);
	return unread ? EXIT_BROKEN : warnings ? EXIT_FINDINGS : EXIT_CLEAN;
}
