/* What main.c and the commands share. */
#ifndef POSTERN_COMMAND_H
#define POSTERN_COMMAND_H

/* Exit statuses of every command. */
enum exit_status {
	EXIT_CLEAN = 0,
	EXIT_FINDINGS = 1, /* the topology is wrong, or something was found */
	EXIT_USAGE = 2,
	EXIT_BROKEN = 3, /* unreadable input, unwritable output, or an internal failure */
};

struct command {
	const char *name;
	const char *summary; /* one line */
	int (*run)(int argc, char **argv);
};

/*
 * Every command, in the order of the help: its name and what it does. Each is a function
 * command_NAME(), which gives the exit status; argv[0] is the command's name.
 */
#define COMMANDS(X)                                                  \
	X(init, "write a topology to start from")                    \
	X(render, "write the files of every host of a topology")     \
	X(check, "tell what is wrong with a topology")               \
	X(lint, "tell what is wrong in a Postfix configuration")     \
	X(explain, "tell what a rule is about")                      \
	X(trace, "tell which way a message takes, and why")          \
	X(test, "run the tests of a topology, also in a lab")        \
	X(plan, "tell what apply would change on this machine")      \
	X(apply, "put a node's files in place on this machine")      \
	X(rollback, "go back to an earlier state of this machine")   \
	X(keys, "make, list, turn over and import DKIM keys")        \
	X(convert, "write postern-milter.conf from opendkim.conf")   \
	X(dns, "write the DNS records of a topology, or check them") \
	X(graph, "draw a topology")                                  \
	X(report, "write a report of a topology as one HTML page")   \
	X(schema, "print the topology language as a JSON Schema")

#define COMMAND_DECLARE(name, summary) int command_##name(int argc, char **argv);
COMMANDS(COMMAND_DECLARE)

/* The topology that is used when none is named. */
#define DEFAULT_TOPOLOGY "topology.yaml"

/* Tells on standard error, escaped, what is not about a place in a file. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
