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

int command_render(int argc, char **argv);
int command_check(int argc, char **argv);
int command_dns(int argc, char **argv);
int command_keys(int argc, char **argv);
int command_explain(int argc, char **argv);
int command_graph(int argc, char **argv);
int command_init(int argc, char **argv);
int command_lint(int argc, char **argv);
int command_report(int argc, char **argv);
int command_schema(int argc, char **argv);
int command_test(int argc, char **argv);
int command_trace(int argc, char **argv);

/* The topology that is used when none is named. */
#define DEFAULT_TOPOLOGY "topology.yaml"

/* Tells on standard error, escaped, what is not about a place in a file. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
