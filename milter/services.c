/* Opens, starts and stops what stands beside the milter; see services.h. */
#include "milter/services.h"
#include "milter/http.h"
#include "milter/policy_question.h"
#include "milter/policy_server.h"
#include "milter/service_socket.h"

#include <errno.h>
#include <stdatomic.h>
#include <unistd.h>

#define STOP_MILLISECONDS 2000 /* for policy requests that have begun */

struct services {
	struct service *service;
	struct service_socket policy_socket, http_socket; /* without a name: off */
	int policy_fd, http_fd;				  /* -1: none, or handed over */
	struct policy_server *policy;
	struct http *http;
	atomic_bool ready;
};

static struct metrics *new_metrics(const struct config *config)
{
	const char **names = calloc(config->listener_count + 1, sizeof(*names));
	struct metrics *metrics;
	size_t count = 0;

	if (!names)
		return NULL;
	for (size_t i = 0; i < config->listener_count; i++)
		if (config->listeners[i].at.line && strcmp(config->listeners[i].name, "*") != 0)
			names[count++] = config->listeners[i].name;
	metrics = metrics_new(names, policy_rule_names);
	free(names);
	return metrics;
}

static size_t list_keys(const struct signing_domain *domains, size_t count, struct metrics_key *out,
			size_t room)
{
	size_t used = 0;

	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < domains[i].key_count && used < room; j++) {
			const struct signing_key *key = &domains[i].keys[j];

			out[used++] = (struct metrics_key){domains[i].name, key->selector,
							   key->key->modified};
		}
	return used;
}

/* Where memory is short the old keys stay. */
static void show_keys(struct services *services)
{
	static const size_t room = METRICS_MOST_KEYS;
	struct metrics_key *keys = calloc(room, sizeof(*keys));
	struct snapshot *snapshot = snapshot_current(services->service->snapshots);
	const struct config *config = &snapshot->config;
	size_t count = 0;

	if (keys) {
		count = list_keys(config->domains, config->domain_count, keys, room);
		count += list_keys(config->folder_domains, config->folder_domain_count,
				   keys + count, room - count);
		if (metrics_set_keys(services->service->metrics, keys, count) != 0)
			count = 0;
	}
	if (!keys || !count)
		log_write(LOG_LEVEL_WARNING, "metrics: no ages of keys are shown");
	snapshot_release(snapshot);
	free(keys);
}

static void free_services(struct services *services)
{
	if (services->policy_fd >= 0)
		close(services->policy_fd);
	if (services->http_fd >= 0)
		close(services->http_fd);
	free(services);
}

static int open_one(const struct service_socket *wanted, int *fd, const char **name,
		    const char **cause)
{
	if (!wanted->name)
		return 0;
	*name = wanted->name;
	*fd = service_socket_open(wanted, cause);
	return *fd < 0 ? *fd : 0;
}

int services_open(struct service *service, const struct config *config, struct services **out,
		  const char **name, const char **cause)
{
	struct services *services = calloc(1, sizeof(*services));
	int error;

	*name = "other services";
	*cause = "cannot begin";
	if (!services)
		return -ENOMEM;
	*services = (struct services){
		.service = service,
		.policy_socket = {config->policy_socket, config->socket_mode, config->socket_group,
				  config->uid},
		.http_socket = {config->http, config->socket_mode, config->socket_group,
				config->uid},
		.policy_fd = -1,
		.http_fd = -1,
	};
	service->metrics = config->http ? new_metrics(config) : NULL;
	error = config->http && !service->metrics ? -ENOMEM : 0;
	if (!error)
		error = open_one(&services->policy_socket, &services->policy_fd, name, cause);
	if (!error)
		error = open_one(&services->http_socket, &services->http_fd, name, cause);
	if (!error) {
		*out = services;
		return 0;
	}
	metrics_free(service->metrics);
	service->metrics = NULL;
	free_services(services);
	return error;
}

static char *render(void *context, size_t *length)
{
	const struct services *services = context;

	return metrics_render(services->service->metrics, length);
}

static bool is_ready(void *context)
{
	const struct services *services = context;

	return atomic_load(&services->ready);
}

int services_start(struct services *services, const char **name)
{
	const struct http_pages pages = {render, is_ready, services};
	int error = 0;

	if (services->policy_fd >= 0) {
		*name = services->policy_socket.name;
		error = policy_server_start(services->policy_fd, policy_question_decide,
					    services->service, &services->policy);
		if (error)
			return error;
		services->policy_fd = -1;
	}
	if (services->http_fd >= 0) {
		*name = services->http_socket.name;
		show_keys(services);
		error = http_start(services->http_fd, &pages, &services->http);
		if (error)
			return error;
		services->http_fd = -1;
	}
	return 0;
}

void services_set_ready(struct services *services, bool ready)
{
	atomic_store(&services->ready, ready);
}

void services_reloaded(struct services *services, bool taken)
{
	if (!services->service->metrics)
		return;
	metrics_reload(services->service->metrics, taken);
	if (taken)
		show_keys(services);
}

void services_hide(struct services *services)
{
	if (services->policy_socket.name)
		service_socket_remove(&services->policy_socket);
	if (services->http_socket.name)
		service_socket_remove(&services->http_socket);
}

void services_stop(struct services *services)
{
	policy_server_stop(services->policy, STOP_MILLISECONDS);
	http_stop(services->http);
	free_services(services);
}
