/* What the writers of report.h share. */
#ifndef CONFGEN_REPORT_PRIVATE_H
#define CONFGEN_REPORT_PRIVATE_H

#include "confgen/report/fingerprint.h"
#include "confgen/report/report.h"

#include <jansson.h>

/* How one format is written; any may be NULL. */
struct report_writer {
	const char *name;
	void (*begin)(struct report *report);
	void (*list)(struct report *report, const char *name, struct diagnostics *list);
	/* called for each finding, unless `list` is there */
	void (*finding)(struct report *report, const struct diagnostic *item,
			const char *fingerprint);
	void (*end)(struct report *report);
};

extern const struct report_writer report_gcc, report_github;  /* report_lines.c */
extern const struct report_writer report_json, report_gitlab; /* report_json.c */
extern const struct report_writer report_sarif, report_junit;

/* The text with control characters and what is not UTF-8 escaped; the caller frees it. */
char *report_escape(const char *text);

/* The same as a JSON string. */
json_t *report_string(const char *text);

/* The same, by printf(3)'s rules. */
void report_set(json_t *object, const char *key, const char *text);

/* Writes a JSON object of a list of them, and takes it. Numbers the list with report->any. */
void report_item(struct report *report, json_t *object);

/* The name of the file that a finding is in, or "". */
const char *report_file(const struct diagnostic *item);

/* A finding's rule, or "finding". */
const char *report_rule_id(const struct diagnostic *item);

#endif
