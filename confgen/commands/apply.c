/* postern-confgen apply: the files of a node onto this machine, as a whole or not at all. */
#include "confgen/apply/trial.h"
#include "confgen/commands/applying.h"
#include "confgen/postfix/run.h"

#include <errno.h>
#include <unistd.h>

static error_t parse_option(int key, char *value, struct argp_state *state)
{
	struct applying *applying = state->input;

	(void)value;
	if (key != ARGP_KEY_INIT)
		return ARGP_ERR_UNKNOWN;
	state->child_inputs[0] = applying->run;
	state->child_inputs[1] = applying;
	state->child_inputs[2] = applying;
	state->child_inputs[3] = applying;
	return 0;
}

static const struct argp_child children[] = {{&run_options_argp, 0, NULL, 0},
					     {&applying_plan_argp, 0, NULL, 0},
					     {&applying_folders_argp, 0, NULL, 0},
					     {&applying_change_argp, 0, NULL, 0},
					     {0}};

static const struct argp argp = {
	.parser = parse_option,
	.children = children,
	.args_doc = "[TOPOLOGY]",
	.doc = "Put the files of a node in place on this machine.\v"
	       "Shows the plan and asks. Files change all or none, also if the run is killed; "
	       "what Postfix does not take is taken back.",
};

static bool is_dms(const struct applying *applying)
{
	return applying->node->kind.value == KIND_DMS;
}

/* What can be known without a look at the files. */
static bool check_machine(struct applying *applying)
{
	static const char *const programs[] = {"postconf", "postmap", "postfix"};
	struct arena *arena = applying->run->arena;

	if (is_dms(applying))
		return true;
	if (geteuid() != 0) {
		applying_refuse(applying, "sudo postern-confgen apply ...",
				"only root may change Postfix's files");
		return false;
	}
	for (size_t i = 0; i < sizeof(programs) / sizeof(*programs); i++) {
		if (run_find(arena, programs[i]))
			continue;
		applying_refuse(applying, "apt-get install postfix",
				"Postfix is not installed here: there is no %s", programs[i]);
		return false;
	}
	return true;
}

/* What the plan shows to be impossible. */
static bool check_plan(struct applying *applying, const struct plan *plan)
{
	struct run *run = applying->run;
	int error = 0;

	for (size_t i = 0; i < plan->files.count; i++)
		if (plan->files.items[i].changed)
			place_check_file(run->arena, &applying->place, plan->files.items[i].path,
					 run->list);
	if (!is_dms(applying))
		error = trial_check_types(run->arena, plan, &applying->place, run->list);
	if (error)
		applying_refuse(applying, NULL, "cannot ask postconf: %s", strerror(-error));
	if (!is_dms(applying) && !applying_failed(applying))
		applying_can_activate(applying);
	return !applying_failed(applying);
}

static void note(struct applying *applying, const struct state *state, const char *result)
{
	struct arena *arena = applying->run->arena;
	const char *names = "";

	for (size_t i = 0; i < state->files.count; i++)
		names = arena_printf(arena, "%s %s", names, state->files.items[i].path);
	store_log(&applying->store, state->who,
		  arena_printf(arena, "%s %d: node %s of %s, %s:%s: %s",
			       state->rollback ? "rollback" : "apply", state->number, state->node,
			       state->topology, state->full ? "full" : "overlay", names, result));
}

/* Postfix did not take the change: the state before it comes back. */
static void return_to(struct applying *applying, const struct state *failed)
{
	struct arena *arena = applying->run->arena;
	struct diagnostics *quiet = diagnostics_new(arena);
	struct way_back back;
	struct state state;
	int error = store_history(&applying->store, &applying->history);

	if (!error)
		error = rollback_plan(arena, &applying->place, &applying->store, &applying->history,
				      failed->number - 1, quiet, &back);
	if (!error) {
		state = applying_new_state(applying, &back.files);
		if (failed->restart)
			back.need = NEED_RESTART;
		error = applying_go_back(applying, &back, &state);
	}
	if (error) {
		applying_refuse(applying, "postern-confgen rollback",
				"the former state could not be put back: %s", strerror(-error));
		return;
	}
	note(applying, &state, "done, because Postfix did not take the change");
	fprintf(applying->say, "The former state is back.\n");
	applying_reload_own(applying, &state);
	applying_activate(applying, back.need, &state);
}

static enum exit_status activate(struct applying *applying, const struct state *state,
				 enum need need)
{
	applying_reload_own(applying, state);
	if (!applying_failed(applying) && applying_activate(applying, need, state)) {
		note(applying, state, applying->no_reload ? "done, files only" : "done");
		return EXIT_CLEAN;
	}
	note(applying, state, "Postfix did not take it");
	return_to(applying, state);
	return EXIT_FINDINGS;
}

static enum exit_status change(struct applying *applying, const struct plan *plan)
{
	struct arena *arena = applying->run->arena;
	struct changed_files files = plan_transaction(arena, plan, &applying->place);
	struct state state = applying_new_state(applying, &files);
	struct transaction transaction;
	int error;

	applying_hold_signals();
	error = transaction_begin(arena, &applying->place, &applying->store, &files, &transaction);
	if (error)
		return applying_explain(applying, error);
	if (!is_dms(applying))
		error = trial_run(arena, plan, &transaction, applying->run->list);
	if (error || applying_failed(applying)) {
		transaction_abort(&transaction);
		if (error)
			return applying_explain(applying, error);
		applying_refuse(applying, NULL, "the new files do not pass; nothing was changed");
		return EXIT_FINDINGS;
	}
	state.owned = plan->owned;
	state.restart = plan->need == NEED_RESTART;
	error = transaction_commit(&transaction, &state);
	if (error)
		return applying_explain(applying, error);
	fprintf(applying->say, "State %d is in place: %zu file%s.\n", state.number, files.count,
		files.count == 1 ? "" : "s");
	return activate(applying, &state, plan->need);
}

/* Nothing to change; but a killed run may have left Postfix with the former configuration. */
static enum exit_status finish(struct applying *applying)
{
	const struct state *last = history_last(&applying->history);

	if (!last || last->active || applying->no_reload || is_dms(applying))
		return EXIT_CLEAN;
	fprintf(applying->say, "State %d was not taken up yet.\n", last->number);
	return activate(applying, last, last->restart ? NEED_RESTART : NEED_RELOAD);
}

static enum exit_status apply(struct applying *applying)
{
	enum exit_status status;
	struct plan plan;

	if (!check_machine(applying))
		return EXIT_FINDINGS;
	status = applying_open(applying, true);
	if (status == EXIT_CLEAN)
		status = applying_plan(applying, &plan);
	if (status != EXIT_CLEAN)
		return status;
	applying_report(applying, &plan);
	if (applying_failed(applying) || !check_plan(applying, &plan))
		return EXIT_FINDINGS;
	if (!plan_has_changes(&plan))
		return finish(applying);
	status = applying_confirm(applying);
	if (status == EXIT_CLEAN)
		status = change(applying, &plan);
	if (status == EXIT_CLEAN && store_history(&applying->store, &applying->history) == 0)
		store_prune(&applying->store, &applying->history, applying->keep);
	return status;
}

int command_apply(int argc, char **argv)
{
	struct run run;
	struct applying applying;
	enum exit_status status;

	applying_init(&applying, &run);
	run_begin(&run, "apply", &argp, argc, argv, &applying);
	status = applying_load(&applying, false);
	if (status == EXIT_CLEAN)
		status = apply(&applying);
	fflush(stdout);
	run_report(&run, stderr);
	applying_done(&applying);
	run_done(&run);
	return status;
}
