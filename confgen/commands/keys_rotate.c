/* postern-confgen keys rotate: a new key takes over from the old one, at a date, without a gap. */
#include "common/date.h"
#include "common/dkim_record.h"
#include "confgen/commands/keys.h"
#include "confgen/keys/rotate.h"
#include "confgen/keys/rules.h"
#include "confgen/lint/fixes.h"
#include "confgen/topology/syntax.h"

#include <errno.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <time.h>

#define DAY	   86400
#define AHEAD_DAYS 2 /* so that the record is everywhere before it is needed */
#define KEPT_DAYS  7 /* mail may wait so long in queues before it is verified */

struct arguments {
	struct run *run;
	const char *domain;
	struct rotation_options rotation;
	struct choice type;
	struct store_owner owner;
	bool write;
};

static const struct argp_option options[] = {
	{"write", 'w', NULL, 0, "Make the keys and change the topology, not only show it", 0},
	{"switch", 's', "DATE", 0, "When the new key takes over (default: in two days)", 0},
	{"selector", 'S', "NAME", 0, "Selector of the new key (default: the old one, counted on)",
	 0},
	{"type", 't', "TYPE", 0, "Type of the new key (default: that of the old one)", 0},
	{"keys", 'k', "DIR", 0, "Folder of the keys (default: keys beside TOPOLOGY)", 0},
	{"owner", 'u', "USER[:GROUP]", 0, "Whose the new keys become", 0},
	{0},
};

static void parse_switch(struct arguments *arguments, char *value, struct argp_state *state)
{
	int64_t date;

	if (!date_parse(value, &date))
		argp_error(state, "'%s' is no date: write 2026-12-01 or 2026-12-01T06:00:00Z",
			   value);
	if (date <= time(NULL))
		argp_error(state, "%s is past: the new key would sign before it is published",
			   value);
	arguments->rotation.at = value;
}

static void parse_type(struct arguments *arguments, const char *value, struct argp_state *state)
{
	enum dkim_type type;

	if (!keys_parse_type(value, &type))
		argp_error(state, "'%s' is no type of key", value);
	arguments->type = (struct choice){.given = true, .value = (int)type};
}

static error_t parse_argument(struct arguments *arguments, char *value, struct argp_state *state)
{
	if (state->arg_num == 0)
		arguments->domain = value;
	else if (state->arg_num == 1)
		arguments->run->path = value;
	else
		argp_error(state, "one domain and one topology at a time");
	return 0;
}

static error_t parse_option(int key, char *value, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case 'w':
		arguments->write = true;
		return 0;
	case 's':
		parse_switch(arguments, value, state);
		return 0;
	case 'S':
		if (check_selector(value))
			argp_error(state, "'%s' %s", value, check_selector(value));
		arguments->rotation.selector = value;
		return 0;
	case 't':
		parse_type(arguments, value, state);
		return 0;
	case 'k':
		arguments->rotation.folder = value;
		return 0;
	case 'u':
		if (!keys_parse_owner(value, &arguments->owner))
			argp_error(state, "there is no user or group '%s'", value);
		return 0;
	case ARGP_KEY_ARG:
		return parse_argument(arguments, value, state);
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "which domain's keys?");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse_option,
	.args_doc = "DOMAIN [TOPOLOGY]",
	.doc = "Turn the DKIM keys of a domain over.\v"
	       "Each key that signs without an end retires at the date, and a new one takes over. "
	       "The change to the topology is shown; comments in it stay.",
};

/* A date in UTC: the day alone for midnight. */
static const char *format_date(struct arena *arena, int64_t date)
{
	time_t seconds = (time_t)date;
	struct tm day;

	gmtime_r(&seconds, &day);
	if (seconds % DAY == 0)
		return arena_printf(arena, "%04d-%02d-%02d", day.tm_year + 1900, day.tm_mon + 1,
				    day.tm_mday);
	return arena_printf(arena, "%04d-%02d-%02dT%02d:%02d:%02dZ", day.tm_year + 1900,
			    day.tm_mon + 1, day.tm_mday, day.tm_hour, day.tm_min, day.tm_sec);
}

/* Whether the changed text is a sound topology that differs as planned, and in nothing else. */
static bool check(struct run *run, const struct rotation *rotation, const struct yaml_node *tree,
		  const struct fixed_files *files)
{
	const struct position at = rotation->domain->dkim.head.at;
	struct diagnostics *list = diagnostics_new(run->arena);
	struct source *source = arena_alloc(run->arena, sizeof(*source));
	const struct topology *after = NULL;
	const struct yaml_node *changed = NULL;

	if (files->count == 1 && files->waiting == 0) {
		source->name = run->path;
		source->text = fixes_text(run->arena, &files->items[0], &source->length);
		changed = yaml_parse(run->arena, source, list);
	}
	if (changed)
		after = topology_parse(run->arena, source, run->topology->folder, SECRETS_LOOK,
				       list);
	if (after && !diagnostics_count(list, SEVERITY_ERROR) &&
	    rotation_is_sound(rotation, tree, changed, run->topology, after))
		return true;
	keys_report(run->list, ROTATION, at,
		    "the text is laid out in a way that a person has to change");
	diagnostics_hint(run->list,
			 "write keys: [{selector: OLD, retire_after: \"%s\"}, {selector: NEW, "
			 "active_from: \"%s\"}]",
			 rotation->at, rotation->at);
	return false;
}

