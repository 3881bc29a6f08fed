/* postern-confgen lint: what is wrong in Postfix configurations, whoever wrote them. */
#include "confgen/commands/reporting.h"
#include "confgen/lint/fixes.h"
#include "confgen/lint/installed.h"
#include "confgen/lint/target.h"
#include "confgen/report/baseline.h"

struct lint_arguments {
	struct arena *arena;
	const char **paths;
	size_t count;
	struct target_options target;
	struct reporting reporting;
	const char *known, *write_known; /* the baselines' files */
	struct baseline *baseline;
	bool fix, yes, list_rules;
	size_t unread, waiting, fixed;
};

enum { KEY_RULES = 256, KEY_FIX, KEY_YES };

static const struct argp_option options[] = {
	{"target-postfix", 'T', "VERSION", 0, "The release that the files are for, such as 3.7", 0},
	{"no-permissions", 'n', NULL, 0, "Owners and modes do not count: a checkout", 0},
	{"baseline", 'b', "FILE", 0, "Leave out what FILE knows", 0},
	{"write-baseline", 'w', "FILE", 0, "Write all that is found to FILE", 0},
	{"fix", KEY_FIX, NULL, 0, "Print what mechanical fixes would change", 0},
	{"yes", KEY_YES, NULL, 0, "With --fix: write them", 0},
	{"rules", KEY_RULES, NULL, 0, "List the rules, and exit", 0},
	{0},
};

static void check_arguments(const struct lint_arguments *arguments, struct argp_state *state)
{
	if (arguments->yes && !arguments->fix)
		argp_error(state, "--yes goes with --fix");
	if (arguments->fix && arguments->reporting.report.format != REPORT_TEXT)
		argp_error(state, "--fix prints a difference: it has no other format");
	if (arguments->write_known && (arguments->known || arguments->fix))
		argp_error(state, "--write-baseline goes with neither --baseline nor --fix");
}

