/* Tests in the lab; see test_live.h. */
#include "confgen/commands/test_live.h"
#include "confgen/commands/trace_print.h"
#include "confgen/topology/schema.h"
#include "confgen/trace/needs.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* A lab, and the folder with what it is given. */
struct lab {
	struct run *run;
	const char *program, *name, *folder;
	bool interrupted;
};

/* --- the program --- */

/* Signals that end a run, which are blocked while there is a lab to be taken down. */
static void signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGHUP);
	sigaddset(set, SIGCHLD);
}

/* Its exit status; one that we are told to end is told the same. */
static int await(struct lab *lab, pid_t child)
{
	sigset_t set;
	int status;

	signals(&set);
	while (waitpid(child, &status, WNOHANG) == 0) {
		int number = sigwaitinfo(&set, NULL);

		if (number < 0 || number == SIGCHLD)
			continue;
		lab->interrupted = true;
		kill(child, SIGTERM);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : -EINTR;
}

/* Runs it with its standard output in a file (NULL: nowhere); gives its exit status, or -errno. */
static int run_lab(struct lab *lab, const char *output, const char *const *arguments)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none;
	pid_t child;
	int error;

	sigemptyset(&none);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 1, output ? output : "/dev/null",
					 O_WRONLY | O_CREAT | O_TRUNC, 0600);
	error = posix_spawnp(&child, arguments[0], &actions, &attributes,
			     (char **)(void *)arguments, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	return error ? -error : await(lab, child);
}

static const char *path_in(const struct lab *lab, const char *name)
{
	return arena_printf(lab->run->arena, "%s/%s", lab->folder, name);
}

/* Where the lab is: as the user says, beside this program, or wherever the shell finds it. */
static const char *find_lab(struct arena *arena, const char *given)
{
	static const char *const beside[] = {"../sbin/postern-lab", "../../../lab/postern-lab"};
	const char *variable = getenv("POSTERN_LAB"), *path;
	char self[4096];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (given || (variable && *variable))
		return given ? given : variable;
	while (length > 0 && self[length - 1] != '/')
		length--;
	for (size_t i = 0; length > 0 && i < sizeof(beside) / sizeof(beside[0]); i++) {
		path = arena_printf(arena, "%.*s%s", (int)length, self, beside[i]);
		if (access(path, X_OK) == 0)
			return path;
	}
	return "postern-lab";
}

/* Programs of the same build, where the user names none: lab/postern-lab looks for them on PATH. */
static void offer_program(struct arena *arena, const char *variable, const char *place)
{
	char self[4096];
	ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
	const char *path;

	while (length > 0 && self[length - 1] != '/')
		length--;
	path = arena_printf(arena, "%.*s%s", (int)(length > 0 ? length : 0), self, place);
	if (access(path, X_OK) == 0)
		setenv(variable, path, 0);
}

/* --- what is sent --- */

static json_t *texts(const struct names *names)
{
	json_t *array = json_array();

	for (size_t i = 0; i < names->count; i++)
		json_array_append_new(array, json_string(names->items[i]));
	return array;
}

static json_t *clients(const struct needs *needs)
{
	json_t *array = json_array();
	char text[IP_TEXT_SIZE];

	for (size_t i = 0; i < needs->clients.count; i++)
		json_array_append_new(array,
				      json_pack("{s:s, s:s}", "network",
						needs->clients.items[i].network, "address",
						ip_format(&needs->clients.items[i].address, text)));
	return array;
}

/* A trial that the lab cannot make, and why. */
static const char *obstacle(const struct trial *trial, const struct needs *needs)
{
	if (!trial->request.local && trial->result.entry.address.family == IP_NONE)
		return "there is no address to connect to";
	return needs_contradict(needs, &trial->request)
		       ? "another test has or has not the same mailbox"
		       : NULL;
}

