/* What plan, apply and rollback have in common; see applying.h. */
#include "confgen/commands/applying.h"
#include "confgen/apply/host.h"
#include "confgen/apply/report_plan.h"
#include "confgen/apply/settle.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

/* ---- options ---- */

enum { KEY_POSTERN = 256, KEY_STATES, KEY_TAKE_OVER, KEY_FORCE, KEY_NO_RELOAD, KEY_KEEP };

static const struct argp_option folder_options[] = {
	{"config-dir", 'c', "DIR", 0, "Postfix's folder (" APPLY_CONFIG ")", 0},
	{"postern-dir", KEY_POSTERN, "DIR", 0, "Postern's own folder (" APPLY_POSTERN ")", 0},
	{"state-dir", KEY_STATES, "DIR", 0, "Former states (" APPLY_STATES ")", 0},
	{0},
};

static error_t parse_folder(int key, char *value, struct argp_state *state)
{
	struct applying *applying = state->input;

	switch (key) {
	case 'c':
		applying->config = value;
		return 0;
	case KEY_POSTERN:
		applying->postern = value;
		return 0;
	case KEY_STATES:
		applying->states = value;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

const struct argp applying_folders_argp = {.options = folder_options, .parser = parse_folder};

static const struct argp_option plan_options[] = {
	{"host", 'n', "NODE", 0, "The node that this machine is", 0},
	{"mode", 'm', "MODE", 0, "overlay (default), or full: files as a whole", 0},
	{"take-over", KEY_TAKE_OVER, NULL, 0, "Replace tables made by hand, too", 0},
	{"format", 'f', "FORMAT", 0, "Write the plan as text or json", 0},
	{"force", KEY_FORCE, NULL, 0, "Whatever this machine is called", 0},
	{0},
};

static void choose(struct argp_state *state, const char *value, const char *no, const char *yes,
		   bool *out)
{
	if (strcmp(value, no) != 0 && strcmp(value, yes) != 0)
		argp_error(state, "there is no '%s': it is %s or %s", value, no, yes);
	*out = strcmp(value, yes) == 0;
}

static error_t parse_plan(int key, char *value, struct argp_state *state)
{
	struct applying *applying = state->input;

	switch (key) {
	case 'n':
		applying->run->options.host = value;
		return 0;
	case 'm':
		choose(state, value, "overlay", "full", &applying->plan.full);
		return 0;
	case 'f':
		choose(state, value, "text", "json", &applying->json);
		/* what a program reads is the plan alone */
		applying->say = applying->json ? stderr : stdout;
		return 0;
	case KEY_TAKE_OVER:
		applying->plan.take_over = true;
		return 0;
	case KEY_FORCE:
		applying->force = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

const struct argp applying_plan_argp = {.options = plan_options, .parser = parse_plan};

static const struct argp_option change_options[] = {
	{"yes", 'y', NULL, 0, "Do not ask", 0},
	{"no-reload", KEY_NO_RELOAD, NULL, 0, "Change the files only", 0},
	{"keep", KEY_KEEP, "N", 0, "How many states to remember (10)", 0},
	{0},
};

static error_t parse_change(int key, char *value, struct argp_state *state)
{
	struct applying *applying = state->input;
	char *end;
	long keep;

	switch (key) {
	case 'y':
		applying->yes = true;
		return 0;
	case KEY_NO_RELOAD:
		applying->no_reload = true;
		return 0;
	case KEY_KEEP:
		keep = strtol(value, &end, 10);
		if (*end || end == value || keep < 1 || keep > 1000)
			argp_error(state, "--keep is a number from 1 to 1000");
		applying->keep = (size_t)keep;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

const struct argp applying_change_argp = {.options = change_options, .parser = parse_change};

/* ---- beginning and end ---- */

void applying_init(struct applying *applying, struct run *run)
{
	*applying = (struct applying){
		.run = run,
		.say = stdout,
		.postern = APPLY_POSTERN,
		.states = APPLY_STATES,
		.keep = APPLY_KEEP,
		.place = {.fds = {-1, -1}},
		.store = {.fd = -1, .lock = -1},
	};
}

void applying_done(struct applying *applying)
{
	place_close(&applying->place);
	store_close(&applying->store);
}

void applying_refuse(const struct applying *applying, const char *hint, const char *format, ...)
{
	struct diagnostics *list = applying->run->list;
	const struct position nowhere = {0};
	const char *text;
	va_list args;

	va_start(args, format);
	text = arena_vprintf(applying->run->arena, format, args);
	va_end(args);
	diagnostics_add(list, SEVERITY_ERROR, NULL, nowhere, "%s", text);
	if (hint)
		diagnostics_hint(list, "%s", hint);
}

bool applying_failed(const struct applying *applying)
{
	return diagnostics_count(applying->run->list, SEVERITY_ERROR) > 0;
}

/* ---- the node ---- */

static bool find_node(struct applying *applying)
{
	struct run *run = applying->run;

	if (run->options.host) {
		applying->node = host_named(run->topology, run->options.host);
		if (!applying->node)
			applying_refuse(applying, NULL, "the topology has no host '%s' of yours",
					run->options.host);
		return applying->node;
	}
	applying->node = host_find(run->arena, run->topology);
	if (!applying->node) {
		applying_refuse(applying, "say which node it is: --host NODE",
				"this machine, '%s', is no node of the topology, or more than one",
				host_name(run->arena));
		return false;
	}
	run->options.host = applying->node->head.name.value;
	return true;
}

/* Whoever plans for another machine is warned; nothing is applied there by mistake. */
static void check_host(struct applying *applying, bool only_look)
{
	const struct node *node = applying->node;
	struct arena *arena = applying->run->arena;

	if (node_is_container(node))
		applying_refuse(applying,
				"render its files, build its image, and make the container anew",
				"node '%s' is a container: its files are part of its image",
				node->head.name.value);
	if (applying->force || host_is(arena, node))
		return;
	diagnostics_add(applying->run->list,
			only_look || node->kind.value == KIND_DMS ? SEVERITY_WARNING
								  : SEVERITY_ERROR,
			NULL, (struct position){0},
			"this machine, '%s', has neither the host name of node '%s' nor one of "
			"its addresses",
			host_name(arena), node->head.name.value);
	diagnostics_hint(applying->run->list, "if it is that node nevertheless: --force");
}

enum exit_status applying_load(struct applying *applying, bool only_look)
{
	struct run *run = applying->run;
	int error = topology_load(run->arena, run->path, SECRETS_READ, run->list, &run->topology);
	enum exit_status status;

	if (error)
		return EXIT_BROKEN;
	if (!run->topology || applying_failed(applying))
		return EXIT_FINDINGS;
	if (!find_node(applying))
		return EXIT_USAGE;
	status = run_render(run);
	if (status == EXIT_CLEAN)
		check_host(applying, only_look);
	return status == EXIT_CLEAN && applying_failed(applying) ? EXIT_FINDINGS : status;
}

/* ---- folders ---- */

static enum exit_status open_place(struct applying *applying)
{
	static const char dms_hint[] = "give the folder that the container reads its overrides "
				       "from: --config-dir docker-data/dms/config";
	const bool dms = applying->node && applying->node->kind.value == KIND_DMS;
	int error;

	if (dms && !applying->config) {
		applying_refuse(applying, dms_hint, "where are the files of node '%s'?",
				applying->node->head.name.value);
		return EXIT_USAGE;
	}
	if (!applying->config)
		applying->config = APPLY_CONFIG;
	error = place_open(applying->run->arena, applying->config, dms ? NULL : applying->postern,
			   &applying->place);
	if (!error)
		return EXIT_CLEAN;
	applying_refuse(applying, dms ? dms_hint : "is Postfix installed here?",
			"cannot use the folder %s: %s", applying->config, strerror(-error));
	return EXIT_BROKEN;
}

static enum exit_status open_store(struct applying *applying, bool lock)
{
	const char *config = applying->place.folders[ROOT_CONFIG], *holder = "";
	struct arena *arena = applying->run->arena;
	int error = lock ? store_lock(arena, applying->states, config, &applying->store, &holder)
			 : store_open(arena, applying->states, config, &applying->store);

	if (error == -EWOULDBLOCK) {
		applying_refuse(applying, "wait until it has ended",
				"another run changes %s right now: %s", config,
				*holder ? holder : "it says no more of itself");
		return EXIT_FINDINGS;
	}
	if (error == -EACCES && !lock) {
		diagnostics_add(applying->run->list, SEVERITY_WARNING, NULL, (struct position){0},
				"what was applied before cannot be read, so it is not known what "
				"is ours, and what was changed by hand");
		diagnostics_hint(applying->run->list, "run this as root");
		applying->store = (struct store){.arena = arena, .fd = -1, .lock = -1};
		return EXIT_CLEAN;
	}
	if (error) {
		applying_refuse(applying,
				error == -EPERM	   ? "it must belong to you, with mode 0700"
				: error == -EACCES ? "give another one: --state-dir"
						   : NULL,
				"cannot use the folder of former states, %s/apply: %s",
				applying->states, strerror(-error));
		return EXIT_BROKEN;
	}
	return EXIT_CLEAN;
}

static enum exit_status recover(struct applying *applying)
{
	enum settle_result result;
	int error =
		settle_recover(applying->run->arena, &applying->place, &applying->store, &result);

	if (error) {
		applying_refuse(applying, NULL, "cannot end what a killed run left in %s/%s: %s",
				applying->place.folders[ROOT_CONFIG], PLACE_STAGING,
				strerror(-error));
		return EXIT_BROKEN;
	}
	if (result == SETTLE_NOTHING)
		return EXIT_CLEAN;
	complain("a run before this one was killed; its change is now %s",
		 result == SETTLE_FINISHED ? "finished" : "undone");
	store_log(&applying->store, store_who(applying->run->arena),
		  result == SETTLE_FINISHED ? "finished the change of a killed run"
					    : "undid the change of a killed run");
	return EXIT_CLEAN;
}

enum exit_status applying_open(struct applying *applying, bool lock)
{
	enum exit_status status = open_place(applying);
	int error;

	if (status == EXIT_CLEAN && lock) {
		/* folders of ours are Postfix's to pass through; each file has its own mode */
		umask(022);
		place_check_folders(applying->run->arena, &applying->place, applying->run->list);
		if (applying_failed(applying))
			return EXIT_FINDINGS;
	}
	if (status == EXIT_CLEAN)
		status = open_store(applying, lock);
	if (status == EXIT_CLEAN && lock)
		status = recover(applying);
	if (status != EXIT_CLEAN)
		return status;
	if (!lock && settle_is_pending(&applying->place))
		complain("a run was killed, or is still at work: apply will finish its change, or "
			 "undo it");
	error = store_history(&applying->store, &applying->history);
	if (!error)
		return EXIT_CLEAN;
	applying_refuse(applying, NULL, "cannot read the former states in %s: %s",
			applying->store.path,
			error == -EBADMSG ? "one is damaged, or of a newer postern-confgen"
					  : strerror(-error));
	return EXIT_BROKEN;
}

/* ---- planning ---- */

enum exit_status applying_plan(struct applying *applying, struct plan *plan)
{
	struct run *run = applying->run;
	int error =
		plan_make(run->arena, applying->node, &run->files, &applying->place,
			  &applying->store, &applying->history, &applying->plan, run->list, plan);

	if (!error)
		return EXIT_CLEAN;
	if (!applying_failed(applying))
		applying_refuse(applying, NULL, "cannot plan: %s", strerror(-error));
	return EXIT_FINDINGS;
}

void applying_report(const struct applying *applying, const struct plan *plan)
{
	(applying->json ? report_plan_json : report_plan_text)(applying->run->arena, plan,
							       &applying->place, stdout);
	fflush(stdout);
}

enum exit_status applying_confirm(const struct applying *applying)
{
	char answer[16];

	if (applying->yes)
		return EXIT_CLEAN;
	if (!isatty(STDIN_FILENO)) {
		applying_refuse(applying, "give --yes", "there is nobody to ask");
		return EXIT_USAGE;
	}
	fputs("Do this? [y/N] ", stderr);
	if (fgets(answer, sizeof(answer), stdin) && (answer[0] == 'y' || answer[0] == 'Y'))
		return EXIT_CLEAN;
	fputs("Nothing was changed.\n", stderr);
	return EXIT_FINDINGS;
}

/* ---- Postfix ---- */

bool applying_can_activate(struct applying *applying)
{
	bool running = false;
	int error;

	if (applying->no_reload)
		return true;
	error = activate_is_running(applying->run->arena, applying->place.folders[ROOT_CONFIG],
				    &running);
	if (error)
		applying_refuse(applying, NULL, "cannot ask Postfix: %s",
				error == -ENOENT ? "it is not installed here" : strerror(-error));
	else if (!running)
		applying_refuse(applying,
				"start it (systemctl start postfix); or change the files only, "
				"with --no-reload",
				"Postfix does not run, so it could not be seen whether it takes "
				"the change");
	return !error && running;
}

bool applying_activate(struct applying *applying, enum need need, const struct state *state)
{
	struct arena *arena = applying->run->arena;
	const char *config = applying->place.folders[ROOT_CONFIG];
	struct placed master;
	bool good = true;

	if (need != NEED_NOTHING && applying->no_reload)
		return true;
	if (need != NEED_NOTHING) {
		fprintf(applying->say, "Postfix: %s\n", need_name(need));
		fflush(applying->say);
		good = activate_postfix(arena, config, need, applying->run->list);
		if (good && place_read(arena, &applying->place, "config/master.cf", &master) == 0 &&
		    master.there)
			good = activate_test(arena, config, &master.text, applying->run->list);
	}
	if (good)
		store_activate(&applying->store, state->number);
	return good;
}

static bool changes_file(const struct state *state, const char *path)
{
	for (size_t i = 0; i < state->files.count; i++)
		if (strcmp(state->files.items[i].path, path) == 0)
			return true;
	return false;
}

void applying_reload_own(struct applying *applying, const struct state *state)
{
	static const char *const names[] = {"postern-milter", "postern-gate"};
	struct arena *arena = applying->run->arena;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names) && !applying->no_reload; i++) {
		if (!changes_file(state, arena_printf(arena, "postern/%s.conf", names[i])))
			continue;
		if (activate_service(arena, arena_printf(arena, "%s.service", names[i]),
				     applying->run->list))
			fprintf(applying->say, "%s: reloaded\n", names[i]);
		else
			fprintf(applying->say, "%s: systemd does not run it; restart it yourself\n",
				names[i]);
	}
	/* who sets the rules of a firewall knows what else is in it */
	if (changes_file(state, "postern/postern.nft"))
		fputs("postern.nft: not loaded; nft -f loads it\n", applying->say);
}

static void note_signal(int signal)
{
	(void)signal;
}

void applying_hold_signals(void)
{
	static const int signals[] = {SIGHUP, SIGINT, SIGTERM, SIGPIPE};
	/* a handler, not SIG_IGN, which the programs that are started would inherit */
	const struct sigaction action = {.sa_handler = note_signal, .sa_flags = SA_RESTART};

	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
		sigaction(signals[i], &action, NULL);
}

/* ---- changing ---- */

struct state applying_new_state(const struct applying *applying, const struct changed_files *files)
{
	struct arena *arena = applying->run->arena;
	const struct state *last = history_last(&applying->history);
	struct state state = {
		.number = last ? last->number + 1 : 1,
		.time = store_time(arena),
		.who = store_who(arena),
		.node = applying->node ? applying->node->head.name.value
			: last	       ? last->node
				       : "",
		.topology = applying->run->path,
		.full = applying->plan.full,
	};
	struct stat folder;

	state.amounts_to = state.number;
	if (fstat(applying->place.fds[ROOT_CONFIG], &folder) == 0)
		state.folder_time = folder.st_mtim;
	for (size_t i = 0; i < files->count; i++)
		*arena_push(arena, &state.files) = (struct state_file){
			files->items[i].path, files->items[i].before.there, files->items[i].after};
	return state;
}

static void restore_folder_time(const struct applying *applying, const struct way_back *back)
{
	const struct timespec times[] = {{.tv_nsec = UTIME_OMIT}, back->folder_time};

	if (back->folder_time.tv_sec)
		futimens(applying->place.fds[ROOT_CONFIG], times);
}

int applying_go_back(struct applying *applying, struct way_back *back, struct state *state)
{
	struct transaction transaction;
	int error = transaction_begin(applying->run->arena, &applying->place, &applying->store,
				      &back->files, &transaction);

	state->rollback = true;
	state->amounts_to = back->number;
	state->owned = *back->owned;
	state->restart = back->need == NEED_RESTART;
	if (!error)
		error = transaction_commit(&transaction, state);
	if (!error)
		restore_folder_time(applying, back);
	return error;
}

enum exit_status applying_explain(const struct applying *applying, int error)
{
	switch (error) {
	case -ESTALE:
		applying_refuse(applying, "look at the plan again",
				"somebody changed a file meanwhile; nothing was changed");
		return EXIT_FINDINGS;
	case -EINPROGRESS:
		applying_refuse(applying, "apply again finishes or undoes it",
				"the change could not be ended; Postfix reads one whole "
				"configuration nevertheless");
		return EXIT_BROKEN;
	default:
		applying_refuse(applying, NULL, "%s; nothing was changed", strerror(-error));
		return EXIT_BROKEN;
	}
}
