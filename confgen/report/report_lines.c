/* A line a finding: as compilers print it, and as GitHub's workflow commands. */
#include "confgen/report/report_private.h"

#include <stdlib.h>

static void print_place(const struct diagnostic *item, FILE *out)
{
	if (!item->at.source)
		return;
	print_escaped(out, item->at.source->name, strlen(item->at.source->name));
	if (item->at.line)
		fprintf(out, ":%u:%u", item->at.line, item->at.column ? item->at.column : 1);
	fputs(": ", out);
}

/* "note" is what parsers of compiler output know in place of "info". */
static void print_gcc(struct report *report, const struct diagnostic *item, const char *fingerprint)
{
	FILE *out = report->out;

	(void)fingerprint;
	print_place(item, out);
	fprintf(out,
		"%s: ", item->severity == SEVERITY_INFO ? "note" : severity_name(item->severity));
	print_escaped(out, item->message, strlen(item->message));
	if (item->hint) {
		fputs("; ", out);
		print_escaped(out, item->hint, strlen(item->hint));
	}
	fprintf(out, " [%s]\n", report_rule_id(item));
}

const struct report_writer report_gcc = {.name = "gcc", .finding = print_gcc};

/* What separates the parts of a workflow command is written as in a URL. */
static void print_data(const char *text, bool property, FILE *out)
{
	char *escaped = report_escape(text);

	for (const char *at = escaped; *at; at++)
		if (*at == '%' || (property && (*at == ':' || *at == ',')))
			fprintf(out, "%%%02X", (unsigned char)*at);
		else
			fputc(*at, out);
	free(escaped);
}

static void print_github(struct report *report, const struct diagnostic *item,
			 const char *fingerprint)
{
	static const char *const commands[] = {"error", "warning", "notice"};
	FILE *out = report->out;

	(void)fingerprint;
	fprintf(out, "::%s ", commands[item->severity]);
	if (item->at.source) {
		fputs("file=", out);
		print_data(report_file(item), true, out);
		if (item->at.line)
			fprintf(out, ",line=%u,col=%u", item->at.line,
				item->at.column ? item->at.column : 1);
		fputc(',', out);
	}
	fputs("title=", out);
	print_data(report_rule_id(item), true, out);
	fputs("::", out);
	print_data(item->message, false, out);
	if (item->hint) {
		fputs("%0Ahint: ", out);
		print_data(item->hint, false, out);
	}
	fputc('\n', out);
}

const struct report_writer report_github = {.name = "github", .finding = print_github};
