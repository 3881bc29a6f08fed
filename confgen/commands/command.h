/* What main.c and the commands share. */
#ifndef POSTERN_COMMAND_H
#define POSTERN_COMMAND_H

#include "confgen/render/files.h"
#include "confgen/topology/load.h"

#include <argp.h>

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
int command_init(int argc, char **argv);
int command_schema(int argc, char **argv);

/* The topology that is used when none is named. */
#define DEFAULT_TOPOLOGY "topology.yaml"

/* One run of a command over a topology. */
struct run {
	struct arena *arena;
	struct diagnostics *list;
	const char *path; /* of the topology */
	struct render_options options;
	struct topology *topology;
	struct rendered_files files;
};

/*
 * The options that all commands over a topology have: --templates, and the topology itself. A
 * command's argp has it as its child, with the run as its input.
 */
extern const struct argp_child run_argp[];

/* Parses the command line; does not return when it is wrong, or asks for help. */
void run_begin(struct run *run, const char *name, const struct argp *argp, int argc, char **argv,
	       void *input);

/* Tells on standard error, escaped, what is not about a place in a file. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Loads the topology and renders its files into memory. */
enum exit_status run_files(struct run *run, enum secret_policy secrets);

/* Prints the diagnostics to `out`, in colour when that is a terminal. */
void run_report(const struct run *run, FILE *out);

void run_done(struct run *run);

#endif
