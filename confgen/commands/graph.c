/* postern-confgen graph: a topology as a picture, or as the text of one. */
#include "confgen/commands/run.h"
#include "confgen/graph/graph.h"
#include "confgen/graph/rules.h"

#include <errno.h>

struct arguments {
	struct run *run;
	const char *output;
	const struct format *format;
};

static enum exit_status write_dot(const struct graph *graph, struct strbuf *out)
{
	graph_write_dot(graph, GRAPH_ACROSS, out);
	return EXIT_CLEAN;
}

static enum exit_status write_mermaid(const struct graph *graph, struct strbuf *out)
{
	graph_write_mermaid(graph, out);
	return EXIT_CLEAN;
}

static enum exit_status write_svg(const struct graph *graph, struct strbuf *out)
{
	const char *svg, *errors;
	size_t length;
	int error = graph_draw_svg(graph, GRAPH_ACROSS, &svg, &length, &errors);

	if (error == -ENOENT)
		complain("SVG is drawn by Graphviz's program dot, which is not installed here "
			 "(Debian: apt-get install graphviz)");
	else if (error)
		complain("dot cannot draw this topology: %s", errors ? errors : strerror(-error));
	if (error)
		return EXIT_BROKEN;
	strbuf_add(out, svg, length);
	return EXIT_CLEAN;
}

static const struct format {
	const char *name;
	enum exit_status (*write)(const struct graph *graph, struct strbuf *out);
} formats[] = {{"dot", write_dot}, {"mermaid", write_mermaid}, {"svg", write_svg}};
#define FORMATS "dot|mermaid|svg"

static const struct argp_option options[] = {
	{"format", 'f', "FORMAT", 0, FORMATS, 0},
	{"output", 'o', "FILE", 0, "Write to FILE (default: -, standard output)", 0},
	{0},
};

static error_t parse_option(int key, char *value, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = arguments->run;
		return 0;
	case 'f':
		arguments->format = NULL;
		for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++)
			if (strcmp(formats[i].name, value) == 0)
				arguments->format = &formats[i];
		if (!arguments->format)
			argp_error(state, "'%s' is no format: " FORMATS, value);
		return 0;
	case 'o':
		arguments->output = value;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = {{&run_topology_argp, 0, NULL, 0}, {0}};

static const struct argp argp = {
	.options = options,
	.parser = parse_option,
	.children = children,
	.args_doc = "[TOPOLOGY]",
	.doc = "Draw a topology: its hosts, networks and routes.\v"
	       "Writes the language of Graphviz's dot, or a flowchart of Mermaid; SVG is drawn by "
	       "dot, which must be installed. What is dangerous is red, and told as warnings.",
};

static enum exit_status draw(struct run *run, const struct arguments *arguments)
{
	const struct graph *graph = graph_of_topology(run->arena, run->topology);
	struct strbuf text = STRBUF_INIT;
	enum exit_status status = arguments->format->write(graph, &text);

	for (size_t i = 0; i < graph->dangers.count; i++)
		graph_report(run->list, DANGER, graph->dangers.items[i].at, "%s",
			     graph->dangers.items[i].text);
	if (status == EXIT_CLEAN)
		status = run_put(&text, arguments->output);
	strbuf_done(&text);
	return status;
}

int command_graph(int argc, char **argv)
{
	struct run run;
	struct arguments arguments = {.run = &run, .output = "-", .format = &formats[0]};
	enum exit_status status;

	run_begin(&run, "graph", &argp, argc, argv, &arguments);
	status = run_topology(&run, SECRETS_LOOK);
	if (status == EXIT_CLEAN)
		status = draw(&run, &arguments);
	run_report(&run, stderr);
	run_done(&run);
	return status;
}
