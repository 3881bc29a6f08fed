/*
 * postern-gate: lets only trusted proxies speak the PROXY protocol to Postfix. See
 * doc/postern-gate.8.scd.
 *
 * Reads the configuration and opens the sockets as root, gives up its privileges, and serves.
 */
#include "common/privileges.h"
#include "common/service_notify.h"
#include "gate/activation.h"
#include "gate/reload.h"
#include "gate/run.h"

#include <argp.h>
#include <errno.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

enum exit_status { EXIT_CLEAN, EXIT_MISTAKES, EXIT_USAGE, EXIT_BROKEN };

struct options {
	const char *file;
	bool test, foreground;
};

const char *argp_program_version = "postern-gate " POSTERN_VERSION;

static error_t parse_option(int key, char *argument, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case 'c':
		options->file = argument;
		return 0;
	case 't':
		options->test = true;
		return 0;
	case 'f':
		options->foreground = true;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "unexpected argument '%s'", argument);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static struct options parse_command_line(int argc, char **argv)
{
	static const struct argp_option rows[] = {
		{"config", 'c', "FILE", 0, "Read FILE; default /etc/postern/postern-gate.conf", 0},
		{"test", 't', NULL, 0, "Test the configuration, and exit", 0},
		{"foreground", 'f', NULL, 0, "Stay in the foreground", 0},
		{0},
	};
	static const struct argp parser = {
		.options = rows,
		.parser = parse_option,
		.doc = "Lets only trusted proxies speak the PROXY protocol to Postfix."
		       "\vExit status: 0 good, 1 mistakes in the configuration, 2 wrong usage, 3 a "
		       "file cannot be read or the service cannot run. See postern-gate(8).",
	};
	struct options options = {.file = "/etc/postern/postern-gate.conf"};

	argp_err_exit_status = EXIT_USAGE;
	argp_parse(&parser, argc, argv, 0, NULL, &options);
	return options;
}

/* Reads the configuration, and prints all mistakes. Returns an exit status. */
static enum exit_status load(struct arena *arena, const char *file, struct gate_config *config)
{
	struct diagnostics *list = diagnostics_new(arena);
	int error = gate_config_load(arena, file, true, list, config);

	if (error) {
		fprintf(stderr, "postern-gate: %s: %s\n", file, strerror(-error));
		return EXIT_BROKEN;
	}
	diagnostics_print(list, stderr, diagnostics_want_color(stderr));
	return diagnostics_count(list, SEVERITY_ERROR) ? EXIT_MISTAKES : EXIT_CLEAN;
}

/* The name that the file has for a daemon, whose working directory is / and perhaps another root.
 */
static const char *name_for_reload(const char *file, const char *chroot_to)
{
	static char absolute[PATH_MAX * 2];
	char folder[PATH_MAX];

	if (file[0] == '/')
		snprintf(absolute, sizeof(absolute), "%s", file);
	else if (getcwd(folder, sizeof(folder)))
		snprintf(absolute, sizeof(absolute), "%s/%s", folder, file);
	return chroot_to ? gate_config_inside(chroot_to, absolute) : absolute;
}

/* What would only show after the process went into the background. */
static bool check_chroot(const struct gate_config *config)
{
	const char *cause = NULL;
	struct stat status;

	if (!config->chroot)
		return true;
	if (geteuid() != 0)
		cause = "only root can change the root directory";
	else if (stat(config->chroot, &status) < 0)
		cause = strerror(errno);
	else if (!S_ISDIR(status.st_mode))
		cause = strerror(ENOTDIR);
	else if (service_notify_watchdog_period())
		cause = "a service with WatchdogSec= cannot reach its manager from there";
	if (cause)
		fprintf(stderr, "postern-gate: chroot %s: %s\n", config->chroot, cause);
	return !cause;
}

/* Gives up what is needed only at the start. 0 or -errno; then the process must end. */
static int confine(struct gate *gate)
{
	const struct gate_config *config = gate->config;

	if (config->chroot && (chroot(config->chroot) < 0 || chdir("/") < 0))
		return -errno;
	return privileges_drop(config->uid, config->gid);
}

/* Goes into the background and serves. */
static enum exit_status serve(struct gate *gate, const struct options *options)
{
	int error = 0;

	if (!options->foreground && daemon(0, gate->config->log == LOG_TO_STDERR) < 0)
		error = -errno;
	if (!error) {
		service_notify_ready(); /* not possible any more inside of a chroot */
		error = confine(gate);
	}
	if (error) {
		log_write(LOG_LEVEL_ERROR, "cannot start as user %s: %s", gate->config->user,
			  strerror(-error));
		return EXIT_BROKEN;
	}
	log_write(LOG_LEVEL_INFO, "started, version " POSTERN_VERSION ", listeners: %zu",
		  gate->config->listener_count);
	error = gate_run(gate);
	if (error)
		log_write(LOG_LEVEL_ERROR, "cannot wait for events: %s", strerror(-error));
	return error ? EXIT_BROKEN : EXIT_CLEAN;
}

/* Opens what needs privileges. Problems of sockets go to the log and to standard error. */
static enum exit_status start(struct arena *arena, const struct gate_config *config,
			      const struct options *options)
{
	struct gate gate = {.arena = NULL};
	enum exit_status status = EXIT_BROKEN;
	char *root = NULL;
	int error;

	if (!check_chroot(config) || (config->chroot && !(root = strdup(config->chroot)))) {
		arena_free(arena);
		return EXIT_BROKEN;
	}
	gate.chroot = root;
	gate.config_path = name_for_reload(options->file, config->chroot);
	error = gate_open(&gate);
	if (error) {
		fprintf(stderr, "postern-gate: %s\n", strerror(-error));
		arena_free(arena);
		free(root);
		return EXIT_BROKEN;
	}
	if (gate_apply(&gate, arena, config) == 0 && activation_adopt(&gate) &&
	    activation_complete(&gate)) {
		if (config->log == LOG_TO_SYSLOG)
			log_open("postern-gate", LOG_TO_SYSLOG, LOG_LEVEL_INFO);
		status = serve(&gate, options);
	}
	gate_close(&gate);
	free(root);
	return status;
}

int main(int argc, char **argv)
{
	struct options options = parse_command_line(argc, argv);
	struct arena *arena = arena_new(0);
	struct gate_config *config = arena_alloc(arena, sizeof(*config));
	enum exit_status status = load(arena, options.file, config);

	if (status != EXIT_CLEAN || options.test) {
		arena_free(arena);
		return status;
	}
	/* until it serves, who starts it shall see what is wrong */
	log_open("postern-gate", LOG_TO_STDERR, LOG_LEVEL_INFO);
	return start(arena, config, &options);
}
