/* epoll with a clock; see loop.h. */
#include "gate/loop.h"

#include <errno.h>
#include <limits.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#define EVENTS_OF_A_ROUND 256

static int64_t monotonic_milliseconds(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

int loop_open(struct loop *loop)
{
	int fd = epoll_create1(EPOLL_CLOEXEC);

	if (fd < 0)
		return -errno;
	loop->epoll = fd;
	loop->now = monotonic_milliseconds();
	return 0;
}

static int control(struct loop *loop, int operation, int fd, uint32_t events, struct watch *watch)
{
	struct epoll_event event = {.events = events, .data.ptr = watch};

	return epoll_ctl(loop->epoll, operation, fd, &event) < 0 ? -errno : 0;
}

int loop_add(struct loop *loop, int fd, uint32_t events, struct watch *watch)
{
	return control(loop, EPOLL_CTL_ADD, fd, events, watch);
}

int loop_change(struct loop *loop, int fd, uint32_t events, struct watch *watch)
{
	return control(loop, EPOLL_CTL_MOD, fd, events, watch);
}

void loop_remove(struct loop *loop, int fd)
{
	control(loop, EPOLL_CTL_DEL, fd, 0, NULL);
}

static int timeout_until(const struct loop *loop, int64_t until)
{
	int64_t left = until - loop->now;

	if (until == NEVER)
		return -1;
	if (left <= 0)
		return 0;
	return left > INT_MAX ? INT_MAX : (int)left;
}

int loop_round(struct loop *loop, int64_t until)
{
	struct epoll_event events[EVENTS_OF_A_ROUND];
	int count;

	loop->now = monotonic_milliseconds();
	count = epoll_wait(loop->epoll, events, EVENTS_OF_A_ROUND, timeout_until(loop, until));
	if (count < 0)
		return errno == EINTR ? 0 : -errno;
	loop->now = monotonic_milliseconds();
	for (int i = 0; i < count; i++) {
		struct watch *watch = events[i].data.ptr;

		watch->on_event(watch, events[i].events);
	}
	return 0;
}

void loop_close(struct loop *loop)
{
	close(loop->epoll);
}
