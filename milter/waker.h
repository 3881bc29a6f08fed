/*
 * Keeps libmilter's pool of threads awake while callbacks wait for something, such as DNS or a
 * turn.
 *
 * The pool hands an event to an idle thread by a condition; two events at once may be given to the
 * same one, and the second is then taken up only when some thread ends its work. If all of them
 * wait, it waits as well: seen were signatures that took three times the time-out of DNS. A new
 * connection makes the pool start a thread, or wake one, which takes up what was left. So while
 * callbacks wait, a thread here connects to the milter's own socket, and hangs up.
 *
 * One a process. All functions but waker_start() may be called from any thread.
 */
#ifndef POSTERN_MILTER_WAKER_H
#define POSTERN_MILTER_WAKER_H

/*
 * Starts the thread. `socket` is the milter's, as struct config has it; the process must be allowed
 * to connect to it. Returns 0 or -errno.
 */
int waker_start(const char *socket);

/* A callback begins to wait, and has ended it. */
void waker_wait_begins(void);
void waker_wait_ends(void);

#endif
