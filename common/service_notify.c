/* The service manager's protocols, by libsystemd; see service_notify.h. */
#include "common/service_notify.h"

#ifdef POSTERN_SYSTEMD

#include <stdarg.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#define LONGEST_STATUS 256

_Static_assert(SERVICE_FIRST_SOCKET == SD_LISTEN_FDS_START, "sd_listen_fds(3)");

void service_notify_ready(void)
{
	sd_notify(0, "READY=1");
}

void service_notify_reloading(void)
{
	struct timespec now;

	/* the time is what services of type notify-reload must tell */
	clock_gettime(CLOCK_MONOTONIC, &now);
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%lld",
		   (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
}

void service_notify_stopping(void)
{
	sd_notify(0, "STOPPING=1");
}

void service_notify_status(const char *format, ...)
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

void service_notify_watchdog(void)
{
	sd_notify(0, "WATCHDOG=1");
}

int64_t service_notify_watchdog_period(void)
{
	uint64_t microseconds;

	if (sd_watchdog_enabled(0, &microseconds) <= 0)
		return 0;
	/* half of it, as sd_watchdog_enabled(3) recommends */
	return microseconds / 2000 ? (int64_t)(microseconds / 2000) : 1;
}

int service_sockets(char ***names)
{
	char **found = NULL;
	int count = sd_listen_fds_with_names(1, &found);

	if (count > 0)
		*names = found;
	else
		service_names_free(found);
	return count;
}

#else

void service_notify_ready(void)
{
}

void service_notify_status(const char *format, ...)
{
	(void)format;
}

void service_notify_reloading(void)
{
}

void service_notify_stopping(void)
{
}

void service_notify_watchdog(void)
{
}

int64_t service_notify_watchdog_period(void)
{
	return 0;
}

int service_sockets(char ***names)
{
	(void)names;
	return 0;
}

#endif

void service_names_free(char **names)
{
	for (char **name = names; name && *name; name++)
		free(*name);
	free(names);
}
