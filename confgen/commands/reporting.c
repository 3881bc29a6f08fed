/* How findings are reported, as the command line says; see reporting.h. */
#include "confgen/commands/reporting.h"
#include "confgen/lint/lint.h"

#include <stdlib.h>

static const struct argp_option options[] = {
	{"format", 'f', "FORMAT", 0, REPORT_FORMATS, 0},
	{"fail-on", 'F', "SEVERITY", 0, "Exit with 1 from this on: error|warning|info|none", 0},
	{0},
};

static error_t parse_option(int key, char *value, struct argp_state *state)
{
	struct reporting *reporting = state->input;

	switch (key) {
	case 'f':
		if (!report_format_parse(value, &reporting->report.format))
			argp_error(state, "'%s' is no format: %s", value, REPORT_FORMATS);
		return 0;
	case 'F':
		if (!report_threshold_parse(value, &reporting->fails, &reporting->at_least))
			argp_error(state, "'%s' is none of error, warning, info, none", value);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

const struct argp reporting_argp = {.options = options, .parser = parse_option};

/* The rules of lint, for formats that list them; it lives as long as the program. */
static const struct report_rule *rules(void)
{
	static struct report_rule *table;
	const struct lint_rule *rows;
	size_t count;

	if (table)
		return table;
	rows = lint_rules(&count);
	table = calloc(count + 1, sizeof(*table));
	for (size_t i = 0; table && i < count; i++)
		table[i] = (struct report_rule){rows[i].id, rows[i].summary, rows[i].severity};
	return table;
}

void reporting_init(struct reporting *reporting, enum severity at_least)
{
	*reporting = (struct reporting){
		.report = {.out = stdout, .rules = rules()}, .fails = true, .at_least = at_least};
}

enum exit_status reporting_status(const struct reporting *reporting)
{
	return reporting->fails && report_count(&reporting->report, reporting->at_least)
		       ? EXIT_FINDINGS
		       : EXIT_CLEAN;
}
