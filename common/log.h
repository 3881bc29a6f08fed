/*
 * The daemons' log: one line a message, to syslog (facility mail) or to standard error.
 * Thread-safe once log_open() has returned. Control characters, and octets that are not UTF-8, are
 * replaced by '?', so that what a remote sender writes can neither forge a line nor speak to a
 * terminal. Messages over 2047 octets are cut. errno is left as it was.
 */
#ifndef POSTERN_LOG_H
#define POSTERN_LOG_H

#include <stdbool.h>

enum log_target { LOG_TO_STDERR, LOG_TO_SYSLOG };
enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* Call once, before threads start. `program` is a constant. Messages above `most` are dropped. */
void log_open(const char *program, enum log_target target, enum log_level most);

void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
