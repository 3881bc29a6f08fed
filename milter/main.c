/*
 * postern-milter: a milter that signs mail with DKIM. See doc/postern-milter.8.scd.
 *
 * The main thread reads the configuration and the keys as root, makes the socket, gives up its
 * privileges, and then only waits for signals; libmilter serves in threads of its own.
 */
#include "milter/keeper.h"
#include "milter/listener.h"
#include "common/privileges.h"
#include "common/service_notify.h"
#include "milter/reload.h"
#include "milter/services.h"
#include "milter/show_keys.h"

#include <argp.h>
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define MOST_DESCRIPTORS 16384
#define DRAIN_SECONDS	 30 /* that messages in work have after SIGTERM */
#define TIDY_SECONDS	 20 /* memory that is free is given back so often */

enum exit_status { EXIT_CLEAN, EXIT_MISTAKES, EXIT_USAGE, EXIT_BROKEN };

struct options {
	const char *file; /* an absolute path, for a reload in another folder */
	bool test, foreground, show_keys, dns;
};

/* What the running service needs besides libmilter's threads. */
struct daemon {
	struct options options;
	struct service service;
	struct services *services;
	struct opener opener; /* for reloads */
	const struct config *started;
};

enum { OPTION_SHOW_KEYS = 256, OPTION_DNS };

const char *argp_program_version = "postern-milter " POSTERN_VERSION;

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
	case OPTION_SHOW_KEYS:
		options->show_keys = true;
		return 0;
	case OPTION_DNS:
		options->dns = true;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "unexpected argument '%s'", argument);
		return 0;
	case ARGP_KEY_END:
		if (options->dns && !options->show_keys)
			argp_error(state, "--dns goes with --show-keys");
		if (options->test && options->show_keys)
			argp_error(state, "--test and --show-keys exclude each other");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static struct options parse_command_line(int argc, char **argv)
{
	static const struct argp_option rows[] = {
		{"config", 'c', "FILE", 0, "Read FILE; default /etc/postern/postern-milter.conf",
		 0},
		{"test", 't', NULL, 0, "Test the configuration and the keys, and exit", 0},
		{"foreground", 'f', NULL, 0, "Stay in the foreground", 0},
		{"show-keys", OPTION_SHOW_KEYS, NULL, 0,
		 "Print the DNS records of the keys, and exit", 0},
		{"dns", OPTION_DNS, NULL, 0, "With --show-keys: compare the keys with what DNS has",
		 0},
		{0},
	};
	static const struct argp parser = {
		.options = rows,
		.parser = parse_option,
		.doc = "Signs mail with DKIM and verifies signatures, as a milter of Postfix."
		       "\vExit status: 0 good, 1 mistakes in the configuration or keys that are "
		       "not "
		       "well published, 2 wrong usage, 3 a file cannot be read or the service "
		       "cannot run. See postern-milter(8).",
	};
	struct options options = {.file = "/etc/postern/postern-milter.conf"};

	argp_err_exit_status = EXIT_USAGE;
	argp_parse(&parser, argc, argv, 0, NULL, &options);
	return options;
}

/*
 * libmilter's threads come and go, and messages leave holes in the memory of each: it would grow
 * by some percent over days. With one arena for all threads, whose free pages are given back now
 * and then, it stays. Measured, it takes no more CPU for a message.
 */
static void limit_memory(void)
{
	mallopt(M_ARENA_MAX, 1);
}

/*
 * A connection each of Postfix's smtpd and cleanup processes, of which there may be thousands: the
 * usual limit of 1024 is too low, and a libmilter that cannot accept gives up after two minutes.
 */
static void raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= MOST_DESCRIPTORS)
		return;
	limit.rlim_cur = limit.rlim_max < MOST_DESCRIPTORS ? limit.rlim_max : MOST_DESCRIPTORS;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static sigset_t handled; /* the signals that the main thread waits for; all threads block them */

static void block_signals(void)
{
	static const int numbers[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1};

	sigemptyset(&handled);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		sigaddset(&handled, numbers[i]);
	pthread_sigmask(SIG_BLOCK, &handled, NULL);
	signal(SIGPIPE, SIG_IGN);
}

