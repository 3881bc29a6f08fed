/* postern-confgen trace: the way of one message, and what decides on it. */
#include "common/suggest.h"
#include "confgen/commands/run.h"
#include "confgen/commands/trace_print.h"
#include "confgen/topology/syntax.h"

#include <errno.h>
#include <stdlib.h>

struct arguments {
	struct run *run;
	const char *at, *client, *claims, *auth, *helo, *from, *author, *to;
	unsigned long size;
	int tls;
	bool no_mailbox, explain, json;
};

enum { OPTION_TLS = 1, OPTION_CLAIMS, OPTION_AUTHOR, OPTION_NO_MAILBOX };

/* Each in one line of --help. */
static const struct argp_option options[] = {
	{"at", 'a', "NODE[:LISTENER]", 0, "Where: a listener, smtp, submission(s), or a port", 0},
	{"client", 'c', "IP", 0, "The client; local: the node's own sendmail", 0},
	{"auth", 'u', "USER", 0, "It logs in", 0},
	{"helo", 'H', "NAME", 0, "It greets with NAME (" TRACE_HELO ")", 0},
	{"from", 'F', "ADDRESS", 0, "Envelope sender, or <> (login or a stranger)", 0},
	{"to", 'T', "ADDRESS", 0, "Envelope recipient", 0},
	{"author", OPTION_AUTHOR, "ADDRESS", 0, "Address in the From field (the sender)", 0},
	{"size", 's', "OCTETS", 0, "Size of the message (1000)", 0},
	{"tls", OPTION_TLS, "no", OPTION_ARG_OPTIONAL, "It speaks TLS, or not (if it logs in)", 0},
	{"claims", OPTION_CLAIMS, "IP", 0, "It sends a PROXY header of its own", 0},
	{"no-mailbox", OPTION_NO_MAILBOX, NULL, 0, "The recipient has no mailbox", 0},
	{"explain", 'e', NULL, 0, "Show all that was looked at, with its lines", 0},
	{"format", 'f', "FORMAT", 0, "text (default) or json", 0},
	{0},
};

static void check(struct argp_state *state, const char *option, const char *value,
		  const char *(*wrong)(const char *value))
{
	const char *why = wrong(value);

	if (why)
		argp_error(state, "--%s: '%s' %s", option, value, why);
}

static const char *check_size(const char *value)
{
	char *stop;

	errno = 0;
	if (strtoul(value, &stop, 10) - 1 >= 2147483647UL || *stop || errno || *value == '-')
		return "is no size in octets";
	return NULL;
}

