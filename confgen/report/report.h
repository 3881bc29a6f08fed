/*
 * Findings, written for people or for programs.
 *
 *	report_begin(&report);
 *	report_add(&report, path, list);	for each thing that was judged
 *	report_end(&report);
 *
 * What was added is written at once, so that a thousand folders need the memory of one. Every
 * format has the same findings, sorted by place, none twice. Source lines are shown in text alone,
 * and never one that may hold a secret. Texts of strangers are escaped as on a terminal, and then
 * as the format wants. Not thread-safe.
 *
 * Sources: GNU Coding Standards ("gcc"), SARIF 2.1.0 (OASIS), GitHub's workflow commands, GitLab's
 * code quality reports, JUnit's XML as CI servers read it.
 */
#ifndef CONFGEN_REPORT_H
#define CONFGEN_REPORT_H

#include "common/diagnostics.h"

enum report_format {
	REPORT_TEXT,
	REPORT_GCC,
	REPORT_JSON,
	REPORT_SARIF,
	REPORT_GITHUB,
	REPORT_GITLAB,
	REPORT_JUNIT
};

/* The words for --format, for --help. */
#define REPORT_FORMATS "text|gcc|json|sarif|github|gitlab|junit"

/* What a program knows of its rules; `id` NULL ends the table. */
struct report_rule {
	const char *id, *summary;
	enum severity severity;
};

struct report {
	enum report_format format;
	FILE *out;
	const struct report_rule *rules; /* or NULL */
	size_t counts[3];		 /* of what was written, by severity */
	size_t judged;			 /* calls of report_add() */
	bool any;			 /* something stands in the list of findings already */
};

/* False: there is no such format. */
bool report_format_parse(const char *word, enum report_format *out);

void report_begin(struct report *report);

/* `name` is what was judged, as the user wrote it. Sorts the list. */
void report_add(struct report *report, const char *name, struct diagnostics *list);
void report_end(struct report *report);

/* How many were written that are at least this severe. */
size_t report_count(const struct report *report, enum severity at_least);

/*
 * What --fail-on says: the least severity that counts. False: it is no such word. For "none",
 * `*fails` is false and `*at_least` untouched.
 */
bool report_threshold_parse(const char *word, bool *fails, enum severity *at_least);

/* Writes text as XML has it, control characters as \xNN. */
void report_print_xml(const char *text, FILE *out);

#endif
