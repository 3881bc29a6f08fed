/* Counts the callbacks that wait, and knocks at the milter's own door meanwhile; see waker.h. */
#include "milter/waker.h"
#include "milter/service_socket.h"

#include <pthread.h>
#include <time.h>

#define TICK_NANOSECONDS 50000000 /* short waits need no help */
#define MOST_KNOCKS	 8	  /* a tick: each wakes one thread */

static struct {
	pthread_mutex_t lock;
	pthread_cond_t begun;
	unsigned waiting;
	const char *socket;
} pool = {.lock = PTHREAD_MUTEX_INITIALIZER, .begun = PTHREAD_COND_INITIALIZER};

void waker_wait_begins(void)
{
	pthread_mutex_lock(&pool.lock);
	if (pool.waiting++ == 0)
		pthread_cond_signal(&pool.begun);
	pthread_mutex_unlock(&pool.lock);
}

void waker_wait_ends(void)
{
	pthread_mutex_lock(&pool.lock);
	pool.waiting--;
	pthread_mutex_unlock(&pool.lock);
}

static _Noreturn void *watch(void *unused)
{
	const struct timespec tick = {0, TICK_NANOSECONDS};

	(void)unused;
	for (;;) {
		unsigned waiting;

		pthread_mutex_lock(&pool.lock);
		while (pool.waiting == 0)
			pthread_cond_wait(&pool.begun, &pool.lock);
		pthread_mutex_unlock(&pool.lock);
		nanosleep(&tick, NULL);
		pthread_mutex_lock(&pool.lock);
		waiting = pool.waiting;
		pthread_mutex_unlock(&pool.lock);
		for (unsigned i = 0; i < waiting && i < MOST_KNOCKS; i++)
			service_socket_knock(pool.socket);
	}
}

int waker_start(const char *socket)
{
	pthread_t thread;
	int error;

	pool.socket = socket;
	error = pthread_create(&thread, NULL, watch, NULL);
	if (!error)
		pthread_detach(thread);
	return -error;
}
