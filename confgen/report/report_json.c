/* Our own JSON, and GitLab's code quality report. */
#include "confgen/report/report_private.h"

static void begin_json(struct report *report)
{
	fprintf(report->out, "{\"version\":1,\"program\":\"postern-confgen %s\",\"findings\":[",
		POSTERN_VERSION);
}

static void add_json(struct report *report, const struct diagnostic *item, const char *fingerprint)
{
	json_t *object = json_object();

	report_set(object, "rule", report_rule_id(item));
	report_set(object, "severity", severity_name(item->severity));
	report_set(object, "file", report_file(item));
	if (item->at.line)
		json_object_set_new(object, "line", json_integer(item->at.line));
	if (item->at.line && item->at.column)
		json_object_set_new(object, "column", json_integer(item->at.column));
	report_set(object, "message", item->message);
	if (item->hint)
		report_set(object, "hint", item->hint);
	json_object_set_new(object, "fixable", json_boolean(item->fix != NULL));
	report_set(object, "fingerprint", fingerprint);
	report_item(report, object);
}

static void end_json(struct report *report)
{
	fprintf(report->out, "%s],\"judged\":%zu,\"errors\":%zu,\"warnings\":%zu,\"infos\":%zu}\n",
		report->any ? "\n" : "", report->judged, report->counts[SEVERITY_ERROR],
		report->counts[SEVERITY_WARNING], report->counts[SEVERITY_INFO]);
}

const struct report_writer report_json = {
	.name = "json", .begin = begin_json, .finding = add_json, .end = end_json};

static void begin_gitlab(struct report *report)
{
	fputs("[", report->out);
}

/* GitLab wants a path below the repository, and a line. */
static void add_gitlab(struct report *report, const struct diagnostic *item,
		       const char *fingerprint)
{
	static const char *const severities[] = {"critical", "minor", "info"};
	json_t *object = json_object(), *location = json_object(), *lines = json_object();
	const char *path = report_file(item);

	while (strncmp(path, "./", 2) == 0)
		path += 2;
	report_set(object, "description", item->message);
	report_set(object, "check_name", report_rule_id(item));
	report_set(object, "fingerprint", fingerprint);
	report_set(object, "severity", severities[item->severity]);
	report_set(location, "path", path);
	json_object_set_new(lines, "begin", json_integer(item->at.line ? item->at.line : 1));
	json_object_set_new(location, "lines", lines);
	json_object_set_new(object, "location", location);
	report_item(report, object);
}

static void end_gitlab(struct report *report)
{
	fputs(report->any ? "\n]\n" : "]\n", report->out);
}

const struct report_writer report_gitlab = {
	.name = "gitlab", .begin = begin_gitlab, .finding = add_gitlab, .end = end_gitlab};
