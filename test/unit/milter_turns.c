/* Turns: no more at once than there are processors, and first come, first served. */
#include "milter/turns.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define THREADS 20

static struct {
	atomic_int thread; /* of the last one that began to wait; 0: none yet */
	atomic_int served;
	int order[THREADS];
} seen;

static void *wait_and_note(void *number)
{
	atomic_store(&seen.thread, (int)syscall(SYS_gettid));
	turns_begin();
	seen.order[atomic_fetch_add(&seen.served, 1)] = (int)(intptr_t)number;
	turns_end();
	return NULL;
}

/* Until the new thread sleeps, which it does in the line, or has ended. */
static void await_sleep(void)
{
	const struct timespec moment = {0, 1000000};
	char path[64], text[256], state = 0;

	while (state != 'S') {
		FILE *file;
		const char *name_end = NULL;

		nanosleep(&moment, NULL);
		snprintf(path, sizeof(path), "/proc/self/task/%d/stat", atomic_load(&seen.thread));
		file = fopen(path, "r");
		if (!file && atomic_load(&seen.thread))
			return;
		if (!file)
			continue;
		if (fgets(text, sizeof(text), file))
			name_end = strrchr(text, ')');
		state = name_end ? name_end[2] : 0;
		fclose(file);
	}
}

static void test_order(void **state)
{
	long turns = sysconf(_SC_NPROCESSORS_ONLN);
	pthread_t threads[THREADS];

	(void)state;
	for (long i = 0; i < turns; i++)
		turns_begin();
	for (int i = 0; i < THREADS; i++) {
		atomic_store(&seen.thread, 0);
		assert_int_equal(
			pthread_create(&threads[i], NULL, wait_and_note, (void *)(intptr_t)i), 0);
		await_sleep();
	}
	assert_int_equal(atomic_load(&seen.served), 0);
	turns_end(); /* one turn goes along the whole line */
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(seen.order[i], i);
	for (long i = 1; i < turns; i++)
		turns_end();
	for (long i = 0; i < turns; i++) /* none was lost */
		turns_begin();
	for (long i = 0; i < turns; i++)
		turns_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_order)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
