/* Runs another program and collects what it writes to standard error. */
#ifndef POSTERN_RUN_H
#define POSTERN_RUN_H

#include "common/arena.h"

#include <stdbool.h>

/*
 * The absolute path of a program that administrators use, searched for in PATH and in /usr/sbin,
 * /sbin and /usr/local/sbin, which an ordinary user's PATH lacks. NULL: not installed.
 */
const char *run_find(struct arena *arena, const char *name);

/*
 * Runs `argv` (NULL-terminated; argv[0] is a path) without a shell, standard input and output being
 * /dev/null, in the C locale. Waits at most 60 seconds. Gives the exit status (128 + signal when
 * killed) and standard error, cut at 64 KiB. Returns 0 or -errno.
 */
int run_program(struct arena *arena, const char *const *argv, int *status, const char **errors);

/* The same, but gives standard output, and throws away standard error. */
int run_output(struct arena *arena, const char *const *argv, int *status, const char **output);

#endif