static error_t parse_message(int key, char *value, struct argp_state *state,
			     struct arguments *arguments)
{
	switch (key) {
	case 'H':
		check(state, "helo", value, check_helo);
		arguments->helo = value;
		return 0;
	case 'F':
		check(state, "from", value, check_sender);
		arguments->from = value;
		return 0;
	case 'T':
		check(state, "to", value, check_mailbox);
		arguments->to = value;
		return 0;
	case OPTION_AUTHOR:
		check(state, "author", value, check_mailbox);
		arguments->author = value;
		return 0;
	case 's':
		check(state, "size", value, check_size);
		arguments->size = strtoul(value, NULL, 10);
		return 0;
	case OPTION_NO_MAILBOX:
		arguments->no_mailbox = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static error_t parse_client(int key, char *value, struct argp_state *state,
			    struct arguments *arguments)
{
	switch (key) {
	case 'a':
		check(state, "at", value, check_place);
		arguments->at = value;
		return 0;
	case 'c':
		check(state, "client", value, check_client);
		arguments->client = value;
		return 0;
	case OPTION_CLAIMS:
		check(state, "claims", value, check_ip);
		arguments->claims = value;
		return 0;
	case 'u':
		check(state, "auth", value, check_username);
		arguments->auth = value;
		return 0;
	case OPTION_TLS:
		arguments->tls = !value || strcmp(value, "yes") == 0;
		if (value && !arguments->tls && strcmp(value, "no") != 0)
			argp_error(state, "--tls is yes or no, not '%s'", value);
		return 0;
	default:
		return parse_message(key, value, state, arguments);
	}
}

static error_t parse_option(int key, char *value, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = arguments->run;
		return 0;
	case 'e':
		arguments->explain = true;
		return 0;
	case 'f':
		arguments->json = strcmp(value, "json") == 0;
		if (!arguments->json && strcmp(value, "text") != 0)
			argp_error(state, "there is no format '%s': text or json", value);
		return 0;
	case ARGP_KEY_END:
		if (!arguments->at || !arguments->client || !arguments->to)
			argp_error(state, "--at, --client and --to are needed");
		if (strcmp(arguments->client, "local") == 0 &&
		    (arguments->auth || arguments->claims))
			argp_error(state, "--client local goes without --auth and --claims");
		return 0;
	default:
		return parse_client(key, value, state, arguments);
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse_option,
	.children = run_argp,
	.args_doc = "-a NODE -c IP -T ADDRESS [TOPOLOGY]",
	.doc = "Tell which way a message takes, and what decides on it. Exit status 0: it arrives.",
};

/* The arguments as a test of the topology, so that both are understood alike. */
static struct test_case as_test(const struct arguments *arguments)
{
	return (struct test_case){
		.client = {.value = arguments->client},
		.claims = {.value = arguments->claims},
		.auth = {.value = arguments->auth},
		.helo = {.value = arguments->helo},
		.from = {.value = arguments->from},
		.author = {.value = arguments->author},
		.to = {.value = arguments->to},
		.tls = {.given = arguments->tls >= 0, .value = arguments->tls},
		.mailbox = {.value = arguments->no_mailbox ? MAILBOX_ABSENT : MAILBOX_PRESENT},
		.size = {.value = arguments->size},
	};
}

/* Finds NODE[:LISTENER]; complains where there is none. */
static bool find_place(const struct run *run, const char *at, struct test_case *test)
{
	const struct topology *topology = run->topology;
	size_t length = strcspn(at, ":"), count = topology->nodes.count;
	const char *name = arena_strndup(run->arena, at, length), *near;
	const char **names = arena_array(run->arena, count + 1, sizeof(*names));

	test->listener = at[length] ? at + length + 1 : NULL;
	for (size_t i = 0; i < count; i++) {
		struct node *node = &topology->nodes.items[i];

		names[i] = node->head.name.value;
		if (strcmp(names[i], name) == 0 && node->kind.value != KIND_SMARTHOST) {
			test->node = node;
			if (!test->listener || topology_has_listener(node, test->listener))
				return true;
			complain("--at: '%s' has no SMTP listener '%s'", name, test->listener);
			return false;
		}
	}
	near = suggest(name, names, count);
	complain("--at: there is no node '%s' of yours%s%s%s", name, near ? "; did you mean '" : "",
		 near ? near : "", near ? "'?" : "");
	return false;
}

static void show(const struct arguments *arguments, const struct trace_result *result)
{
	struct arena *arena = arguments->run->arena;
	json_t *json;

	if (!arguments->json) {
		trace_print(stdout, arena, result, arguments->explain, "");
		return;
	}
	json = trace_to_json(arena, result, arguments->explain);
	json_dumpf(json, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII);
	fputc('\n', stdout);
	json_decref(json);
}

static enum exit_status trace_it(struct run *run, const struct arguments *arguments)
{
	struct test_case test = as_test(arguments);
	struct trace_result result;
	struct request request;
	struct trace *trace;

	if (!find_place(run, arguments->at, &test))
		return EXIT_USAGE;
	trace = run_trace(run);
	request = request_of_test(run->arena, &test);
	trace_message(trace, &request, &result);
	show(arguments, &result);
	trace_done(trace);
	if (!run_flush())
		return EXIT_BROKEN;
	return result.outcome == OUTCOME_DELIVERED || result.outcome == OUTCOME_RELAYED
		       ? EXIT_CLEAN
		       : EXIT_FINDINGS;
}

int command_trace(int argc, char **argv)
{
	struct run run;
	struct arguments arguments = {.run = &run, .tls = -1, .size = TRACE_SIZE};
	enum exit_status status;

	run_begin(&run, "trace", &argp, argc, argv, &arguments);
	status = run_files(&run, SECRETS_LOOK);
	if (status == EXIT_CLEAN)
		status = trace_it(&run, &arguments);
	run_report(&run, stderr);
	run_done(&run);
	return status;
}
