/* Reports of tests; see test_report.h. */
#include "confgen/commands/test_report.h"
#include "confgen/commands/trace_print.h"
#include "confgen/report/report.h"
#include "confgen/topology/schema.h"

#include <string.h>

static const char *lab_summary(const struct trial *trial)
{
	const char *text = json_string_value(json_object_get(trial->lab, "summary"));

	return text ? text : "nothing";
}

static const char *client_of(struct arena *arena, const struct request *request)
{
	char text[IP_TEXT_SIZE], claims[IP_TEXT_SIZE];

	if (request->local)
		return "sendmail(1)";
	return arena_printf(arena, "%s%s%s%s%s", ip_format(&request->client, text),
			    request->user ? " as " : "", request->user ? request->user : "",
			    request->claims.family != IP_NONE ? " claiming " : "",
			    request->claims.family != IP_NONE ? ip_format(&request->claims, claims)
							      : "");
}

/* The message in a line: as an argument list of trace, nearly. */
static const char *describe(struct arena *arena, const struct trial *trial)
{
	const struct request *request = &trial->request;

	return arena_printf(arena, "at %s%s%s, client %s, from <%s> to <%s>",
			    request->node->head.name.value, request->listener ? ":" : "",
			    request->listener ? request->listener : "", client_of(arena, request),
			    request->sender, request->recipient);
}

/* Calls `tell` for each line that says what is wrong with a trial, or what both saw. */
static void tell(const struct test_run *run, const struct trial *trial, FILE *out,
		 void (*line)(FILE *out, const char *text))
{
	line(out, describe(run->arena, trial));
	if (trial->why)
		line(out, trial->why);
	line(out, arena_printf(run->arena, "trace: %s", trace_summary(run->arena, &trial->result)));
	if (trial->lab)
		line(out, arena_printf(run->arena, "lab:   %s", lab_summary(trial)));
	if (trial->differs)
		line(out, arena_printf(run->arena, "trace and lab differ in %s", trial->differs));
	if (trial->skipped)
		line(out, arena_printf(run->arena, "lab:   not asked: %s", trial->skipped));
}

/* --- TAP --- */

static void tap_line(FILE *out, const char *text)
{
	fputs("# ", out);
	print_escaped(out, text, strlen(text));
	fputc('\n', out);
}

static bool is_bad(const struct trial *trial)
{
	return trial->why || trial->differs;
}

/* A name must not look like a directive. */
static void tap_name(FILE *out, const char *name)
{
	for (; *name; name++) {
		if (*name == '#' || *name == '\\')
			fputc('\\', out);
		print_escaped(out, name, 1);
	}
}

static const char *skip_of(const struct outcome_of_check *outcome)
{
	for (size_t i = 0; i < outcome->trials.count; i++)
		if (!outcome->trials.items[i].skipped)
			return NULL;
	return outcome->trials.count ? outcome->trials.items[0].skipped : NULL;
}

static void tap(FILE *out, const struct test_run *run, bool explain)
{
	fprintf(out, "TAP version 13\n1..%zu\n", run->count);
	for (size_t i = 0; i < run->count; i++) {
		const struct outcome_of_check *outcome = &run->items[i];
		const char *skip = outcome->failed ? NULL : skip_of(outcome);

		fprintf(out, "%s %zu - ", outcome->failed ? "not ok" : "ok", i + 1);
		tap_name(out, outcome->check->name);
		if (skip) {
			fputs(" # SKIP ", out);
			print_escaped(out, skip, strlen(skip));
		}
		fputc('\n', out);
		if (outcome->failed && outcome->check->at.source)
			tap_line(out,
				 arena_printf(run->arena, "%s:%u:%u",
					      outcome->check->at.source->name,
					      outcome->check->at.line, outcome->check->at.column));
		for (size_t j = 0; j < outcome->trials.count; j++) {
			const struct trial *trial = &outcome->trials.items[j];

			if (is_bad(trial) || explain || (run->live && !outcome->check->implied))
				tell(run, trial, out, tap_line);
			if (is_bad(trial) || explain)
				trace_print(out, run->arena, &trial->result, explain, "#   ");
		}
	}
	fprintf(out, "# %zu of %zu passed", run->count - run->failed, run->count);
	if (run->live)
		fprintf(out, "; in %zu the lab differs, of %zu it could not be asked",
			run->differing, run->skipped);
	fputc('\n', out);
}

