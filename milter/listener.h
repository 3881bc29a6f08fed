/*
 * The socket that the mail server connects to: made with its mode and group, and not in the place
 * of another program's.
 */
#ifndef POSTERN_MILTER_LISTENER_H
#define POSTERN_MILTER_LISTENER_H

#include "milter/mfi.h"

/*
 * Begins to listen where the configuration says. A UNIX socket that nobody listens on is
 * replaced. It has its mode and group from its first moment. Call it before threads start: it
 * changes the umask and the effective group for a while. Returns 0 or -errno, with the failed step
 * in `*cause`, a constant.
 */
int listener_open(const struct service *service, const struct config *config, const char **cause);

/* Removes the UNIX socket, if the process may. New clients find nobody then. */
void listener_remove(const struct config *config);

#endif
