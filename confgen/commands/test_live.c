#include "confgen/commands/test_live.h"
enum exit_status test_live(struct run *run, struct trace *trace, const char *lab,
			   struct test_run *tests)
{
	(void)run;
	(void)trace;
	(void)lab;
	(void)tests;
	return EXIT_BROKEN;
}
