/*
 * A service that is watched: watch_service SOCKET. Counts something, serves the pages, and tells
 * systemd. Each line of standard input changes its state: ready, unready, reload, or count, which
 * counts from several threads at once.
 */
#include "milter/http.h"
#include "milter/metrics.h"
#include "common/service_notify.h"
#include "milter/service_socket.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>

#define THREADS 4
#define ROUNDS	25000

static atomic_bool is_ready;

static char *metrics(void *context, size_t *length)
{
	return metrics_render(context, length);
}

static bool ready(void *context)
{
	(void)context;
	return is_ready;
}

static void *count(void *context)
{
	for (int i = 0; i < ROUNDS; i++) {
		metrics_session_began(context);
		metrics_message(context, i % 2 ? "smtp" : "x@example.com", METRICS_SIGNED);
		metrics_signature(context, METRICS_DOMAIN_OWN, METRICS_RSA, (uint64_t)i * 1000);
		metrics_refusal(context, "loopback");
		metrics_session_ended(context);
	}
	return NULL;
}

static void count_together(struct metrics *metrics_of)
{
	pthread_t threads[THREADS];

	for (size_t i = 0; i < THREADS; i++)
		assert(pthread_create(&threads[i], NULL, count, metrics_of) == 0);
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

static void obey(const char *word, struct metrics *metrics_of)
{
	if (strcmp(word, "count\n") == 0) {
		count_together(metrics_of);
	} else if (strcmp(word, "reload\n") == 0) {
		service_notify_reloading();
		metrics_reload(metrics_of, true);
		service_notify_ready();
	} else {
		is_ready = strcmp(word, "ready\n") == 0;
		if (is_ready)
			service_notify_ready();
		service_notify_status("it is %s", word);
	}
	printf("done %lld\n", (long long)service_notify_watchdog_period());
	fflush(stdout);
}

int main(int argc, char **argv)
{
	static const char *const listeners[] = {"smtp", "submission", "a \"b\\\n", NULL};
	static const char *const rules[] = {"loopback", "internal", NULL};
	const struct metrics_key keys[] = {{"example.com", "mail", time(NULL) - 1000},
					   {"example.com", "mail", time(NULL)},
					   {"example.net", "\xff\"", 0}};
	struct metrics *counted = metrics_new(listeners, rules);
	struct service_socket wanted = {.mode = 0600, .group = (gid_t)-1};
	struct http_pages pages = {metrics, ready, counted};
	struct http *http;
	const char *cause;
	char line[100];
	int fd;

	assert(argc == 2 && counted && metrics_set_keys(counted, keys, 3) == 0);
	wanted.name = argv[1];
	assert(service_socket_is_valid(wanted.name, true));
	fd = service_socket_open(&wanted, &cause);
	assert(fd >= 0 && http_start(fd, &pages, &http) == 0);
	puts("listening");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin))
		obey(line, counted);
	service_notify_stopping();
	service_notify_watchdog();
	http_stop(http);
	metrics_free(counted);
	service_socket_remove(&wanted);
	return 0;
}
