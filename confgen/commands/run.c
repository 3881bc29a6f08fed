/* What every command over a topology does first and last; see command.h. */
#include "confgen/commands/run.h"
#include "common/file.h"
#include "confgen/output/staging.h"

#include <errno.h>

static const struct argp_option options[] = {
	{"templates", 't', "DIR", 0, "Use the templates in DIR in place of those built in", 0},
	{0},
};

static error_t parse_option(int key, char *value, struct argp_state *state)
{
	struct run *run = state->input;

	switch (key) {
	case 't':
		run->options.templates = value;
		return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num > 0)
			argp_error(state, "only one topology at a time");
		run->path = value;
		run->named = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

const struct argp run_options_argp = {.options = options, .parser = parse_option};

const struct argp run_topology_argp = {.parser = parse_option};

const struct argp_child run_argp[] = {{&run_options_argp, 0, NULL, 0}, {0}};

void run_begin(struct run *run, const char *name, const struct argp *argp, int argc, char **argv,
	       void *input)
{
	*run = (struct run){.path = DEFAULT_TOPOLOGY};
	run->arena = arena_new(0);
	run->list = diagnostics_new(run->arena);
	/* argp calls the program by argv[0] */
	argv[0] = arena_printf(run->arena, "postern-confgen %s", name);
	argp_err_exit_status = EXIT_USAGE;
	argp_parse(argp, argc, argv, 0, NULL, input);
}

void complain(const char *format, ...)
{
	struct arena *arena = arena_new(0);
	const char *text;
	va_list args;

	va_start(args, format);
	text = arena_vprintf(arena, format, args);
	va_end(args);
	fputs("postern-confgen: ", stderr);
	print_escaped(stderr, text, strlen(text));
	fputc('\n', stderr);
	arena_free(arena);
}

enum exit_status run_topology(struct run *run, enum secret_policy secrets)
{
	if (topology_load(run->arena, run->path, secrets, run->list, &run->topology))
		return EXIT_BROKEN;
	return !run->topology || diagnostics_count(run->list, SEVERITY_ERROR) ? EXIT_FINDINGS
									      : EXIT_CLEAN;
}

enum exit_status run_files(struct run *run, enum secret_policy secrets)
{
	int error = topology_load(run->arena, run->path, secrets, run->list, &run->topology);

	return error ? EXIT_BROKEN : run_render(run);
}

enum exit_status run_render(struct run *run)
{
	int error;

	if (!run->topology || diagnostics_count(run->list, SEVERITY_ERROR))
		return EXIT_FINDINGS;
	error = files_render(run->arena, run->topology, &run->options, &run->files, run->list);
	if (error < -1) {
		complain("cannot use the templates in %s: %s", run->options.templates,
			 strerror(-error));
		return EXIT_BROKEN;
	}
	if (error || diagnostics_count(run->list, SEVERITY_ERROR))
		return EXIT_FINDINGS;
	return EXIT_CLEAN;
}

static enum exit_status output_failed(const char *output, const char *what, int error)
{
	complain("cannot write %s%s%s: %s", output, what ? "/" : "", what ? what : "",
		 strerror(-error));
	return EXIT_BROKEN;
}

enum exit_status run_write(struct run *run, const char *output)
{
	struct staging *staging;
	int error = staging_begin(run->arena, output, &staging);

	if (error)
		return output_failed(output, NULL, error);
	for (size_t i = 0; i < run->files.count; i++) {
		const struct rendered_file *file = &run->files.items[i];

		error = staging_add(staging, file->path, file->mode, file->text, file->length);
		if (error) {
			staging_abort(staging);
			return output_failed(output, file->path, error);
		}
	}
	error = staging_commit(staging, run->list);
	staging_abort(staging);
	if (error && error != -ECANCELED)
		return output_failed(output, NULL, error);
	return error ? EXIT_BROKEN : EXIT_CLEAN;
}

struct trace *run_trace(struct run *run)
{
	struct source *sources = arena_array(run->arena, run->files.count, sizeof(*sources));

	for (size_t i = 0; i < run->files.count; i++)
		sources[i] = (struct source){run->files.items[i].path, run->files.items[i].text,
					     run->files.items[i].length};
	return trace_new(run->arena, run->topology, sources, run->files.count);
}

/* What is no file, such as a device, cannot be replaced. */
static int write_through(FILE *out, const struct strbuf *text)
{
	bool failed;

	if (!out)
		return -errno;
	failed = fwrite(text->text, 1, text->length, out) != text->length || fflush(out) != 0;
	return failed ? -errno : 0;
}

enum exit_status run_put(const struct strbuf *text, const char *path)
{
	int error;

	if (strcmp(path, "-") == 0) {
		error = write_through(stdout, text);
		path = "the output";
	} else {
		error = file_replace(path, NULL, 0, text->text, text->length);
		if (error == -EINVAL) {
			FILE *out = fopen(path, "we");

			error = write_through(out, text);
			if (out && fclose(out) != 0 && !error)
				error = -errno;
		}
	}
	if (!error)
		return EXIT_CLEAN;
	complain("cannot write %s: %s", path, strerror(-error));
	return EXIT_BROKEN;
}

bool run_flush(void)
{
	if (fflush(stdout) != EOF && !ferror(stdout))
		return true;
	complain("cannot write the output: %s", strerror(errno));
	return false;
}

void run_report(const struct run *run, FILE *out)
{
	diagnostics_print(run->list, out, diagnostics_want_color(out));
}

void run_done(struct run *run)
{
	arena_free(run->arena);
}
