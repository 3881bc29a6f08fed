/* postern-confgen convert: opendkim.conf, and the tables that it names, as a postern-milter.conf.
 */
#include "common/file.h"
#include "confgen/commands/run.h"
#include "confgen/keys/opendkim.h"

#include <string.h>

#define DEFAULT_FILE "/etc/opendkim.conf"
#define LARGEST_FILE ((size_t)1 << 20)

struct arguments {
	const char *path, *root, *output;
};

static const struct argp_option options[] = {
	{"output", 'o', "FILE", 0, "Write to FILE (default: standard output)", 0},
	{"root", 'r', "DIR", 0, "Look for the files that it names below DIR", 0},
	{0},
};

static error_t parse_option(int key, char *value, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case 'o':
		arguments->output = value;
		return 0;
	case 'r':
		arguments->root = value;
		return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num > 0)
			argp_error(state, "one file at a time");
		arguments->path = value;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse_option,
	.args_doc = "[OPENDKIM.CONF]",
	.doc = "Write the postern-milter.conf that does what an opendkim.conf does.\v"
	       "OPENDKIM.CONF is " DEFAULT_FILE " unless it is named. Each setting that is not "
	       "carried over is told with its line, and the exit status is 1. Keys stay where they "
	       "are.",
};

static enum exit_status convert(struct run *run, const struct arguments *arguments)
{
	struct source source = {.name = arguments->path};
	struct strbuf out = STRBUF_INIT;
	struct opendkim given;
	enum exit_status status;
	char *text;
	int error = file_read(run->arena, source.name, LARGEST_FILE, &text, &source.length);

	if (error) {
		complain("cannot read %s: %s", source.name, strerror(-error));
		return EXIT_BROKEN;
	}
	source.text = text;
	opendkim_read(run->arena, &source, &given, run->list);
	opendkim_datasets(run->arena, arguments->root, &given, run->list);
	opendkim_write(run->arena, &given, &out, run->list);
	if (diagnostics_count(run->list, SEVERITY_ERROR))
		status = EXIT_BROKEN; /* a table is not there: half a configuration is none */
	else
		status = run_put(&out, arguments->output);
	if (status == EXIT_CLEAN && given.keys.count == 0)
		complain("nothing is signed: %s names no key that can be carried over",
			 source.name);
	strbuf_done(&out);
	run_report(run, stderr);
	if (status != EXIT_CLEAN)
		return status;
	return given.keys.count && diagnostics_count(run->list, SEVERITY_WARNING) == 0
		       ? EXIT_CLEAN
		       : EXIT_FINDINGS;
}

int command_convert(int argc, char **argv)
{
	struct run run;
	struct arguments arguments = {.path = DEFAULT_FILE, .root = "", .output = "-"};
	enum exit_status status;

	run_begin(&run, "convert", &argp, argc, argv, &arguments);
	status = convert(&run, &arguments);
	run_done(&run);
	return status;
}
