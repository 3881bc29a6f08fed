/* postern-confgen plan: what would change on this machine? Exit statuses as terraform has them. */
#include "confgen/commands/applying.h"

enum { PLAN_SAME = 0, PLAN_FAILED = 1, PLAN_CHANGES = 2 };

static error_t parse_option(int key, char *value, struct argp_state *state)
{
	struct applying *applying = state->input;

	(void)value;
	if (key != ARGP_KEY_INIT)
		return ARGP_ERR_UNKNOWN;
	/* 2 says that there are changes */
	argp_err_exit_status = PLAN_FAILED;
	state->child_inputs[0] = applying->run;
	state->child_inputs[1] = applying;
	state->child_inputs[2] = applying;
	return 0;
}

static const struct argp_child children[] = {{&run_options_argp, 0, NULL, 0},
					     {&applying_plan_argp, 0, NULL, 0},
					     {&applying_folders_argp, 0, NULL, 0},
					     {0}};

static const struct argp argp = {
	.parser = parse_option,
	.children = children,
	.args_doc = "[TOPOLOGY]",
	.doc = "Tell what apply would change on this machine.\v"
	       "Nothing is changed. Secrets are masked. Exit status: 0 nothing would change, 2 "
	       "something would, 1 failure.",
};

int command_plan(int argc, char **argv)
{
	struct run run;
	struct applying applying;
	struct plan plan;
	enum exit_status status;
	int result = PLAN_FAILED;

	applying_init(&applying, &run);
	run_begin(&run, "plan", &argp, argc, argv, &applying);
	status = applying_load(&applying, true);
	if (status == EXIT_CLEAN)
		status = applying_open(&applying, false);
	if (status == EXIT_CLEAN)
		status = applying_plan(&applying, &plan);
	if (status == EXIT_CLEAN) {
		applying_report(&applying, &plan);
		result = applying_failed(&applying) ? PLAN_FAILED
			 : plan_has_changes(&plan)  ? PLAN_CHANGES
						    : PLAN_SAME;
	}
	run_report(&run, stderr);
	applying_done(&applying);
	run_done(&run);
	return result;
}
