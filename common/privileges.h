/* Giving up root's privileges for good. */
#ifndef POSTERN_PRIVILEGES_H
#define POSTERN_PRIVILEGES_H

#include <sys/types.h>

/*
 * Makes the process run as `uid` and `gid`, without supplementary groups, unable to gain privileges
 * again. A process that is not root's keeps its user. Returns 0 or -errno; after an error the
 * process must end. Call it before threads start.
 */
int privileges_drop(uid_t uid, gid_t gid);

#endif
