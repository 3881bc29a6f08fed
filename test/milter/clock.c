/*
 * Preloaded into postern-milter, sets the clock that time(2) tells eleven minutes ahead as soon as
 * the file exists that STEPPED names. So the tests need not wait for what libmilter looks at every
 * ten minutes.
 */
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

time_t time(time_t *out)
{
	const char *file = getenv("STEPPED");
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (file && access(file, F_OK) == 0)
		now.tv_sec += 660;
	if (out)
		*out = now.tv_sec;
	return now.tv_sec;
}
