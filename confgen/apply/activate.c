/* Reloading and restarting Postfix, and seeing it answer; see activate.h. */
#include "confgen/apply/activate.h"
#include "confgen/apply/place.h"
#include "confgen/postfix/run.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MOST_WAIT   30 /* seconds, for all listeners together */
#define ANSWER_WAIT 10 /* seconds, for a greeting: postscreen takes 6 */

/* What master(8) or all daemons take up when they start, and never again. */
static const struct {
	const char *parameter, *reason;
} restart_rows[] = {
	{"inet_interfaces", "master(8) binds its addresses when it starts"},
	{"inet_protocols", "master(8) chooses its protocols when it starts"},
	{"queue_directory", "running daemons work in the former queue"},
	{"data_directory", "running daemons keep their files in the former folder"},
	{"daemon_directory", "master(8) itself is in another folder"},
	{"mail_owner", "running daemons belong to the former user"},
	{"setgid_group", "running daemons belong to the former group"},
	{"hash_queue_names", "the queue is laid out when Postfix starts"},
	{"hash_queue_depth", "the queue is laid out when Postfix starts"},
	{"maillog_file", "master(8) opens its log when it starts"},
};

const char *need_name(enum need need)
{
	static const char *const names[] = {"nothing", "reload", "restart"};

	return names[need];
}

const char *activate_restart_reason(const char *parameter)
{
	for (size_t i = 0; i < sizeof(restart_rows) / sizeof(*restart_rows); i++)
		if (strcmp(restart_rows[i].parameter, parameter) == 0)
			return restart_rows[i].reason;
	return NULL;
}

#define ARGV(...) ((const char *const[]){__VA_ARGS__, NULL})

int activate_is_running(struct arena *arena, const char *config, bool *running)
{
	const char *postfix = run_find(arena, "postfix"), *errors;
	int status, error;

	if (!postfix)
		return -ENOENT;
	error = run_program(arena, ARGV(postfix, "-c", config, "status"), &status, &errors);
	if (!error)
		*running = status == 0;
	return error;
}

static void complain(struct arena *arena, struct diagnostics *list, const char *what, int error,
		     const char *errors)
{
	diagnostics_add(list, SEVERITY_ERROR, NULL, place_position(arena, what), "%s",
			error	  ? strerror(-error)
			: *errors ? errors
				  : "failed without saying why");
}

/* Runs a program; false with an error in `list`. */
static bool must(struct arena *arena, struct diagnostics *list, const char *what,
		 const char *const *argv)
{
	const char *errors = "";
	int status = 0, error = run_program(arena, argv, &status, &errors);

	if (!error && status == 0)
		return true;
	complain(arena, list, what, error, errors);
	return false;
}

/* The unit by which systemd runs the Postfix of /etc/postfix; NULL: it does not. */
static const char *find_unit(struct arena *arena, const char *const *units)
{
	const char *systemctl = run_find(arena, "systemctl"), *errors;

	if (!systemctl || access("/run/systemd/system", F_OK) < 0)
		return NULL;
	for (; *units; units++) {
		int status;

		if (run_program(arena, ARGV(systemctl, "is-active", "--quiet", *units), &status,
				&errors) == 0 &&
		    status == 0)
			return *units;
	}
	return NULL;
}

static bool restart(struct arena *arena, const char *postfix, const char *config,
		    struct diagnostics *list)
{
	/* Debian has an instance below a unit that does nothing itself */
	const char *unit = strcmp(config, "/etc/postfix") == 0
				   ? find_unit(arena, ARGV("postfix@-.service", "postfix.service"))
				   : NULL;
	const char *errors;
	int status;

	if (unit)
		return must(arena, list, arena_printf(arena, "systemctl restart %s", unit),
			    ARGV(run_find(arena, "systemctl"), "restart", unit));
	/* one that has stopped is no failure */
	run_program(arena, ARGV(postfix, "-c", config, "stop"), &status, &errors);
	return must(arena, list, "postfix start", ARGV(postfix, "-c", config, "start"));
}

bool activate_postfix(struct arena *arena, const char *config, enum need need,
		      struct diagnostics *list)
{
	const char *postfix = run_find(arena, "postfix");

	if (need == NEED_NOTHING)
		return true;
	if (!postfix) {
		complain(arena, list, "postfix", -ENOENT, "");
		return false;
	}
	if (need == NEED_RESTART)
		return restart(arena, postfix, config, list);
	return must(arena, list, "postfix reload", ARGV(postfix, "-c", config, "reload"));
}

bool activate_service(struct arena *arena, const char *unit, struct diagnostics *list)
{
	return find_unit(arena, ARGV(unit)) &&
	       must(arena, list, arena_printf(arena, "systemctl reload-or-restart %s", unit),
		    ARGV(run_find(arena, "systemctl"), "reload-or-restart", unit));
}

/* ---- does it answer? ---- */