/* Makes one key, and prints its record. */
static int make_key(struct arguments *arguments, const char *domain,
		    const struct successor *successor)
{
	struct arena *arena = arguments->run->arena;
	const char *path = store_path(arena, arguments->rotation.folder, domain,
				      successor->selector, "private");
	EVP_PKEY *key = store_generate(successor->type);
	int error = key ? store_write_at(arena, path, domain, successor->selector, key,
					 &arguments->owner)
			: -ENOMEM;

	if (error)
		complain("cannot make %s: %s", path, strerror(-error));
	else
		printf("; publish this before %s; the key is %s\n%s\n", arguments->rotation.at,
		       path,
		       dkim_record_zone_line(arena, domain, successor->selector,
					     dkim_record_text(arena, key)));
	EVP_PKEY_free(key);
	return error;
}

/* The keys come first: a topology that names keys which are not there would stop mail. */
static enum exit_status write_all(struct arguments *arguments, const struct rotation *rotation,
				  const struct fixed_file *file)
{
	size_t count = rotation->set ? rotation->set->count : 1;
	int error;

	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < rotation->count; j++)
			if (make_key(arguments, rotation->domain[i].head.name.value,
				     &rotation->items[j]))
				return EXIT_BROKEN;
	error = fixes_write(file);
	if (error)
		complain("cannot write %s: %s", file->source->name,
			 error == -ESTALE ? "it was changed meanwhile" : strerror(-error));
	return error ? EXIT_BROKEN : EXIT_CLEAN;
}

static void print_schedule(const struct arguments *arguments, const struct rotation *rotation)
{
	struct arena *arena = arguments->run->arena;
	int64_t date = 0;

	date_parse(rotation->at, &date);
	for (size_t i = 0; i < rotation->count; i++)
		printf("; %s retires and %s signs from %s on, if what 'render' writes is installed "
		       "by then;\n; the record of %s may go on %s\n",
		       rotation->items[i].from, rotation->items[i].selector, rotation->at,
		       rotation->items[i].from, format_date(arena, date + KEPT_DAYS * DAY));
	if (date < time(NULL) + DAY)
		complain("the new record has less than a day to reach all name servers");
	if (!arguments->write)
		complain("nothing was changed: --write does it");
}

static enum exit_status rotate(struct arguments *arguments, const struct domain *domain)
{
	struct run *run = arguments->run;
	struct diagnostics *plan = diagnostics_new(run->arena),
			   *unused = diagnostics_new(run->arena);
	const struct yaml_node *tree =
		yaml_parse(run->arena, run->topology->head.at.source, unused);
	enum exit_status status = EXIT_CLEAN;
	struct rotation rotation;
	struct fixed_files files;

	if (!rotation_plan(run->arena, tree, run->topology, domain, &arguments->rotation,
			   time(NULL), plan, &rotation)) {
		diagnostics_append(run->list, plan);
		return EXIT_FINDINGS;
	}
	files = fixes_collect(run->arena, plan);
	if (!check(run, &rotation, tree, &files))
		return EXIT_FINDINGS;
	fixes_diff(run->arena, &files.items[0], stdout);
	if (arguments->write)
		status = write_all(arguments, &rotation, &files.items[0]);
	if (status == EXIT_CLEAN)
		print_schedule(arguments, &rotation);
	return status;
}

int command_keys_rotate(int argc, char **argv)
{
	struct run run;
	struct arguments arguments = {
		.run = &run,
		.owner = {.user = (uid_t)-1, .group = (gid_t)-1},
	};
	const struct domain *domain;
	enum exit_status status;

	run_begin(&run, "keys rotate", &argp, argc, argv, &arguments);
	status = run_topology(&run, SECRETS_LOOK);
	if (status == EXIT_CLEAN) {
		arguments.rotation.folder = keys_folder(&run, arguments.rotation.folder);
		arguments.rotation.type = &arguments.type;
		if (!arguments.rotation.at)
			arguments.rotation.at = format_date(
				run.arena, (time(NULL) / DAY + AHEAD_DAYS + 1) * (int64_t)DAY);
		domain = keys_find_domain(run.topology, arguments.domain);
		if (domain)
			status = rotate(&arguments, domain);
		else
			complain("the topology has no domain '%s'", arguments.domain);
		if (!domain)
			status = EXIT_USAGE;
	}
	run_report(&run, stderr);
	run_done(&run);
	return status;
}
