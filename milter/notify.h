/*
 * Tells systemd how the service is (Type=notify, Type=notify-reload, WatchdogSec=; sd_notify(3)).
 * Without a supervisor that listens, or built without libsystemd, the functions do nothing.
 * Thread-safe, as long as nobody changes the environment.
 */
#ifndef POSTERN_MILTER_NOTIFY_H
#define POSTERN_MILTER_NOTIFY_H

/* The service takes connections; also after a reload. */
void notify_ready(void);

/* A new configuration is being read; notify_ready() must follow, whatever comes of it. */
void notify_reloading(void);

/* The service ends. */
void notify_stopping(void);

/* One line of what goes on, for systemctl status. Control characters become '?'. */
void notify_status(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * Milliseconds after which notify_alive() must be called again: half of what the supervisor
 * tolerates. 0: it does not watch. Ask after daemon(3), for it is about this process.
 */
unsigned notify_interval(void);

/* The service is alive. Only who has seen that it works may say so. */
void notify_alive(void);

#endif
