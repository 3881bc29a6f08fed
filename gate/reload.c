/* Configurations that replace one another while connections come in; see reload.h. */
#include "gate/reload.h"
#include "common/file.h"
#include "gate/listener.h"
#include "gate/service.h"

#include <errno.h>
#include <sys/resource.h>

#define LARGEST_CONFIGURATION ((size_t)1 << 20)
#define MOST_LINES	      20   /* of mistakes, in the log */
#define OWN_DESCRIPTORS	      1200 /* lingering clients, listening sockets, the log */

int gate_config_load(struct arena *arena, const char *path, bool find_user,
		     struct diagnostics *list, struct gate_config *out)
{
	struct source *source = arena_alloc(arena, sizeof(*source));
	char *text;
	int error = file_read(arena, path, LARGEST_CONFIGURATION, &text, &source->length);

	if (error)
		return error;
	source->name = path;
	source->text = text;
	gate_config_read(arena, source, find_user, list, out);
	return 0;
}

/* Room for what the queues may hold: a connection and the way to its service. */
static void raise_descriptor_limit(const struct gate *gate)
{
	rlim_t wanted = OWN_DESCRIPTORS;
	const struct service *service;
	struct rlimit limit;

	TAILQ_FOREACH(service, &gate->services, entry)
	wanted += (rlim_t)gate->config->queue_limit * 2;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= wanted)
		return;
	limit.rlim_cur = wanted;
	if (limit.rlim_max < wanted)
		limit.rlim_max = wanted; /* root may */
	if (setrlimit(RLIMIT_NOFILE, &limit) == 0)
		return;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	log_write(LOG_LEVEL_WARNING,
		  "only %llu descriptors are allowed, queue_limit %u needs %llu: raise the limit "
		  "(LimitNOFILE, ulimit -n)",
		  (unsigned long long)limit.rlim_cur, gate->config->queue_limit,
		  (unsigned long long)wanted);
}

static struct service *want_service(struct gate *gate, const char *path)
{
	struct service *service = path ? service_find(gate, path) : NULL;

	if (service)
		service->wanted = true;
	return service;
}

/* Points the listeners at their parts of the configuration. -ENOMEM when memory is short. */
static int connect_parts(struct gate *gate, const struct gate_config *config)
{
	struct service *service;
	struct listener *listener;

	TAILQ_FOREACH(service, &gate->services, entry)
	service->wanted = false;
	TAILQ_FOREACH(listener, &gate->listeners, entry)
	{
		listener->config = NULL;
		listener->proxied = listener->direct = NULL;
	}
	for (size_t i = 0; i < config->listener_count; i++) {
		const struct gate_listener *part = &config->listeners[i];

		listener = listener_find(gate, part->name);
		if (!listener)
			return -ENOMEM;
		listener->config = part;
		listener->proxied = want_service(gate, part->proxied_service);
		listener->direct = want_service(gate, part->direct_service);
		if (!listener->proxied || (part->direct_service && !listener->direct))
			return -ENOMEM;
	}
	return 0;
}

static struct listen_socket *find_socket(struct gate *gate, const struct listen_address *address)
{
	struct listen_socket *socket;

	TAILQ_FOREACH(socket, &gate->sockets, entry)
	if (!socket->handed_over && listen_address_equal(&socket->address, address))
		return socket;
	return NULL;
}

/* Keeps the sockets that are still named, under the listener that names them now. */
static void keep_sockets(struct gate *gate)
{
	struct listen_socket *socket;
	struct listener *listener;

	TAILQ_FOREACH(socket, &gate->sockets, entry)
	socket->wanted = socket->handed_over && socket->listener->config;
	TAILQ_FOREACH(listener, &gate->listeners, entry)
	{
		for (size_t i = 0; listener->config && i < listener->config->address_count; i++) {
			socket = find_socket(gate, &listener->config->addresses[i]);
			if (socket) {
				socket->wanted = true;
				socket->listener = listener;
			}
		}
	}
}

