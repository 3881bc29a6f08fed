/*
 * Words to the service manager: sd_notify(3), and the sockets that it hands over.
 *
 * Without libsystemd at build time, or without a service manager at run time, the functions do
 * nothing. Thread-safe but for service_sockets(), as long as nobody changes the environment. The
 * manager is reached by a path, so not from inside a chroot.
 */
#ifndef POSTERN_SERVICE_NOTIFY_H
#define POSTERN_SERVICE_NOTIFY_H

#include <stdint.h>

void service_notify_ready(void);
void service_notify_reloading(void);
void service_notify_stopping(void);
void service_notify_watchdog(void);

/* One line of what goes on, for systemctl status; control characters become '?'. */
void service_notify_status(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* How often to call service_notify_watchdog(), in milliseconds; 0: no need to. */
int64_t service_notify_watchdog_period(void);

/*
 * How many sockets were handed over, or -errno; call it once. They are the descriptors from
 * SERVICE_FIRST_SOCKET on. `*names` is what each is called: an array that ends with NULL, to be
 * freed with service_names_free(); NULL when there are none.
 */
#define SERVICE_FIRST_SOCKET 3
int service_sockets(char ***names);

void service_names_free(char **names);

#endif
