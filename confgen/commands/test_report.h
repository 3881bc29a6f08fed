/* What tests of a topology gave, as TAP, JUnit's XML and JSON. */
#ifndef POSTERN_COMMANDS_TEST_REPORT_H
#define POSTERN_COMMANDS_TEST_REPORT_H

#include "confgen/trace/checks.h"

#include <jansson.h>
#include <stdio.h>

/* A message of a check. */
struct trial {
	struct request request;
	struct trace_result result;
	const char *why;     /* it is not what was expected; NULL: it is */
	json_t *lab;	     /* what the lab saw, or NULL: it was not asked */
	const char *differs; /* in what the lab's verdict differs, or NULL */
	const char *skipped; /* why the lab could not be asked, or NULL */
};

struct trials {
	struct trial *items;
	size_t count;
};

/* A check that was carried out. */
struct outcome_of_check {
	const struct check *check;
	struct trials trials;
	bool failed;
};

struct test_run {
	struct arena *arena;
	const char *topology; /* its path */
	struct outcome_of_check *items;
	size_t count, failed, differing, skipped;
	bool live;
};

enum test_format { TEST_TAP, TEST_JUNIT, TEST_JSON };

/* `explain`: the steps of all messages, not of those alone that fail. */
void test_report(FILE *out, const struct test_run *run, enum test_format format, bool explain);

#endif
