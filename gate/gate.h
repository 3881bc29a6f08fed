/*
 * The running gate, and the things that its modules share. One thread; nothing here blocks.
 *
 * A connection is a struct client from accept(2) until Postfix has it or it is closed. Listeners
 * and services outlive a reload of the configuration: they are found again by name and by path.
 */
#ifndef POSTERN_GATE_GATE_H
#define POSTERN_GATE_GATE_H

#include "gate/config.h"
#include "gate/log_limit.h"
#include "gate/loop.h"

#include <sys/queue.h>
#include <sys/un.h>

/* What became of a connection. Names are in verdict_names. */
enum verdict {
	VERDICT_PROXIED,    /* taken over by the service that reads PROXY */
	VERDICT_DIRECT,	    /* taken over by the direct service */
	VERDICT_REFUSED,    /* its peer is no trusted proxy */
	VERDICT_BUSY,	    /* answered 421: the service could not be reached in time */
	VERDICT_GONE,	    /* the client left while it waited for a service */
	VERDICT_UNANSWERED, /* left to the service, which did not say in time that it has it */
	VERDICT_COUNT,
};

extern const char *const verdict_names[VERDICT_COUNT];

TAILQ_HEAD(client_list, client);

struct gate;

struct listener {
	TAILQ_ENTRY(listener) entry;
	struct gate *gate;
	char *name;
	const struct gate_listener *config; /* NULL: no longer in the configuration */
	struct service *proxied, *direct;   /* NULL with `config`; `direct` also without one */
	uint64_t accepted, resent, verdicts[VERDICT_COUNT];
	unsigned clients; /* that point here */
	struct log_limit refusals;
};

struct listen_socket {
	struct watch watch;
	TAILQ_ENTRY(listen_socket) entry;
	int fd;
	struct listen_address address; /* unused when handed over */
	bool handed_over;	       /* by the service manager: nothing the configuration names */
	bool wanted;		       /* by a configuration that is being loaded */
	struct listener *listener;
};

/* What keeps a service from taking connections. */
enum cause {
	CAUSE_NONE,
	CAUSE_MISSING,
	CAUSE_NOBODY,
	CAUSE_NO_SOCKET,
	CAUSE_DENIED,
	CAUSE_FULL,
	CAUSE_RESOURCES,
	CAUSE_DROPPED,
	CAUSE_TALKS,
	CAUSE_LIMIT,
	CAUSE_OTHER,
	CAUSE_COUNT,
};

/* A `pass` service of Postfix. */
struct service {
	TAILQ_ENTRY(service) entry;
	struct gate *gate;
	char *path; /* as in the configuration */
	struct sockaddr_un address;
	struct client_list waiting; /* to be handed over */
	struct client_list sent;    /* handed over, and not yet known to be taken */
	unsigned waiting_count, sent_count;
	int64_t retry_at, pause; /* the next attempt, and the pause before it */
	bool failing;		 /* and the log says so */
	struct log_limit causes[CAUSE_COUNT], busy, unanswered, recovered;
	bool wanted;
};

struct client {
	struct watch watch; /* of `fd` while it waits or lingers, of `service_fd` when sent */
	TAILQ_ENTRY(client) entry;
	struct client_list *list;
	int fd, service_fd; /* -1: closed */
	bool watched;	    /* the loop knows `fd` */
	int64_t deadline;
	struct listener *listener;
	struct service *service;
	enum verdict route; /* what it counts as when it is taken */
	unsigned resent;
	bool counted;
};

struct gate {
	struct loop loop;
	struct arena *arena; /* of `config` */
	const struct gate_config *config;
	const char *config_path; /* as the process sees it; NULL: out of its reach */
	const char *chroot;	 /* what the process has for its root, or NULL */
	const char *metrics;	 /* as the process sees it, or NULL */
	TAILQ_HEAD(, listener) listeners;
	TAILQ_HEAD(, listen_socket) sockets;
	TAILQ_HEAD(, listen_socket) closed_sockets; /* freed at the end of the round */
	TAILQ_HEAD(, service) services;
	struct client_list lingering; /* answered, until they close or time is up */
	struct client_list gone;      /* freed at the end of the round */
	unsigned lingering_count;
	int64_t accept_at; /* no connection is accepted before; 0: no pause */
	uint64_t accept_pauses, reloads, failed_reloads;
	int64_t metrics_at, watchdog_at, watchdog_period;
	struct watch signals;
	int signal_fd;
	int64_t stop_at; /* 0: not stopping */
	struct log_limit accept_errors, metrics_errors, memory;
};

#endif
