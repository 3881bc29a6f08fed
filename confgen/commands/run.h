/* What commands over a topology do first and last. */
#ifndef POSTERN_COMMANDS_RUN_H
#define POSTERN_COMMANDS_RUN_H

#include "common/strbuf.h"
#include "confgen/commands/command.h"
#include "confgen/render/files.h"
#include "confgen/topology/load.h"
#include "confgen/trace/trace.h"

#include <argp.h>

/* One run of a command over a topology. */
struct run {
	struct arena *arena;
	struct diagnostics *list;
	const char *path; /* of the topology */
	bool named;	  /* on the command line */
	struct render_options options;
	struct topology *topology;
	struct rendered_files files;
};

/*
 * The options that all commands over a topology have: --templates, and the topology itself. A
 * command's argp has it as its child, with the run as its input.
 */
extern const struct argp_child run_argp[];
extern const struct argp run_options_argp;  /* the same, beside other children */
extern const struct argp run_topology_argp; /* the topology alone: for those who render nothing */

/* Parses the command line; does not return when it is wrong, or asks for help. */
void run_begin(struct run *run, const char *name, const struct argp *argp, int argc, char **argv,
	       void *input);

/* Loads the topology: EXIT_CLEAN when it has no errors. */
enum exit_status run_topology(struct run *run, enum secret_policy secrets);

/* Loads the topology and renders its files into memory. */
enum exit_status run_files(struct run *run, enum secret_policy secrets);

/* Renders the files of a topology that is loaded already. */
enum exit_status run_render(struct run *run);

/* Puts the rendered files into the folder `output`, or changes nothing and complains. */
enum exit_status run_write(struct run *run, const char *output);

/* Makes what traces need of the rendered files; trace_done() gives it back. */
struct trace *run_trace(struct run *run);

/* Writes a file as a whole or not at all; "-" is standard output. Complains where that fails. */
enum exit_status run_put(const struct strbuf *text, const char *path);

/* Writes out what was printed; complains, and gives false, when that cannot be done. */
bool run_flush(void);

/* Prints the diagnostics to `out`, in colour when that is a terminal. */
void run_report(const struct run *run, FILE *out);

void run_done(struct run *run);

#endif
