/* Counts the sessions that wait for a thread, and knocks at the milter's own door; see waker.h. */
#include "milter/waker.h"
#include "milter/service_socket.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <time.h>

#define ROUND_NANOSECONDS 10000000
#define MOST_KNOCKS	  8  /* a round: each wakes one thread */
#define PATIENCE	  16 /* rounds of knocking; then one knock in so many, for what none helps */

static struct {
	atomic_uint round;
	atomic_uint waiting[2]; /* sessions, by the parity of the round that they came in */
	atomic_bool asleep;
	sem_t call;
	const char *socket;
} pool;

void waker_offer(waker_mark *mark)
{
	unsigned none = 0, slot = atomic_load(&pool.round) % 2;

	if (!atomic_compare_exchange_strong(mark, &none, 1 + slot))
		return;
	atomic_fetch_add(&pool.waiting[slot], 1);
	if (atomic_load(&pool.asleep) && atomic_exchange(&pool.asleep, false))
		sem_post(&pool.call);
}

void waker_take(waker_mark *mark)
{
	unsigned taken = atomic_load(mark) ? atomic_exchange(mark, 0) : 0;

	if (taken)
		atomic_fetch_sub(&pool.waiting[taken - 1], 1);
}

static bool any_waits(void)
{
	return atomic_load(&pool.waiting[0]) || atomic_load(&pool.waiting[1]);
}

/* Unless a session waits. A call that comes when nobody sleeps ends the next sleep: no harm. */
static void sleep_until_called(void)
{
	atomic_store(&pool.asleep, true);
	if (!any_waits())
		sem_wait(&pool.call);
	atomic_store(&pool.asleep, false);
}

/* The slot of the round that begins: it still counts who came in the one before the last. */
static unsigned next_round(void)
{
	static const struct timespec pause = {0, ROUND_NANOSECONDS};

	nanosleep(&pause, NULL);
	return (atomic_fetch_add(&pool.round, 1) + 1) % 2;
}

/*
 * How often to knock for a slot, in the round of knocking that has this number. Where no thread
 * can be started, libmilter also forgets who knocks, and never closes the descriptor.
 */
static unsigned count_knocks(unsigned overlooked, unsigned knocking)
{
	if (knocking > PATIENCE)
		return knocking % PATIENCE == 0;
	return overlooked < MOST_KNOCKS ? overlooked : MOST_KNOCKS;
}

static _Noreturn void *watch(void *unused)
{
	unsigned knocking[2] = {0}; /* rounds, of each slot */

	(void)unused;
	for (;;) {
		unsigned slot = next_round(), overlooked = atomic_load(&pool.waiting[slot]);

		knocking[slot] = overlooked ? knocking[slot] + 1 : 0;
		for (unsigned i = count_knocks(overlooked, knocking[slot]); i > 0; i--)
			service_socket_knock(pool.socket);
		sleep_until_called();
	}
}

int waker_start(const char *socket)
{
	pthread_t thread;
	int error;

	pool.socket = socket;
	sem_init(&pool.call, 0, 0);
	error = pthread_create(&thread, NULL, watch, NULL);
	if (!error)
		pthread_detach(thread);
	return -error;
}