static void close_unwanted(struct gate *gate)
{
	struct listen_socket *socket = TAILQ_FIRST(&gate->sockets), *next;

	for (; socket; socket = next) {
		next = TAILQ_NEXT(socket, entry);
		if (!socket->wanted)
			listen_socket_close(gate, socket);
	}
}

/* Opens what is named and not open yet. Returns how many failed; with `report`, the log has them.
 */
static unsigned open_sockets(struct gate *gate, bool report)
{
	struct listener *listener;
	char text[LISTEN_ADDRESS_SIZE];
	unsigned failed = 0;

	TAILQ_FOREACH(listener, &gate->listeners, entry)
	{
		for (size_t i = 0; listener->config && i < listener->config->address_count; i++) {
			const struct listen_address *address = &listener->config->addresses[i];
			int error = find_socket(gate, address)
					    ? 0
					    : listen_socket_open(listener, address);

			failed += error != 0;
			if (error && report)
				log_write(LOG_LEVEL_ERROR, "listener %s: cannot listen on %s: %s%s",
					  listener->name, listen_address_format(address, text),
					  strerror(-error),
					  error == -EACCES ? " (a restart as root can)" : "");
		}
	}
	return failed;
}

unsigned gate_apply(struct gate *gate, struct arena *arena, const struct gate_config *config)
{
	unsigned failed;

	if (connect_parts(gate, config) < 0) {
		/* the listeners point into both configurations: neither can go on */
		log_write(LOG_LEVEL_ERROR, "out of memory");
		abort();
	}
	arena_free(gate->arena);
	gate->arena = arena;
	gate->config = config;
	gate->metrics = config->metrics ? gate_config_inside(gate->chroot, config->metrics) : NULL;
	keep_sockets(gate);
	/* beside the old ones, and again once those that may be in the way are closed */
	open_sockets(gate, false);
	close_unwanted(gate);
	failed = open_sockets(gate, true);
	listeners_free(gate, false);
	services_free(gate, false);
	raise_descriptor_limit(gate);
	return failed;
}

/* What diagnostics_print() writes, line by line into the log. */
static void log_diagnostics(struct diagnostics *list)
{
	char *text = NULL, *rest;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return;
	diagnostics_print(list, out, false);
	if (fclose(out) != 0)
		return;
	rest = text;
	for (int i = 0; i < MOST_LINES; i++) {
		const char *line = strsep(&rest, "\n");

		if (!line || !rest)
			break;
		log_write(LOG_LEVEL_WARNING, "%s", line);
	}
	free(text);
}

static bool same(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

static void warn_of_restart(const char *name, bool unchanged)
{
	if (!unchanged)
		log_write(LOG_LEVEL_WARNING, "%s: a new value needs a restart", name);
}

void gate_reload(struct gate *gate)
{
	struct arena *arena = arena_new(0);
	struct diagnostics *list = diagnostics_new(arena);
	struct gate_config *config = arena_alloc(arena, sizeof(*config));
	int error = gate->config_path
			    ? gate_config_load(arena, gate->config_path, false, list, config)
			    : -EXDEV;

	if (error == -EXDEV)
		log_write(LOG_LEVEL_ERROR, "not reloaded: the configuration lies outside of "
					   "chroot, restart instead");
	else if (error)
		log_write(LOG_LEVEL_ERROR, "not reloaded: %s: %s", gate->config_path,
			  strerror(-error));
	else
		log_diagnostics(list);
	if (error || diagnostics_count(list, SEVERITY_ERROR)) {
		if (!error)
			log_write(
				LOG_LEVEL_ERROR,
				"not reloaded: the configuration has mistakes, the old one stays");
		gate->failed_reloads++;
		arena_free(arena);
		return;
	}
	warn_of_restart("user", same(config->user, gate->config->user));
	warn_of_restart("chroot", same(config->chroot, gate->config->chroot));
	warn_of_restart("log", config->log == gate->config->log);
	gate->reloads++;
	gate_apply(gate, arena, config);
	log_write(LOG_LEVEL_INFO, "reloaded %s", gate->config_path);
}
