/* postern-confgen rollback: an earlier state of this machine comes back. */
#include "confgen/commands/applying.h"

#include <stdint.h>
#include <unistd.h>

enum { KEY_LIST = 'l', KEY_TO = 't' };

struct arguments {
	struct applying applying;
	bool list, given;
	int to;
};

static const struct argp_option options[] = {
	{"list", KEY_LIST, NULL, 0, "List the states", 0},
	{"to", KEY_TO, "N", 0, "To what was there after state N; 0: before all", 0},
	{"format", 'f', "FORMAT", 0, "With --list: text or json", 0},
	{0},
};

static error_t parse_option(int key, char *value, struct argp_state *state)
{
	struct arguments *arguments = state->input;
	char *end;
	long number;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &arguments->applying;
		state->child_inputs[1] = &arguments->applying;
		return 0;
	case KEY_LIST:
		arguments->list = true;
		return 0;
	case KEY_TO:
		number = strtol(value, &end, 10);
		if (*end || end == value || number < 0 || number > INT32_MAX)
			argp_error(state, "--to is the number of a state");
		arguments->to = (int)number;
		arguments->given = true;
		return 0;
	case 'f':
		if (strcmp(value, "text") != 0 && strcmp(value, "json") != 0)
			argp_error(state, "there is no '%s': it is text or json", value);
		arguments->applying.json = strcmp(value, "json") == 0;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "rollback takes no topology");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = {
	{&applying_folders_argp, 0, NULL, 0}, {&applying_change_argp, 0, NULL, 0}, {0}};

static const struct argp argp = {
	.options = options,
	.parser = parse_option,
	.children = children,
	.doc = "Go back to an earlier state of this machine.\v"
	       "The files that apply changed become what they were, with mode, owner and times. "
	       "What others changed in other files stays. A rollback is a state of its own, and "
	       "can be undone.",
};

/* ---- listing ---- */

static void print_states(const struct applying *applying)
{
	const struct history *history = &applying->history;

	for (size_t i = history->count; i > 0; i--) {
		const struct state *state = &history->items[i - 1];

		printf("%4d  %s  %s", state->number, state->time,
		       state->rollback ? "rollback" : "apply");
		if (state->rollback)
			printf(" to %d", state->amounts_to);
		else
			printf(" (%s)", state->full ? "full" : "overlay");
		fputs("  node ", stdout);
		print_escaped(stdout, state->node, strlen(state->node));
		printf("  %zu files  by ", state->files.count);
		print_escaped(stdout, state->who, strlen(state->who));
		puts(i < history->count ? ""
		     : state->active	? "  <- in force"
					: "  <- in force, Postfix not seen to take it");
	}
	if (!history->count)
		puts("Nothing was applied here.");
	else if (history->items[0].number == 1)
		puts("   0  before the first");
}

static void print_json(const struct applying *applying)
{
	json_t *array = json_array();

	for (size_t i = 0; i < applying->history.count; i++) {
		json_t *state = state_to_json(&applying->history.items[i]);

		/* former lines may hold secrets */
		json_object_del(state, "owned");
		json_object_del(state, "folder_time");
		json_object_set_new(state, "active",
				    json_boolean(applying->history.items[i].active));
		json_array_append_new(array, state);
	}
	json_dumpf(array, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(array);
}

/* ---- going ---- */

static int choose(struct arguments *arguments)
{
	struct applying *applying = &arguments->applying;
	const struct history *history = &applying->history;
	int number = arguments->given ? arguments->to : rollback_previous(history);

	if (history->count && number >= 0 && history_reaches(history, number))
		return number;
	applying_refuse(applying, "postern-confgen rollback --list tells what there is",
			history->count && arguments->given ? "state %d is not remembered"
							   : "there is no earlier state",
			number);
	return -1;
}

static void print_way(const struct applying *applying, const struct way_back *back)
{
	struct arena *arena = applying->run->arena;

	if (back->number)
		printf("Back to state %d:\n", back->number);
	else
		puts("Back to what was before the first state:");
	for (size_t i = 0; i < back->files.count; i++) {
		const struct changed_file *file = &back->files.items[i];
		const char *name = place_display(arena, &applying->place, file->path);

		fputs("  ", stdout);
		print_escaped(stdout, name, strlen(name));
		puts(!file->after ? ": removed" : file->before.there ? ": as it was" : ": back");
	}
	for (size_t i = 0; i < back->by_hand.count; i++) {
		const char *name = place_display(arena, &applying->place, back->by_hand.items[i]);

		fputs("  changed by hand since the last apply, kept in the new state: ", stdout);
		print_escaped(stdout, name, strlen(name));
		putchar('\n');
	}
	printf("Postfix needs %s%s.\n", back->need == NEED_NOTHING ? "" : "a ",
	       need_name(back->need));
	fflush(stdout);
}

static bool is_postfix(const struct applying *applying)
{
	struct placed placed;

	return place_read(applying->run->arena, &applying->place, "config/master.cf", &placed) ==
		       0 &&
	       placed.there;
}

static enum exit_status go(struct applying *applying, struct way_back *back)
{
	struct arena *arena = applying->run->arena;
	struct state state = applying_new_state(applying, &back->files);
	bool good;
	int error;

	applying_hold_signals();
	error = applying_go_back(applying, back, &state);
	if (error)
		return applying_explain(applying, error);
	printf("State %d is in place.\n", state.number);
	applying_reload_own(applying, &state);
	good = applying_activate(applying, back->need, &state);
	store_log(&applying->store, state.who,
		  arena_printf(arena, "rollback %d: to %d: %s", state.number, back->number,
			       good ? "done" : "Postfix did not take it"));
	if (store_history(&applying->store, &applying->history) == 0)
		store_prune(&applying->store, &applying->history, applying->keep);
	return good ? EXIT_CLEAN : EXIT_FINDINGS;
}

static enum exit_status roll_back(struct arguments *arguments)
{
	struct applying *applying = &arguments->applying;
	int number = choose(arguments);
	enum exit_status status;
	struct way_back back;

	if (number < 0)
		return EXIT_FINDINGS;
	if (rollback_plan(applying->run->arena, &applying->place, &applying->store,
			  &applying->history, number, applying->run->list, &back) < 0)
		return EXIT_BROKEN;
	if (!back.files.count) {
		puts("All files are as they were then.");
		return EXIT_CLEAN;
	}
	for (size_t i = 0; i < back.files.count; i++)
		place_check_file(applying->run->arena, &applying->place, back.files.items[i].path,
				 applying->run->list);
	if (!is_postfix(applying))
		back.need = NEED_NOTHING;
	print_way(applying, &back);
	if (applying_failed(applying) ||
	    (back.need != NEED_NOTHING && !applying_can_activate(applying)))
		return EXIT_FINDINGS;
	status = applying_confirm(applying);
	return status == EXIT_CLEAN ? go(applying, &back) : status;
}

int command_rollback(int argc, char **argv)
{
	struct run run;
	struct arguments arguments = {0};
	enum exit_status status;

	applying_init(&arguments.applying, &run);
	run_begin(&run, "rollback", &argp, argc, argv, &arguments);
	status = applying_open(&arguments.applying, !arguments.list);
	if (status == EXIT_CLEAN && arguments.list)
		(arguments.applying.json ? print_json : print_states)(&arguments.applying);
	else if (status == EXIT_CLEAN)
		status = roll_back(&arguments);
	fflush(stdout);
	run_report(&run, stderr);
	applying_done(&arguments.applying);
	run_done(&run);
	return status;
}
