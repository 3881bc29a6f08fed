/*
 * Checks around a UNIX socket that is about to be made, or was.
 *
 * Both set `cause`, a constant, to what went wrong when they fail. For the main thread: they look
 * at files that others may change meanwhile, so what they find holds for the folders of trusted
 * users.
 */
#ifndef POSTERN_MILTER_UNIX_SOCKET_H
#define POSTERN_MILTER_UNIX_SOCKET_H

#include <sys/types.h>

/*
 * Removes the socket that a process which is gone left behind, and nothing else. `path` must fit
 * into a sockaddr_un. Returns 0, also when there is nothing, -EEXIST when something other than a
 * socket is there, -EADDRINUSE when somebody listens, or another negative errno.
 */
int unix_socket_remove_stale(const char *path, const char **cause);

/*
 * Whether a socket came out with this mode, and this group unless that is -1: a folder with the
 * set-group-ID bit gives it its own. Returns 0, -EPERM, or another negative errno.
 */
int unix_socket_check_access(const char *path, mode_t mode, gid_t group, const char **cause);

#endif
