/* The waker: knocks for who waits, not for who was taken up, and seldom for whom no knock helps. */
#include "milter/waker.h"
#include "milter/service_socket.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static int door;

static int64_t now_milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

static bool hear_knock(int64_t milliseconds)
{
	struct pollfd poller = {.fd = door, .events = POLLIN};
	int visitor;

	if (poll(&poller, 1, (int)milliseconds) <= 0)
		return false;
	visitor = accept(door, NULL, NULL);
	assert_true(visitor >= 0);
	close(visitor);
	return true;
}

static int count_knocks(int64_t milliseconds)
{
	int64_t left, end = now_milliseconds() + milliseconds;
	int count = 0;

	while ((left = end - now_milliseconds()) > 0)
		count += hear_knock(left);
	return count;
}

static void await_silence(void)
{
	while (hear_knock(1000))
		;
}

static void test_who_waits(void **state)
{
	waker_mark mark = 0;

	(void)state;
	for (int i = 0; i < 2; i++) { /* the second time it has to be called from its sleep */
		waker_take(&mark);
		waker_offer(&mark);
		waker_offer(&mark);
		assert_true(hear_knock(60000));
		waker_take(&mark);
		waker_take(&mark);
		await_silence();
		assert_false(hear_knock(1500));
	}
}

/* A session whose thread could not be started waits for ever: unbounded it would be 50 a second. */
static void test_whom_no_knock_helps(void **state)
{
	waker_mark mark = 0;

	(void)state;
	waker_offer(&mark);
	assert_in_range(count_knocks(2000), 1, 50);
	assert_true(hear_knock(60000));
	waker_take(&mark);
	await_silence();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_who_waits),
		cmocka_unit_test(test_whom_no_knock_helps),
	};
	char folder[] = "/tmp/postern-waker-XXXXXX", name[64];
	struct service_socket wanted = {name, 0600, (gid_t)-1, geteuid()};
	const char *cause;
	int failed;

	if (!mkdtemp(folder))
		return 1;
	snprintf(name, sizeof(name), "unix:%s/door", folder);
	door = service_socket_open(&wanted, &cause);
	if (door < 0 || waker_start(name) < 0)
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	service_socket_remove(&wanted);
	rmdir(folder);
	return failed;
}
