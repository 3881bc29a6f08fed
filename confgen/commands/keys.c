/* postern-confgen keys: the DKIM keys of a topology, made and judged; see also keys_*.c. */
#include "confgen/commands/keys.h"
#include "confgen/keys/rules.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <strings.h>
#include <time.h>

struct arguments {
	struct run *run;
	struct roll_options keys;
	bool list;
};

static const struct argp_option options[] = {
	{"keys", 'k', "DIR", 0, "Their folder (default: keys beside TOPOLOGY)", 0},
	{"installed", 'i', NULL, 0, "They are where the topology says, here", 0},
	{"list", 'l', NULL, 0, "Make none: one that is missing is an error", 0},
	{"domain", 'd', "DOMAIN", 0, "Keys of this domain alone", 0},
	{"host", 'n', "NODE", 0, "Keys of this signing host alone", 0},
	{"type", 't', "TYPE", 0, "rsa-2048 (default), rsa-3072, rsa-4096, ed25519", 0},
	{"owner", 'u', "USER[:GROUP]", 0, "Whose the new keys become", 0},
	{0},
};

bool keys_parse_type(const char *word, enum dkim_type *out)
{
	for (int i = 0; dkim_type_words[i]; i++) {
		if (strcmp(word, dkim_type_words[i]) == 0) {
			*out = (enum dkim_type)i;
			return true;
		}
	}
	return false;
}

bool keys_parse_owner(char *text, struct store_owner *out)
{
	char *group = strchr(text, ':'), *end;
	const struct passwd *user;
	const struct group *named;
	struct store_owner owner = {.group = (gid_t)-1};

	if (group)
		*group++ = '\0';
	user = getpwnam(text);
	owner.user = user ? user->pw_uid : (uid_t)strtoul(text, &end, 10);
	if (!user && (!*text || *end))
		return false;
	if (user)
		owner.group = user->pw_gid;
	if (group) {
		named = getgrnam(group);
		owner.group = named ? named->gr_gid : (gid_t)strtoul(group, &end, 10);
		if (!named && (!*group || *end))
			return false;
	}
	*out = owner;
	return true;
}

static error_t parse_option(int key, char *value, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = arguments->run;
		return 0;
	case 'k':
		arguments->keys.folder = value;
		return 0;
	case 'i':
		arguments->keys.installed = true;
		return 0;
	case 'l':
		arguments->list = true;
		return 0;
	case 'd':
		arguments->keys.domain = value;
		return 0;
	case 'n':
		arguments->keys.host = value;
		return 0;
	case 't':
		if (!keys_parse_type(value, &arguments->keys.type))
			argp_error(state, "'%s' is no type of key", value);
		return 0;
	case 'u':
		if (!keys_parse_owner(value, &arguments->keys.owner))
			argp_error(state, "there is no user or group '%s'", value);
		return 0;
	case ARGP_KEY_END:
		if (arguments->keys.installed && arguments->keys.folder)
			argp_error(state, "--installed goes without --keys");
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
	.args_doc = "[TOPOLOGY]\nrotate DOMAIN [TOPOLOGY]\nimport PATH [TOPOLOGY]",
	.doc = "Make the DKIM keys that a topology lacks, judge all, and print their records.\v"
	       "No key is ever overwritten. 'keys rotate' and 'keys import' have their own --help.",
};

const char *keys_folder(const struct run *run, const char *given)
{
	if (given)
		return given;
	return strcmp(run->topology->folder, ".") == 0
		       ? STORE_FOLDER
		       : arena_printf(run->arena, "%s/" STORE_FOLDER, run->topology->folder);
}

const struct domain *keys_find_domain(const struct topology *topology, const char *name)
{
	for (size_t i = 0; i < topology->domains.count; i++)
		if (strcasecmp(topology->domains.items[i].head.name.value, name) == 0)
			return &topology->domains.items[i];
	return NULL;
}

static bool has_node(const struct topology *topology, const char *name)
{
	for (size_t i = 0; i < topology->nodes.count; i++)
		if (strcmp(topology->nodes.items[i].head.name.value, name) == 0)
			return true;
	return false;
}

static bool check_names(const struct arguments *arguments)
{
	const struct topology *topology = arguments->run->topology;
	const struct roll_options *keys = &arguments->keys;

	if (keys->domain && !keys_find_domain(topology, keys->domain)) {
		complain("the topology has no domain '%s'", keys->domain);
		return false;
	}
	if (keys->host && !has_node(topology, keys->host)) {
		complain("the topology has no node '%s'", keys->host);
		return false;
	}
	return true;
}

static void report_missing(const struct roll *roll, struct diagnostics *list)
{
	for (size_t i = 0; i < roll->count; i++) {
		const struct rolled_key *key = &roll->items[i];

		if (!key->missing)
			continue;
		keys_report(list, MISSING, key->at, "there is no key %s", key->path);
		diagnostics_hint(list, "'postern-confgen keys' without --list makes it");
	}
}

static enum exit_status work(struct arguments *arguments)
{
	struct run *run = arguments->run;
	const struct rolled_key *failed = NULL;
	time_t now = time(NULL);
	struct roll roll;
	size_t before = diagnostics_count(run->list, SEVERITY_WARNING);
	int error = 0;

	arguments->keys.folder = keys_folder(run, arguments->keys.folder);
	roll = roll_list(run->arena, run->topology, &arguments->keys);
	roll_load(&roll, now, run->list);
	if (arguments->list)
		report_missing(&roll, run->list);
	else
		error = roll_make(run->arena, &roll, &arguments->keys, &failed);
	if (error)
		complain("cannot make %s: %s", failed->path, strerror(-error));
	roll_print(run->arena, &roll, now, stdout);
	roll_done(&roll);
	if (fflush(stdout) == EOF) {
		complain("cannot write the records: %s", strerror(errno));
		error = -errno;
	}
	return error							 ? EXIT_BROKEN
	       : diagnostics_count(run->list, SEVERITY_WARNING) > before ? EXIT_FINDINGS
									 : EXIT_CLEAN;
}

int command_keys(int argc, char **argv)
{
	struct run run;
	struct arguments arguments = {
		.run = &run,
		.keys = {.owner = {.user = (uid_t)-1, .group = (gid_t)-1}},
	};
	enum exit_status status;

	if (argc > 1 && strcmp(argv[1], "rotate") == 0)
		return command_keys_rotate(argc - 1, argv + 1);
	if (argc > 1 && strcmp(argv[1], "import") == 0)
		return command_keys_import(argc - 1, argv + 1);
	run_begin(&run, "keys", &argp, argc, argv, &arguments);
	status = run_topology(&run, SECRETS_LOOK);
	if (status == EXIT_CLEAN)
		status = check_names(&arguments) ? work(&arguments) : EXIT_USAGE;
	run_report(&run, stderr);
	run_done(&run);
	return status;
}