static error_t parse_option(int key, char *value, struct argp_state *state)
{
	struct lint_arguments *arguments = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &arguments->reporting;
		return 0;
	case 'T':
		if (!postfix_release_parse(value, &arguments->target.release))
			argp_error(state, "'%s' is no version of Postfix", value);
		arguments->target.release_given = true;
		return 0;
	case 'n':
		arguments->target.permissions = false;
		return 0;
	case 'b':
		arguments->known = value;
		return 0;
	case 'w':
		arguments->write_known = value;
		return 0;
	case KEY_FIX:
		arguments->fix = true;
		return 0;
	case KEY_YES:
		arguments->yes = true;
		return 0;
	case KEY_RULES:
		arguments->list_rules = true;
		return 0;
	case ARGP_KEY_ARG:
		arguments->paths = arena_grow(arguments->arena, arguments->paths, arguments->count,
					      sizeof(*arguments->paths));
		arguments->paths[arguments->count++] = value;
		return 0;
	case ARGP_KEY_END:
		check_arguments(arguments, state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = {{&reporting_argp, 0, NULL, 0}, {0}};

static const struct argp argp = {
	.options = options,
	.parser = parse_option,
	.children = children,
	.args_doc = "[PATH...]",
	.doc = "Tell what is wrong in Postfix configurations.\v"
	       "PATH is a folder with main.cf, one of docker-mailserver's overrides, main.cf, "
	       "master.cf or compose.yaml; by default /etc/postfix. Postfix is not run.",
};

static enum exit_status print_rules(void)
{
	size_t count;
	const struct lint_rule *rules = lint_rules(&count);

	for (size_t i = 0; i < count; i++)
		printf("%-4s %-8s %s\n", rules[i].id, severity_name(rules[i].severity),
		       rules[i].summary);
	return EXIT_CLEAN;
}

/* Shows the fixes of a list, and writes them where the user said so. */
static void fix_files(struct lint_arguments *arguments, struct arena *arena,
		      const struct diagnostics *list)
{
	struct fixed_files files = fixes_collect(arena, list);

	for (size_t i = 0; i < files.count; i++) {
		const struct fixed_file *file = &files.items[i];
		int error;

		fixes_diff(arena, file, stdout);
		if (!arguments->yes) {
			arguments->waiting += file->count;
			continue;
		}
		error = fixes_write(file);
		if (error) {
			complain("cannot write %s: %s", file->source->name,
				 error == -ESTALE ? "it was changed meanwhile" : strerror(-error));
			arguments->unread++;
		} else {
			arguments->fixed += file->count;
		}
	}
	arguments->waiting += files.waiting;
}

/* Each path has an arena of its own, so that a thousand need the memory of one. */
static void lint_path(struct lint_arguments *arguments, const char *path)
{
	struct arena *arena = arena_new(0);
	struct diagnostics *list = diagnostics_new(arena);

	if (!target_lint(arena, path, &arguments->target, list))
		arguments->unread++;
	if (arguments->known)
		baseline_apply(arguments->baseline, list);
	if (arguments->write_known)
		baseline_add(arguments->baseline, list);
	if (arguments->fix) {
		diagnostics_sort(list);
		fix_files(arguments, arena, list);
	} else {
		report_add(&arguments->reporting.report, path, list);
	}
	arena_free(arena);
}

static bool read_baseline(struct lint_arguments *arguments)
{
	const char *why = NULL;
	int error;

	arguments->baseline = baseline_new(arguments->arena);
	if (!arguments->known)
		return true;
	error = baseline_read(arguments->arena, arguments->known, &arguments->baseline, &why);
	if (error)
		complain("cannot read the baseline %s: %s", arguments->known,
			 why ? why : strerror(-error));
	return !error;
}

/* Tells what became of the baseline. */
static bool end_baseline(const struct lint_arguments *arguments)
{
	size_t stale = arguments->known ? baseline_stale(arguments->baseline) : 0;
	int error;

	if (stale)
		complain("%zu of the findings in %s are gone: write it anew", stale,
			 arguments->known);
	if (!arguments->write_known)
		return true;
	error = baseline_write(arguments->baseline, arguments->write_known);
	if (error)
		complain("cannot write %s: %s", arguments->write_known, strerror(-error));
	else
		complain("%zu findings are in %s now", baseline_count(arguments->baseline),
			 arguments->write_known);
	return !error;
}

static void summarize(const struct lint_arguments *arguments)
{
	const struct report *report = &arguments->reporting.report;
	size_t errors = report->counts[SEVERITY_ERROR], warnings = report->counts[SEVERITY_WARNING];

	if (arguments->fix && arguments->yes)
		complain("%zu fixed%s", arguments->fixed,
			 arguments->waiting ? "; run it again for those that overlap them" : "");
	if (arguments->fix || report->format != REPORT_TEXT)
		return;
	if (arguments->count == 1)
		print_escaped(stdout, arguments->paths[0], strlen(arguments->paths[0]));
	else
		printf("%zu configurations", arguments->count);
	printf(": %zu error%s, %zu warning%s\n", errors, errors == 1 ? "" : "s", warnings,
	       warnings == 1 ? "" : "s");
}

static enum exit_status run(struct lint_arguments *arguments)
{
	static const char *usual[] = {"/etc/postfix"};

	if (!arguments->count) {
		arguments->paths = usual;
		arguments->count = 1;
	}
	if (!arguments->target.release_given)
		installed_release(&arguments->target.release);
	if (!read_baseline(arguments))
		return EXIT_BROKEN;
	if (!arguments->fix)
		report_begin(&arguments->reporting.report);
	for (size_t i = 0; i < arguments->count; i++)
		lint_path(arguments, arguments->paths[i]);
	if (!arguments->fix)
		report_end(&arguments->reporting.report);
	summarize(arguments);
	if (!end_baseline(arguments) || arguments->unread)
		return EXIT_BROKEN;
	if (arguments->write_known)
		return EXIT_CLEAN;
	if (arguments->fix)
		return arguments->waiting ? EXIT_FINDINGS : EXIT_CLEAN;
	return reporting_status(&arguments->reporting);
}

int command_lint(int argc, char **argv)
{
	struct lint_arguments arguments = {
		.arena = arena_new(0),
		.target = {.release = POSTFIX_USUAL, .permissions = true},
	};
	enum exit_status status;

	reporting_init(&arguments.reporting, SEVERITY_WARNING);
	argv[0] = arena_printf(arguments.arena, "postern-confgen lint");
	argp_err_exit_status = EXIT_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, &arguments);
	status = arguments.list_rules ? print_rules() : run(&arguments);
	if (fflush(stdout) == EOF && status != EXIT_USAGE) {
		complain("cannot write the report: %s", strerror(errno));
		status = EXIT_BROKEN;
	}
	arena_free(arguments.arena);
	return status;
}
