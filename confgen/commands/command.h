/* What main.c and the commands share. */
#ifndef POSTERN_COMMAND_H
#define POSTERN_COMMAND_H

#include "common/diagnostics.h"

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

/* The topology that is used when none is named. */
#define DEFAULT_TOPOLOGY "topology.yaml"

/* Prints all diagnostics to `out`, in colour when that is a terminal. */
void command_print(struct diagnostics *list, FILE *out);

#endif