static bool write_messages(const struct test_run *tests, const struct needs *needs,
			   const char *path)
{
	json_t *messages = json_array(), *all;
	bool good;

	for (size_t i = 0; i < tests->count; i++)
		for (size_t j = 0; j < tests->items[i].trials.count; j++) {
			struct trial *trial = &tests->items[i].trials.items[j];

			trial->skipped = obstacle(trial, needs);
			if (!trial->skipped)
				json_array_append_new(
					messages,
					trace_request_to_json(&trial->request, &trial->result));
		}
	all = json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "clients", clients(needs), "translated",
			texts(&needs->translated), "domains", texts(&needs->domains), "mailboxes",
			texts(&needs->mailboxes), "absent", texts(&needs->absent), "messages",
			messages);
	good = json_dump_file(all, path, JSON_INDENT(1)) == 0;
	json_decref(all);
	if (!good)
		complain("cannot write %s: %s", path, strerror(errno));
	return good;
}

/* --- what the lab saw --- */

static const char *string(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static bool is_source(const struct hop *hop, const char *text)
{
	struct ip_address address;

	if (hop->source4.family == IP_NONE && hop->source6.family == IP_NONE)
		return true; /* not known to the trace */
	return ip_parse(text, &address) == IP_OK &&
	       (ip_equal(&address, &hop->source4) || ip_equal(&address, &hop->source6));
}

static const char *compare_hops(struct arena *arena, const struct trace_result *result,
				const json_t *lab)
{
	const json_t *hops = json_object_get(lab, "hops");

	if (json_array_size(hops) != result->hops.count)
		return "the nodes that it passes";
	for (size_t i = 0; i < result->hops.count; i++) {
		const struct hop *hop = &result->hops.items[i];
		const json_t *seen = json_array_get(hops, i);

		if (strcmp(string(seen, "node"), hop->node->head.name.value) != 0)
			return "the nodes that it passes";
		if (!is_source(hop, string(seen, "source")))
			return arena_printf(arena, "the address that %s sees: the lab's is %s",
					    hop->node->head.name.value, string(seen, "source"));
		if (hop->node->kind.value != KIND_INTERNET &&
		    strcmp(string(seen, "login"), hop->login ? hop->login : "") != 0)
			return arena_printf(arena, "the login at %s: the lab's is '%s'",
					    hop->node->head.name.value, string(seen, "login"));
	}
	return NULL;
}

static bool has_text(const json_t *array, const char *text)
{
	const json_t *item;
	size_t i;

	json_array_foreach (array, i, item)
		if (strcasecmp(json_string_value(item), text) == 0)
			return true;
	return false;
}

static const char *compare_arrival(struct arena *arena, const struct trace_result *result,
				   const json_t *lab)
{
	const json_t *signers = json_object_get(lab, "signed_by");

	if (json_is_true(json_object_get(lab, "unseen")))
		return NULL;
	if (!signers)
		return "what arrived: the lab did not find it";
	if (json_array_size(signers) != result->signed_by.count)
		return arena_printf(arena, "the signatures: the lab found %zu",
				    json_array_size(signers));
	for (size_t i = 0; i < result->signed_by.count; i++)
		if (!has_text(signers, result->signed_by.items[i]))
			return "who signed it";
	if (strcasecmp(string(lab, "sender"), result->sender) != 0)
		return arena_printf(arena, "the sender: the lab's is <%s>", string(lab, "sender"));
	if (strcasecmp(string(lab, "author"), result->author) != 0)
		return arena_printf(arena, "the From field: the lab's is <%s>",
				    string(lab, "author"));
	return NULL;
}

static const char *compare(struct arena *arena, const struct trace_result *result,
			   const json_t *lab)
{
	const char *end = result->end ? result->end->head.name.value : "";
	json_int_t code = json_integer_value(json_object_get(lab, "code"));
	const char *differs;

	if (strcmp(string(lab, "outcome"), outcome_words[result->outcome]) != 0)
		return "the outcome";
	/* a client does not see which host behind a proxy refuses it */
	if (json_is_string(json_object_get(lab, "end")) && strcmp(string(lab, "end"), end) != 0)
		return "where it ends";
	if (result->outcome != OUTCOME_UNREACHABLE && result->outcome != OUTCOME_LOOPS &&
	    code != result->code)
		return "the code";
	if (result->outcome != OUTCOME_DELIVERED && result->outcome != OUTCOME_RELAYED)
		return NULL;
	differs = compare_hops(arena, result, lab);
	return differs ? differs : compare_arrival(arena, result, lab);
}

static bool take_results(struct lab *lab, const char *path, struct test_run *tests)
{
	json_error_t error;
	json_t *all = json_load_file(path, 0, &error);
	size_t at = 0;

	if (!json_is_array(all)) {
		complain("the lab gave no results: %s", error.text);
		json_decref(all);
		return false;
	}
	for (size_t i = 0; i < tests->count; i++)
		for (size_t j = 0; j < tests->items[i].trials.count; j++) {
			struct trial *trial = &tests->items[i].trials.items[j];

			if (trial->skipped)
				continue;
			trial->lab = json_incref(json_array_get(all, at++));
			trial->differs = compare(lab->run->arena, &trial->result, trial->lab);
		}
	json_decref(all);
	return true;
}

/* --- a lab's life --- */

static bool boot_and_send(struct lab *lab, struct test_run *tests, struct needs *needs)
{
	const char *messages = path_in(lab, "messages.json"), *out = path_in(lab, "out");
	const char *results = path_in(lab, "results.json");
	const char *process = arena_printf(lab->run->arena, "%ld", (long)getpid());
	const char *const up[] = {lab->program, "up",	 out,	       "--name", lab->name,
				  "--until",	process, "--messages", messages, NULL};
	const char *const send[] = {lab->program, "send", lab->name, NULL};
	int status;

	if (run_write(lab->run, out) != EXIT_CLEAN || !write_messages(tests, needs, messages))
		return false;
	status = run_lab(lab, NULL, up);
	if (status < 0) {
		complain("cannot run %s: %s; name the lab with --lab", lab->program,
			 strerror(-status));
		return false;
	}
	if (status == 0 && !lab->interrupted)
		status = run_lab(lab, results, send);
	if (status != 0 || lab->interrupted) {
		complain(lab->interrupted ? "interrupted" : "the lab failed, for the reason above");
		return false;
	}
	return take_results(lab, results, tests);
}

/* Whatever happened, nothing stays. */
static void take_down(struct lab *lab)
{
	run_lab(lab, NULL, (const char *const[]){lab->program, "down", lab->name, NULL});
	run_lab(lab, NULL, (const char *const[]){"rm", "-rf", "--", lab->folder, NULL});
}

enum exit_status test_live(struct run *run, struct trace *trace, const char *lab_program,
			   struct test_run *tests)
{
	const char *base = getenv("TMPDIR");
	char *folder =
		arena_printf(run->arena, "%s/postern-test.XXXXXX", base && *base ? base : "/tmp");
	struct lab lab = {.run = run, .program = find_lab(run->arena, lab_program)};
	struct needs needs = {0};
	sigset_t set, before;
	bool good;

	if (geteuid() != 0) {
		complain("--live needs root, to boot hosts in namespaces");
		return EXIT_BROKEN;
	}
	if (!mkdtemp(folder)) {
		complain("cannot make a folder in %s: %s", base && *base ? base : "/tmp",
			 strerror(errno));
		return EXIT_BROKEN;
	}
	offer_program(run->arena, "POSTERN_MILTER", "../milter/postern-milter");
	offer_program(run->arena, "POSTERN_GATE", "../gate/postern-gate");
	lab.folder = folder;
	lab.name = arena_printf(run->arena, "test-%ld", (long)getpid());
	for (size_t i = 0; i < tests->count; i++)
		for (size_t j = 0; j < tests->items[i].trials.count; j++)
			needs_add(trace, &tests->items[i].trials.items[j].request, &needs);
	signals(&set);
	sigprocmask(SIG_BLOCK, &set, &before);
	good = boot_and_send(&lab, tests, &needs);
	take_down(&lab);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return good ? EXIT_CLEAN : EXIT_BROKEN;
}
