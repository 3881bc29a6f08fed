/*
 * JUnit's XML: a suite for each thing that was judged, a failed case for each finding; a passed one
 * where nothing was found, because CI servers take an empty suite for a run that broke.
 */
#include "confgen/report/report_private.h"

#include <stdlib.h>

/* print_escaped() leaves nothing that XML 1.0 forbids but U+FFFE and U+FFFF, which no one types. */
void report_print_xml(const char *text, FILE *out)
{
	char *escaped = report_escape(text);

	for (const char *at = escaped; *at; at++)
		switch (*at) {
		case '&':
			fputs("&amp;", out);
			break;
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		default:
			fputc(*at, out);
		}
	free(escaped);
}

static void print_case(const struct diagnostic *item, FILE *out)
{
	fputs("    <testcase classname=\"", out);
	report_print_xml(report_file(item), out);
	fputs("\" name=\"", out);
	report_print_xml(report_rule_id(item), out);
	if (item->at.line)
		fprintf(out, " line %u", item->at.line);
	fprintf(out, "\"><failure type=\"%s\" message=\"", severity_name(item->severity));
	report_print_xml(item->message, out);
	fputs("\">", out);
	report_print_xml(report_file(item), out);
	if (item->at.line)
		fprintf(out, ":%u:%u", item->at.line, item->at.column ? item->at.column : 1);
	fputs(": ", out);
	report_print_xml(item->message, out);
	if (item->hint) {
		fputs("\nhint: ", out);
		report_print_xml(item->hint, out);
	}
	fputs("</failure></testcase>\n", out);
}

static void begin(struct report *report)
{
	fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"postern-confgen\">\n",
	      report->out);
}

static void add_suite(struct report *report, const char *name, struct diagnostics *list)
{
	FILE *out = report->out;
	const struct diagnostic *item;
	size_t count = 0, at = 0;

	while (diagnostics_next(list, &at))
		count++;
	fputs("  <testsuite name=\"", out);
	report_print_xml(name, out);
	fprintf(out, "\" tests=\"%zu\" failures=\"%zu\" errors=\"0\" skipped=\"0\">\n",
		count ? count : 1, count);
	at = 0;
	while ((item = diagnostics_next(list, &at)))
		print_case(item, out);
	if (!count) {
		fputs("    <testcase classname=\"", out);
		report_print_xml(name, out);
		fputs("\" name=\"no findings\"/>\n", out);
	}
	fputs("  </testsuite>\n", out);
}

static void end(struct report *report)
{
	fputs("</testsuites>\n", report->out);
}

const struct report_writer report_junit = {
	.name = "junit", .begin = begin, .list = add_suite, .end = end};
