/* --format and --fail-on, and what they decide: for the commands that report findings. */
#ifndef POSTERN_COMMANDS_REPORTING_H
#define POSTERN_COMMANDS_REPORTING_H

#include "confgen/commands/command.h"
#include "confgen/report/report.h"

#include <argp.h>

struct reporting {
	struct report report;
	bool fails;		/* --fail-on is not "none" */
	enum severity at_least; /* that a run fails on */
};

/* The argp of both options, with a struct reporting as its input. */
extern const struct argp reporting_argp;

/* Findings of so severe are those that a run fails on, unless the user says otherwise. */
void reporting_init(struct reporting *reporting, enum severity at_least);

/* EXIT_FINDINGS, if what was reported is severe enough. */
enum exit_status reporting_status(const struct reporting *reporting);

#endif
