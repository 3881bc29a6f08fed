/* Tests in the lab: each message as a real one, through real Postfix. */
#ifndef POSTERN_COMMANDS_TEST_LIVE_H
#define POSTERN_COMMANDS_TEST_LIVE_H

#include "confgen/commands/run.h"
#include "confgen/commands/test_report.h"

/*
 * Renders the topology into a temporary folder, boots it with `lab` (the program postern-lab),
 * sends the messages of all trials, and sets what the lab saw and in what that differs. The lab is
 * gone afterwards, even if this process is killed. Complains, and gives EXIT_BROKEN, when that
 * cannot be done.
 */
enum exit_status test_live(struct run *run, struct trace *trace, const char *lab,
			   struct test_run *tests);

#endif
