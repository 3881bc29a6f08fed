/* The main loop: sockets, signals and what is due at a time; see run.h. */
#include "gate/run.h"
#include "common/service_notify.h"
#include "gate/client.h"
#include "gate/listener.h"
#include "gate/reload.h"
#include "gate/report.h"
#include "gate/service.h"

#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define METRICS_PERIOD 15000 /* milliseconds */
#define DRAIN_TIME     5000  /* that Postfix has to take what waits, after SIGTERM */

static void stop(struct gate *gate)
{
	if (gate->stop_at) { /* a second signal: now */
		gate->stop_at = gate->loop.now;
		return;
	}
	log_write(LOG_LEVEL_INFO, "stopping");
	service_notify_stopping();
	while (!TAILQ_EMPTY(&gate->sockets))
		listen_socket_close(gate, TAILQ_FIRST(&gate->sockets));
	gate->stop_at = gate->loop.now + DRAIN_TIME;
}

static void on_signal(struct watch *watch, uint32_t events)
{
	struct gate *gate = (struct gate *)((char *)watch - offsetof(struct gate, signals));
	struct signalfd_siginfo info;

	(void)events;
	while (read(gate->signal_fd, &info, sizeof(info)) == sizeof(info)) {
		switch (info.ssi_signo) {
		case SIGHUP:
			if (gate->stop_at)
				break;
			service_notify_reloading();
			gate_reload(gate);
			service_notify_ready();
			break;
		case SIGUSR1:
			report_log(gate);
			report_write(gate);
			break;
		default:
			stop(gate);
		}
	}
}

int gate_open(struct gate *gate)
{
	static const int numbers[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1};
	sigset_t set;
	int error;

	TAILQ_INIT(&gate->listeners);
	TAILQ_INIT(&gate->sockets);
	TAILQ_INIT(&gate->closed_sockets);
	TAILQ_INIT(&gate->services);
	TAILQ_INIT(&gate->lingering);
	TAILQ_INIT(&gate->gone);
	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		sigaddset(&set, numbers[i]);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	error = loop_open(&gate->loop);
	if (error)
		return error;
	gate->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (gate->signal_fd < 0) {
		error = -errno;
		loop_close(&gate->loop);
		return error;
	}
	return 0;
}

static int64_t earlier(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t next_time(const struct gate *gate)
{
	int64_t next = earlier(clients_next(gate), listeners_next(gate));
	const struct service *service;

	TAILQ_FOREACH(service, &gate->services, entry)
	next = earlier(next, service_next(service));
	if (gate->metrics)
		next = earlier(next, gate->metrics_at);
	if (gate->watchdog_period)
		next = earlier(next, gate->watchdog_at);
	return gate->stop_at ? earlier(next, gate->stop_at) : next;
}

static void run_timers(struct gate *gate)
{
	int64_t now = gate->loop.now;
	struct service *service;

	clients_run(gate);
	listeners_run(gate);
	TAILQ_FOREACH(service, &gate->services, entry)
	service_run(service);
	if (gate->metrics && gate->metrics_at <= now) {
		report_write(gate);
		gate->metrics_at = now + METRICS_PERIOD;
	}
	if (gate->watchdog_period && gate->watchdog_at <= now) {
		service_notify_watchdog();
		gate->watchdog_at = now + gate->watchdog_period;
	}
}

/* Whether nobody waits for Postfix any more, or time is up. */
static bool is_drained(const struct gate *gate)
{
	const struct service *service;

	if (gate->stop_at <= gate->loop.now)
		return true;
	TAILQ_FOREACH(service, &gate->services, entry)
	if (service->waiting_count || service->sent_count)
		return false;
	return true;
}

int gate_run(struct gate *gate)
{
	struct service *service;
	int error;

	/* not before: epoll(7) tells of signals to the process that adds the descriptor, and
	 * daemon(3) forks */
	gate->signals.on_event = on_signal;
	error = loop_add(&gate->loop, gate->signal_fd, EPOLLIN, &gate->signals);
	gate->watchdog_period = service_notify_watchdog_period();
	while (!error && !(gate->stop_at && is_drained(gate))) {
		error = loop_round(&gate->loop, next_time(gate));
		run_timers(gate);
		clients_free_gone(gate);
		listen_sockets_free_closed(gate);
	}
	TAILQ_FOREACH(service, &gate->services, entry)
	service_give_up(service);
	report_log(gate);
	report_write(gate);
	return error;
}

void gate_close(struct gate *gate)
{
	while (!TAILQ_EMPTY(&gate->sockets))
		listen_socket_close(gate, TAILQ_FIRST(&gate->sockets));
	while (!TAILQ_EMPTY(&gate->lingering))
		client_end(TAILQ_FIRST(&gate->lingering), VERDICT_REFUSED);
	clients_free_gone(gate);
	listen_sockets_free_closed(gate);
	listeners_free(gate, true);
	services_free(gate, true);
	close(gate->signal_fd);
	loop_close(&gate->loop);
	arena_free(gate->arena);
}