/* --- JUnit --- */

static void xml_line(FILE *out, const char *text)
{
	report_print_xml(text, out);
	fputc('\n', out);
}

static void junit_case(FILE *out, const struct test_run *run,
		       const struct outcome_of_check *outcome)
{
	const char *skip = outcome->failed ? NULL : skip_of(outcome);
	const char *why = NULL;

	fprintf(out, "    <testcase classname=\"%s\" name=\"",
		outcome->check->implied ? "implied" : "tests");
	report_print_xml(outcome->check->name, out);
	if (!outcome->failed) {
		fputs(skip ? "\"><skipped message=\"" : "\"/>\n", out);
		if (skip) {
			report_print_xml(skip, out);
			fputs("\"/></testcase>\n", out);
		}
		return;
	}
	for (size_t i = 0; i < outcome->trials.count && !why; i++)
		why = outcome->trials.items[i].why ? outcome->trials.items[i].why
						   : outcome->trials.items[i].differs;
	fputs("\"><failure message=\"", out);
	report_print_xml(why, out);
	fputs("\">", out);
	for (size_t i = 0; i < outcome->trials.count; i++)
		if (is_bad(&outcome->trials.items[i]))
			tell(run, &outcome->trials.items[i], out, xml_line);
	fputs("</failure></testcase>\n", out);
}

static void junit(FILE *out, const struct test_run *run)
{
	size_t skipped = 0;

	for (size_t i = 0; i < run->count; i++)
		skipped += !run->items[i].failed && skip_of(&run->items[i]);
	fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"postern-confgen\">\n"
	      "  <testsuite name=\"",
	      out);
	report_print_xml(run->topology, out);
	fprintf(out, "\" tests=\"%zu\" failures=\"%zu\" errors=\"0\" skipped=\"%zu\">\n",
		run->count, run->failed, skipped);
	for (size_t i = 0; i < run->count; i++)
		junit_case(out, run, &run->items[i]);
	fputs("  </testsuite>\n</testsuites>\n", out);
}

/* --- JSON --- */

static json_t *trial_to_json(const struct test_run *run, const struct trial *trial, bool explain)
{
	return json_pack("{s:o, s:o, s:O?, s:s?, s:s?, s:s?}", "message",
			 trace_request_to_json(&trial->request, &trial->result), "trace",
			 trace_to_json(run->arena, &trial->result, explain), "lab", trial->lab,
			 "wrong", trial->why, "differs", trial->differs, "skipped", trial->skipped);
}

static void json(FILE *out, const struct test_run *run, bool explain)
{
	json_t *tests = json_array(), *all;

	for (size_t i = 0; i < run->count; i++) {
		const struct outcome_of_check *outcome = &run->items[i];
		const struct position at = outcome->check->at;
		json_t *messages = json_array();

		for (size_t j = 0; j < outcome->trials.count; j++)
			json_array_append_new(
				messages, trial_to_json(run, &outcome->trials.items[j], explain));
		json_array_append_new(
			tests, json_pack("{s:s, s:b, s:b, s:s, s:i, s:i, s:o}", "name",
					 outcome->check->name, "implied", outcome->check->implied,
					 "ok", !outcome->failed, "file",
					 at.source ? at.source->name : "", "line", (int)at.line,
					 "column", (int)at.column, "messages", messages));
	}
	all = json_pack("{s:s, s:b, s:I, s:I, s:I, s:I, s:o}", "topology", run->topology, "live",
			run->live, "count", (json_int_t)run->count, "failed",
			(json_int_t)run->failed, "differing", (json_int_t)run->differing, "skipped",
			(json_int_t)run->skipped, "tests", tests);
	json_dumpf(all, out, JSON_INDENT(2) | JSON_ENSURE_ASCII);
	fputc('\n', out);
	json_decref(all);
}

void test_report(FILE *out, const struct test_run *run, enum test_format format, bool explain)
{
	if (format == TEST_TAP)
		tap(out, run, explain);
	else if (format == TEST_JUNIT)
		junit(out, run);
	else
		json(out, run, explain);
}