/* The next signal, or 0 if none comes in this time. */
static int wait_signal(long milliseconds)
{
	const struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000};
	int number = sigtimedwait(&handled, NULL, &time);

	return number > 0 ? number : 0;
}

static bool failed;

static void *serve(void *unused)
{
	(void)unused;
	mfi_run();
	__atomic_store_n(&failed, true, __ATOMIC_SEQ_CST);
	kill(getpid(), SIGTERM);
	return NULL;
}

static int start_serving(void)
{
	pthread_t thread;
	int error = pthread_create(&thread, NULL, serve, NULL);

	if (!error)
		pthread_detach(thread);
	return -error;
}

/* Lets the messages in work end; a second SIGTERM cuts them off. Returns whether all have ended. */
static bool drain(void)
{
	mfi_refuse();
	log_write(LOG_LEVEL_INFO, "stopping, messages in work: %u", mfi_in_flight());
	for (int i = 0; i < DRAIN_SECONDS * 20; i++) {
		int number;

		if (mfi_close())
			return true;
		number = wait_signal(50);
		if (number == SIGTERM || number == SIGINT)
			break;
	}
	log_write(LOG_LEVEL_WARNING, "messages cut off: %u", mfi_in_flight());
	return false;
}

static void tell_state(const struct daemon *self)
{
	struct snapshot *snapshot = snapshot_current(self->service.snapshots);

	log_write(LOG_LEVEL_INFO, "messages in work: %u, domains: %zu", mfi_in_flight(),
		  snapshot->config.domain_count + snapshot->config.folder_domain_count);
	snapshot_release(snapshot);
}

static void tell_manager(const struct daemon *self)
{
	struct snapshot *snapshot = snapshot_current(self->service.snapshots);

	service_notify_ready();
	service_notify_status("serving, domains: %zu",
			      snapshot->config.domain_count + snapshot->config.folder_domain_count);
	snapshot_release(snapshot);
}

static void read_anew(const struct daemon *self)
{
	bool taken;

	service_notify_reloading();
	taken = reload(self->service.snapshots, self->options.file, &self->opener, self->started);
	services_reloaded(self->services, taken);
	tell_manager(self);
}

/*
 * Obeys signals until one asks to end. In between it tells the service manager's watchdog that all
 * is well, as far as it can be known from here: this thread runs, libmilter serves, and the locks
 * that every message needs are not held for ever.
 */
static void obey_signals(const struct daemon *self)
{
	int64_t period = service_notify_watchdog_period();
	long pause = 1000L * TIDY_SECONDS;

	if (period && period < pause)
		pause = (long)period;

	for (;;) {
		switch (wait_signal(pause)) {
		case SIGTERM:
		case SIGINT:
			return;
		case SIGHUP:
			read_anew(self);
			break;
		case SIGUSR1:
			tell_state(self);
			break;
		default:
			malloc_trim(0);
			break;
		}
		mfi_in_flight();
		snapshot_release(snapshot_current(self->service.snapshots));
		if (period && !__atomic_load_n(&failed, __ATOMIC_SEQ_CST))
			service_notify_watchdog();
	}
}

/* Serves what stands beside the milter, then the milter. */
static bool begin_to_serve(const struct daemon *self)
{
	const char *name = NULL;
	int error = services_start(self->services, &name);

	if (error) {
		log_write(LOG_LEVEL_ERROR, "cannot serve on %s: %s", name, strerror(-error));
		return false;
	}
	error = start_serving();
	if (error)
		log_write(LOG_LEVEL_ERROR, "cannot start a thread: %s", strerror(-error));
	return !error;
}

static enum exit_status run(const struct daemon *self)
{
	const struct config *config = self->started;
	bool drained;

	if (!begin_to_serve(self))
		return EXIT_BROKEN;
	log_write(LOG_LEVEL_INFO, "listening on %s, domains: %zu", config->socket,
		  config->domain_count + config->folder_domain_count);
	services_set_ready(self->services, true);
	tell_manager(self);
	obey_signals(self);
	service_notify_stopping();
	services_set_ready(self->services, false);
	services_hide(self->services);
	if (__atomic_load_n(&failed, __ATOMIC_SEQ_CST)) {
		log_write(LOG_LEVEL_ERROR, "the milter library gave up; its own messages say why");
		return EXIT_BROKEN;
	}
	listener_remove(config);
	drained = drain();
	services_stop(self->services);
	if (!drained) /* exit() would take OpenSSL away from threads that sign */
		_exit(EXIT_CLEAN);
	return EXIT_CLEAN;
}

