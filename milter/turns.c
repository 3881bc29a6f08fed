/* A line of threads, and a count of those whose turn it is; see turns.h. */
#include "milter/turns.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stddef.h>
#include <unistd.h>

struct waiter {
	sem_t turn;
	struct waiter *next;
};

static struct {
	pthread_mutex_t lock;
	long running;
	struct waiter *first, **end; /* those who wait; `end` when there are some */
} line = {.lock = PTHREAD_MUTEX_INITIALIZER};

static long most_at_once(void)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);

	return processors > 0 ? processors : 1;
}

/* To the end of the line. */
static void queue(struct waiter *self)
{
	if (!line.first)
		line.end = &line.first;
	*line.end = self;
	line.end = &self->next;
}

void turns_begin(void)
{
	static long most; /* under the lock, like all here */
	struct waiter self = {.next = NULL};

	pthread_mutex_lock(&line.lock);
	if (!most)
		most = most_at_once();
	if (line.running < most) {
		line.running++;
		pthread_mutex_unlock(&line.lock);
		return;
	}
	sem_init(&self.turn, 0, 0);
	queue(&self);
	pthread_mutex_unlock(&line.lock);
	while (sem_wait(&self.turn) < 0 && errno == EINTR)
		;
	sem_destroy(&self.turn);
}

/* The turn goes straight to the first who waits, so that nobody can come between. */
void turns_end(void)
{
	struct waiter *first;

	pthread_mutex_lock(&line.lock);
	first = line.first;
	if (first)
		line.first = first->next;
	else
		line.running--;
	pthread_mutex_unlock(&line.lock);
	if (first)
		sem_post(&first->turn);
}
