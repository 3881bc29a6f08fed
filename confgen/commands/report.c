/* postern-confgen report: all that follows from a topology, as one page for people. */
#include "confgen/commands/keys.h"
#include "confgen/commands/lint_rendered.h"
#include "confgen/page/page.h"

#include <errno.h>

#define MOST_DRAWN 150 /* places; dot takes long for more, and nobody finds a way through them */

#define MOST_TRACED 20 /* of alike domains, for each check; 'test' tries more */

struct arguments {
	struct run *run;
	const char *output, *keys;
	bool no_picture;
};

enum { KEY_NO_PICTURE = 256 };

static const struct argp_option options[] = {
	{"output", 'o', "FILE", 0, "Write to FILE (default: report.html; -: standard output)", 0},
	{"keys", 'k', "DIR", 0, "Folder of DKIM keys (default: keys beside TOPOLOGY)", 0},
	{"no-picture", KEY_NO_PICTURE, NULL, 0, "Do not draw: no program dot is looked for", 0},
	{0},
};

static error_t parse_option(int key, char *value, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = arguments->run;
		return 0;
	case 'o':
		arguments->output = value;
		return 0;
	case 'k':
		arguments->keys = value;
		return 0;
	case KEY_NO_PICTURE:
		arguments->no_picture = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse_option,
	.children = run_argp,
	.args_doc = "[TOPOLOGY]",
	.doc = "Write a report of a topology: one HTML page, for people.\v"
	       "It needs no other file and no network, and no script. The picture is drawn by "
	       "Graphviz's dot, where that is installed. Of secrets, DKIM keys alone are read, for "
	       "their public half.",
};

/* A page without a picture says why; what dot cannot draw is no failure. */
static void draw(struct page *page, const struct arguments *arguments)
{
	const char *errors = NULL;
	size_t length;
	int error;

	if (arguments->no_picture) {
		page->no_svg = "The picture was left out, as asked for.";
		return;
	}
	if (page->graph->places.count > MOST_DRAWN) {
		page->no_svg = "The topology has too many hosts for one picture.";
		return;
	}
	error = graph_draw_svg(page->graph, GRAPH_ACROSS, &page->svg, &length, &errors);
	if (!error)
		error = graph_draw_svg(page->graph, GRAPH_DOWN, &page->tall, &length, &errors);
	if (!error)
		return;
	page->no_svg = error == -ENOENT ? "Graphviz's program dot, which draws the picture, is not "
					  "installed where this page was made."
					: "Graphviz's program dot could not draw the picture.";
	if (error != -ENOENT)
		complain("dot cannot draw this topology: %s", errors ? errors : strerror(-error));
}

/* Traces the messages of a check; the first that goes wrong says why. */
static struct page_check run_check(struct run *run, struct trace *trace, const struct check *check)
{
	struct page_check outcome = {.check = check};

	for (size_t i = 0; i < check->requests.count && !outcome.why; i++) {
		struct trace_result result = {0};
		const char *why = NULL;

		trace_message(trace, &check->requests.items[i], &result);
		if (!check_met(run->arena, check, &result, &why))
			outcome.why = why;
		else if (!check->implied)
			outcome.got = trace_summary(run->arena, &result);
	}
	return outcome;
}

static void run_checks(struct run *run, struct page *page)
{
	struct trace *trace = run_trace(run);
	struct checks checks = {0};
	struct page_check *outcomes;

	checks_of_tests(run->arena, run->topology, &checks);
	checks_implied(trace, MOST_TRACED, &checks);
	outcomes = arena_array(run->arena, checks.count, sizeof(*outcomes));
	for (size_t i = 0; i < checks.count; i++)
		outcomes[i] = run_check(run, trace, &checks.items[i]);
	trace_done(trace);
	page->checks = outcomes;
	page->check_count = checks.count;
}

static bool failed(const struct page *page)
{
	for (size_t i = 0; i < page->check_count; i++)
		if (page->checks[i].why)
			return true;
	return false;
}

static enum exit_status write_page(struct run *run, const struct arguments *arguments)
{
	struct strbuf text = STRBUF_INIT;
	struct diagnostics *findings = diagnostics_new(run->arena);
	const struct dns_options dns = {.keys = keys_folder(run, arguments->keys)};
	struct dns_records records;
	struct page page = {.topology = run->topology,
			    .path = run->path,
			    .files = &run->files,
			    .graph = graph_of_topology(run->arena, run->topology),
			    .records = &records,
			    .findings = findings};
	enum exit_status status;

	dns_records_derive(run->arena, run->topology, &dns, findings, &records);
	lint_rendered(run->arena, run->topology, &run->files, findings);
	diagnostics_append(findings, run->list);
	run_checks(run, &page);
	draw(&page, arguments);
	/* its only failure is a template that is wrong, which the list tells */
	if (page_render(run->arena, &page, run->options.templates, run->list, &text))
		status = EXIT_FINDINGS;
	else
		status = run_put(&text, arguments->output);
	strbuf_done(&text);
	if (status == EXIT_CLEAN && (diagnostics_count(findings, SEVERITY_ERROR) || failed(&page)))
		status = EXIT_FINDINGS;
	return status;
}

int command_report(int argc, char **argv)
{
	struct run run;
	struct arguments arguments = {.run = &run, .output = "report.html"};
	enum exit_status status;

	run_begin(&run, "report", &argp, argc, argv, &arguments);
	status = run_files(&run, SECRETS_LOOK);
	if (status == EXIT_CLEAN)
		status = write_page(&run, &arguments);
	run_report(&run, stderr);
	run_done(&run);
	return status;
}
