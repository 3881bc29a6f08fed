/* postern-confgen test: what the topology says of itself, and what must be true of every one. */
#include "confgen/commands/run.h"
#include "confgen/commands/test_live.h"
#include "confgen/commands/test_report.h"

/* Of many alike domains, so many are tried: by trace, and in the lab. */
#define MOST_TRACED 200
#define MOST_LIVE   3

struct arguments {
	struct run *run;
	const char *lab, *only;
	enum test_format format;
	bool live, own, explain;
};

enum { OPTION_LAB = 1 };

static const struct argp_option options[] = {
	{"live", 'l', NULL, 0, "Also send each through real Postfix (needs root)", 0},
	{"lab", OPTION_LAB, "PROGRAM", 0, "The lab ($POSTERN_LAB, or postern-lab)", 0},
	{"own", 'o', NULL, 0, "Only the tests that the topology has", 0},
	{"only", 'n', "TEXT", 0, "Only tests with TEXT in their name", 0},
	{"explain", 'e', NULL, 0, "Show the way of all, not only of failures", 0},
	{"format", 'f', "FORMAT", 0, "tap (default), junit or json", 0},
	{0},
};

static bool find_format(const char *name, enum test_format *out)
{
	static const char *const names[] = {"tap", "junit", "json"};

	for (int i = 0; i < 3; i++)
		if (strcmp(name, names[i]) == 0) {
			*out = (enum test_format)i;
			return true;
		}
	return false;
}

static error_t parse_option(int key, char *value, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = arguments->run;
		return 0;
	case 'l':
		arguments->live = true;
		return 0;
	case OPTION_LAB:
		arguments->lab = value;
		return 0;
	case 'o':
		arguments->own = true;
		return 0;
	case 'n':
		arguments->only = value;
		return 0;
	case 'e':
		arguments->explain = true;
		return 0;
	case 'f':
		if (!find_format(value, &arguments->format))
			argp_error(state, "there is no format '%s': tap, junit or json", value);
		return 0;
	case ARGP_KEY_END:
		if (arguments->lab && !arguments->live)
			argp_error(state, "--lab goes with --live");
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
	.doc = "Run the tests of a topology, and those that nobody should have to write.\v"
	       "Each message is traced, as 'trace' does it. With --live the hosts are booted as "
	       "well; a "
	       "verdict of the lab that is not that of the trace is a failure of its own.",
};

/* The messages of a check, traced. */
static void run_check(struct trace *trace, const struct check *check, struct test_run *tests,
		      struct outcome_of_check *out)
{
	out->check = check;
	for (size_t i = 0; i < check->requests.count; i++) {
		struct trial *trial = arena_push(tests->arena, &out->trials);

		trial->request = check->requests.items[i];
		trace_message(trace, &trial->request, &trial->result);
		if (!check_met(tests->arena, check, &trial->result, &trial->why))
			out->failed = true;
	}
}

static void run_checks(struct trace *trace, const struct arguments *arguments,
		       struct checks *checks, struct test_run *tests)
{
	const struct topology *topology = arguments->run->topology;

	checks_of_tests(tests->arena, topology, checks);
	if (!arguments->own)
		checks_implied(trace, arguments->live ? MOST_LIVE : MOST_TRACED, checks);
	tests->items = arena_array(tests->arena, checks->count + 1, sizeof(*tests->items));
	for (size_t i = 0; i < checks->count; i++)
		if (!arguments->only || strstr(checks->items[i].name, arguments->only))
			run_check(trace, &checks->items[i], tests, &tests->items[tests->count++]);
}

/* Adds up; a difference fails a check whatever it expects. */
static void count(struct test_run *tests)
{
	for (size_t i = 0; i < tests->count; i++) {
		struct outcome_of_check *outcome = &tests->items[i];
		bool differs = false, skipped = false;

		for (size_t j = 0; j < outcome->trials.count; j++) {
			differs |= outcome->trials.items[j].differs != NULL;
			skipped |= outcome->trials.items[j].skipped != NULL;
		}
		outcome->failed |= differs;
		tests->differing += differs;
		tests->skipped += skipped;
		tests->failed += outcome->failed;
	}
}

static void release(struct test_run *tests)
{
	for (size_t i = 0; i < tests->count; i++)
		for (size_t j = 0; j < tests->items[i].trials.count; j++)
			json_decref(tests->items[i].trials.items[j].lab);
}

static enum exit_status run_tests(const struct arguments *arguments)
{
	struct run *run = arguments->run;
	struct test_run tests = {
		.arena = run->arena, .topology = run->path, .live = arguments->live};
	enum exit_status status = EXIT_CLEAN;
	struct trace *trace = run_trace(run);
	struct checks checks = {0};

	run_checks(trace, arguments, &checks, &tests);
	if (tests.count == 0 && arguments->only) {
		complain("no test has '%s' in its name", arguments->only);
		status = EXIT_USAGE;
	}
	if (status == EXIT_CLEAN && arguments->live)
		status = test_live(run, trace, arguments->lab, &tests);
	if (status == EXIT_CLEAN) {
		count(&tests);
		test_report(stdout, &tests, arguments->format, arguments->explain);
		status = tests.failed ? EXIT_FINDINGS : EXIT_CLEAN;
		if (!run_flush())
			status = EXIT_BROKEN;
	}
	release(&tests);
	trace_done(trace);
	return status;
}

int command_test(int argc, char **argv)
{
	struct run run;
	struct arguments arguments = {.run = &run};
	enum exit_status status;

	run_begin(&run, "test", &argp, argc, argv, &arguments);
	status = run_files(&run, SECRETS_LOOK);
	if (status == EXIT_CLEAN)
		status = run_tests(&arguments);
	run_report(&run, stderr);
	run_done(&run);
	return status;
}
