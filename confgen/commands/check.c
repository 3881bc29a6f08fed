/* postern-confgen check: is this topology sound, and does Postfix accept what it gives? */
#include "confgen/commands/run.h"
#include "confgen/postfix/probe.h"

struct arguments {
	struct run *run;
	bool probe;
};

static const struct argp_option options[] = {
	{"no-postfix", 'P', NULL, 0, "Do not try the files with the Postfix installed here", 0},
	{0},
};

static error_t parse_option(int key, char *value, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	(void)value;
	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = arguments->run;
		return 0;
	case 'P':
		arguments->probe = false;
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
	.doc = "Tell what is wrong with a topology.\v"
	       "Where Postfix is installed, the files are rendered into a temporary folder and "
	       "tried with postconf, postmap and postfix check. Secrets are not read: the files "
	       "that hold them are only looked at.",
};

static enum exit_status try_with_postfix(struct run *run)
{
	enum probe_result result = PROBE_DONE;
	int error = probe_files(run->arena, run->topology, &run->files, run->list, &result);

	if (error) {
		complain("cannot try the files with Postfix: %s", strerror(-error));
		return EXIT_BROKEN;
	}
	if (result == PROBE_NO_POSTFIX)
		complain("Postfix is not installed here, so it could not be asked");
	if (result == PROBE_NOT_ROOT)
		complain("not root: 'postfix check' was left out");
	return diagnostics_count(run->list, SEVERITY_ERROR) ? EXIT_FINDINGS : EXIT_CLEAN;
}

static void summarize(const struct run *run)
{
	size_t errors = diagnostics_count(run->list, SEVERITY_ERROR);
	size_t warnings = diagnostics_count(run->list, SEVERITY_WARNING) - errors;

	print_escaped(stdout, run->path, strlen(run->path));
	printf(": %zu error%s, %zu warning%s\n", errors, errors == 1 ? "" : "s", warnings,
	       warnings == 1 ? "" : "s");
}

int command_check(int argc, char **argv)
{
	struct run run;
	struct arguments arguments = {.run = &run, .probe = true};
	enum exit_status status;

	run_begin(&run, "check", &argp, argc, argv, &arguments);
	status = run_files(&run, SECRETS_LOOK);
	if (status == EXIT_CLEAN && arguments.probe)
		status = try_with_postfix(&run);
	/* where there is no topology, nothing was found in it: that is no finding */
	run_report(&run, run.topology || status != EXIT_BROKEN ? stdout : stderr);
	if (status != EXIT_BROKEN)
		summarize(&run);
	run_done(&run);
	return status;
}
