/* postern-confgen keys import: keys that OpenDKIM, docker-mailserver or a relay image signed with.
 */
#include "confgen/commands/keys.h"
#include "confgen/keys/import.h"
#include "confgen/keys/rules.h"
#include "confgen/topology/syntax.h"

#include <errno.h>
#include <openssl/evp.h>
#include <strings.h>

struct arguments {
	struct run *run;
	const char *path, *folder, *selector;
	struct store_owner owner;
	bool dry;
	size_t failed, imported;
};

static const struct argp_option options[] = {
	{"keys", 'k', "DIR", 0, "Folder that gets them (default: keys beside TOPOLOGY)", 0},
	{"selector", 'S', "NAME", 0, "Of files DOMAIN.private (default: mail)", 0},
	{"dry-run", 'n', NULL, 0, "Copy nothing", 0},
	{"owner", 'u', "USER[:GROUP]", 0, "Whose the keys become", 0},
	{0},
};

static error_t parse_option(int key, char *value, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case 'k':
		arguments->folder = value;
		return 0;
	case 'S':
		if (check_selector(value))
			argp_error(state, "'%s' %s", value, check_selector(value));
		arguments->selector = value;
		return 0;
	case 'n':
		arguments->dry = true;
		return 0;
	case 'u':
		if (!keys_parse_owner(value, &arguments->owner))
			argp_error(state, "there is no user or group '%s'", value);
		return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num == 0)
			arguments->path = value;
		else if (state->arg_num == 1)
			arguments->run->path = value;
		else
			argp_error(state, "one folder and one topology at a time");
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "which folder?");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = options,
	.parser = parse_option,
	.args_doc = "PATH [TOPOLOGY]",
	.doc = "Take over DKIM keys that were made elsewhere.\v"
	       "PATH is OpenDKIM's folder with KeyTable, docker-mailserver's config folder "
	       "(OpenDKIM or rspamd), or a folder with DOMAIN.private or DOMAIN/SELECTOR.private. "
	       "Keys of domains that the topology has are copied; what it should say of them is "
	       "printed.",
};

static bool names_selector(const struct dkim *dkim, const char *selector)
{
	if (dkim->selector.value)
		return strcasecmp(dkim->selector.value, selector) == 0;
	for (size_t i = 0; i < dkim->keys.count; i++)
		if (strcasecmp(dkim->keys.items[i].selector.value, selector) == 0)
			return true;
	return false;
}

/* What the topology should say. */
static void print_advice(const struct import_key *key, const struct domain *domain)
{
	const char *signer = domain->dkim.sign_at.value ? domain->dkim.sign_at.value
			     : domain->mailboxes.value	? domain->mailboxes.value
							: "NODE";

	if (names_selector(&domain->dkim, key->selector)) {
		printf("%s: the topology has the selector '%s'\n", key->domain, key->selector);
		return;
	}
	if (domain->dkim.head.given)
		printf("%s: the topology lacks the selector '%s'; with other keys beside it, "
		       "write\n"
		       "    dkim: {sign_at: %s, keys: [{selector: %s}, ...]}\n",
		       key->domain, key->selector, signer, key->selector);
	else
		printf("%s: write\n    dkim: {sign_at: %s, selector: %s", key->domain, signer,
		       key->selector);
	if (!domain->dkim.head.given) {
		for (size_t i = 0; i < key->subdomains.count; i++)
			printf("%s%s", i ? ", " : ", subdomains: [",
			       key->subdomains.items[i].value);
		printf("%s}\n", key->subdomains.count ? "]" : "");
	}
}

/* Whether the folder has the very same key already. */
static bool is_there(struct arguments *arguments, const char *path, EVP_PKEY *key)
{
	const char *why;
	EVP_PKEY *old = import_load(arguments->run->arena, path, &why);
	bool same = old && EVP_PKEY_eq(old, key) == 1;

	EVP_PKEY_free(old);
	return same;
}

static void copy(struct arguments *arguments, const struct import_key *key, EVP_PKEY *loaded)
{
	struct run *run = arguments->run;
	const char *path =
		store_path(run->arena, arguments->folder, key->domain, key->selector, "private");
	int error = arguments->dry ? 0
				   : store_write_at(run->arena, path, key->domain, key->selector,
						    loaded, &arguments->owner);

	if (error == -EEXIST && is_there(arguments, path, loaded)) {
		printf("%s: the same key is there already: %s\n", key->domain, path);
	} else if (error) {
		complain("cannot write %s: %s", path,
			 error == -EEXIST ? "another key has that name" : strerror(-error));
		arguments->failed++;
		return;
	} else {
		printf("%s: %s -> %s\n", key->domain, key->path, path);
	}
	arguments->imported++;
}

static void import_one(struct arguments *arguments, const struct import_key *key)
{
	struct run *run = arguments->run;
	const struct domain *domain = keys_find_domain(run->topology, key->domain);
	EVP_PKEY *loaded;
	const char *why;

	if (!domain) {
		keys_report(run->list, IMPORT, key->at,
			    "the topology has no domain %s: its key '%s' is left alone",
			    key->domain, key->selector);
		diagnostics_hide_source(run->list);
		return;
	}
	loaded = import_load(run->arena, key->path, &why);
	if (!loaded) {
		complain("cannot take %s: %s", key->path, why);
		arguments->failed++;
		return;
	}
	copy(arguments, key, loaded);
	EVP_PKEY_free(loaded);
	print_advice(key, domain);
}

static enum exit_status import(struct arguments *arguments)
{
	struct run *run = arguments->run;
	struct import_keys keys = {0};
	size_t before = diagnostics_count(run->list, SEVERITY_WARNING);
	int error = import_find(run->arena, arguments->path, arguments->selector, run->topology,
				&keys, run->list);

	if (error) {
		complain("cannot read %s: %s", arguments->path, strerror(-error));
		return EXIT_BROKEN;
	}
	for (size_t i = 0; i < keys.count; i++)
		import_one(arguments, &keys.items[i]);
	if (keys.count == 0)
		complain("no keys were found in %s", arguments->path);
	if (arguments->failed)
		return EXIT_BROKEN;
	return keys.count && diagnostics_count(run->list, SEVERITY_WARNING) == before
		       ? EXIT_CLEAN
		       : EXIT_FINDINGS;
}

int command_keys_import(int argc, char **argv)
{
	struct run run;
	struct arguments arguments = {
		.run = &run,
		.selector = IMPORT_SELECTOR,
		.owner = {.user = (uid_t)-1, .group = (gid_t)-1},
	};
	enum exit_status status;

	run_begin(&run, "keys import", &argp, argc, argv, &arguments);
	status = run_topology(&run, SECRETS_LOOK);
	if (status == EXIT_CLEAN) {
		arguments.folder = keys_folder(&run, arguments.folder);
		status = import(&arguments);
	}
	run_report(&run, stderr);
	run_done(&run);
	return status;
}
