/*
 * Sees that libmilter's pool of threads overlooks no session.
 *
 * The pool hands an event to an idle thread by a condition; two events at once may be given to the
 * same one, and the second is then taken up only when some thread ends its work. If all of them
 * wait or are busy, so does it: seen were signatures that took three times the time-out of DNS. A
 * new connection makes the pool start a thread, or wake one, which takes up what was left. So a
 * thread here connects to the milter's own socket, and hangs up, when a session was offered to the
 * pool and is not taken up.
 *
 * One a process. All functions but waker_start() may be called from any thread.
 */
#ifndef POSTERN_MILTER_WAKER_H
#define POSTERN_MILTER_WAKER_H

#include <stdatomic.h>

/* Of a session, its caller's: 0 when no thread is to take it up. */
typedef atomic_uint waker_mark;

/*
 * Starts the thread. `socket` is the milter's, as struct config has it; the process must be allowed
 * to connect to it. Returns 0 or -errno.
 */
int waker_start(const char *socket);

/* libmilter was told that a session has something to read; again is the same as once. */
void waker_offer(waker_mark *mark);

/* A thread reads it, or it has ended; without waker_offer() nothing happens. */
void waker_take(waker_mark *mark);

#endif
