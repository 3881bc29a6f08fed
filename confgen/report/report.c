/* Which format is written how; see report.h. */
#include "confgen/report/report_private.h"

#include <stdlib.h>

static const struct report_writer text = {.name = "text"};

static const struct report_writer *const writers[] = {
	[REPORT_TEXT] = &text,
	[REPORT_GCC] = &report_gcc,
	[REPORT_JSON] = &report_json,
	[REPORT_SARIF] = &report_sarif,
	[REPORT_GITHUB] = &report_github,
	[REPORT_GITLAB] = &report_gitlab,
	[REPORT_JUNIT] = &report_junit,
};

bool report_format_parse(const char *word, enum report_format *out)
{
	for (size_t i = 0; i < sizeof(writers) / sizeof(writers[0]); i++)
		if (strcmp(writers[i]->name, word) == 0) {
			*out = (enum report_format)i;
			return true;
		}
	return false;
}

bool report_threshold_parse(const char *word, bool *fails, enum severity *at_least)
{
	if (strcmp(word, "none") == 0) {
		*fails = false;
		return true;
	}
	for (enum severity i = SEVERITY_ERROR; i <= SEVERITY_INFO; i++)
		if (strcmp(word, severity_name(i)) == 0) {
			*fails = true;
			*at_least = i;
			return true;
		}
	return false;
}

void report_begin(struct report *report)
{
	if (writers[report->format]->begin)
		writers[report->format]->begin(report);
}

static void add_findings(struct report *report, struct diagnostics *list)
{
	const struct report_writer *writer = writers[report->format];
	const struct diagnostic *item;
	struct arena *arena = arena_new(0);
	struct fingerprints fingerprints;
	size_t at = 0;

	fingerprints_init(&fingerprints, arena);
	while ((item = diagnostics_next(list, &at)))
		writer->finding(report, item, fingerprint_make(&fingerprints, item));
	arena_free(arena);
}

void report_add(struct report *report, const char *name, struct diagnostics *list)
{
	const struct report_writer *writer = writers[report->format];
	const struct diagnostic *item;
	size_t at = 0;

	diagnostics_sort(list);
	report->judged++;
	while ((item = diagnostics_next(list, &at)))
		report->counts[item->severity]++;
	if (report->format == REPORT_TEXT)
		diagnostics_print(list, report->out, diagnostics_want_color(report->out));
	else if (writer->list)
		writer->list(report, name, list);
	else
		add_findings(report, list);
}

void report_end(struct report *report)
{
	if (writers[report->format]->end)
		writers[report->format]->end(report);
}

size_t report_count(const struct report *report, enum severity at_least)
{
	size_t count = 0;

	for (enum severity i = SEVERITY_ERROR; i <= at_least; i++)
		count += report->counts[i];
	return count;
}

char *report_escape(const char *string)
{
	char *escaped = NULL;
	size_t length;
	FILE *memory = open_memstream(&escaped, &length);

	if (!memory)
		abort();
	print_escaped(memory, string, strlen(string));
	if (fclose(memory) != 0)
		abort();
	return escaped;
}

json_t *report_string(const char *string)
{
	char *escaped = report_escape(string);
	json_t *value = json_string(escaped);

	free(escaped);
	return value;
}

void report_set(json_t *object, const char *key, const char *string)
{
	json_object_set_new(object, key, report_string(string));
}

void report_item(struct report *report, json_t *object)
{
	fputs(report->any ? ",\n" : "\n", report->out);
	report->any = true;
	json_dumpf(object, report->out, JSON_COMPACT);
	json_decref(object);
}

const char *report_file(const struct diagnostic *item)
{
	return item->at.source ? item->at.source->name : "";
}

const char *report_rule_id(const struct diagnostic *item)
{
	return item->rule ? item->rule : "finding";
}
