/*
 * The event loop: epoll(7), with a monotonic clock that is read once for each round.
 *
 * One thread. A watch belongs to who registered it, and must stay valid until the end of the round
 * in which it is removed: events that were fetched before may still reach it.
 */
#ifndef POSTERN_GATE_LOOP_H
#define POSTERN_GATE_LOOP_H

#include <stdint.h>

#define NEVER INT64_MAX

struct watch {
	void (*on_event)(struct watch *watch, uint32_t events);
};

struct loop {
	int epoll;
	int64_t now; /* milliseconds of CLOCK_MONOTONIC at the begin of the round */
};

/* These return 0 or -errno. */
int loop_open(struct loop *loop);
int loop_add(struct loop *loop, int fd, uint32_t events, struct watch *watch);
int loop_change(struct loop *loop, int fd, uint32_t events, struct watch *watch);

/*
 * Call it before a descriptor is closed that another process has or will have: epoll would go on
 * with it. What nobody else holds open is forgotten when it is closed.
 */
void loop_remove(struct loop *loop, int fd);

/* Waits for events, at most until the time `until`, and hands them out: one round. */
int loop_round(struct loop *loop, int64_t until);

void loop_close(struct loop *loop);

#endif
