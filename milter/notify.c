/* Tells systemd how the service is; see notify.h. */
#include "milter/notify.h"

#ifdef POSTERN_SYSTEMD
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#define LONGEST_STATUS 256

void notify_ready(void)
{
	sd_notify(0, "READY=1");
}

/* The time lets systemd tell this reload from an earlier one. */
void notify_reloading(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
		   (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_nsec / 1000);
}

void notify_stopping(void)
{
	sd_notify(0, "STOPPING=1");
}

void notify_status(const char *format, ...)
{
	char text[LONGEST_STATUS];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	/* a line break would begin another assignment */
	for (char *p = text; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	sd_notifyf(0, "STATUS=%s", text);
}

unsigned notify_interval(void)
{
	uint64_t microseconds = 0, half;

	if (sd_watchdog_enabled(0, &microseconds) <= 0)
		return 0;
	half = microseconds / 2000;
	if (half == 0)
		return 1;
	return half < INT_MAX ? (unsigned)half : INT_MAX;
}

void notify_alive(void)
{
	sd_notify(0, "WATCHDOG=1");
}

#else

void notify_ready(void)
{
}

void notify_reloading(void)
{
}

void notify_stopping(void)
{
}

void notify_status(const char *format, ...)
{
	(void)format;
}

unsigned notify_interval(void)
{
	return 0;
}

void notify_alive(void)
{
}

#endif