/* A value as Postfix has it now, expanded; "" when that cannot be found out. */
static const char *ask(struct arena *arena, const char *config, const char *parameter)
{
	const char *postconf = run_find(arena, "postconf"), *output;
	int status;

	if (!postconf ||
	    run_output(arena, ARGV(postconf, "-c", config, "-x", "-h", parameter), &status,
		       &output) < 0 ||
	    status != 0)
		return "";
	return arena_strndup(arena, output, strcspn(output, "\n"));
}

struct listener {
	const char *name; /* in master.cf */
	const char *host, *port;
	bool greets; /* it speaks first */
};

/* Where a listener without a host of its own can be reached from here. */
static const char *find_host(struct arena *arena, const char *config)
{
	const char *interfaces = ask(arena, config, "inet_interfaces");
	const char *protocols = ask(arena, config, "inet_protocols");
	size_t length = strcspn(interfaces, ", \t");
	bool named = length && strncmp(interfaces, "all", length) != 0 &&
		     strncmp(interfaces, "loopback-only", length) != 0;

	if (named)
		return arena_strndup(arena, interfaces, length);
	return strcmp(protocols, "ipv6") == 0 ? "::1" : "127.0.0.1";
}

static bool has_option(const struct words *words, const char *name, const char *but)
{
	size_t length = strlen(name);

	for (size_t i = 8; i + 1 < words->count; i++)
		if (strcmp(words->items[i], "-o") == 0 &&
		    strncmp(words->items[i + 1], name, length) == 0 &&
		    words->items[i + 1][length] == '=')
			return strcmp(words->items[i + 1] + length + 1, but) != 0;
	return false;
}

static bool greets(const struct words *words, bool proxied)
{
	const char *command = words->count > 7 ? words->items[7] : "";

	return (strcmp(command, "smtpd") == 0 || strcmp(command, "postscreen") == 0) && !proxied &&
	       !has_option(words, "smtpd_tls_wrappermode", "no") &&
	       !has_option(words, "smtpd_upstream_proxy_protocol", "") &&
	       !has_option(words, "postscreen_upstream_proxy_protocol", "");
}

static struct listener make_listener(struct arena *arena, const struct words *words,
				     const char *host, bool proxied)
{
	const char *name = words->items[0], *colon = strrchr(name, ':');
	struct listener listener = {name, host, name, greets(words, proxied)};

	if (colon) {
		bool brackets = *name == '[' && colon > name + 1 && colon[-1] == ']';

		listener.host = brackets
					? arena_strndup(arena, name + 1, (size_t)(colon - name) - 2)
					: arena_strndup(arena, name, (size_t)(colon - name));
		listener.port = colon + 1;
	}
	return listener;
}

/* Connects; -1 when nobody accepts. */
static int connect_to(const struct listener *listener)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	const struct timeval most = {.tv_sec = ANSWER_WAIT};
	struct addrinfo *all = NULL;
	int fd = -1;

	if (getaddrinfo(listener->host, listener->port, &hints, &all) != 0)
		return -1;
	for (const struct addrinfo *one = all; one && fd < 0; one = one->ai_next) {
		fd = socket(one->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fd >= 0)
			setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &most, sizeof(most));
		if (fd >= 0 && connect(fd, one->ai_addr, one->ai_addrlen) < 0) {
			close(fd);
			fd = -1;
		}
	}
	freeaddrinfo(all);
	return fd;
}

/* Whether what it says first is a reply of SMTP, whatever it says. */
static bool hear_greeting(int fd)
{
	struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
	char text[4] = "";

	return poll(&poll_fd, 1, ANSWER_WAIT * 1000) == 1 && recv(fd, text, 3, MSG_WAITALL) == 3 &&
	       strspn(text, "0123456789") == 3 && send(fd, "QUIT\r\n", 6, MSG_NOSIGNAL) == 6;
}

static bool answers(const struct listener *listener)
{
	int fd = connect_to(listener);
	bool good = fd >= 0 && (!listener->greets || hear_greeting(fd));

	if (fd >= 0)
		close(fd);
	return good;
}

static time_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec;
}

bool activate_test(struct arena *arena, const char *config, const struct source *master_cf,
		   struct diagnostics *list)
{
	static const struct timespec pause = {.tv_nsec = 200000000};
	const struct layout layout = layout_read(arena, master_cf, LAYOUT_SERVICES);
	const char *host = find_host(arena, config);
	const bool proxied = *ask(arena, config, "smtpd_upstream_proxy_protocol") != '\0';
	const time_t end = now() + MOST_WAIT;
	bool good = true;

	for (size_t i = 0; i < layout.count; i++) {
		const struct words *words = &layout.items[i].words;
		struct listener listener;

		if (strcmp(words->items[1], "inet") != 0 ||
		    layout_find(&layout, layout.items[i].key) != &layout.items[i])
			continue;
		listener = make_listener(arena, words, host, proxied);
		while (!answers(&listener)) {
			if (now() >= end) {
				diagnostics_add(list, SEVERITY_ERROR, NULL,
						place_position(arena, listener.name),
						"the listener does not answer at %s, port %s",
						listener.host, listener.port);
				good = false;
				break;
			}
			nanosleep(&pause, NULL);
		}
	}
	return good;
}
