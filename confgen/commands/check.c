/* postern-confgen check: is this topology sound, and does Postfix accept what it gives? */
#include "confgen/commands/lint_rendered.h"
#include "confgen/commands/reporting.h"
#include "confgen/commands/run.h"
#include "confgen/postfix/probe.h"

struct arguments {
	struct run *run;
	struct reporting reporting;
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
		state->child_inputs[1] = &arguments->reporting;
		return 0;
	case 'P':
		arguments->probe = false;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = {
	{&run_options_argp, 0, NULL, 0}, {&reporting_argp, 0, NULL, 0}, {0}};

static const struct argp argp = {
	.options = options,
	.parser = parse_option,
	.children = children,
	.args_doc = "[TOPOLOGY]",
	.doc = "Tell what is wrong with a topology.\v"
	       "The rules of lint are applied to the rendered files. Where Postfix is installed, "
	       "the files are rendered into a temporary folder and "
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
	return EXIT_CLEAN;
}

static void summarize(const struct run *run)
{
	size_t errors = diagnostics_count(run->list, SEVERITY_ERROR);
	size_t warnings = diagnostics_count(run->list, SEVERITY_WARNING) - errors;

	print_escaped(stdout, run->path, strlen(run->path));
	printf(": %zu error%s, %zu warning%s\n", errors, errors == 1 ? "" : "s", warnings,
	       warnings == 1 ? "" : "s");
}

static void report(struct run *run, struct report *to)
{
	report_begin(to);
	report_add(to, run->path, run->list);
	report_end(to);
	if (to->format == REPORT_TEXT)
		summarize(run);
}

int command_check(int argc, char **argv)
{
	struct run run;
	struct arguments arguments = {.run = &run, .probe = true};
	enum exit_status status;

	reporting_init(&arguments.reporting, SEVERITY_ERROR);
	run_begin(&run, "check", &argp, argc, argv, &arguments);
	status = run_files(&run, SECRETS_LOOK);
	if (status == EXIT_CLEAN)
		lint_rendered(run.arena, run.topology, &run.files, run.list);
	if (status == EXIT_CLEAN && arguments.probe)
		status = try_with_postfix(&run);
	/* where there is no topology, nothing was found in it: that is no finding */
	if (!run.topology && status == EXIT_BROKEN)
		run_report(&run, stderr);
	else
		report(&run, &arguments.reporting.report);
	if (status == EXIT_FINDINGS || status == EXIT_CLEAN)
		status = reporting_status(&arguments.reporting);
	run_done(&run);
	return status;
}
