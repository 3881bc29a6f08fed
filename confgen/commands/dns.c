/* postern-confgen dns: the records that a topology needs, written, or compared with DNS. */
#include "confgen/commands/keys.h"
#include "confgen/commands/reporting.h"
#include "confgen/dns/zone.h"
#include "confgen/output/staging.h"

#include <errno.h>
#include <stdlib.h>

struct arguments {
	struct run *run;
	struct dns_options dns;
	const char *output, *format;
	unsigned long serial;
};

enum { KEY_SERIAL = 256 };

static const struct argp_option options[] = {
	{"output", 'o', "DIR", 0, "Write a file for each zone to DIR", 0},
	{"format", 'f', "FORMAT", 0, "zone|text|json", 0},
	{"domain", 'd', "DOMAIN", 0, "This domain alone, with its hosts", 0},
	{"keys", 'k', "DIR", 0, "Folder of DKIM keys (default: keys beside TOPOLOGY)", 0},
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
		if (strcmp(value, "zone") != 0 && strcmp(value, "text") != 0 &&
		    strcmp(value, "json") != 0)
			argp_error(state, "'%s' is no format: zone|text|json", value);
		arguments->format = value;
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
	.doc = "Write the DNS records that a topology needs.\v"
	       "With --output, DIR has a zone file for each domain, reverse/ for the PTR records "
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

	if (strcmp(arguments->format, "json") == 0)
		status = print_json(run->topology, records);
	else if (strcmp(arguments->format, "text") == 0)
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

int command_dns(int argc, char **argv)
{
	struct run run;
	struct arguments arguments = {.run = &run, .format = "zone", .serial = 1};
	struct dns_records records;
	enum exit_status status;

	run_begin(&run, "dns", &argp, argc, argv, &arguments);
	status = run_topology(&run, SECRETS_LOOK);
	if (status == EXIT_CLEAN && arguments.dns.domain &&
	    !keys_find_domain(run.topology, arguments.dns.domain)) {
		complain("the topology has no domain '%s'", arguments.dns.domain);
		status = EXIT_USAGE;
	}
	if (status == EXIT_CLEAN) {
		if (!arguments.dns.keys)
			arguments.dns.keys =
				arena_printf(run.arena, "%s/" STORE_FOLDER, run.topology->folder);
		dns_records_derive(run.arena, run.topology, &arguments.dns, run.list, &records);
		status = arguments.output ? write_files(&arguments, &records)
					  : print_records(&arguments, &records);
	}
	run_report(&run, stderr);
	run_done(&run);
	return status;
}