/* Keys are mostly root's: who gives up that must keep a way to read them again. */
static int keep_way_to_keys(struct daemon *self, int argc, char **argv)
{
	self->opener = opener_direct;
	if (geteuid() != 0 || self->started->uid == 0)
		return 0;
	return keeper_start(self->options.file, argc, argv, &self->opener);
}

/* Makes all sockets. Problems go to standard error. */
static bool listen_to_all(struct daemon *self)
{
	const struct config *config = self->started;
	const char *cause = NULL, *name = NULL;
	int error = listener_open(&self->service, config, &cause);

	if (error) {
		fprintf(stderr, "postern-milter: socket %s: %s: %s\n", config->socket, cause,
			strerror(-error));
		return false;
	}
	error = services_open(&self->service, config, &self->services, &name, &cause);
	if (error) {
		fprintf(stderr, "postern-milter: socket %s: %s: %s\n", name, cause,
			strerror(-error));
		listener_remove(config);
	}
	return !error;
}

/* Listens, gives up privileges and goes into the background. Problems go to standard error. */
static bool start(struct daemon *self, int argc, char **argv)
{
	const struct config *config = self->started;
	int error;

	block_signals();
	error = keep_way_to_keys(self, argc, argv);
	if (error) {
		fprintf(stderr, "postern-milter: cannot start a process: %s\n", strerror(-error));
		return false;
	}
	if (!listen_to_all(self))
		return false;
	error = privileges_drop(config->uid, config->gid);
	if (!error && !self->options.foreground && daemon(0, config->log == LOG_TO_STDERR) < 0)
		error = -errno;
	if (error)
		fprintf(stderr, "postern-milter: cannot start as user %s: %s\n", config->user,
			strerror(-error));
	return !error;
}

/* A path that holds in any folder; links are left as they are. */
static char *absolute(const char *path)
{
	char *folder = *path == '/' ? NULL : getcwd(NULL, 0), *whole = NULL;

	if (folder && asprintf(&whole, "%s/%s", folder, path) < 0)
		whole = NULL;
	free(folder);
	return whole ? whole : strdup(path);
}

/* What only tells something of the configuration and the keys. */
static enum exit_status answer(const struct options *options, const struct config *config)
{
	long bad = options->show_keys ? show_keys(config, options->dns, stdout) : 0;

	if (bad < 0)
		fprintf(stderr, "postern-milter: %s\n", strerror((int)-bad));
	if (bad < 0 || fflush(stdout) != 0)
		return EXIT_BROKEN;
	return bad ? EXIT_MISTAKES : EXIT_CLEAN;
}

int main(int argc, char **argv)
{
	static struct daemon self; /* libmilter's threads use it to the very end */
	struct snapshot *first;
	int error = 0;

	limit_memory();
	raise_descriptor_limit();
	self.options = parse_command_line(argc, argv);
	self.options.file = absolute(self.options.file);
	first = self.options.file ? snapshot_read(self.options.file, &opener_direct, stderr, &error)
				  : NULL;
	if (!first)
		return error == -EINVAL ? EXIT_MISTAKES : EXIT_BROKEN;
	if (self.options.test || self.options.show_keys) {
		enum exit_status status = answer(&self.options, &first->config);

		snapshot_release(first);
		return (int)status;
	}
	log_open("postern-milter", first->config.log, LOG_LEVEL_INFO);
	self.started = &first->config;
	self.service.snapshots = snapshot_place_new(snapshot_hold(first));
	if (!self.service.snapshots)
		fprintf(stderr, "postern-milter: %s\n", strerror(ENOMEM));
	else if (start(&self, argc, argv))
		/* not return: libmilter's threads still use the snapshots */
		exit(run(&self));
	snapshot_place_free(self.service.snapshots);
	snapshot_release(first);
	return EXIT_BROKEN;
}
