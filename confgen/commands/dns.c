/* postern-confgen dns: the records that a topology needs, written, or compared with DNS. */
#include "confgen/commands/keys.h"
#include "confgen/commands/reporting.h"
#include "confgen/dns/verify.h"
#include "confgen/dns/zone.h"
#include "confgen/output/staging.h"

#include <errno.h>
#include <stdlib.h>

#define MOST_RESOLVERS 8
#define SECONDS	       60   /* for all questions together */
#define QUESTION_MS    4000 /* for one */

struct arguments {
	struct run *run;
	struct diagnostics *found; /* about DNS; run->list is about the topology */
	struct dns_options dns;
	struct reporting reporting;
	const char *output, *format;
	unsigned long serial, seconds;
	const char *resolvers[MOST_RESOLVERS];
	size_t resolver_count;
	bool verify, fails_given;
};

enum { KEY_SERIAL = 256, KEY_TIMEOUT };

static const struct argp_option options[] = {
	{"output", 'o', "DIR", 0, "Write a file for each zone to DIR", 0},
	{"format", 'f', "FORMAT", 0, "zone|text|json; --verify: " REPORT_FORMATS, 0},
	{"domain", 'd', "DOMAIN", 0, "This domain alone, with its hosts", 0},
	{"keys", 'k', "DIR", 0, "Folder of DKIM keys (default: keys beside TOPOLOGY)", 0},
	{"verify", 'v', NULL, 0, "Compare the records with what is published", 0},
	{"resolver", 'r', "ADDRESS[:PORT]", 0, "Ask this name server; may be repeated", 0},
	{"timeout", KEY_TIMEOUT, "SECONDS", 0, "Time for all questions (default: 60)", 0},
	{"fail-on", 'F', "SEVERITY", 0, "Exit with 1 from this on: error|warning|info|none", 0},
	{"serial", KEY_SERIAL, "NUMBER", 0, "Serial number of the zones (default: 1)", 0},
	{0},
};

static bool parse_number(const char *text, unsigned long most, unsigned long *out)
{
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || value == 0 || value > most)
		return false;
	*out = value;
	return true;
}

static bool is_zone_format(const char *word)
{
	return strcmp(word, "zone") == 0 || strcmp(word, "text") == 0 || strcmp(word, "json") == 0;
}

static void check_arguments(struct arguments *arguments, struct argp_state *state)
{
	const char *format = arguments->format;
	struct report *report = &arguments->reporting.report;

	if (!arguments->verify &&
	    (arguments->resolver_count || arguments->seconds || arguments->fails_given))
		argp_error(state, "--resolver, --timeout and --fail-on go with --verify");
	if (arguments->verify && (arguments->output || arguments->serial))
		argp_error(state, "--output and --serial go without --verify");
	if (arguments->output && format)
		argp_error(state, "--output writes zone files: it has no other format");
	if (format && (arguments->verify ? !report_format_parse(format, &report->format)
					 : !is_zone_format(format)))
		argp_error(state, "'%s' is no format: %s", format,
			   arguments->verify ? REPORT_FORMATS : "zone|text|json");
}

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
	case 'f':
		arguments->format = value;
		return 0;
	case 'v':
		arguments->verify = true;
		return 0;
	case 'r':
		if (!dns_server_is_valid(value))
			argp_error(state, "'%s' is no address of a name server", value);
		if (arguments->resolver_count == MOST_RESOLVERS)
			argp_error(state, "more than %d name servers", MOST_RESOLVERS);
		arguments->resolvers[arguments->resolver_count++] = value;
		return 0;
	case KEY_TIMEOUT:
		if (!parse_number(value, 86400, &arguments->seconds))
			argp_error(state, "'%s' is no number of seconds", value);
		return 0;
	case 'F':
		if (!report_threshold_parse(value, &arguments->reporting.fails,
					    &arguments->reporting.at_least))
			argp_error(state, "'%s' is none of error, warning, info, none", value);
		arguments->fails_given = true;
		return 0;
	case 'd':
		arguments->dns.domain = value;
		return 0;
	case 'k':
		arguments->dns.keys = value;
		return 0;
	case KEY_SERIAL:
		if (!parse_number(value, 0xffffffffUL, &arguments->serial))
			argp_error(state, "'%s' is no serial number", value);
		return 0;
	case ARGP_KEY_END:
		check_arguments(arguments, state);
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
	.doc = "Write the DNS records that a topology needs, or compare them with DNS.\v"
	       "With --verify, what is published is compared with that. With --output, DIR has a "
	       "zone file for each domain, reverse/ for the PTR records "
	       "that only the owner of an address can set, mta-sts/ for policies, and README.",
};

static enum exit_status print(const char *text)
{
	return fputs(text, stdout) == EOF || fflush(stdout) == EOF ? EXIT_BROKEN : EXIT_CLEAN;
}

static enum exit_status print_json(const struct topology *topology,
				   const struct dns_records *records)
{
	json_t *json = zone_json(topology, records);
	bool failed = json_dumpf(json, stdout, JSON_INDENT(2)) < 0;

	json_decref(json);
	return failed ? EXIT_BROKEN : print("\n");
}

static enum exit_status print_records(struct arguments *arguments,
				      const struct dns_records *records)
{
	struct run *run = arguments->run;
	enum exit_status status;

	if (arguments->format && strcmp(arguments->format, "json") == 0)
		status = print_json(run->topology, records);
	else if (arguments->format && strcmp(arguments->format, "text") == 0)
		status = print(zone_table(run->arena, records));
	else
		status = print(zone_text(run->arena, run->topology, records, arguments->serial));
	if (status != EXIT_CLEAN)
		complain("cannot write the records: %s", strerror(errno));
	return status;
}

/* What the tree tells the next run: that all in it may be replaced. */
static int add_manifest(struct staging *staging, const struct zone_files *files)
{
	json_t *paths = json_array(), *manifest;
	char *text;
	int error = -ENOMEM;

	for (size_t i = 0; i < files->count; i++)
		json_array_append_new(paths, json_string(files->items[i].path));
	json_array_append_new(paths, json_string("manifest.json"));
	manifest = json_pack("{s:o}", "files", paths);
	text = json_dumps(manifest, JSON_INDENT(2));
	if (text)
		error = staging_add(staging, "manifest.json", 0644, text, strlen(text));
	free(text);
	json_decref(manifest);
	return error;
}

static enum exit_status write_files(struct arguments *arguments, const struct dns_records *records)
{
	struct run *run = arguments->run;
	struct zone_files files = zone_files(run->arena, run->topology, records, arguments->serial);
	struct staging *staging = NULL;
	int error = staging_begin(run->arena, arguments->output, &staging);

	for (size_t i = 0; i < files.count && !error; i++)
		error = staging_add(staging, files.items[i].path, 0644, files.items[i].text,
				    strlen(files.items[i].text));
	if (!error)
		error = add_manifest(staging, &files);
	if (!error)
		error = staging_commit(staging, run->list);
	staging_abort(staging);
	if (error && error != -ECANCELED)
		complain("cannot write %s: %s", arguments->output, strerror(-error));
	return error ? EXIT_BROKEN : EXIT_CLEAN;
}

/* --- comparing --- */

/* What the user has to know beside the findings. */
static bool explain(const struct asker *asker)
{
	if (asker->dead)
		complain("no name server answers");
	else if (asker->late)
		complain("the time was over before all was asked: see --timeout");
	return asker->dead || asker->late;
}

static void write_report(struct arguments *arguments)
{
	struct run *run = arguments->run;
	struct report *report = &arguments->reporting.report;
	size_t errors, warnings;

	report_begin(report);
	report_add(report, run->path, arguments->found);
	report_end(report);
	if (report->format != REPORT_TEXT)
		return;
	errors = report->counts[SEVERITY_ERROR];
	warnings = report->counts[SEVERITY_WARNING];
	print_escaped(stdout, run->path, strlen(run->path));
	printf(": %zu error%s, %zu warning%s\n", errors, errors == 1 ? "" : "s", warnings,
	       warnings == 1 ? "" : "s");
}

static enum exit_status verify(struct arguments *arguments, const struct dns_records *records)
{
	struct run *run = arguments->run;
	struct dns_resolver *resolver = NULL;
	struct asker asker;
	int error = dns_resolver_new(arguments->resolvers, arguments->resolver_count, QUESTION_MS,
				     &resolver);
	bool incomplete;

	if (error) {
		complain("cannot ask name servers: %s", strerror(-error));
		return EXIT_BROKEN;
	}
	asker_init(&asker, run->arena, resolver,
		   (arguments->seconds ? arguments->seconds : SECONDS) * 1000);
	dns_verify(&asker, run->topology, records, arguments->found);
	dns_resolver_free(resolver);
	incomplete = explain(&asker);
	write_report(arguments);
	return incomplete ? EXIT_BROKEN : reporting_status(&arguments->reporting);
}

static enum exit_status work(struct arguments *arguments)
{
	struct run *run = arguments->run;
	struct dns_records records;

	if (arguments->dns.domain && !keys_find_domain(run->topology, arguments->dns.domain)) {
		complain("the topology has no domain '%s'", arguments->dns.domain);
		return EXIT_USAGE;
	}
	arguments->dns.keys = keys_folder(run, arguments->dns.keys);
	dns_records_derive(run->arena, run->topology, &arguments->dns, arguments->found, &records);
	if (arguments->verify)
		return verify(arguments, &records);
	/* a record that receivers refuse is worse than none */
	if (diagnostics_count(arguments->found, SEVERITY_ERROR))
		return EXIT_FINDINGS;
	if (!arguments->serial)
		arguments->serial = 1;
	return arguments->output ? write_files(arguments, &records)
				 : print_records(arguments, &records);
}

int command_dns(int argc, char **argv)
{
	struct run run;
	struct arguments arguments = {.run = &run};
	enum exit_status status;

	reporting_init(&arguments.reporting, SEVERITY_WARNING);
	run_begin(&run, "dns", &argp, argc, argv, &arguments);
	arguments.found = diagnostics_new(run.arena);
	status = run_topology(&run, SECRETS_LOOK);
	if (status == EXIT_CLEAN)
		status = work(&arguments);
	if (!arguments.verify)
		diagnostics_append(run.list, arguments.found);
	run_report(&run, stderr);
	run_done(&run);
	return status;
}
